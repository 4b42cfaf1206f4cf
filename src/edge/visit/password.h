/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Password hashes are slow on purpose, so they are computed by one thread of its own, which the
 * accounts share fairly: whose next guess is due is decided by how many of an account's were before
 * it, so a flood of guesses at one account's tunnels delays another account by one hash.  The queue
 * is bounded, as a whole and for an account.  Who asks with the same credentials as somebody who
 * waits already shares his answer.
 */
#ifndef ADIT_EDGE_VISIT_PASSWORD_H
#define ADIT_EDGE_VISIT_PASSWORD_H

#include "edge/core/errand.h"
#include "hook/policy.h"

struct password_thread;

enum password_result { PASSWORD_WRONG, PASSWORD_RIGHT, PASSWORD_STOPPED };

struct password_job {
	struct errand errand;  /* of who asks; ends when it is done */
	struct policy *policy; /* a reference, the job's until done */
	char account[64];      /* whose tunnel it is */
	char authorization[768];
	size_t n;
	enum password_result result; /* out */
	/* private */
	struct list node;
	struct password_job *same; /* who asked the same and shares the answer */
	uint64_t turn;
	unsigned n_same;
};

struct password_thread *password_start(void) must_use;
/* Jobs that wait or are computed are done as stopped, and no new ones are taken. Waits for no hash:
 * a thread that computes one is left to itself. */
void password_stop(struct password_thread *t);
/* After password_stop(), when nobody submits any more. */
void password_free(struct password_thread *t);

enum password_taken {
	PASSWORD_QUEUED,
	PASSWORD_SHARED, /* with an earlier job: it costs nothing */
	PASSWORD_FULL,   /* 503; the job stays the caller's */
};
/* back() is called on the home's loop when the job is done, unless it is not taken. */
enum password_taken password_submit(struct password_thread *t, struct password_job *job,
    struct errands *home, void (*back)(struct errand *e)) must_use;

#endif
