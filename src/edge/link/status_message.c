/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the doctor and `adit status`: what route, link, store and origin know of a tunnel. */
#include "edge/link/status_message.h"

#include "base/clock.h"
#include "edge/core/incident.h"
#include "edge/core/own_domain.h"
#include "edge/link/health.h"
#include "edge/core/ticket.h"
#include "http/close.h"
#include "store/inbox.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* One question of a session, while worker and store of it are being asked. */
struct status_query {
	struct session *session; /* NULL: it is over */
	struct worker *worker;   /* of the session */
	struct errand errand;
	struct loop_mail out; /* to the worker of the link */
	struct inbox_req req;
	struct inbox_counts counts;
	char name[DIRECTORY_KEY_BYTES];
	char state[12];
	char last_event[64], last_key[200], last_state[16], last_note[128];
	int64_t last_ms;
	uint32_t last_attempts;
	/* of the route */
	unsigned at;
	int64_t since_ms;
	bool mine, tombstone, found;
	bool stopped; /* away, and meant to be */
	char account[64];
	/* of the link that serves it */
	char peer[PEER_TEXT_BYTES], program[64], who[120];
	int64_t rtt_us, silent_ms;
	/* of the local server behind it */
	bool through;
	const char *origin; /* NULL: not asked */
	unsigned status;
	int64_t origin_us;
};

/* --- the answer on the link --- */

/* What the policy is about, never what is in it: no secret, no password, no address. */
static json_t *
policy_json(const struct policy *p)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:s%, s:I, s:b, s:b, s:b}", "mode",
	    preset_mode_text(p->mode), "preset", p->preset == NULL ? "" : p->preset->name, "scheme",
	    p->sign.scheme == NULL ? "" : p->sign.scheme->name, "secrets", (int)p->sign.n_secrets,
	    "context", p->context.n == 0 ? "" : p->context.p, p->context.n, "body_max",
	    (json_int_t)p->body_max, "password", p->n_users > 0, "allow", p->allow.n > 0, "deny",
	    p->deny.n > 0);
}

static json_t *
inbox_json(const struct inbox_counts *c)
{
	json_t *o = json_object();

	for (int i = 0; i < INBOX_N_STATES; i++)
		json_object_set_new(o, inbox_state_text((enum inbox_state)i),
		    json_integer((json_int_t)c->n[i]));
	json_object_set_new(o, "oldest_ms", json_integer((json_int_t)c->oldest_ms));
	return o;
}

/* [] where they do not fit: the doctor then judges without. */
static json_t *
notes_json(struct edge *e, const char *name)
{
	struct buf b;
	json_t *notes = NULL;

	buf_init(&b, 16384);
	incident_write(e->incidents, name, &b);
	if (!b.failed)
		notes = json_loadb(b.p, b.n, 0, NULL);
	buf_fini(&b);
	return notes != NULL ? notes : json_array();
}

static bool
is_port(const char *key)
{
	return strncmp(key, "tcp:", 4) == 0;
}

/* More than these would not fit into a message: adit domain list has all. */
#define DOMAINS_SHOWN 32

static void
add_domain(void *arg, const char *host, bool suspended, bool certified)
{
	if (json_array_size(arg) < DOMAINS_SHOWN)
		json_array_append_new(arg, json_pack("{s:s, s:s}", "name", host, "state",
					       suspended   ? "suspended"
					       : certified ? "served"
							   : "no-certificate"));
}

static json_t *
domains_json(const struct status_query *p)
{
	json_t *all = json_array();

	own_domain_each(p->worker->edge, p->name, p->account, add_domain, all);
	return all;
}

/*
 * For the account's own tunnel alone: a ticket, and what was refused, are
 * nobody else's affair.
 */
static void
add_route(const struct status_query *p, json_t *o)
{
	struct edge *e = p->worker->edge;
	char url[330], ticket[TICKET_TEXT_BYTES], account[64];
	struct policy *policy = directory_policy(e->directory, slice_str(p->name), account);

	if (is_port(p->name))
		snprintf(url, sizeof(url), "tcp://%.250s:%s", e->domain, p->name + 4);
	else
		edge_url(e, p->name, url, sizeof(url));
	if (directory_is_tls(e->directory, slice_str(p->name)))
		json_object_set_new(o, "kind", json_string("tls"));
	ticket_make(e, p->name, ticket);
	json_object_set_new(o, "url", json_string(url));
	json_object_set_new(o, "ticket", json_string(ticket));
	json_object_set_new(o, "since_ms", json_integer((json_int_t)p->since_ms));
	if (policy != NULL)
		json_object_set_new(o, "policy", policy_json(policy));
	policy_unref(policy);
	if (p->peer[0] != '\0')
		json_object_set_new(o, "link",
		    json_pack("{s:s, s:s, s:s, s:I, s:I}", "peer", p->peer, "who", p->who, "agent",
			p->program, "rtt_us", (json_int_t)p->rtt_us, "silent_ms",
			(json_int_t)p->silent_ms));
	if (p->origin != NULL)
		json_object_set_new(o, "origin",
		    json_pack("{s:s, s:i, s:I}", "probe", p->origin, "status", (int)p->status, "us",
			(json_int_t)p->origin_us));
	json_object_set_new(o, "inbox", inbox_json(&p->counts));
	if (p->last_ms != 0)
		json_object_set_new(o, "last",
		    json_pack("{s:I, s:s, s:s, s:s, s:s, s:i}", "received_ms",
			(json_int_t)p->last_ms, "event", p->last_event, "order_key", p->last_key,
			"state", p->last_state, "note", p->last_note, "attempts",
			(int)p->last_attempts));
	json_object_set_new(o, "notes", notes_json(e, p->name));
	json_object_set_new(o, "domains", domains_json(p));
}

static void
query_free(struct status_query *p)
{
	inbox_req_fini(&p->req);
	free(p);
}

/* On the session's worker: all is known. */
static void
answer(struct status_query *p)
{
	struct session *s = p->session;
	json_t *o;
	char *text;

	if (s == NULL) {
		query_free(p);
		return;
	}
	check(s->status == p);
	s->status = NULL;
	o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "type", "probe", "name", p->name, "state",
	    p->state, "edge", "aditd/" ADIT_VERSION, "now_ms", (json_int_t)clock_wall_ms(),
	    "account", s->account);
	if (o != NULL && p->mine)
		add_route(p, o);
	if (o != NULL && p->mine && p->stopped)
		json_object_set_new(o, "stopped", json_true());
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	if (text != NULL)
		carrier_control(&s->carrier, slice_str(text));
	free(text);
	json_decref(o);
	query_free(p);
}

/* --- the link, on the worker that has it --- */

static void
on_link_told(struct errand *e)
{
	answer(list_of(e, struct status_query, errand));
}

static void
on_health(struct health *t)
{
	struct status_query *p = t->owner;

	check(p->through && p->origin == NULL);
	p->origin = t->code;
	p->status = t->status;
	p->origin_us = t->us;
	errand_end(&p->errand);
}

/*
 * On the worker of the link, with a question that belongs to another: only what is in it is
 * written, and it goes home by errand_end().
 */
static void
on_link_asked(struct loop *loop, struct loop_mail *m)
{
	struct status_query *p = list_of(m, struct status_query, out);
	struct worker *w = edge_worker(p->worker->edge, p->at);
	struct tunnel *t = tunnel_find(w, slice_str(p->name));

	check(w->loop == loop);
	if (t != NULL && strcmp(t->account, p->account) != 0)
		t = NULL; /* a port that has changed hands meanwhile */
	if (t == NULL) {
		snprintf(p->state, sizeof(p->state), "away");
	} else {
		snprintf(p->peer, sizeof(p->peer), "%s", t->session->peer);
		snprintf(p->program, sizeof(p->program), "%s", t->session->program);
		snprintf(p->who, sizeof(p->who), "%s", t->session->self.who);
		p->rtt_us = t->session->carrier.rtt_us;
		p->silent_ms = (loop_now_us(loop) - t->session->carrier.link.heard_us) / 1000;
	}
	if (t != NULL && p->through && t->kind == TUNNEL_HTTP) {
		if (health_start(t, on_health, p))
			return;
		p->origin = close_row(CLOSE_TOO_MANY_STREAMS)->name;
	}
	errand_end(&p->errand);
}

/* It may be this very worker: the mail comes round all the same, and there is one way. */
static void
ask_link(struct status_query *p)
{
	if (strcmp(p->state, "up") != 0) {
		answer(p);
		return;
	}
	errand_begin(&p->errand, &p->worker->errands, on_link_told);
	p->out.fn = on_link_asked;
	loop_post(edge_worker(p->worker->edge, p->at)->loop, &p->out);
}

/* --- the store --- */

/* Without the store's answer the rest is worth telling. */
static void
on_last(struct errand *e)
{
	struct status_query *p = list_of(e, struct status_query, errand);

	if (p->req.result == STORE_OK && p->req.n_items > 0) {
		const struct inbox_delivery *d = &p->req.items[0];

		p->last_ms = d->received_ms;
		p->last_attempts = d->attempts;
		slice_copy(d->event, p->last_event, sizeof(p->last_event));
		slice_copy(d->order_key, p->last_key, sizeof(p->last_key));
		slice_copy(d->note, p->last_note, sizeof(p->last_note));
		slice_copy(slice_str(inbox_state_text(d->state)), p->last_state,
		    sizeof(p->last_state));
	}
	ask_link(p);
}

static void
submit(struct status_query *p, enum inbox_op op, void (*back)(struct errand *e))
{
	inbox_req_fini(&p->req);
	p->req = (struct inbox_req){ .op = op };
	if (op == INBOX_LIST)
		p->req.find = (struct inbox_find){ .n_max = 1, .bytes_max = 4096 };
	snprintf(p->req.account, sizeof(p->req.account), "%s", p->account);
	snprintf(p->req.tunnel, sizeof(p->req.tunnel), "%s", p->name);
	errand_inbox(&p->errand, &p->worker->errands, p->worker->edge->store, &p->req, back);
}

static void
on_counted(struct errand *e)
{
	struct status_query *p = list_of(e, struct status_query, errand);

	if (p->req.result == STORE_OK)
		p->counts = p->req.counts;
	submit(p, INBOX_LIST, on_last);
}

/* --- the question --- */

/* Under the directory's lock. */
static bool
look(const struct route *r, void *arg)
{
	struct status_query *p = arg;

	if (strcmp(r->key, p->name) != 0)
		return true;
	p->found = true;
	p->tombstone = r->tombstone;
	p->mine = strcmp(r->account, p->account) == 0;
	p->since_ms = r->since_ms;
	p->stopped = r->stopped && !r->disabled && route_serves(r, 0);
	p->at = r->link.worker;
	snprintf(p->state, sizeof(p->state), "%s",
	    !route_serves(r, 0) ? "up"
	    : r->disabled       ? "disabled"
				: "away");
	return false;
}

/* A host's letters in lower case; "" where it is none of ours. */
static void
read_name(struct status_query *p, const json_t *question)
{
	const char *name = json_string_value(json_object_get(question, "name"));
	const char *host = json_string_value(json_object_get(question, "host"));
	char lower[256], key[DIRECTORY_KEY_BYTES];
	size_t n = 0;

	if (name != NULL) {
		slice_copy(slice_str(name), p->name, sizeof(p->name));
		return;
	}
	for (; host != NULL && host[n] != '\0' && n < sizeof(lower); n++)
		lower[n] = host[n] >= 'A' && host[n] <= 'Z' ? (char)(host[n] + 32) : host[n];
	if (n >= sizeof(lower))
		return;
	slice_copy(own_domain_tunnel(p->worker->edge, slice_of(lower, n), key), p->name,
	    sizeof(p->name));
}

static void
start(struct session *s, const json_t *question)
{
	struct status_query *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return; /* the doctor gives up after a while */
	p->session = s;
	p->worker = s->worker;
	s->status = p;
	slice_copy(slice_str(s->account), p->account, sizeof(p->account));
	p->through = json_is_true(json_object_get(question, "through"));
	read_name(p, question);
	directory_each(s->worker->edge->directory, look, p);
	if (p->found && p->mine && !p->tombstone) {
		submit(p, INBOX_COUNT, on_counted);
		return;
	}
	snprintf(p->state, sizeof(p->state), "%s",
	    p->tombstone ? "released"
	    : p->found   ? "other"
			 : "unknown");
	p->mine = false;
	answer(p);
}

/* One question at a time. A second one is dropped: whoever asks gives up after a while. */
void
status_message(struct session *s, const json_t *question)
{
	if (s->status == NULL)
		start(s, question);
}

void
status_abandon(struct session *s)
{
	if (s->status != NULL)
		s->status->session = NULL;
	s->status = NULL;
}
