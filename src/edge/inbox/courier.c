/* SPDX-License-Identifier: Apache-2.0 */
/* The queue side of a courier: leases what may be under way, and waits for the rest. */
#include "edge/inbox/courier_private.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* What may be on the line to the agent at once, one delivery is always: so much at first, and on
 * the slowest line; where it is fast, LIMIT_COURIER_BYTES. */
#define LINE_BYTES_FIRST (512 * 1024)
#define LINE_BYTES_MIN (64 * 1024)
/* A lease asks for no more for each place, so that all of those on their way together have a part
 * of the room; what is larger is leased when no other is. */
#define PLACE_BYTES (LIMIT_COURIER_BYTES / LIMIT_INBOX_LEASE)

static void submit(struct courier *c, enum inbox_op op);

/* --- the end of a courier --- */

static void
on_grave(struct loop_grave *g)
{
	struct courier *c = list_of(g, struct courier, grave);

	/* Whatever was counted for a delivery was taken back with its end. */
	check(c->tunnel == NULL && !c->asking && c->n_attempts == 0);
	check(c->attempt_bytes == 0 && c->line_bytes == 0 && c->asked_bytes == 0);
	inbox_req_fini(&c->ask);
	policy_unref(c->policy);
	free(c);
}

/*
 * With the last of what is under way; nobody has a pointer to a courier without a tunnel
 * but its own questions and attempts.
 */
static void
maybe_free(struct courier *c)
{
	if (c->tunnel == NULL && !c->asking && c->n_attempts == 0)
		loop_bury(c->worker->loop, &c->grave, on_grave);
}

/* Begins what was leased, or gives it back. */
static void
carry(struct courier *c, struct inbox_req *req, struct inbox_leases *asked)
{
	for (size_t i = 0; i < req->n_items; i++)
		if (c->tunnel == NULL || courier_carry(c, &req->items[i], NULL) != 0)
			courier_return(c, &req->items[i]);
	check(c->asked_bytes >= asked->bytes_max);
	c->asked_bytes -= asked->bytes_max;
	asked->bytes_max = 0;
}

void
courier_ended(struct courier *c, struct inbox_req *settled, size_t bytes)
{
	/*
	 * The store has looked with this very commit, and has found no more: it need not
	 * be asked again.
	 */
	bool knows =
	    settled->settle.leases.n_max > 0 && settled->result == STORE_OK && !settled->more;

	carry(c, settled, &settled->settle.leases);
	check(c->n_attempts > 0 && c->attempt_bytes >= bytes);
	c->n_attempts--;
	c->attempt_bytes -= bytes;
	maybe_free(c);
	if (c->tunnel == NULL)
		worker_check_idle(c->worker);
	else if (!knows || c->again || c->hold_until_us > loop_now_us(c->worker->loop))
		courier_kick(c);
	else if (!c->asking && settled->wait_ms >= 0)
		loop_timer_set(c->worker->loop, &c->timer, (settled->wait_ms + 1) * 1000);
	else if (!c->asking)
		courier_none_waits(c);
}

/*
 * A line is slow when a delivery is not with the agent after a while: four that share it would take
 * four times as long, and with them every other stream of the link.
 */
void
courier_arrived(struct courier *c, size_t bytes, bool soon)
{
	check(c->line_bytes >= bytes);
	c->line_bytes -= bytes;
	if (soon && c->line_max < LIMIT_COURIER_BYTES)
		c->line_max *= 2;
}

void
courier_slow(struct courier *c, bool first)
{
	if (first && c->line_max > LINE_BYTES_MIN)
		c->line_max /= 2;
}

/* --- leases --- */

static void
on_asked(struct errand *e)
{
	struct courier *c = list_of(e, struct courier, errand);

	check(c->asking);
	c->asking = false;
	if (c->ask.op == INBOX_LEASE)
		carry(c, &c->ask, &c->ask.leases);
	if (c->tunnel == NULL) {
		maybe_free(c);
		return;
	}
	if (c->ask.result != STORE_OK)
		log_event(LOG_ERROR, "inbox", LOG_Z("tunnel", c->name),
		    LOG_Z("why", store_result_text(c->ask.result)));
	if (c->ask.result != STORE_OK)
		loop_timer_set(c->worker->loop, &c->timer, STORE_PAUSE_US);
	else if (c->ask.op == INBOX_WAKE && c->ask.more)
		submit(c, INBOX_WAKE);
	else if (c->ask.op == INBOX_WAKE || c->ask.more || c->again)
		courier_kick(c);
	else if (c->ask.wait_ms >= 0)
		loop_timer_set(c->worker->loop, &c->timer, (c->ask.wait_ms + 1) * 1000);
	else
		courier_none_waits(c);
}

static void
submit(struct courier *c, enum inbox_op op)
{
	struct inbox_req *req = &c->ask;

	check(c->tunnel != NULL && !c->asking); /* one question at a time, and none at the end */
	inbox_req_fini(req);
	req->now_ms = req->mono_ms = 0; /* the store looks, and leaves them filled in */
	req->op = op;
	memcpy(req->account, c->account, sizeof(req->account));
	memcpy(req->tunnel, c->name, sizeof(req->tunnel));
	c->asking = true;
	c->again = false;
	errand_inbox(&c->errand, &c->worker->errands, c->worker->edge->store, req, on_asked);
}

/* Bytes of deliveries that may be started beside those that are under way. */
static size_t
room_bytes(const struct courier *c, size_t attempt_bytes)
{
	size_t line = c->line_bytes < c->line_max ? c->line_max - c->line_bytes : 0,
	       all = attempt_bytes < LIMIT_COURIER_BYTES ? LIMIT_COURIER_BYTES - attempt_bytes : 0,
	       room = line < all ? line : all;

	return room > c->asked_bytes ? room - c->asked_bytes : 0;
}

/* How many may be started now; 0: the timer is set where time will help. */
static uint32_t
allowed(struct courier *c)
{
	int64_t now = loop_now_us(c->worker->loop), wait_us = 0;
	uint32_t room = c->policy->concurrency > c->n_attempts
			    ? c->policy->concurrency - c->n_attempts
			    : 0,
		 n = 0;

	if (c->hold_until_us > now) {
		loop_timer_set(c->worker->loop, &c->timer, c->hold_until_us - now);
		return 0;
	}
	if (c->n_attempts > 0 && room_bytes(c, c->attempt_bytes) == 0)
		return 0; /* the end of a run, or of its way on the line, comes here again */
	if (c->policy->deliver_rate <= 0 || room == 0)
		return room;
	/*
	 * A token for each: those that the lease does not use are lost, which
	 * only slows down.
	 */
	while (n < room && rates_take(&c->bucket, c->policy->deliver_rate, 1, now, &wait_us))
		n++;
	if (n == 0)
		loop_timer_set(c->worker->loop, &c->timer, wait_us + 1);
	return n;
}

static void
ask(struct courier *c)
{
	struct inbox_leases want = { .synced = c->policy->coalesce };
	uint32_t n;

	/* carry() has taken back what the last one asked for. */
	check(c->ask.op != INBOX_LEASE || c->ask.leases.bytes_max == 0);
	if (c->wake != COURIER_WAKE_NONE) {
		c->ask.wake = (struct inbox_wake){ .n_max = c->wake == COURIER_WAKE_ONE };
		c->wake = COURIER_WAKE_NONE;
		submit(c, INBOX_WAKE);
		return;
	}
	n = allowed(c);
	if (n == 0)
		return;
	want.n_max = n < LIMIT_INBOX_LEASE ? n : LIMIT_INBOX_LEASE;
	want.bytes_max = c->n_attempts > 0 ? room_bytes(c, c->attempt_bytes) : c->line_max;
	if (want.bytes_max > n * PLACE_BYTES)
		want.bytes_max = n * PLACE_BYTES;
	c->asked_bytes += want.bytes_max;
	c->ask.leases = want;
	submit(c, INBOX_LEASE);
}

void
courier_ask_next(struct courier *c, struct inbox_req *req, size_t bytes)
{
	int64_t now = loop_now_us(c->worker->loop), wait_us = 0;
	size_t room = room_bytes(c, c->attempt_bytes - bytes);

	check(c->attempt_bytes >= bytes && req->settle.leases.bytes_max == 0);
	if (c->tunnel == NULL || c->hold_until_us > now || room == 0 ||
	    c->n_attempts > c->policy->concurrency)
		return;
	if (c->policy->deliver_rate > 0 &&
	    !rates_take(&c->bucket, c->policy->deliver_rate, 1, now, &wait_us))
		return;
	memcpy(req->account, c->account, sizeof(req->account));
	memcpy(req->tunnel, c->name, sizeof(req->tunnel));
	req->settle.leases.n_max = 1;
	req->settle.leases.bytes_max = room < PLACE_BYTES ? room : PLACE_BYTES;
	c->asked_bytes += req->settle.leases.bytes_max;
}

/*
 * While it asks, another look is remembered: what was stored meanwhile may
 * have been missed.
 */
void
courier_kick(struct courier *c)
{
	if (c->tunnel == NULL)
		return;
	c->again = true;
	if (!c->asking)
		ask(c);
}

void
couriers_kick(struct worker *w, const char *account)
{
	struct map_node *node = NULL;

	while ((node = map_walk(&w->tunnels, node)) != NULL) {
		struct tunnel *t = map_of(node, struct tunnel, by_key);

		if (t->courier != NULL &&
		    (account == NULL || account[0] == '\0' || strcmp(account, t->account) == 0))
			courier_kick(t->courier);
	}
}

struct wake {
	struct loop_mail mail;
	struct worker *worker;
	char key[DIRECTORY_KEY_BYTES];
};

static void
wake_here(struct worker *w, const char *key)
{
	struct tunnel *t = tunnel_find(w, slice_str(key));

	if (t == NULL)
		return;
	if (t->courier != NULL)
		courier_kick(t->courier);
	else
		t->courier =
		    courier_new(t, t->policy); /* replayed to a tunnel that stores nothing itself */
}

static void
on_wake_mail(struct loop *loop, struct loop_mail *m)
{
	struct wake *wake = list_of(m, struct wake, mail);

	check(wake->worker->loop == loop);
	wake_here(wake->worker, wake->key);
	free(wake);
}

void
courier_wake(struct worker *w, const char *key)
{
	unsigned at = 0;
	struct wake *wake;

	if (directory_find(w->edge->directory, slice_str(key), &at) != DIRECTORY_UP)
		return;
	if (at == w->index) {
		wake_here(w, key);
		return;
	}
	wake = calloc(1, sizeof(*wake));
	if (wake == NULL)
		return; /* the courier looks again with its next link, or its next delivery */
	wake->mail.fn = on_wake_mail;
	wake->worker = edge_worker(w->edge, at);
	snprintf(wake->key, sizeof(wake->key), "%s", key);
	loop_post(wake->worker->loop, &wake->mail);
}

static void
on_timer(struct loop_timer *t)
{
	courier_kick(list_of(t, struct courier, timer));
}

struct courier *
courier_new(struct tunnel *t, struct policy *policy)
{
	struct courier *c = calloc(1, sizeof(*c));
	char why[128];

	if (c == NULL)
		return NULL;
	c->worker = t->worker;
	c->tunnel = t;
	c->policy = policy != NULL ? policy_ref(policy) : policy_new(S("{}"), why, sizeof(why));
	if (c->policy == NULL) {
		free(c);
		return NULL;
	}
	c->line_max = LINE_BYTES_FIRST;
	c->timer.fn = on_timer;
	c->rest.fn = courier_on_rest;
	snprintf(c->account, sizeof(c->account), "%s", t->account);
	snprintf(c->name, sizeof(c->name), "%s", t->route->key);
	/* What a link before this one has left waiting for its agent is due now. */
	submit(c, INBOX_WAKE);
	return c;
}

/*
 * The tunnel is going to be freed: whatever is under way keeps the courier, and
 * not the tunnel.
 */
void
courier_close(struct courier *c)
{
	check(c->tunnel != NULL && c->tunnel->courier == c); /* once */
	c->tunnel = NULL;
	loop_timer_stop(c->worker->loop, &c->timer);
	loop_timer_stop(c->worker->loop, &c->rest);
	maybe_free(c);
}
