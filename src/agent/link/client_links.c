/* SPDX-License-Identifier: Apache-2.0 */
/* What the client does when one of its links speaks, ends or is doubted. */
#include "agent/link/client_private.h"

#include "agent/core/exit_code.h"
#include "agent/link/domain_asks.h"
#include "agent/link/uplink.h"
#include "base/log.h"

#include <stdio.h>

/* What a probe's answer may take, at least: then the link is dead (R-03 wants it
 * back within 2 s). */
#define PROBE_US 1200000

/* --- what it says --- */

/* Tunnels in this state: what is left to serve, to wait for, or to give up. */
static size_t
count(const struct client *c, enum tunnel_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < c->serve->n_tunnels; i++)
		n += c->serve->tunnels[i].state == state;
	return n;
}

void
client_welcomed(struct client *c, struct uplink *s)
{
	check(s == c->session && c->state == CLIENT_GREETING);
	/* `adit login`: the edge knows the token, and that was the question. */
	if (c->once && c->talk == NULL) {
		client_end(c, EXIT_STOPPED);
		return;
	}
	client_move(c, CLIENT_UP);
	c->n_links++;
	if (c->talk != NULL) {
		c->talk(c, S(""), c->talk_owner);
		return;
	}
	/* People are told of each tunnel that it is up once the edge has tried it, or
	 * is late to say. */
	if (count(c, TUNNEL_UP) > 0 || c->stays) {
		domain_asks_begin(c);
		loop_timer_set(c->loop, &c->probed, (int64_t)LIMIT_PROBED_MS * 1000);
		client_sync(c);
		return;
	}
	/*
	 * None is up. Those that the edge could not take just now are asked for again with
	 * the next link; the others are refused or taken over for good, and there is
	 * nothing left to do.
	 */
	if (count(c, TUNNEL_WANTED) > 0)
		carrier_close(&s->carrier, LINK_CODE_OK, "the edge can serve no tunnel now");
	else
		client_end(c, count(c, TUNNEL_REFUSED) > 0 ? EXIT_REFUSED : EXIT_REPLACED);
}

/* Whoever waits for "up" waits no longer. */
void
client_on_probed(struct loop_timer *timer)
{
	struct client *c = list_of(timer, struct client, probed);

	check(c->session != NULL); /* the timer stops with the link that was welcomed */
	for (size_t i = 0; i < c->serve->n_tunnels; i++) {
		struct agent_tunnel *t = &c->serve->tunnels[i];

		if (t->state == TUNNEL_UP)
			uplink_tell_probed(c, t, NULL);
	}
}

/* Refusals that no later attempt would change. */
static bool
is_final(const char *code)
{
	static const char *const codes[] = { "bad-token", "token-revoked", "token-scope",
		"bad-hello" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* code: the edge's word; text: its sentence, "": none. What is not final is tried
 * again, not before retry_ms. */
void
client_refused(struct client *c, const char *code, const char *text, uint32_t retry_ms)
{
	snprintf(c->why, sizeof(c->why), "%s", text[0] != '\0' ? text : code);
	if (is_final(code)) {
		screen_refused(c->screen, "", code, text);
		client_end(c, EXIT_REFUSED);
		return;
	}
	c->floor_ms = retry_ms;
	carrier_close(&c->session->carrier, LINK_CODE_OK, c->why);
}

/* As look.back: the edge may deliver what it has kept for this tunnel. */
static void
on_origin_back(struct look *l)
{
	struct agent_tunnel *t = list_of(l, struct agent_tunnel, look);
	char json[64];
	int n = snprintf(json, sizeof(json), "{\"type\":\"origin\",\"id\":%u}", t->ask.id);

	check(t->state == TUNNEL_UP && n > 0 && (size_t)n < sizeof(json));
	log_event(LOG_INFO, "origin-back", LOG_Z("tunnel", t->label));
	client_say(l->owner, slice_of(json, (size_t)n));
}

void
client_waiting(struct client *c, struct agent_tunnel *t, bool waits)
{
	check(t->state == TUNNEL_UP && c->session != NULL);
	t->look.back = on_origin_back;
	t->look.owner = c;
	look_wanted(&t->look, &t->origin, waits);
}

/* Nobody is there to be told. */
static void
stop_looking(struct client *c)
{
	for (size_t i = 0; i < c->serve->n_tunnels; i++) {
		c->serve->tunnels[i].failing = false;
		look_stop(&c->serve->tunnels[i].look);
		look_stop(&c->serve->tunnels[i].news);
	}
}

void
client_replaced(struct client *c, struct agent_tunnel *t, const char *text)
{
	t->failing = t->granted = false;
	look_stop(&t->look);
	look_stop(&t->news);
	serve_tunnel_move(t, TUNNEL_REPLACED);
	screen_replaced(c->screen, t->label, text);
	if (c->moved != NULL)
		c->moved(c, t, c->moved_owner);
	if (!c->stays && count(c, TUNNEL_UP) == 0 && count(c, TUNNEL_WANTED) == 0)
		client_wind_down(c, count(c, TUNNEL_REFUSED) > 0 ? EXIT_REFUSED : EXIT_REPLACED);
}

/* It finishes what it has while the next one is dialled, or greeted. */
void
client_drain(struct client *c, struct uplink *s)
{
	check(s == c->session && list_empty(&s->node));
	if (c->n_draining == SERVE_LINKS_MAX - 1)
		carrier_close(&list_of(c->draining.next, struct uplink, node)->carrier,
		    LINK_CODE_OK, "too many links are being drained");
	check(c->n_draining < SERVE_LINKS_MAX - 1); /* and the next link makes SERVE_LINKS_MAX */
	c->session = NULL;
	stop_looking(c);
	loop_timer_stop(c->loop, &c->probed);
	s->draining_us = loop_now_us(c->loop);
	list_push(&c->draining, &s->node);
	c->n_draining++;
	loop_timer_set(c->loop, &c->sweep, CLIENT_SWEEP_US);
}

/* As carrier_ops.goaway. Of a link that is drained already nothing more is to be done. Two codes
 * say why for good: the token is no longer valid, or a newer agent serves all that this one did. */
void
client_goaway(struct client *c, struct uplink *s, uint32_t code, uint32_t retry_ms)
{
	char why[64];

	if (s != c->session || client_is_ending(c))
		return;
	if (code == LINK_CODE_REVOKED) {
		snprintf(c->why, sizeof(c->why), "the token was revoked, or has expired");
		screen_refused(c->screen, "", link_code_name(code), c->why);
		client_end(c, EXIT_REFUSED);
		return;
	}
	if (code == LINK_CODE_REPLACED) {
		for (size_t i = 0; i < c->serve->n_tunnels; i++)
			if (c->serve->tunnels[i].state == TUNNEL_UP)
				client_replaced(c, &c->serve->tunnels[i], "");
		if (!c->stays)
			return;
	}
	c->floor_ms = retry_ms;
	if (c->state != CLIENT_UP)
		return; /* its end follows, or we are stopping anyway */
	snprintf(why, sizeof(why), "the edge ends the link: %s", link_code_name(code));
	screen_down(c->screen, why);
	client_drain(c, s);
	client_retry(c, why);
}

/* A link has closed, for whatever reason; s is buried by uplink.c. Only the newest link's end
 * moves the client: those that were drained had done what they were for. */
void
client_lost(struct client *c, struct uplink *s, const char *why)
{
	char text[256];

	/* Each link is either the newest or drained, and is lost once. */
	check((s == c->session) == list_empty(&s->node));
	if (s != c->session) {
		check(c->n_draining > 0);
		list_del(&s->node);
		c->n_draining--;
		return;
	}
	c->session = NULL;
	stop_looking(c);
	loop_timer_stop(c->loop, &c->probe);
	loop_timer_stop(c->loop, &c->probed);
	/* A link that held for long makes the pauses short again. */
	if (s->up_us != 0)
		retry_lived(&c->retry, loop_now_us(c->loop) - s->up_us);
	if (client_is_ending(c))
		return;
	if (c->state == CLIENT_STOPPING) {
		if (list_empty(&c->draining))
			client_end(c, c->exit_code);
		return;
	}
	/* Copied: it may be c->why, which is written to. */
	snprintf(text, sizeof(text), "%s", why);
	if (s->up_us != 0)
		screen_down(c->screen, text);
	client_retry(c, text);
}

/* --- doubts --- */

/* Any byte is an answer. */
static bool
is_answered(const struct client *c)
{
	return c->session->carrier.link.heard_us > c->probe_us;
}

void
client_on_probe(struct loop_timer *t)
{
	struct client *c = list_of(t, struct client, probe);

	if (c->session == NULL || is_answered(c))
		return;
	c->at_once = true; /* it is not the edge that went away: no reason to wait */
	carrier_close(&c->session->carrier, LINK_CODE_SILENT, "the edge does not answer any more");
}

void
client_check_link(struct client *c, const char *why)
{
	int64_t patience = PROBE_US;

	log_event(LOG_INFO, "probe", LOG_Z("why", why));
	if (client_is_ending(c) || c->state == CLIENT_STOPPING)
		return;
	/* The reason for the pause may be gone with the change. */
	if (c->state == CLIENT_WAITING) {
		client_dial(c);
		return;
	}
	/* One question at a time: a second one would move the deadline of the first. */
	if (c->session == NULL || (c->probe.slot != 0 && !is_answered(c)))
		return;
	check(c->state == CLIENT_GREETING || c->state == CLIENT_UP);
	c->probe_us = loop_now_us(c->loop);
	link_probe(&c->session->carrier.link, c->probe_us);
	carrier_kick(&c->session->carrier);
	/* A satellite, or a line that is full, needs longer than a second. */
	if (4 * c->session->carrier.rtt_us > patience)
		patience = 4 * c->session->carrier.rtt_us;
	loop_timer_set(c->loop, &c->probe, patience);
}
