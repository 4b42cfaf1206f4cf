/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of intake: reading and checking (intake.c),
 * storing and answering (intake_store.c). */
#ifndef ADIT_EDGE_VISIT_INTAKE_PRIVATE_H
#define ADIT_EDGE_VISIT_INTAKE_PRIVATE_H

#include "edge/core/incident.h"
#include "edge/inbox/courier.h"
#include "edge/visit/intake.h"
#include "hook/event.h"
#include "store/inbox.h"
#include "tunnel/activity.h"

struct intake {
	struct exchange *x; /* NULL: the visitor has gone */
	struct worker *worker;
	struct policy *policy;
	struct buf raw;    /* the head as it came: signatures are over it */
	struct buf head;   /* the head as it will go into a stream */
	struct buf stored; /* the head as it is stored: sealed */
	struct buf body;
	uint64_t body_max;
	struct share share; /* of worker->visit->intake_shares */
	size_t kib;         /* that it has taken of them */
	struct event event;
	enum activity_verdict verdict; /* of its signature */
	char dedupe[sizeof(((struct event *)NULL)->dedupe) + sizeof(((struct event *)NULL)->print)];
	char name[DIRECTORY_KEY_BYTES];
	struct inbox_req req;
	struct inbox_copy copies[LIMIT_FAN_OUT];
	struct errand errand;
	bool storing;
	struct courier_waiter waiter; /* relay: the origin's answer is awaited */
	struct loop_timer timer;
};

/* --- intake.c --- */

void intake_free(struct intake *in);
/* The exchange goes on, or ends, with an answer: the intake is not needed any more. */
struct exchange *intake_detach(struct intake *in);
void intake_refuse(struct intake *in, enum close_code code);
/* For the doctor. */
void intake_note(const struct intake *in, enum incident_kind kind, struct slice text);
/* Counts its buffers as they are now. False: all webhooks of the worker together hold as much as
 * they may, and nobody makes room. */
bool intake_charge(struct intake *in) must_use;

/* --- intake_told.c --- */

/* To the agent, where it watches: it is refused (before that is done), and why; a connection test was
 * answered; it is stored. policy, text: as in struct refusal. */
void intake_tell_refused(struct intake *in, enum close_code code, const char *policy,
    enum activity_verdict verdict, const char *text);
void intake_tell_ping(struct intake *in, unsigned status, const char *name,
    enum activity_verdict verdict);
void intake_tell_stored(struct intake *in);

/* --- intake_store.c --- */

/* It is whole and may be stored: the answer follows the commit. */
void intake_store(struct intake *in, const struct hook_request *req);
/* Of `timer`: the origin has not answered in time. */
void intake_on_late(struct loop_timer *t);

#endif
