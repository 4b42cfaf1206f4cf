/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of courier: its queue side (courier.c), one delivery on its way
 * (attempt.c), and what of it is sent (attempt_send.c). */
#ifndef ADIT_EDGE_INBOX_COURIER_PRIVATE_H
#define ADIT_EDGE_INBOX_COURIER_PRIVATE_H

#include "edge/inbox/courier.h"
#include "relay/flow.h"

/* After the store could not: the disk may have space again. */
#define STORE_PAUSE_US (2 * 1000 * 1000)

struct courier {
	struct worker *worker;
	struct tunnel *tunnel; /* NULL after courier_close() */
	struct policy *policy;
	char account[64], name[64];
	struct inbox_req ask; /* WAKE once, then LEASE */
	struct errand errand;
	bool asking, again;
	unsigned n_attempts;
	size_t attempt_bytes; /* deliveries of the runs */
	size_t line_bytes;    /* those of them that are not known to be with the agent */
	size_t line_max;      /* that may be: few on a slow line */
	size_t asked_bytes;   /* that leases on their way to the store may bring */
	int64_t hold_until_us;
	struct rates_bucket bucket;
	struct loop_timer timer;
	bool waits;        /* something waits because the origin did not answer */
	int64_t origin_us; /* when the agent said last that it is back */
	enum { COURIER_WAKE_NONE, COURIER_WAKE_ONE, COURIER_WAKE_ALL } wake; /* to be asked for */
	struct loop_timer rest;
	struct loop_grave grave;
};

/* --- attempt.c --- */

/* A leased item that cannot be sent goes back as it was, also after courier_close(); item is moved,
 * without memory it stays leased until the next start of the edge: late, not lost. */
void courier_return(struct courier *c, struct inbox_delivery *item);

/* --- courier.c --- */

/*
 * With a delivery's settlement the next one is leased for its place, in one commit: else each would
 * wait for the disk twice, one after the other.  Fills in what req leases, if anything.
 */
void courier_ask_next(struct courier *c, struct inbox_req *req, size_t bytes);
/* A settlement is done: what it leased is begun, the delivery of `bytes` is not under way any more.
 * The courier may be freed at the end of the turn. */
void courier_ended(struct courier *c, struct inbox_req *settled, size_t bytes);

/* A delivery of `bytes` is with the agent, or under way no more; soon: the line was not slow. */
void courier_arrived(struct courier *c, size_t bytes, bool soon);
/* One is still on the line; first: this is the first time that it is told of it. */
void courier_slow(struct courier *c, bool first);

/* --- outage.c --- */

/* An attempt found no origin, or one that did not answer; it had an answer, other than "getting
 * ready"; nothing is left that waits. */
void courier_unanswered(struct courier *c);
void courier_rest(struct courier *c);
void courier_none_waits(struct courier *c);
/* Of `rest`. */
void courier_on_rest(struct loop_timer *t);

/* --- attempt_send.c --- */

/* Opening, head, our own fields and body of a stored delivery into the flow's stream. */
int courier_send(struct courier *c, const struct inbox_delivery *item, struct flow *f) must_use;

#endif
