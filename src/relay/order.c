/* SPDX-License-Identifier: Apache-2.0 */
/* Drives one case of a CA: requests, waits, and what the owner does in between. */
#include "relay/order.h"

#include "base/clock.h"
#include "relay/acme_call.h"

#include <stdlib.h>

enum order_state { ORDER_RUNS, ORDER_SENDS, ORDER_WAITS, ORDER_STORES, ORDER_SHOWS, ORDER_OVER };

struct order {
	enum order_state state;
	struct order_params p;
	struct acme *acme;
	struct loop_timer timer;
	struct loop_grave grave;
	struct acme_call call; /* of SENDS */
};

/* clang-format off */
static const unsigned predecessors[] = {
	[ORDER_RUNS] = 1 << ORDER_SENDS | 1 << ORDER_WAITS | 1 << ORDER_STORES | 1 << ORDER_SHOWS,
	[ORDER_SENDS] = 1 << ORDER_RUNS,
	[ORDER_WAITS] = 1 << ORDER_RUNS | 1 << ORDER_STORES,
	[ORDER_STORES] = 1 << ORDER_RUNS,
	[ORDER_SHOWS] = 1 << ORDER_RUNS,
	[ORDER_OVER] = 1 << ORDER_RUNS | 1 << ORDER_SENDS | 1 << ORDER_WAITS | 1 << ORDER_STORES |
	    1 << ORDER_SHOWS,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct order *o, enum order_state to)
{
	check(predecessors[to] & 1u << o->state);
	o->state = to;
}

static int64_t
now_s(void)
{
	return clock_wall_ms() / 1000;
}

/* Out of whatever called: neither a fetch nor the owner is called back into. */
static void
later(struct order *o, int64_t us)
{
	loop_timer_set(o->p.loop, &o->timer, us);
}

/* --- requests --- */

static void
on_answer(void *owner)
{
	later(owner, 1);
}

static void
take_answer(struct order *o)
{
	const char *why = acme_call_take(&o->call, o->acme, now_s());

	if (why != NULL)
		o->p.ops->unanswered(o->p.owner, why);
	acme_call_end(&o->call);
}

/* --- steps --- */

static void
wait_until(struct order *o, int64_t until_s)
{
	int64_t ms = until_s * 1000 - clock_wall_ms();

	move(o, ORDER_WAITS);
	later(o, (ms > 0 ? ms : 1) * 1000);
}

/* One step: what it leads to ends in later(), or in a call of the owner's. */
static void
go_on(struct order *o)
{
	struct acme_step s;

	check(o->state == ORDER_RUNS);
	s = acme_next(o->acme, now_s());
	switch (s.what) {
	case ACME_STORE:
		move(o, ORDER_STORES);
		/* The account first: a case of an account whose key is lost would be worth nothing. */
		o->p.ops->store(o->p.owner, s.store.ca);
		return;
	case ACME_SEND:
		move(o, ORDER_SENDS);
		acme_call_send(&o->call, o->p.loop, o->p.tls, o->p.program, &s.request, on_answer,
		    o);
		return;
	case ACME_WAIT:
		wait_until(o, s.until_s);
		return;
	case ACME_PUBLISH:
		move(o, ORDER_SHOWS);
		o->p.ops->show(o->p.owner, s.challenge);
		return;
	case ACME_READY:
	case ACME_DONE:
	case ACME_FAILED:
		move(o, ORDER_OVER);
		o->p.ops->over(o->p.owner, &s);
		return;
	}
}

static void
on_timer(struct loop_timer *t)
{
	struct order *o = list_of(t, struct order, timer);

	check(o->state != ORDER_STORES && o->state != ORDER_SHOWS && o->state != ORDER_OVER);
	if (o->state == ORDER_SENDS)
		take_answer(o);
	if (o->state != ORDER_RUNS)
		move(o, ORDER_RUNS);
	go_on(o);
}

struct order *
order_start(const struct order_params *p, struct acme *acme)
{
	struct order *o = calloc(1, sizeof(*o));

	check(acme != NULL && p->tls != NULL);
	if (o == NULL) {
		acme_free(acme);
		return NULL;
	}
	o->p = *p;
	o->p.tls = tls_client_ref(p->tls);
	o->acme = acme;
	o->timer.fn = on_timer;
	later(o, 1);
	return o;
}

struct acme *
order_case(const struct order *o)
{
	return o->acme;
}

void
order_stored(struct order *o, bool ok)
{
	check(o->state == ORDER_STORES);
	move(o, ok ? ORDER_RUNS : ORDER_WAITS);
	later(o, ok ? 1 : (int64_t)LIMIT_CERT_STORE_MS * 1000);
}

void
order_shown(struct order *o, const char *why)
{
	check(o->state == ORDER_SHOWS);
	if (why == NULL)
		acme_published(o->acme);
	else
		acme_unpublishable(o->acme, why);
	move(o, ORDER_RUNS);
	later(o, 1);
}

static void
on_grave(struct loop_grave *g)
{
	struct order *o = list_of(g, struct order, grave);

	check(o->state == ORDER_OVER && o->call.fetch == NULL);
	acme_free(o->acme);
	tls_client_unref(o->p.tls);
	free(o);
}

void
order_end(struct order *o)
{
	if (o == NULL)
		return;
	loop_timer_stop(o->p.loop, &o->timer);
	acme_call_end(&o->call);
	if (o->state != ORDER_OVER)
		move(o, ORDER_OVER);
	loop_bury(o->p.loop, &o->grave, on_grave);
}
