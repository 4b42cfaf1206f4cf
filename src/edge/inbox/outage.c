/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After an outage of the origin: what waits is not left to its schedule.  The agent is told that
 * something waits, looks at the origin, and says when it accepts connections again; then one
 * delivery is tried, and all the others behind the first answer.  An origin that is only getting
 * ready keeps them waiting (HOLD), one that takes its time over the first does not.
 */
#include "edge/inbox/courier_private.h"

#include "tunnel/hello.h"

#include <stdlib.h>

/* The first one has been taken and is at work: the rest need not wait for its answer. */
#define REST_US (5 * 1000 * 1000)
/* An agent that says all the time that the origin is back is no reason to try all the time. */
#define AGAIN_US (1000 * 1000)

/* No memory: the schedule goes on as it would. */
static void
say(struct courier *c, bool waits)
{
	struct hello *h = calloc(1, sizeof(*h));
	struct buf out;

	if (h == NULL)
		return;
	h->type = HELLO_WAITING;
	h->id = c->tunnel->id;
	h->waits = waits;
	buf_init(&out, 256);
	hello_encode(h, &out);
	if (!out.failed)
		carrier_control(c->tunnel->carrier, buf_slice(&out));
	buf_fini(&out);
	free(h);
}

void
courier_unanswered(struct courier *c)
{
	if (c->tunnel == NULL)
		return;
	c->waits = true;
	say(c, true);
}

void
courier_rest(struct courier *c)
{
	if (!c->waits)
		return;
	c->waits = false;
	loop_timer_stop(c->worker->loop, &c->rest);
	if (c->tunnel == NULL)
		return;
	say(c, false);
	c->wake = COURIER_WAKE_ALL;
	courier_kick(c);
}

/* An attempt under way may yet find no origin: then something waits again. */
void
courier_none_waits(struct courier *c)
{
	if (c->waits && c->n_attempts == 0)
		say(c, false);
	c->waits = c->waits && c->n_attempts > 0;
}

/* The first one is still at work, and was not refused: the origin is there. */
void
courier_on_rest(struct loop_timer *t)
{
	struct courier *c = list_of(t, struct courier, rest);

	check(c->tunnel != NULL); /* courier_close() stops the timer */
	if (c->n_attempts > 0)
		courier_rest(c);
}

void
courier_origin(struct courier *c)
{
	int64_t now = loop_now_us(c->worker->loop);

	check(c->tunnel != NULL); /* else the timer would outlive the courier */
	if (!c->waits || (c->origin_us != 0 && now - c->origin_us < AGAIN_US))
		return;
	c->origin_us = now;
	c->wake = COURIER_WAKE_ONE;
	loop_timer_set(c->worker->loop, &c->rest, REST_US);
	courier_kick(c);
}
