/* SPDX-License-Identifier: Apache-2.0 */
/* A timer that connects now and then to see whether an origin is back; see look.h. */
#include "agent/serve/look.h"

#include "base/rand.h"
#include "net/proxyproto.h"

/* How long a connection must stay: what listens for another, or falls over at
 * once, has not come. */
#define STAY_US 1000000

/* clang-format off */
static const unsigned predecessors[] = {
	[LOOK_OFF] = 1 << LOOK_PAUSE | 1 << LOOK_DIAL | 1 << LOOK_STAY, /* born in it */
	/* PAUSE: no memory to dial */
	[LOOK_PAUSE] = 1 << LOOK_OFF | 1 << LOOK_PAUSE | 1 << LOOK_DIAL | 1 << LOOK_STAY,
	[LOOK_DIAL] = 1 << LOOK_PAUSE,
	[LOOK_STAY] = 1 << LOOK_DIAL,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct look *l, enum look_state to)
{
	check(predecessors[to] & 1u << l->state);
	check((l->conn != NULL) == (to == LOOK_DIAL || to == LOOK_STAY));
	l->state = to;
}

/* Until the next look: the pause, and up to as much again, so that the agents of one origin do
 * not come in step. */
static void
wait(struct look *l)
{
	int64_t ms = l->pause_ms + (int64_t)rand_below((uint64_t)l->pause_ms);

	move(l, LOOK_PAUSE);
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

	check(l->conn == c);
	move(l, LOOK_STAY);
	loop_timer_set(l->origin->shared->loop, &l->timer, STAY_US);
}

/* It is not back yet. */
static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	struct look *l = c->owner;

	(void)code;
	(void)why;
	check(l->conn == c && l->state == LOOK_DIAL);
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
	char byte, header[PROXYPROTO_BYTES_MAX];
	size_t n;
	bool stays;

	check(l->state == LOOK_PAUSE || l->state == LOOK_STAY);
	if (l->state == LOOK_PAUSE) {
		l->conn = origin_dial(l->origin,
		    slice_of(header, origin_header(l->origin, NULL, header)), &ops, l);
		if (l->conn == NULL)
			wait(l);
		else
			move(l, LOOK_DIAL);
		return;
	}
	/* Neither bytes nor an end: whatever listens there keeps its connections. */
	stays = conn_read(&l->conn->conn, &byte, 1, &n) == IO_WAIT;
	give_up_conn(l);
	if (!stays) {
		wait(l);
		return;
	}
	move(l, LOOK_OFF);
	l->back(l);
}

void
look_wanted(struct look *l, struct origin *o, bool waits)
{
	if (!waits) {
		look_stop(l);
		return;
	}
	if (l->state != LOOK_OFF || !l->down)
		return;
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
	if (l->state != LOOK_OFF) {
		loop_timer_stop(l->origin->shared->loop, &l->timer);
		give_up_conn(l);
		move(l, LOOK_OFF);
	}
	l->pause_ms = 0;
}
