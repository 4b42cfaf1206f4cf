/* SPDX-License-Identifier: Apache-2.0 */
/* A timer that connects now and then to see whether an origin is back; see look.h. */
#include "agent/serve/look.h"

#include "base/rand.h"

/* How long a connection must stay: what listens for another, or falls over at
 * once, has not come. */
#define STAY_US 1000000

/* Until the next look: the pause, and up to as much again, so that the agents of one origin do
 * not come in step. */
static void
wait(struct look *l)
{
	int64_t ms = l->pause_ms + (int64_t)rand_below((uint64_t)l->pause_ms);

	check(l->looking && l->conn == NULL);
	check(l->pause_ms >= LIMIT_LOOK_MS && l->pause_ms <= LIMIT_LOOK_MS_MAX);
	loop_timer_set(l->origin->shared->loop, &l->timer, ms * 1000);
}

static void
give_up_conn(struct look *l)
{
	if (l->conn != NULL)
		origin_drop(l->conn);
	l->conn = NULL;
}

static void
on_ready(struct origin_conn *c)
{
	struct look *l = c->owner;

	check(l->looking && l->conn == c);
	loop_timer_set(l->origin->shared->loop, &l->timer, STAY_US);
}

/* It is not back yet. */
static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	struct look *l = c->owner;

	(void)code;
	(void)why;
	check(l->looking && l->conn == c);
	l->conn = NULL;
	wait(l);
}

/* An end is seen when the time is over. */
static void
on_event(struct origin_conn *c, unsigned events)
{
	(void)c;
	(void)events;
}

static const struct origin_ops ops = {
	.ready = on_ready,
	.failed = on_failed,
	.event = on_event,
};

/* The next look is due, or a connection has stayed for as long as it must. */
static void
on_timer(struct loop_timer *t)
{
	struct look *l = list_of(t, struct look, timer);
	char byte;
	size_t n;
	bool stays;

	check(l->looking);
	if (l->conn == NULL) {
		l->conn = origin_connect(l->origin, &ops, l);
		if (l->conn == NULL)
			wait(l);
		return;
	}
	stays = conn_read(&l->conn->conn, &byte, 1, &n) == IO_WAIT;
	give_up_conn(l);
	if (!stays) {
		wait(l);
		return;
	}
	l->looking = false;
	l->back(l);
}

void
look_wanted(struct look *l, struct origin *o, bool waits)
{
	if (!waits) {
		look_stop(l);
		return;
	}
	if (l->looking || !l->down)
		return;
	l->looking = true;
	l->origin = o;
	l->timer.fn = on_timer;
	l->pause_ms = l->pause_ms == 0 ? LIMIT_LOOK_MS : 2 * l->pause_ms;
	if (l->pause_ms > LIMIT_LOOK_MS_MAX)
		l->pause_ms = LIMIT_LOOK_MS_MAX;
	wait(l);
}

void
look_stop(struct look *l)
{
	if (l->looking) {
		loop_timer_stop(l->origin->shared->loop, &l->timer);
		give_up_conn(l);
	}
	check(l->conn == NULL);
	l->looking = false;
	l->pause_ms = 0;
}
