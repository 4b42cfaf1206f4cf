/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs of life for the supervisor: systemd's WatchdogSec= (sd_watchdog_enabled(3)).  They come from
 * the loop itself, two in each period, so that a loop that hangs is missed.
 */
#ifndef ADIT_NET_WATCHDOG_H
#define ADIT_NET_WATCHDOG_H

#include "net/loop.h"

struct watchdog {
	/* Asked before each sign; false: there is none this time. NULL: the loop alone is meant. */
	bool (*well)(struct watchdog *w);
	/* private */
	struct loop *loop;
	struct loop_timer timer;
	int64_t pause_us; /* 0: nobody wants signs */
};

/*
 * From WATCHDOG_USEC and WATCHDOG_PID: the microseconds after which a program without a sign of life
 * is ended; 0: nobody counts, or it is another process that is counted.
 */
int64_t watchdog_period_us(const char *usec, const char *pid, int64_t own_pid);

/* The first sign goes at once. The caller has set well; the environment says whether any is wanted. */
void watchdog_start(struct watchdog *w, struct loop *l);
/* Harmless where it was never started. */
void watchdog_stop(struct watchdog *w);

#endif
