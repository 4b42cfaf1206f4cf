/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of an attempt: its way to the origin and back (attempt.c),
 * and its end (attempt_end.c). */
#ifndef ADIT_EDGE_INBOX_ATTEMPT_PRIVATE_H
#define ADIT_EDGE_INBOX_ATTEMPT_PRIVATE_H

#include "edge/core/errand.h"
#include "edge/inbox/courier_private.h"
#include "hook/result.h"

/* A delivery that is not with the agent after this is on a slow line; how often it is looked. */
#define LINE_US (2 * 1000 * 1000)

/* One delivery under way. */
struct attempt {
	struct courier *courier;
	struct inbox_delivery item;
	struct flow flow;
	struct h1 res;
	bool has_head, settling;
	bool arrived;               /* whole with the agent's kernel */
	uint64_t sent_mark;         /* carrier_mark() of its end, 0: it is not in the link yet */
	uint32_t silent_ms;         /* how long the origin may be silent from there */
	int64_t start_us, since_us; /* since: it arrived */
	uint16_t status;
	int64_t retry_after_ms;
	bool jenkins, cut; /* cut: its answer is longer than what is kept of it */
	char location[256];
	struct buf head;   /* of the answer, for a waiter */
	struct buf answer; /* its first bytes, of which fewer are kept */
	struct courier_waiter *waiter;
	struct loop_timer timer; /* on_look(); then on_full() */
	struct inbox_req req;    /* SETTLE */
	struct errand errand;
	struct loop_grave grave;
};

/* --- attempt_told.c --- */

/* To an agent that watches: it is on its way; the store has settled it. */
void attempt_tell_begun(struct attempt *r);
void attempt_tell_ended(struct attempt *r);

/* --- attempt_end.c --- */

/* It is with the agent, or nowhere any more. */
void attempt_arrived(struct attempt *r);
/* The answer is there, as much of it as is needed: it is judged. */
void attempt_answered(struct attempt *r);
/* What the attempt was worth, and when the next one is. code, text, advice: for people. */
void attempt_conclude(struct attempt *r, enum result_class class, const char *code,
    const char *text, const char *advice);
/* The state that the delivery goes to. tried: it counts as an attempt. The attempt is freed behind
 * the store's answer. */
void attempt_settle(struct attempt *r, enum inbox_state to, int64_t delay_ms, bool tried,
    const char *reason, const char *text, const char *advice);

#endif
