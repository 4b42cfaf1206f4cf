/* SPDX-License-Identifier: Apache-2.0 */
/* One link of the client: HELLO and WELCOME, control messages, its end. */
#include "agent/link/uplink.h"

#include "agent/link/client_private.h"
#include "agent/link/domain_asks.h"
#include "agent/link/through.h"
#include "agent/link/uplink_activity.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

static void
release(struct loop_grave *g)
{
	struct uplink *s = list_of(g, struct uplink, grave);

	check(s->carrier.dead && list_empty(&s->node) && s->client->session != s);
	free(s);
}

/* The link that a carrier speaks for: it lives, and its client has not ended. */
static struct uplink *
uplink_of(struct carrier *c)
{
	struct uplink *s = c->owner;

	check(&s->carrier == c && !c->dead && s->client->state != CLIENT_OVER);
	check((s == s->client->session) == list_empty(&s->node));
	return s;
}

static void
on_opened(struct carrier *c, struct stream *stream, struct slice opening)
{
	struct uplink *s = uplink_of(c);

	serve_stream(s->client->serve, c, stream, opening);
}

/* Refusals through no fault of the tunnel: it stays wanted, and is asked for again
 * with the next link. */
static bool
is_passing(const char *code)
{
	static const char *const codes[] = { "memory", "store", "store-full", "store-broken" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* The edge does not serve this tunnel, and says why. The others of the link come
 * up all the same. */
static void
read_refusal(struct client *c, struct agent_tunnel *t, const struct hello_tunnel *a)
{
	check(t->state == TUNNEL_WANTED);
	snprintf(t->code, sizeof(t->code), "%s", a->error);
	snprintf(t->text, sizeof(t->text), "%s", a->text);
	if (strcmp(a->error, "replaced") == 0) {
		serve_tunnel_move(t, TUNNEL_REPLACED);
		screen_replaced(c->screen, t->label, a->text);
	} else {
		if (!is_passing(a->error))
			serve_tunnel_move(t, TUNNEL_REFUSED);
		screen_refused(c->screen, t->label, a->error, a->text);
	}
	if (c->moved != NULL)
		c->moved(c, t, c->moved_owner);
}

/* With a preset: what is to be pasted where. People are told once. probe:
 * NULL: none was promised. */
static void
tell_up(struct client *c, struct agent_tunnel *t, const struct screen_probe *probe)
{
	char url[sizeof(t->url) + sizeof(t->policy.path)];
	struct screen_hook hook = {
		.url = url,
		.mode = t->policy.mode,
		.secret_file = t->policy.secret,
		.fresh = t->policy.fresh && !t->told,
		.open = t->policy.is_open,
		.implied = t->policy.is_implied,
		.events = t->policy.events,
		.next = t->policy.next,
		.brief = t->told,
	};

	check(t->state == TUNNEL_UP && !t->probing);
	snprintf(url, sizeof(url), "%s%s", t->url, t->policy.path);
	screen_up(c->screen, t->label, t->url, t->origin.text,
	    t->here != NULL             ? SCREEN_TLS_AGENT
	    : t->ask.kind == TUNNEL_TLS ? SCREEN_TLS_ORIGIN
					: SCREEN_TLS_EDGE,
	    probe, t->policy.json == NULL ? NULL : &hook);
	t->told = true;
}

void
uplink_tell_probed(struct client *c, struct agent_tunnel *t, const struct hello *h)
{
	struct screen_probe probe = { .code = "edge-silent" };

	check(t->state == TUNNEL_UP);
	if (!t->probing)
		return;
	t->probing = false;
	if (h != NULL)
		probe = (struct screen_probe){ h->code, h->status, (int64_t)h->us };
	through_told(c, t, probe.code, probe.status, probe.us);
	tell_up(c, t, &probe);
	/* It can be looked at from here whether it is back only where
	 * nobody took the connection. */
	if (strncmp(probe.code, "origin-", 7) == 0)
		serve_fails(c->serve, t, strcmp(probe.code, "origin-refused") == 0);
}

/* Sets what the edge says of each tunnel; those that it does not name are not up. One that was
 * removed meanwhile is given up by client_sync(). */
static void
read_answers(struct client *c, const struct hello *h)
{
	for (size_t i = 0; i < h->n_tunnels; i++) {
		const struct hello_tunnel *a = &h->tunnels[i];
		struct agent_tunnel *t = serve_find(c->serve, a->id);

		if (t == NULL || !t->asked || t->granted)
			continue;
		t->granted = a->error[0] == '\0';
		if (t->state != TUNNEL_WANTED) {
			t->asked = t->granted;
			continue;
		}
		if (a->error[0] != '\0') {
			read_refusal(c, t, a);
			continue;
		}
		serve_tunnel_move(t, TUNNEL_UP);
		snprintf(t->url, sizeof(t->url), "%s", a->url);
		if (a->name[0] != '\0')
			snprintf(t->label, sizeof(t->label), "%s", a->name);
		if (t->here != NULL)
			own_certs_up(c->certs, t);
		t->probing = a->probe;
		if (!t->probing)
			tell_up(c, t, NULL);
		if (c->moved != NULL)
			c->moved(c, t, c->moved_owner);
	}
}

/* Those that served meanwhile serve no more. */
static void
let_go(struct client *c)
{
	LIST_EACH(node, &c->draining) {
		struct uplink *s = list_of(node, struct uplink, node);

		if (!s->held)
			continue;
		s->held = false;
		s->draining_us = loop_now_us(c->loop);
		carrier_goaway(&s->carrier, LINK_CODE_OK, 0);
	}
}

static void
read_welcome(struct uplink *s, const struct hello *h)
{
	struct client *c = s->client;

	check(s->up_us == 0); /* one welcome brings a link up */
	s->carrier.trailers = h->trailers;
	s->binds = h->binds;
	let_go(c);
	if (c->moved != NULL)
		c->moved(c, NULL, c->moved_owner);
	read_answers(c, h);
	snprintf(c->account, sizeof(c->account), "%s", h->account);
	s->up_us = loop_now_us(c->loop);
	client_welcomed(c, s);
}

static void
read_bound(struct uplink *s, const struct hello *h)
{
	struct client *c = s->client;

	c->binding = false;
	link_forgive(&s->carrier.link); /* it was asked for */
	read_answers(c, h);
	loop_timer_set(c->loop, &c->probed, (int64_t)LIMIT_PROBED_MS * 1000);
	client_sync(c);
}

/* Answers to questions of others. */
static void
take_other(struct uplink *s, struct slice json)
{
	struct client *c = s->client;

	if (s == c->session && s->up_us != 0) {
		LIST_EACH(node, &c->ears) {
			struct client_ear *e = list_of(node, struct client_ear, node);

			e->heard(e, c, json);
		}
		through_take(c, json);
	}
	if (c->talk != NULL && s == c->session && s->up_us != 0)
		c->talk(c, json, c->talk_owner);
	else if (s == c->session && c->state == CLIENT_UP)
		domain_asks_take(c, json);
}

/* A message of the edge. One that is malformed ends the link; one that does not fit to what is
 * so now (a tunnel that has gone, a link that is drained) is late, and is passed over. */
static void
on_control(struct carrier *carrier, struct slice json)
{
	struct uplink *s = uplink_of(carrier);
	struct client *c = s->client;
	struct hello *h = &c->hello;
	struct agent_tunnel *t;
	const char *why;

	/* More may have come in the turn in which the agent has all that it wanted. */
	if (client_is_ending(c))
		return;
	if (!hello_decode(json, h, &why)) {
		log_event(LOG_WARN, "control-malformed", LOG_Z("why", why));
		carrier_close(carrier, LINK_CODE_PROTOCOL, "the edge sent a malformed message");
		return;
	}
	switch (h->type) {
	case HELLO_WELCOME:
		if (h->protocol > LINK_PROTOCOL) {
			carrier_close(carrier, LINK_CODE_PROTOCOL,
			    "the edge chose a later protocol than this agent speaks");
			break;
		}
		/* Once, and not behind a signal to stop: that a link came up is too late then. */
		if (s == c->session && c->state == CLIENT_GREETING)
			read_welcome(s, h);
		break;
	case HELLO_REFUSED:
		if (s == c->session)
			client_refused(c, h->code, h->text, h->retry_ms);
		break;
	case HELLO_BOUND:
		if (s == c->session && c->state == CLIENT_UP && c->binding)
			read_bound(s, h);
		break;
	/* By an older link, too, as long as there is no newer one: what that serves is taken from
	 * the older by ourselves. */
	case HELLO_REPLACED:
		t = serve_find(c->serve, h->id);
		if (t != NULL && t->state == TUNNEL_UP && (s == c->session || c->session == NULL))
			client_replaced(c, t, h->text);
		break;
	case HELLO_PROBED:
		t = serve_find(c->serve, h->id);
		if (t != NULL && s == c->session && t->state == TUNNEL_UP) {
			if (t->probing)
				link_forgive(&carrier->link);
			uplink_tell_probed(c, t, h);
		}
		break;
	case HELLO_WAITING:
		t = serve_find(c->serve, h->id);
		if (t != NULL && s == c->session && t->state == TUNNEL_UP)
			client_waiting(c, t, h->waits);
		break;
	case HELLO_ACTIVITY:
		uplink_activity(s, json);
		break;
	case HELLO_OTHER:
		take_other(s, json);
		break;
	/* no edge says these */
	case HELLO_HELLO:
	case HELLO_BIND:
	case HELLO_UNBIND:
		break;
	}
}

static void
on_goaway(struct carrier *carrier, uint32_t code, uint32_t retry_ms)
{
	struct uplink *s = uplink_of(carrier);

	client_goaway(s->client, s, code, retry_ms);
}

/* The carrier's last call. */
static void
on_closed(struct carrier *carrier, uint32_t code, const char *why)
{
	struct uplink *s = carrier->owner;

	check(&s->carrier == carrier && carrier->dead);
	log_event(LOG_DEBUG, "link-closed", LOG_Z("code", link_code_name(code)), LOG_Z("why", why));
	client_lost(s->client, s, why);
	loop_bury(s->client->loop, &s->grave, release);
}

static const struct carrier_ops carrier_ops = {
	.opened = on_opened,
	.control = on_control,
	.goaway = on_goaway,
	.closed = on_closed,
};

int
uplink_ask(struct hello *h, struct agent_tunnel *t)
{
	struct hello_tunnel *ask = &h->tunnels[h->n_tunnels];

	check(h->n_tunnels < LIMIT_TUNNELS_PER_LINK); /* as agent_tunnel_add() counts them */
	*ask = t->ask;
	t->asked = true;
	h->n_tunnels++;
	/* hello_wipe() frees it: it holds secrets, as the message does. */
	return t->policy.json != NULL && (ask->policy = strdup(t->policy.json)) == NULL ? -1 : 0;
}

/* All tunnels but those that a newer agent serves are wanted, refused ones too: what stood
 * against them may be gone. The age says who of two agents started last. */
static void
say_hello(struct uplink *s)
{
	struct client *c = s->client;
	struct hello *h = &c->hello;
	struct buf b;
	bool no_memory = false;

	*h = (struct hello){ .type = HELLO_HELLO, .protocol = LINK_PROTOCOL };
	snprintf(h->program, sizeof(h->program), "adit/%s", ADIT_VERSION);
	snprintf(h->token, sizeof(h->token), "%s", c->token);
	memcpy(h->host, c->host, sizeof(c->host));
	memcpy(h->instance, c->instance, sizeof(c->instance));
	h->probe = h->trailers = h->binds = true;
	h->watch = c->talk == NULL && !c->once;
	h->age_ms = (uint64_t)(clock_boot_us() - c->born_us) / 1000 + 1;
	c->binding = false;
	for (size_t i = 0; i < c->serve->n_tunnels; i++) {
		struct agent_tunnel *t = &c->serve->tunnels[i];

		t->asked = t->granted = false;
		if (t->state == TUNNEL_REPLACED || t->state == TUNNEL_REMOVED)
			continue;
		serve_tunnel_move(t, TUNNEL_WANTED);
		if (uplink_ask(h, t) != 0)
			no_memory = true;
	}
	buf_init(&b, LIMIT_CONTROL_BYTES);
	hello_encode(h, &b);
	hello_wipe(h);
	if (no_memory)
		carrier_close(&s->carrier, LINK_CODE_INTERNAL, "out of memory");
	else if (b.failed)
		carrier_close(&s->carrier, LINK_CODE_INTERNAL,
		    "the tunnels do not fit into one HELLO");
	else
		carrier_control(&s->carrier, buf_slice(&b));
	/* Token and secrets. */
	if (b.p != NULL)
		explicit_bzero(b.p, b.cap);
	buf_fini(&b);
}

struct uplink *
uplink_open(struct client *c, struct conn *conn)
{
	struct uplink *s = calloc(1, sizeof(*s));

	check(c->session == NULL && c->state == CLIENT_GREETING);
	if (s == NULL)
		return NULL;
	s->client = c;
	list_init(&s->node);
	if (carrier_init(&s->carrier, c->loop, &c->carriers, conn, LINK_AGENT, &carrier_ops, s) !=
	    0) {
		free(s);
		return NULL;
	}
	c->session = s;
	say_hello(s);
	return s;
}
