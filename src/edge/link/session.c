/* SPDX-License-Identifier: Apache-2.0 */
/* One agent's link at the edge, from its first byte to its end. */
#include "edge/link/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "edge/inbox/courier.h"
#include "edge/link/bind.h"
#include "edge/link/links.h"
#include "edge/link/ddns_left.h"
#include "edge/link/ddns_message.h"
#include "edge/link/domain_message.h"
#include "edge/link/inbox_message.h"
#include "edge/link/names_message.h"
#include "edge/link/release_message.h"
#include "edge/link/login.h"
#include "edge/core/activity.h"
#include "edge/core/incident.h"
#include "edge/inbox/query.h"
#include "edge/link/status_message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Pause that agents are told at a stop, each its own, so that they do not all come back at once. */
#define RETRY_MS_MIN 500
#define RETRY_MS_SPREAD 2000
#define CLOCK_LOOK_MS 60000

/* clang-format off */
static const unsigned predecessors[] = {
	[SESSION_HELLO] = 0, /* born in it, see session_start() */
	[SESSION_LOGIN] = 1 << SESSION_HELLO,
	[SESSION_CLAIM] = 1 << SESSION_LOGIN,
	[SESSION_UP] = 1 << SESSION_CLAIM,
	[SESSION_LEAVING] = 1 << SESSION_UP,
	[SESSION_OVER] = 1 << SESSION_HELLO | 1 << SESSION_LOGIN | 1 << SESSION_CLAIM | 1 << SESSION_UP |
	    1 << SESSION_LEAVING,
};
/* clang-format on */

void
session_move(struct session *s, enum session_state to)
{
	check(predecessors[to] & 1u << s->state);
	/* Tunnels are entered behind the move to UP: none may be served by an earlier state. */
	check(to != SESSION_UP || (s->n_tunnels == 0 && s->n_up == 0));
	s->state = to;
}

/* --- the end --- */

void
session_leave(struct session *s, enum link_code code, const char *why)
{
	uint32_t retry_ms = 0;

	if (s->state == SESSION_LEAVING || s->state == SESSION_OVER)
		return;
	if (s->state != SESSION_UP) {
		session_close(s, code, why);
		return;
	}
	/* Others may come back at once: the edge is there. */
	if (code == LINK_CODE_SHUTDOWN)
		retry_ms = RETRY_MS_MIN + (uint32_t)rand_below(RETRY_MS_SPREAD);
	log_event(LOG_INFO, "link-leaving", LOG_Z("account", s->account),
	    LOG_U("generation", s->self.generation), LOG_Z("why", why));
	session_move(s, SESSION_LEAVING);
	s->replaced = code == LINK_CODE_REPLACED;
	carrier_goaway(&s->carrier, code, retry_ms);
	loop_timer_set(s->worker->loop, &s->timer, s->worker->settings->limits.drain_ms * 1000);
}

/* At once: open streams are reset. carrier_close() calls on_closed() before it returns. */
void
session_close(struct session *s, enum link_code code, const char *why)
{
	if (s->state != SESSION_OVER)
		carrier_close(&s->carrier, code, why);
}

/*
 * HELLO_REFUSED has the words for people; GOAWAY behind it tells any agent when to come
 * back. Without memory for the words only GOAWAY is said.
 */
void
session_refuse(struct session *s, enum link_code link_code, const char *code, const char *text,
    uint32_t retry_ms)
{
	struct hello *h = calloc(1, sizeof(*h));
	struct buf out;

	log_event(LOG_WARN, "link-refused", LOG_Z("code", code), LOG_Z("peer", s->peer),
	    LOG_Z("account", s->account));
	buf_init(&out, LIMIT_CONTROL_BYTES);
	if (h != NULL) {
		h->type = HELLO_REFUSED;
		h->retry_ms = retry_ms;
		snprintf(h->code, sizeof(h->code), "%s", code);
		snprintf(h->text, sizeof(h->text), "%s", text);
		hello_encode(h, &out);
		if (!out.failed)
			carrier_control(&s->carrier, buf_slice(&out));
	}
	buf_fini(&out);
	free(h);
	carrier_goaway(&s->carrier, link_code, retry_ms);
	session_close(s, link_code, text);
}

void
session_free(struct session *s)
{
	struct worker *w = s->worker;

	/* No tunnel may lead to it any more, and nothing that still works may come back to it. */
	check(s->n_up == 0 && s->login == NULL && s->query == NULL);
	check(s->ddns == NULL && s->release == NULL && s->status == NULL &&
	      s->domain_request == NULL);
	check(!lobby_has(&s->unknown) && !lobby_has(&s->known));
	free(s->tunnels);
	free(s->later);
	slab_put(&w->links->sessions, s);
}

static void
on_grave(struct loop_grave *g)
{
	session_free(list_of(g, struct session, grave));
}

struct tunnel *
session_tunnel(struct session *s, size_t i)
{
	check(i < s->n_first || (s->later != NULL && i - s->n_first < LIMIT_TUNNELS_PER_LINK));
	return i < s->n_first ? &s->tunnels[i] : &s->later[i - s->n_first];
}

/* --- what the carrier tells --- */

/* {"type":"origin","id":1} */
static void
take_origin(struct session *s, const json_t *message)
{
	json_int_t id = json_integer_value(json_object_get(message, "id"));

	for (size_t i = 0; i < s->n_tunnels; i++) {
		struct tunnel *t = session_tunnel(s, i);

		if (t->id == id && t->up && t->courier != NULL)
			courier_origin(t->courier);
	}
}

/* Messages of later versions are ignored. */
static void
take_message(struct session *s, struct slice json)
{
	json_t *message =
	    hello_is_deep(json) ? NULL : json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(message, "type"));

	if (!json_is_object(message))
		session_close(s, LINK_CODE_PROTOCOL,
		    "the agent sent a message that is no JSON object, or nested too deep");
	else if (type != NULL && strcmp(type, "probe") == 0)
		status_message(s, message);
	else if (type != NULL && strcmp(type, "names") == 0)
		names_message(s, message);
	else if (type != NULL && strcmp(type, "release") == 0)
		release_message(s, message);
	else if (type != NULL && strcmp(type, "ddns") == 0)
		ddns_message(s, message);
	else if (type != NULL && strcmp(type, "domain") == 0)
		domain_message(s, message);
	else if (type != NULL && strcmp(type, "inbox") == 0)
		inbox_message(s, message);
	else if (type != NULL && strcmp(type, "origin") == 0)
		take_origin(s, message);
	else if (type != NULL && strcmp(type, "bind") == 0)
		login_bind(s, json);
	else if (type != NULL && strcmp(type, "unbind") == 0)
		bind_give_up(s, json_integer_value(json_object_get(message, "id")));
	json_decref(message);
}

static void
on_control(struct carrier *c, struct slice json)
{
	struct session *s = c->owner;

	switch (s->state) {
	case SESSION_HELLO:
		loop_timer_stop(s->worker->loop, &s->timer);
		login_hello(s, json);
		return;
	case SESSION_LOGIN:
	case SESSION_CLAIM:
		session_close(s, LINK_CODE_PROTOCOL,
		    "the agent did not wait for the answer to its HELLO");
		return;
	case SESSION_UP:
		take_message(s, json);
		return;
	case SESSION_LEAVING:
	case SESSION_OVER:
		return; /* messages of later versions are ignored */
	}
}

/*
 * The agent leaves: its tunnels are down from here on, and what is open may end. A stop is
 * told apart from a lost link, since nobody is to be alarmed by it.
 */
static void
on_goaway(struct carrier *c, uint32_t code, uint32_t retry_ms)
{
	struct session *s = c->owner;

	(void)retry_ms;
	for (size_t i = 0; i < s->n_tunnels; i++) {
		if (session_tunnel(s, i)->up && code == LINK_CODE_SHUTDOWN)
			bind_stopped(s, session_tunnel(s, i), S("the agent was stopped"));
		bind_retire(s, session_tunnel(s, i));
	}
	check(s->n_up == 0);
	session_leave(s, LINK_CODE_OK, link_code_name(code));
	if (link_n_streams(&c->link) == 0)
		session_close(s, LINK_CODE_OK, "the agent left");
}

/*
 * The one end of every session. Whatever asks others for it is abandoned first, so that no
 * answer finds a link that has gone.
 */
static void
on_closed(struct carrier *c, uint32_t code, const char *why)
{
	struct session *s = c->owner;
	struct worker *w = s->worker;

	if (s->state == SESSION_OVER)
		return;
	log_event(LOG_INFO, "link-down", LOG_Z("account", s->account), LOG_Z("peer", s->peer),
	    LOG_U("generation", s->self.generation), LOG_Z("code", link_code_name(code)),
	    LOG_Z("why", why));
	session_move(s, SESSION_OVER);
	status_abandon(s);
	query_abandon(s->query);
	s->query = NULL;
	release_abandon(s);
	ddns_message_abandon(s);
	ddns_left_begin(s);
	domain_message_abandon(s);
	for (size_t i = 0; i < s->n_tunnels; i++) {
		struct tunnel *t = session_tunnel(s, i);

		if (t->up)
			incident_put(w->edge->incidents, t->route->key, INCIDENT_DOWN, s->peer,
			    S(""), slice_str(why));
		bind_retire(s, t);
	}
	activity_close(s->activity);
	s->activity = NULL;
	loop_timer_stop(w->loop, &s->timer);
	lobby_leave(&w->links->unknown, &s->unknown);
	lobby_leave(&w->links->known, &s->known);
	list_del(&s->node);
	gauge_down(&w->counters.links);
	if (!login_abandon(s))
		loop_bury(w->loop, &s->grave, on_grave);
	worker_check_idle(w);
}

static const struct carrier_ops ops = {
	.control = on_control,
	.goaway = on_goaway,
	.closed = on_closed,
};

/* The wall clock may be set meanwhile: it is looked at now and then. */
void
session_watch_token(struct session *s)
{
	int64_t left_ms = s->expires_ms - clock_wall_ms();

	/* Its welcome may have ended it: a timer would outlive it. */
	if (s->expires_ms == 0 || s->state != SESSION_UP)
		return;
	if (left_ms <= 0)
		session_close(s, LINK_CODE_REVOKED, "the token has expired");
	else
		loop_timer_set(s->worker->loop, &s->timer,
		    (left_ms < CLOCK_LOOK_MS ? left_ms : CLOCK_LOOK_MS) * 1000);
}

/* What was open when a newer agent came ends by itself; only the token's end, or
 * the edge's, cuts it. */
static void
look_at_leaving(struct session *s)
{
	if (!s->replaced || link_n_streams(&s->carrier.link) == 0)
		session_close(s, LINK_CODE_SHUTDOWN, "the time for ending in order is over");
	else if (s->expires_ms != 0 && s->expires_ms <= clock_wall_ms())
		session_close(s, LINK_CODE_REVOKED, "the token has expired");
	else
		loop_timer_set(s->worker->loop, &s->timer, CLOCK_LOOK_MS * 1000);
}

static void
on_timer(struct loop_timer *t)
{
	struct session *s = list_of(t, struct session, timer);

	/* A HELLO stops it, and so does the end; between them the store has no deadline. */
	check(s->state == SESSION_HELLO || s->state == SESSION_UP || s->state == SESSION_LEAVING);
	if (s->state == SESSION_HELLO)
		session_refuse(s, LINK_CODE_SILENT, "slow-hello", "no HELLO came in time", 0);
	else if (s->state == SESSION_UP)
		session_watch_token(s);
	else
		look_at_leaving(s);
}

void
session_start(struct worker *w, struct arrival *a)
{
	struct session *s = slab_get(&w->links->sessions);

	if (s != NULL)
		s->has_source = source_key(&a->ss, &s->source);
	if (s == NULL || !links_let_in(w, s)) {
		if (s != NULL)
			slab_put(&w->links->sessions, s);
		log_event(LOG_WARN, "links-full", LOG_Z("peer", a->peer));
		conn_close(&a->conn);
		return;
	}
	s->worker = w;
	s->state = SESSION_HELLO;
	list_init(&s->two_ways);
	s->self.worker = w->index;
	s->self.generation = atomic_fetch_add(&w->edge->generation, 1) + 1;
	s->timer.fn = on_timer;
	memcpy(s->peer, a->peer, sizeof(s->peer));
	source_ip_of(&a->ss, &s->ip);
	if (carrier_init(&s->carrier, w->loop, &w->shared, &a->conn, LINK_EDGE, &ops, s) != 0) {
		log_event(LOG_ERROR, "link-failed", LOG_Z("peer", a->peer));
		lobby_leave(&w->links->unknown, &s->unknown);
		conn_close(&a->conn);
		session_free(s);
		return;
	}
	list_push(&w->links->list, &s->node);
	loop_timer_set(w->loop, &s->timer, (int64_t)LIMIT_HELLO_MS * 1000);
	counter_add(&w->counters.links, 1);
	counter_add(&w->counters.links_total, 1);
}
