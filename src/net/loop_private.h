/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the real loop and its simulated twin share: timers, tasks, mail, graves and
 * the memory of the thread (loop.c).  Each of the two embeds struct loop first.
 */
#ifndef ADIT_NET_LOOP_PRIVATE_H
#define ADIT_NET_LOOP_PRIVATE_H

#include "net/loop.h"

#include <stdatomic.h>

struct loop {
	int64_t now_us;
	struct loop_timer **heap; /* binary, by at_us; heap[0] is not used */
	size_t n_timers, cap_timers;
	struct list again; /* of struct loop_io */
	struct list doubted;
	struct loop_timer doubt; /* runs while somebody is doubted */
	struct list tasks;
	struct loop_grave *graves;
	_Atomic(struct loop_mail *) mail; /* newest first */
	char *scratch;
	struct pool chunks;
	size_t n_watched;
	bool stopped;
};

int loop_core_init(struct loop *l) must_use;
/* Checks that everything was given back. */
void loop_core_fini(struct loop *l);

/* Marks an io as watched / not watched. */
void loop_core_watch(struct loop *l, struct loop_io *io);
void loop_core_unwatch(struct loop_io *io);
/* Calls io->fn with these events and those that loop_again() had noted. */
void loop_core_dispatch(struct loop_io *io, unsigned events);

/* When the next timer is due, INT64_MAX for none. */
int64_t loop_core_due_us(const struct loop *l);
/* Work waits that needs no event from outside. */
bool loop_core_busy(const struct loop *l);
/* The steps of a turn behind the kernel's events, in order. `again` was taken
 * when the turn began. */
void loop_core_turn(struct loop *l, struct list *again);

/* Of loop_epoll.c and loop_sim.c: makes loop_run() look at the mail. From any thread. */
void loop_wake(struct loop *l);

#endif
