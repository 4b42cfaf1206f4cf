/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Password hashes are slow on purpose, so they are computed by one thread of its own, with a queue
 * that is bounded: a flood of guesses costs one core at the most and delays nobody who was here
 * before (policy_judge() remembers them).
 */
#ifndef ADIT_EDGE_PASSWORD_H
#define ADIT_EDGE_PASSWORD_H

#include "hook/policy.h"
#include "net/loop.h"

struct password_thread;

struct password_job {
	struct loop_mail mail; /* fn is called on `loop` when it is done */
	struct loop *loop;
	struct policy *policy; /* a reference, the job's until done */
	char authorization[768];
	size_t n;
	bool good;                 /* out */
	struct password_job *next; /* private */
};

struct password_thread *password_start(void) must_use;
/* Jobs that wait are done as not good. */
void password_stop(struct password_thread *t);
/* False when the queue is full: 503. */
bool password_submit(struct password_thread *t, struct password_job *job) must_use;

#endif
