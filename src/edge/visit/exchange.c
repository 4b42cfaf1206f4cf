/* SPDX-License-Identifier: Apache-2.0 */
/* A request of a visitor: which tunnel it is for, and the flow that carries it there and the answer
 * back. */
#include "edge/visit/visitor.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/visit/access.h"
#include "edge/visit/client.h"
#include "edge/visit/crowd.h"
#include "edge/visit/intake.h"
#include "edge/visit/last_hop.h"
#include "edge/core/incident.h"
#include "edge/visit/probe.h"
#include "http/rewrite.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <stdio.h>

/* --- routing: everything reads the one canonical host (S-06, S-07) --- */

/* An IP address is no name of a tenant: clients that send one as SNI mean none. */
static bool
is_address(const char *sni)
{
	struct in_addr v4;

	return inet_pton(AF_INET, sni, &v4) == 1;
}

static bool
is_misdirected(const struct exchange *x)
{
	const struct tls *tls = x->visitor->conn.tls;
	struct slice sni = tls == NULL ? S("") : slice_str(tls_sni(tls));

	if (sni.n == 0 || is_address(tls_sni(tls)))
		return false;
	if (sni.p[sni.n - 1] == '.')
		sni.n--;
	return !slice_ieq(sni, slice_str(x->host));
}

/* The authority of an absolute target wins over Host (RFC 9112 3.2.2); two that differ are refused.
 */
static bool
is_contradicted(const struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	const struct h1_field *field;
	char host[sizeof(x->host)];
	uint16_t port = 0;
	size_t at = 0;

	field = h1_find(h, bytes, S("Host"), &at);
	if (field == NULL)
		return false;
	return !url_authority(h1_text(bytes, field->value), host, sizeof(host), &port) ||
	       strcmp(host, x->host) != 0;
}

/* CLOSE_OK and the tunnel; CLOSE_OK and *ret_to: it is on that worker; else why not. */
static enum close_code
find_tunnel(struct exchange *x, struct tunnel **ret_tunnel, struct worker **ret_to)
{
	struct worker *w = x->worker;
	struct slice name = edge_name_of(w->edge, slice_str(x->host));
	unsigned at = 0;

	if (name.n == 0)
		return CLOSE_UNKNOWN_NAME;
	memcpy(x->name, name.p, name.n);
	*ret_tunnel = tunnel_find(w, name);
	if (*ret_tunnel != NULL)
		return CLOSE_OK;
	switch (directory_find(w->edge->directory, name, &at)) {
	case DIRECTORY_UNKNOWN:
		return CLOSE_UNKNOWN_NAME;
	case DIRECTORY_RELEASED:
		return CLOSE_RELEASED_NAME;
	case DIRECTORY_AWAY:
		return CLOSE_AGENT_AWAY;
	case DIRECTORY_UP:
		break;
	}
	if (at == w->index)
		return CLOSE_AGENT_AWAY; /* it has gone, or comes, in this very turn */
	*ret_to = w->edge->workers[at];
	return CLOSE_OK;
}

static enum close_code
look_at_head(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	struct settings *set = x->worker->settings;
	uint16_t port = 0;

	if (slice_eq(h1_text(bytes, h->method), S("CONNECT")))
		return CLOSE_CONNECT_REFUSED;
	if (!url_authority(h1_text(bytes, h->authority), x->host, sizeof(x->host), &port) ||
	    ((h->flags & H1_ABSOLUTE) && is_contradicted(x, bytes)))
		return CLOSE_BAD_HOST;
	if (is_misdirected(x))
		return CLOSE_MISDIRECTED;
	if (set->limits.body_bytes != 0 && h->framing == H1_LENGTH &&
	    h->length > (uint64_t)set->limits.body_bytes)
		return CLOSE_BODY_TOO_LARGE;
	return x->worker->draining ? CLOSE_STOPPING : CLOSE_OK;
}

/* What is needed of the head when its buffer has gone. */
static void
remember(struct exchange *x, struct slice bytes)
{
	const struct h1_head *h = &x->req.head;
	const struct h1_field *accept;
	size_t at = 0;

	x->start_us = loop_now_us(x->worker->loop);
	x->keep = (h->flags & H1_KEEP_ALIVE) != 0;
	worker_request_id(x->worker, x->id);
	accept = h1_find(h, bytes, S("Accept"), &at);
	if (accept != NULL)
		slice_copy(h1_text(bytes, accept->value), x->accept, sizeof(x->accept));
	if (!x->worker->settings->log_access || !log_wants(LOG_INFO))
		return;
	slice_copy(h1_text(bytes, h->method), x->method, sizeof(x->method));
	slice_copy(h1_text(bytes, h->path), x->path, sizeof(x->path));
}

/* --- forward --- */

static struct slice
peer_host(const struct visitor *v)
{
	struct slice peer = slice_str(v->peer);
	size_t colon = peer.n;

	while (colon > 0 && peer.p[colon - 1] != ':')
		colon--;
	if (colon < 2 || slice_starts(peer, S("unix:")))
		return S("");
	peer.n = colon - 1;
	if (peer.p[0] == '[' && peer.n > 2)
		return slice_of(peer.p + 1, peer.n - 2);
	return peer;
}

static int
send_head(struct exchange *x, struct tunnel *t, struct slice head)
{
	const struct visitor *v = x->visitor;
	const struct tls *tls = v->conn.tls;
	char who[PEER_TEXT_BYTES];
	struct opening o;

	client_text(x, who);
	o = (struct opening){
		.kind = OPENING_HTTP,
		.request_id = slice_str(x->id),
		.visitor = slice_str(who),
		.local = slice_str(v->local),
		.tls_version = tls == NULL ? S("") : slice_str(tls_version(tls)),
		.sni = tls == NULL ? S("") : slice_str(tls_sni(tls)),
		.alpn = tls == NULL ? S("") : tls_alpn(tls),
	};
	return tunnel_send_head(t, &x->flow, &o, head);
}

void
exchange_forward(const struct exchange *x, struct slice bytes, struct rewrite_forward *ret)
{
	const struct visitor *v = x->visitor;
	const struct edge *e = x->worker->edge;

	*ret = (struct rewrite_forward){
		.client_address = peer_host(v),
		.proto = v->conn.tls != NULL ? S("https") : S("http"),
		.host = h1_text(bytes, x->req.head.authority),
		.port = v->conn.tls != NULL ? e->https_port : e->http_port,
		.request_id = slice_str(x->id),
		.via = slice_str(x->worker->settings->via),
		.trusted = v->trusted,
	};
}

void
exchange_answer(const struct exchange *x, struct rewrite_answer *ret)
{
	*ret = (struct rewrite_answer){
		.visitor_minor = x->req.head.minor,
		.keep_alive = x->keep,
		.head_request = x->req_head,
		.request_id = slice_str(x->id),
		.via = slice_str(x->worker->settings->via),
		.wall_ms = clock_wall_ms(),
	};
}

size_t
exchange_rules(const struct policy_headers *h, char *head, size_t n)
{
	return h->n_drop == 0
		   ? n
		   : rewrite_rules(head, n, FLOW_HEAD_SCRATCH_BYTES, h->drop, h->n_drop, h->add);
}

static size_t
write_head(struct exchange *x, struct slice bytes)
{
	char *head = flow_head_scratch(&x->flow);
	struct rewrite_forward forward;
	size_t n;

	exchange_forward(x, bytes, &forward);
	n = rewrite_request(&x->req.head, bytes, &forward, head, FLOW_HEAD_SCRATCH_BYTES);
	return x->policy == NULL ? n : exchange_rules(&x->policy->request, head, n);
}

static enum flow_framing
request_framing(const struct h1_head *h)
{
	if (h->framing == H1_LENGTH && h->length > 0)
		return FLOW_LENGTH;
	return h->framing == H1_CHUNKED ? FLOW_CHUNKED : FLOW_NONE;
}

/*
 * The inlet of a request.  What may become another protocol sends nothing before the origin has
 * agreed: to an origin that does not, those bytes would be a request of their own.
 */
static int
start_inlet(struct exchange *x, struct slice early)
{
	enum flow_framing framing = request_framing(&x->req.head);

	x->upgrade = (x->req.head.flags & H1_UPGRADE) != 0;
	if (x->upgrade) {
		buf_put(&x->rest, early);
		return x->rest.failed ? -1 : 0;
	}
	if (flow_inlet(&x->flow, framing, &x->req, early) != 0)
		return -1;
	if ((x->req.head.flags & H1_EXPECT_100) && framing != FLOW_NONE && early.n == 0) {
		x->continued = true;
		return flow_write(&x->flow, S("HTTP/1.1 100 Continue\r\n\r\n"));
	}
	return 0;
}

static int
send_request(struct exchange *x, struct tunnel *t, struct slice bytes)
{
	size_t n;

	if (request_framing(&x->req.head) != FLOW_NONE)
		x->req.head.flags &= (uint8_t)~H1_UPGRADE; /* RFC 9110 7.8 lets us ignore it */
	n = write_head(x, bytes);
	if (n == 0 || send_head(x, t, slice_of(flow_head_scratch(&x->flow), n)) != 0)
		return -1;
	return start_inlet(x, slice_from(bytes, x->req.head.n_bytes));
}

/* What a body without a length may come to, 0: anything. */
static uint64_t
body_max(const struct exchange *x)
{
	uint64_t all = (uint64_t)x->worker->settings->limits.body_bytes;
	uint64_t own = x->policy != NULL ? x->policy->body_max : 0;

	return own == 0 || (all != 0 && all < own) ? all : own;
}

static void
forward(struct exchange *x, struct tunnel *t, struct slice bytes)
{
	int64_t now = loop_now_us(x->worker->loop);
	enum close_code code = tunnel_begin(t, &x->flow, &x->visitor->conn, &reply_ops, x);

	if (code != CLOSE_OK) {
		answer_error(x, code, slice_from(bytes, x->req.head.n_bytes));
		return;
	}
	x->flowing = true;
	visitor_move(x->visitor, VISITOR_FLOW);
	x->req.body_max = body_max(x);
	h1_init(&x->res, H1_RESPONSE);
	x->res.inside = true;
	x->res.head_request = x->req_head = slice_eq(h1_text(bytes, x->req.head.method), S("HEAD"));
	x->since_us = x->rate_us = now;
	x->silent_ms = tunnel_silent_ms(t);
	if (send_request(x, t, bytes) != 0) {
		x->keep = false;
		answer_error(x, CLOSE_OVERLOAD, S(""));
		return;
	}
	buf_fini(&x->head);
}

/* A hook that is called by http:// loses its body on the way to https://. */
static void
note_redirect(const struct exchange *x, struct slice bytes)
{
	char peer[PEER_TEXT_BYTES];
	struct slice agent;

	if (x->probe == EXCHANGE_NO_PROBE &&
	    slice_eq(h1_text(bytes, x->req.head.method), S("POST")) &&
	    notes_is_hook(&x->req.head, bytes, &agent)) {
		client_text(x, peer);
		notes_put(x->worker->edge->notes, x->name, NOTE_HTTP, peer, agent, S(""));
	}
}

/* --- the steps of a request --- */

/* What is known of a request while its steps follow one another; nothing of it outlives a wait. */
struct going {
	struct slice bytes; /* from the first byte of the head on */
	struct tunnel *tunnel;
	enum close_code code; /* CLOSE_OK, or why no tunnel will serve it */
	char account[64];     /* whose route it is, "": nobody's */
};

enum step { STEP_MORE, STEP_WAIT, STEP_DONE };

static struct slice
read_ahead_of(const struct exchange *x, const struct going *g)
{
	return slice_from(g->bytes, x->req.head.n_bytes);
}

/* True: its tunnel is on another worker, and so is the request now. */
static bool
hand_over(struct exchange *x, struct going *g)
{
	struct worker *to = NULL;

	if (g->code == CLOSE_OK)
		g->code = find_tunnel(x, &g->tunnel, &to);
	if (to != NULL)
		visitor_hand_over(x->visitor, to, g->bytes);
	return to != NULL;
}

static enum step
route(struct exchange *x, struct going *g)
{
	const struct h1_head *h = &x->req.head;

	remember(x, g->bytes);
	client_find(x, g->bytes);
	g->code = look_at_head(x, g->bytes);
	if (g->code != CLOSE_OK)
		x->keep = false;
	if (hand_over(x, g))
		return STEP_DONE;
	x->probe = probe_read(x, g->bytes);
	if (x->probe == EXCHANGE_NO_PROBE)
		counter_add(&x->worker->counters.requests, 1);
	x->req_head = slice_eq(h1_text(g->bytes, h->method), S("HEAD"));
	if (x->name[0] == '\0' || x->visitor->conn.tls != NULL ||
	    x->worker->settings->http_mode != SETTINGS_HTTP_REDIRECT)
		return STEP_MORE;
	note_redirect(x, g->bytes);
	answer_redirect(x, h1_text(g->bytes, h->path), h1_text(g->bytes, h->query),
	    read_ahead_of(x, g));
	return STEP_DONE;
}

/* A name that is not served now has its policy all the same. */
static void
find_policy(struct exchange *x, struct going *g)
{
	policy_unref(x->policy);
	x->policy = NULL;
	if (g->tunnel != NULL) {
		x->policy = policy_ref(g->tunnel->policy);
		snprintf(g->account, sizeof(g->account), "%s", g->tunnel->account);
	} else if (g->code == CLOSE_AGENT_AWAY) {
		x->policy =
		    directory_policy(x->worker->edge->directory, slice_str(x->name), g->account);
	}
}

/* May this request pass? It may have to wait for a password here, and then comes again. */
static enum step
admit(struct exchange *x, struct going *g)
{
	find_policy(x, g);
	if (!crowd_exchange(x, g->account)) {
		x->keep = false;
		answer_error(x, CLOSE_OVERLOAD, read_ahead_of(x, g));
		return STEP_DONE;
	}
	if (x->policy == NULL)
		return STEP_MORE;
	switch (access_check(x, x->policy, g->account, g->bytes)) {
	case ACCESS_OK:
		return STEP_MORE;
	case ACCESS_WAITS:
		return STEP_WAIT;
	case ACCESS_ANSWERED:
		break;
	}
	return STEP_DONE;
}

/* Into the inbox, through the tunnel, or an answer of our own. */
static enum step
serve(struct exchange *x, struct going *g)
{
	const struct policy *p = x->policy;

	if (g->code == CLOSE_OK && last_hop_answer(x, g->bytes))
		return STEP_DONE;
	if (p != NULL && p->mode != PRESET_PASS && x->probe != EXCHANGE_PROBE_THROUGH)
		intake_start(x, x->policy, g->account, g->bytes);
	else if (g->code != CLOSE_OK)
		answer_error(x, g->code, read_ahead_of(x, g));
	else if (p != NULL && p->body_max != 0 && x->req.head.framing == H1_LENGTH &&
		 x->req.head.length > p->body_max)
		answer_error(x, CLOSE_BODY_TOO_LARGE, read_ahead_of(x, g));
	else if (x->probe == EXCHANGE_PROBE_EDGE)
		probe_answer(x, "", "", read_ahead_of(x, g));
	else
		forward(x, g->tunnel, g->bytes);
	return STEP_DONE;
}

static enum step (*const steps[])(struct exchange *x, struct going *g) = { route, admit, serve };

enum { AT_ROUTE, AT_ADMIT };

static void
go_on(struct exchange *x, struct going *g, size_t at)
{
	while (steps[at](x, g) == STEP_MORE)
		at++;
}

void
exchange_request(struct exchange *x, struct slice bytes)
{
	struct going g = { .bytes = bytes };

	go_on(x, &g, AT_ROUTE);
}

void
exchange_admit_again(struct exchange *x)
{
	struct going g = { .bytes = buf_slice(&x->head) };

	if (hand_over(x, &g))
		counter_add(&x->worker->counters.requests, (uint64_t)-1); /* it counts there */
	else
		go_on(x, &g, AT_ADMIT);
}

/* --- time --- */

/*
 * The visitor owes us body bytes at a minimum rate.  While bytes of it wait to be read it is us, or
 * the origin, who is slow.
 */
static bool
is_slow(struct exchange *x, int64_t now_us)
{
	int64_t rate = x->worker->settings->limits.body_rate_bytes, window_us = now_us - x->rate_us;
	uint64_t got = x->flow.rx_bytes - x->rate_bytes;

	if (rate == 0 || x->visitor->conn.readable) {
		x->rate_us = now_us;
		x->rate_bytes = x->flow.rx_bytes;
		return false;
	}
	if (window_us < (int64_t)LIMIT_BODY_GRACE_MS * 1000)
		return false;
	x->rate_us = now_us;
	x->rate_bytes = x->flow.rx_bytes;
	return (int64_t)got < rate * (window_us / 1000000);
}

/*
 * The agent knows when the origin has the whole request, and how long it may be silent from there;
 * it tells of it.  Here it is only seen that an agent which does not is waited for no longer.  On a
 * slow line a request that was sent is not yet there: its time begins when it is.
 */
static bool
is_silent(struct exchange *x, int64_t now_us)
{
	if (x->status != 0 || !(x->in_over || x->upgrade) || x->flow.carrier == NULL)
		return false;
	if (!x->arrived) {
		x->since_us = now_us;
		x->arrived = carrier_has_arrived(x->flow.carrier, x->sent_mark);
	}
	return now_us - x->since_us > ((int64_t)x->silent_ms + LIMIT_EDGE_SILENT_MS) * 1000;
}

/* Bytes wait for the visitor, or the visitor's for the origin, and nobody takes them. */
static bool
is_stalled(struct exchange *x, int64_t now_us)
{
	const struct conn *c = &x->visitor->conn;
	bool theirs = !x->in_over && !x->upgrade && (c->readable || x->flow.in_early.n > 0);
	size_t unacked;

	if (x->flow.out.n == 0 && conn_waiting(c) == 0) {
		x->unacked = 0;
		if (!theirs)
			return false;
	} else if ((unacked = conn_unacked(c)) != x->unacked) {
		x->unacked = unacked; /* the kernel's buffer is large, and empties all the same */
		x->flow.active_us = now_us;
	}
	return now_us - x->flow.active_us > x->worker->settings->limits.stream_stall_ms * 1000;
}

/* Upgrades live as long as both sides want them to, unless the operator says otherwise. */
static bool
is_idle(const struct exchange *x, int64_t now_us)
{
	int64_t idle_ms = x->worker->settings->limits.stream_idle_ms;

	return x->switched && idle_ms != 0 && now_us - x->flow.active_us > idle_ms * 1000;
}

void
exchange_tick(struct exchange *x, int64_t now_us)
{
	if (is_silent(x, now_us) || is_idle(x, now_us) || (!x->switched && is_stalled(x, now_us)))
		reply_fail(x, CLOSE_ORIGIN_SILENT);
	else if (!x->in_over && !x->upgrade && is_slow(x, now_us))
		reply_fail(x, CLOSE_SLOW_BODY);
}
