/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares calls back from the middle of its own work, where its channel may not be freed; so the
 * answer is kept until a task at the end of the turn gives it to the owner.
 */
#include "net/question.h"

#include "net/ares_loop.h"

#include <stdlib.h>

/* For one server; c-ares waits longer the second time. */
#define ASK_MS 2000
#define ASK_TRIES 2
#define CLASS_IN 1
#define EDNS_BYTES 1232 /* what passes every network in one piece */

struct question_private {
	struct question *q; /* NULL: cancelled */
	struct ares_loop ares;
	struct loop_task report;
	unsigned char *message; /* malloced; NULL: none */
	size_t n;
};

static void
on_report(struct loop_task *t)
{
	struct question_private *p = list_of(t, struct question_private, report);
	struct question *q = p->q;

	/* A question that still runs is answered by this close. */
	ares_loop_close(&p->ares);
	loop_task_cancel(&p->report);
	check(q == NULL || q->private == p);
	/* The owner may ask anew at once. */
	if (q != NULL) {
		q->private = NULL;
		q->done(q, slice_of(p->message, p->n));
	}
	free(p->message);
	free(p);
}

/* A status that says no comes with the message that says it; one of c-ares' own comes without. */
static void
on_answer(void *arg, int status, int timeouts, unsigned char *message, int n)
{
	struct question_private *p = arg;

	(void)status;
	(void)timeouts;
	if (message != NULL && n > 0 && p->message == NULL &&
	    (p->message = malloc((size_t)n)) != NULL) {
		memcpy(p->message, message, (size_t)n);
		p->n = (size_t)n;
	}
	loop_at_end(p->ares.loop, &p->report);
}

bool
question_start(struct loop *l, struct question *q, enum question_whom whom, const char *servers,
    const char *name, int type)
{
	struct question_private *p = calloc(1, sizeof(*p));
	/* NOCHECKRESP: an answer that says no is an answer, and no reason to ask the next one. */
	struct ares_options options = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS |
			 (whom == QUESTION_AUTHORITY ? ARES_FLAG_NORECURSE : 0),
		.timeout = ASK_MS,
		.tries = ASK_TRIES,
		.ednspsz = EDNS_BYTES,
	};

	check(q->private == NULL);
	if (p == NULL)
		return false;
	p->q = q;
	q->private = p;
	loop_task_init(&p->report, on_report);
	ares_loop_init(&p->ares, l);
	if (!ares_loop_open(&p->ares, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ, servers)) {
		loop_at_end(l, &p->report);
		return true;
	}
	ares_query(p->ares.channel, name, CLASS_IN, type, on_answer, p);
	ares_loop_tick(&p->ares);
	return true;
}

void
question_cancel(struct question *q)
{
	struct question_private *p = q->private;

	if (p == NULL)
		return;
	check(p->q == q);
	p->q = NULL;
	q->private = NULL;
	loop_at_end(p->ares.loop, &p->report);
}
