/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels that come and go while a link is up: one "bind" at a time, which asks for all that were
 * added until then, and an "unbind" for each that was removed.  What crosses the end of a link is
 * mended by the next HELLO, which has the whole set.
 */
#include "agent/link/client_private.h"

#include "agent/link/uplink.h"

/* So many messages may go at once, past a pause; then each waits for its turn, so that the edge
 * counts no glitches (doc/protocol.txt 8). */
#define BURST_US (16 * (int64_t)LIMIT_BIND_MS * 1000)
/* After a link that could not be dialled. */
#define AGAIN_US 1000000

/* True when a message about tunnels may go now; else the timer is set. */
static bool
is_due(struct client *c)
{
	int64_t now = loop_now_us(c->loop);

	if (c->sync_us > now) {
		loop_timer_set(c->loop, &c->sync, c->sync_us - now);
		return false;
	}
	return true;
}

static void
count_message(struct client *c)
{
	int64_t from = loop_now_us(c->loop) - BURST_US;

	c->sync_us = (c->sync_us > from ? c->sync_us : from) + (int64_t)LIMIT_BIND_MS * 1000;
}

static bool
is_new(const struct agent_tunnel *t)
{
	return t->state == TUNNEL_WANTED && !t->asked;
}

/* The edge still serves it, and has said so. Before its answer nothing is said. */
static bool
is_left(const struct agent_tunnel *t)
{
	return t->state == TUNNEL_REMOVED && t->granted;
}

static bool
any(const struct client *c, bool (*is)(const struct agent_tunnel *))
{
	for (size_t i = 0; i < c->serve->n_tunnels; i++)
		if (is(&c->serve->tunnels[i]))
			return true;
	return false;
}

static void
say_unbind(struct client *c, struct agent_tunnel *t)
{
	struct hello h = { .type = HELLO_UNBIND, .id = t->ask.id };
	struct buf b;

	buf_init(&b, 256);
	hello_encode(&h, &b);
	t->asked = t->granted = false;
	client_say(c, buf_slice(&b));
	buf_fini(&b);
	count_message(c);
}

/* What does not fit into one message is asked for by the next. */
static void
say_bind(struct client *c)
{
	struct hello *h = &c->hello;
	struct buf b;
	bool no_memory = false;

	*h = (struct hello){ .type = HELLO_BIND };
	for (size_t i = 0; i < c->serve->n_tunnels && h->n_tunnels < LIMIT_TUNNELS_PER_LINK; i++)
		if (is_new(&c->serve->tunnels[i]) && uplink_ask(h, &c->serve->tunnels[i]) != 0)
			no_memory = true;
	buf_init(&b, LIMIT_CONTROL_BYTES);
	hello_encode(h, &b);
	hello_wipe(h);
	if (no_memory || b.failed)
		carrier_close(&c->session->carrier, LINK_CODE_INTERNAL,
		    no_memory ? "out of memory" : "the tunnels do not fit into one message");
	else
		client_say(c, buf_slice(&b));
	/* Secrets. */
	if (b.p != NULL)
		explicit_bzero(b.p, b.cap);
	buf_fini(&b);
	c->binding = c->session != NULL;
	count_message(c);
}

static void
say_changes(struct client *c)
{
	for (size_t i = 0; i < c->serve->n_tunnels; i++)
		if (is_left(&c->serve->tunnels[i])) {
			if (!is_due(c))
				return;
			say_unbind(c, &c->serve->tunnels[i]);
		}
	if (!c->binding && any(c, is_new) && is_due(c))
		say_bind(c);
}

void
client_sync(struct client *c)
{
	/* With `talk` the link has no tunnels. */
	if (c->state != CLIENT_UP || client_is_ending(c) || c->relinking ||
	    (!any(c, is_new) && !any(c, is_left)))
		return;
	if (c->session->binds) {
		say_changes(c);
	} else if (is_due(c)) {
		c->relinking = true;
		count_message(c);
		edge_dial_start(&c->dial);
	}
}

void
client_on_sync(struct loop_timer *t)
{
	client_sync(list_of(t, struct client, sync));
}

/* The older link serves on until the newer one is welcomed: nobody finds the tunnels away. */
void
client_relinked(struct client *c, struct conn *conn)
{
	struct uplink *old = c->session;

	check(c->state == CLIENT_UP && old != NULL);
	c->relinking = false;
	if (conn == NULL) {
		loop_timer_set(c->loop, &c->sync, AGAIN_US);
		return;
	}
	client_drain(c, old);
	old->held = true;
	client_move(c, CLIENT_GREETING);
	loop_timer_set(c->loop, &c->timer, (int64_t)LIMIT_HELLO_MS * 1000);
	if (uplink_open(c, conn) == NULL) {
		conn_close(conn);
		client_retry(c, "out of memory");
	}
}

/* Not from within: whoever adds one has more to set, and may add another. */
void
client_added(struct client *c)
{
	if (c->state == CLIENT_UP)
		loop_timer_set(c->loop, &c->sync, 1);
}

void
client_removed(struct client *c, struct agent_tunnel *t)
{
	t->failing = false;
	look_stop(&t->look);
	look_stop(&t->news);
	serve_tunnel_move(t, TUNNEL_REMOVED);
	/* The edge has refused it, or has given it to another: there is nothing to be told. */
	if (!t->granted && !c->binding && c->state != CLIENT_GREETING)
		t->asked = false;
	client_added(c);
}
