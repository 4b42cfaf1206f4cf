/* SPDX-License-Identifier: Apache-2.0 */
/* A timer of the loop that tells the supervisor that it still turns (watchdog.h). */
#include "net/watchdog.h"

#include "net/notify.h"

#include <stdlib.h>
#include <unistd.h>

/* A year: more is no period, and would not fit a timer. */
#define PERIOD_US_MAX (INT64_C(365) * 86400 * 1000000)

int64_t
watchdog_period_us(const char *usec, const char *pid, int64_t own_pid)
{
	uint64_t n, p;

	if (usec == NULL || !slice_u64(slice_str(usec), &n) || n == 0 ||
	    n > (uint64_t)PERIOD_US_MAX)
		return 0;
	/* Without a process the signs are whoever's has the variable. */
	if (pid != NULL && (!slice_u64(slice_str(pid), &p) || p != (uint64_t)own_pid))
		return 0;
	return (int64_t)n;
}

/* Who is not heard now is heard next time, or the supervisor acts: nothing is to be done here. */
static void
on_timer(struct loop_timer *t)
{
	struct watchdog *w = list_of(t, struct watchdog, timer);

	if (w->well == NULL || w->well(w))
		(void)notify("WATCHDOG=1");
	loop_timer_set(w->loop, &w->timer, w->pause_us);
}

void
watchdog_start(struct watchdog *w, struct loop *l)
{
	w->pause_us =
	    watchdog_period_us(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), getpid()) / 2;
	if (w->pause_us == 0)
		return;
	w->loop = l;
	w->timer.fn = on_timer;
	loop_timer_set(l, &w->timer, 0);
}

void
watchdog_stop(struct watchdog *w)
{
	if (w->loop != NULL)
		loop_timer_stop(w->loop, &w->timer);
	w->loop = NULL;
}
