/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the doctor and `adit status`, and recognises their requests by a ticket. */
#include "edge/probe.h"

#include "base/clock.h"
#include "base/text.h"
#include "edge/notes.h"
#include "edge/through.h"
#include "http/close.h"
#include "store/inbox.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define TICKET_MS 60000
#define TICKET_MAC_BYTES 16
#define TICKET_CHARS (16 + 2 * TICKET_MAC_BYTES)

/* One question of a session, while worker and store of it are being asked. */
struct probe {
	struct session *session; /* NULL: it is over */
	struct worker *worker;   /* of the session */
	struct loop_mail mail;
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

/* --- tickets --- */

static void
make_mac(const struct edge *e, const char *name, const char *until,
    char dst[2 * TICKET_MAC_BYTES + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char text[DIRECTORY_KEY_BYTES + 40];
	int len = snprintf(text, sizeof(text), "adit-probe %s %s", until, name);

	HMAC(EVP_sha256(), e->probe_key, PROBE_KEY_BYTES, (unsigned char *)text, (size_t)len, mac,
	    &n);
	text_hex(mac, TICKET_MAC_BYTES, dst);
}

static void
make_ticket(const struct edge *e, const char *name, char dst[TICKET_CHARS + 1])
{
	snprintf(dst, 17, "%016llx", (unsigned long long)(clock_wall_ms() + TICKET_MS));
	make_mac(e, name, dst, dst + 16);
}

static bool
is_ticket(const struct edge *e, const char *name, struct slice s)
{
	char until[17], mac[2 * TICKET_MAC_BYTES + 1];

	if (s.n != TICKET_CHARS || !slice_z(slice_head(s, 16), until, sizeof(until)))
		return false;
	make_mac(e, name, until, mac);
	return CRYPTO_memcmp(mac, s.p + 16, 2 * TICKET_MAC_BYTES) == 0 &&
	       (int64_t)strtoull(until, NULL, 16) > clock_wall_ms();
}

enum exchange_probe
probe_read(const struct exchange *x, struct slice bytes)
{
	size_t at = 0;
	const struct h1_field *f = h1_find(&x->req.head, bytes, S("adit-probe"), &at);
	struct slice value, ticket;

	if (f == NULL || x->name[0] == '\0')
		return EXCHANGE_NO_PROBE;
	value = h1_text(bytes, f->value);
	ticket = slice_cut(&value, ' ');
	if (!is_ticket(x->worker->edge, x->name, ticket))
		return EXCHANGE_NO_PROBE;
	return slice_eq(value, S("edge")) ? EXCHANGE_PROBE_EDGE : EXCHANGE_PROBE_THROUGH;
}

void
probe_answer(struct exchange *x, const char *signature, const char *text, struct slice read_ahead)
{
	static const char *const modes[] = { "pass", "store", "relay" };
	struct buf b;

	buf_init(&b, 4096);
	buf_printf(&b,
	    "{\"probe\":\"edge\",\"edge\":\"aditd/"
	    "%s\",\"name\":\"%s\",\"mode\":\"%s\",\"id\":\"%s\","
	    "\"signature\":\"%s\",\"text\":",
	    ADIT_VERSION, x->name, modes[x->policy == NULL ? PRESET_PASS : x->policy->mode], x->id,
	    signature);
	buf_json(&b, slice_str(text));
	buf_put(&b, S("}\n"));
	answer_own(x, 200, "Cache-Control: no-store\r\n", S("application/json"), buf_slice(&b),
	    read_ahead);
	buf_fini(&b);
}

/* --- the answer on the link --- */

static json_t *
policy_json(const struct policy *p)
{
	static const char *const modes[] = { "pass", "store", "relay" };

	return json_pack("{s:s, s:s, s:s, s:i, s:s%, s:I, s:b, s:b, s:b}", "mode", modes[p->mode],
	    "preset", p->preset == NULL ? "" : p->preset->name, "scheme",
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

static json_t *
notes_json(struct edge *e, const char *name)
{
	struct buf b;
	json_t *notes = NULL;

	buf_init(&b, 16384);
	notes_write(e->notes, name, &b);
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

static void
add_route(const struct probe *p, json_t *o)
{
	struct edge *e = p->worker->edge;
	char url[330], ticket[TICKET_CHARS + 1], account[64];
	struct policy *policy = directory_policy(e->directory, slice_str(p->name), account);

	if (is_port(p->name))
		snprintf(url, sizeof(url), "tcp://%.250s:%s", e->domain, p->name + 4);
	else
		edge_url(e, p->name, url, sizeof(url));
	make_ticket(e, p->name, ticket);
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
}

static void
probe_free(struct probe *p)
{
	inbox_req_fini(&p->req);
	free(p);
}

/* On the session's worker: all is known. */
static void
answer(struct probe *p)
{
	struct session *s = p->session;
	json_t *o;
	char *text;

	p->worker->n_stored--;
	if (s == NULL) {
		worker_check_idle(p->worker);
		probe_free(p);
		return;
	}
	s->probe = NULL;
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
	probe_free(p);
}

static void
on_back_mail(struct loop *loop, struct loop_mail *m)
{
	(void)loop;
	answer(list_of(m, struct probe, mail));
}

static void
go_back(struct probe *p)
{
	p->mail.fn = on_back_mail;
	loop_post(p->worker->loop, &p->mail);
}

static void
on_through(struct through *t)
{
	struct probe *p = t->owner;

	p->origin = t->code;
	p->status = t->status;
	p->origin_us = t->us;
	go_back(p);
}

/* On the worker of the link that serves the route. */
static void
on_link_mail(struct loop *loop, struct loop_mail *m)
{
	struct probe *p = list_of(m, struct probe, mail);
	struct worker *w = p->worker->edge->workers[p->at];
	struct tunnel *t = tunnel_find(w, slice_str(p->name));

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
	if (t != NULL && p->through && !is_port(p->name)) {
		if (through_start(t, on_through, p))
			return;
		p->origin = close_row(CLOSE_TOO_MANY_STREAMS)->name;
	}
	go_back(p);
}

static void
ask_link(struct probe *p)
{
	if (strcmp(p->state, "up") != 0) {
		answer(p);
		return;
	}
	p->mail.fn = on_link_mail;
	loop_post(p->worker->edge->workers[p->at]->loop, &p->mail);
}

/* --- the store --- */

/* On the store's thread. */
static void
on_stored(struct inbox_req *req)
{
	struct probe *p = req->owner;

	loop_post(p->worker->loop, &p->mail);
}

static void
copy(char *dst, size_t cap, struct slice s)
{
	if (s.n >= cap)
		s.n = cap - 1;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

static void
on_last_mail(struct loop *loop, struct loop_mail *m)
{
	struct probe *p = list_of(m, struct probe, mail);

	(void)loop;
	if (p->req.result == STORE_OK && p->req.n_items > 0) {
		const struct inbox_delivery *d = &p->req.items[0];

		p->last_ms = d->received_ms;
		p->last_attempts = d->attempts;
		copy(p->last_event, sizeof(p->last_event), d->event);
		copy(p->last_key, sizeof(p->last_key), d->order_key);
		copy(p->last_note, sizeof(p->last_note), d->note);
		copy(p->last_state, sizeof(p->last_state), slice_str(inbox_state_text(d->state)));
	}
	ask_link(p);
}

static void
submit(struct probe *p, enum inbox_op op, void (*fn)(struct loop *, struct loop_mail *))
{
	inbox_req_fini(&p->req);
	p->req = (struct inbox_req){
		.op = op, .done = on_stored, .owner = p, .n_max = 1, .bytes_max = 4096
	};
	snprintf(p->req.account, sizeof(p->req.account), "%s", p->account);
	snprintf(p->req.tunnel, sizeof(p->req.tunnel), "%s", p->name);
	p->mail.fn = fn;
	inbox_submit(p->worker->edge->store, &p->req);
}

static void
on_counted_mail(struct loop *loop, struct loop_mail *m)
{
	struct probe *p = list_of(m, struct probe, mail);

	(void)loop;
	if (p->req.result == STORE_OK)
		p->counts = p->req.counts;
	submit(p, INBOX_LIST, on_last_mail);
}

/* --- the question --- */

/* Under the directory's lock. */
static bool
look(const struct route *r, void *arg)
{
	struct probe *p = arg;

	if (strcmp(r->key, p->name) != 0)
		return true;
	p->found = true;
	p->tombstone = r->tombstone;
	p->mine = strcmp(r->account, p->account) == 0;
	p->since_ms = r->since_ms;
	p->stopped = r->stopped && route_serves(r, 0);
	p->at = r->link.worker;
	snprintf(p->state, sizeof(p->state), "%s", route_serves(r, 0) ? "away" : "up");
	return false;
}

/* A host's letters in lower case; "" where it is none of ours. */
static void
read_name(struct probe *p, const json_t *question)
{
	const char *name = json_string_value(json_object_get(question, "name"));
	const char *host = json_string_value(json_object_get(question, "host"));
	char lower[256];
	size_t n = 0;

	if (name != NULL) {
		copy(p->name, sizeof(p->name), slice_str(name));
		return;
	}
	for (; host != NULL && host[n] != '\0' && n < sizeof(lower); n++)
		lower[n] = host[n] >= 'A' && host[n] <= 'Z' ? (char)(host[n] + 32) : host[n];
	if (n < sizeof(lower))
		copy(p->name, sizeof(p->name), edge_name_of(p->worker->edge, slice_of(lower, n)));
}

static void
start(struct session *s, const json_t *question)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return; /* the doctor gives up after a while */
	p->session = s;
	p->worker = s->worker;
	s->probe = p;
	s->worker->n_stored++;
	copy(p->account, sizeof(p->account), slice_str(s->account));
	p->through = json_is_true(json_object_get(question, "through"));
	read_name(p, question);
	directory_each(s->worker->edge->directory, look, p);
	if (p->found && p->mine && !p->tombstone) {
		submit(p, INBOX_COUNT, on_counted_mail);
		return;
	}
	snprintf(p->state, sizeof(p->state), "%s",
	    p->tombstone ? "released"
	    : p->found   ? "other"
			 : "unknown");
	p->mine = false;
	answer(p);
}

void
probe_control(struct session *s, const json_t *question)
{
	if (s->probe == NULL)
		start(s, question);
}

void
probe_abandon(struct session *s)
{
	if (s->probe != NULL)
		s->probe->session = NULL;
	s->probe = NULL;
}
