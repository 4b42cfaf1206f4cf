/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM and SIGINT.  They are told to the main loop, and they start a clock at whose end the
 * process ends whatever its threads do: a disk that does not answer, a log that nobody reads.  That
 * loses nothing, since nothing is acknowledged before it is stored.
 */
#ifndef ADIT_EDGE_DAEMON_STOP_H
#define ADIT_EDGE_DAEMON_STOP_H

#include "base/check.h"
#include "net/loop.h"

struct stop {
	struct loop_io io; /* fd -1: not watched */
	void (*asked)(struct stop *s);
};

/* Blocks both signals, for this thread and those that it starts. -1 and errno. */
int stop_init(struct stop *s, struct loop *l, void (*asked)(struct stop *s)) must_use;
/* The threads are there: this one takes the signals from now on. */
void stop_listen(void);
/* Blocks them again; the clock that a first signal has started runs on. */
void stop_fini(struct stop *s);

/* What drain_ms makes of the time: connections are cut then, so that the rest fits in. */
int64_t stop_cut_ms(int64_t drain_ms);
/* The time from a first signal, or from stop_begin(), to the end. */
void stop_use(int64_t drain_ms);
void stop_begin(void);

#endif
