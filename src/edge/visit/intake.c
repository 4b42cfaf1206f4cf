/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook on its way into the store: body, signature, handshake, commit, answer. */
#include "edge/visit/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/visit/client.h"
#include "edge/visit/forward.h"
#include "edge/visit/local_reply.h"
#include "edge/inbox/courier.h"
#include "edge/inbox/head_fields.h"
#include "edge/core/vault.h"
#include "edge/core/incident.h"
#include "edge/visit/probe.h"
#include "hook/event.h"
#include "hook/handshake.h"
#include "store/inbox.h"

#include <stdio.h>
#include <stdlib.h>

/* Bitbucket Cloud retries within minutes, GitHub can be asked to for days: a day covers what
 * senders do by themselves. */
#define DEDUPE_MS (24 * 3600 * 1000)

struct intake {
	struct exchange *x; /* NULL: the visitor has gone */
	struct worker *worker;
	struct policy *policy;
	struct buf raw;    /* the head as it came: signatures are over it */
	struct buf head;   /* the head as it will go into a stream */
	struct buf stored; /* the head as it is stored: sealed */
	struct buf body;
	uint64_t body_max;
	struct share share; /* of worker->visit->intake_shares */
	size_t kib;         /* that it has taken of them */
	struct event event;
	char dedupe[sizeof(((struct event *)NULL)->dedupe) + sizeof(((struct event *)NULL)->print)];
	char name[DIRECTORY_KEY_BYTES];
	struct inbox_req put;
	struct inbox_copy copies[LIMIT_FAN_OUT];
	struct errand errand;
	bool storing;
	struct courier_waiter waiter; /* relay: the origin's answer is awaited */
	struct loop_timer timer;
};

static void
intake_free(struct intake *in)
{
	loop_timer_stop(in->worker->loop, &in->timer);
	shares_leave(&in->worker->visit->intake_shares, &in->share);
	inbox_req_fini(&in->put);
	policy_unref(in->policy);
	buf_fini(&in->raw);
	buf_fini(&in->head);
	buf_fini(&in->stored);
	buf_fini(&in->body);
	free(in);
}

void
intake_abandon(struct exchange *x)
{
	struct intake *in = x->intake;

	x->intake = NULL;
	if (in == NULL)
		return;
	in->x = NULL;
	courier_forget_waiter(&in->waiter);
	if (!in->storing)
		intake_free(in);
}

/* The exchange goes on, or ends, with an answer: the intake is not needed any more. */
static struct exchange *
detach_exchange(struct intake *in)
{
	struct exchange *x = in->x;

	intake_abandon(x);
	return x;
}

static void
refuse(struct intake *in, enum close_code code)
{
	struct exchange *x = detach_exchange(in);

	local_reply_error(x, code, buf_slice(&x->rest));
}

/* Neither 202 nor 503 would be true: the sender asks again, or its people do. */
static void
say_nothing(struct intake *in)
{
	struct exchange *x = detach_exchange(in);

	conn_will_reset(&x->visitor->conn);
	visitor_close(x->visitor);
}

/* For the doctor. */
static void
note(const struct intake *in, enum incident_kind kind, struct slice text)
{
	struct slice agent = S("");
	char peer[PEER_TEXT_BYTES] = "";

	if (in->x != NULL && in->x->probe != EXCHANGE_NO_PROBE)
		return;
	if (in->x != NULL)
		client_text(in->x, peer);
	if (in->x != NULL)
		(void)incident_is_hook(&in->x->req.head, buf_slice(&in->raw), &agent);
	incident_put(in->worker->edge->incidents, in->name, kind, peer, agent, text);
}

static void
note_big(const struct intake *in)
{
	char text[96];

	snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)in->x->req.head.length,
	    (unsigned long long)in->body_max);
	note(in, INCIDENT_TOO_BIG, slice_str(text));
}

static void
refuse_big(struct intake *in)
{
	note_big(in);
	refuse(in, CLOSE_BODY_TOO_LARGE);
}

/* Others need the memory, and this one has been under way for the longest: its sender tries again. */
static void
make_room(struct intake *in)
{
	log_event(LOG_DEBUG, "webhook-crowded-out", LOG_Z("tunnel", in->name),
	    LOG_Z("id", in->x->id));
	in->x->keep_alive = false;
	refuse(in, CLOSE_OVERLOAD);
}

/* Takes as much of the worker's memory for webhooks as it holds now. False: there is no room. */
static bool
charge(struct intake *in)
{
	struct shares *s = &in->worker->visit->intake_shares;
	size_t bytes = in->raw.cap + in->head.cap + in->stored.cap + in->body.cap;
	size_t kib = (bytes + 1023) / 1024, more = kib > in->kib ? kib - in->kib : 0;
	struct share *victim = NULL;
	enum lobby_room room;

	while ((room = shares_room(s, &in->share, more, &victim)) == LOBBY_VICTIM) {
		if (victim == &in->share)
			return false;
		make_room(list_of(victim, struct intake, share));
	}
	if (room != LOBBY_ROOM || !shares_take(s, &in->share, more))
		return false;
	in->kib += more;
	return true;
}

/* --- the answer --- */

static void
answer_accepted(struct intake *in)
{
	unsigned long long id = in->put.id;
	size_t n_copies = in->put.duplicate ? 0 : in->put.n_copies;
	char fields[64], body[160 + 24 * LIMIT_FAN_OUT];
	struct exchange *x;
	size_t n = (size_t)snprintf(body, sizeof(body), "{\"delivery\":\"%llu\",\"duplicate\":%s",
	    id, in->put.duplicate ? "true" : "false");

	if (in->put.duplicate && in->put.state == INBOX_DROPPED)
		n += (size_t)snprintf(body + n, sizeof(body) - n,
		    ",\"why\":\"a newer push of the branch has taken its place\"");
	for (size_t i = 0; i < n_copies; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"%llu\"%s",
		    i == 0 ? ",\"copies\":[" : ",", (unsigned long long)in->copies[i].id,
		    i + 1 == n_copies ? "]" : "");
	n += (size_t)snprintf(body + n, sizeof(body) - n, "}\n");
	snprintf(fields, sizeof(fields), "adit-delivery: %llu\r\n", id);
	x = detach_exchange(in);
	local_reply_own(x, 202, fields, S("application/json"), slice_of(body, n),
	    buf_slice(&x->rest));
}

/* Mode relay: the origin has answered the sender, or nobody has in time. */
static void
on_answered(struct courier_waiter *waiter, struct slice head, struct slice body)
{
	struct intake *in = list_of(waiter, struct intake, waiter);
	struct exchange *x = in->x;

	if (head.n == 0 || !local_reply_write_relayed(x, head, body, in->put.id)) {
		answer_accepted(in);
		return;
	}
	x = detach_exchange(in);
	local_reply_send(x, buf_slice(&x->rest));
}

static void
on_late(struct loop_timer *t)
{
	struct intake *in = list_of(t, struct intake, timer);

	courier_forget_waiter(&in->waiter);
	answer_accepted(in);
}

/* The lease of a delivery that was stored with `hold` and cannot be carried at once goes
 * back to the queue. */
struct given_back {
	struct inbox_req req;
	struct errand errand;
	struct worker *worker;
	char name[DIRECTORY_KEY_BYTES];
};

static void
on_given_back(struct errand *e)
{
	struct given_back *g = list_of(e, struct given_back, errand);

	courier_wake(g->worker, g->name);
	inbox_req_fini(&g->req);
	free(g);
}

static void
give_back(struct intake *in)
{
	struct given_back *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return; /* held until the next start of the edge: late, not lost */
	g->worker = in->worker;
	memcpy(g->name, in->name, sizeof(g->name));
	g->req.op = INBOX_SETTLE;
	g->req.id = in->put.id;
	g->req.lease = in->put.lease;
	g->req.to = INBOX_QUEUED;
	g->req.unsent = in->put.push;
	errand_inbox(&g->errand, &g->worker->errands, g->worker->edge->store, &g->req,
	    on_given_back);
}

/* One block for the courier: what it frees is one pointer. */
static bool
make_item(struct intake *in, struct inbox_delivery *ret)
{
	struct slice parts[4] = { slice_str(in->event.key), buf_slice(&in->raw),
		buf_slice(&in->head), buf_slice(&in->body) };
	struct inbox_delivery d = {
		.id = in->put.id, .lease = in->put.lease, .received_ms = clock_wall_ms()
	};
	char *p = d.block = malloc(parts[0].n + in->put.target.n + parts[2].n + parts[3].n + 1);

	if (p == NULL)
		return false;
	parts[1] = in->put.target;
	for (int i = 0; i < 4; i++) {
		if (parts[i].n > 0)
			memcpy(p, parts[i].p, parts[i].n);
		parts[i].p = p;
		p += parts[i].n;
	}
	d.event = parts[0];
	d.target = parts[1];
	d.head = parts[2];
	d.body = parts[3];
	*ret = d;
	return true;
}

static void
relay(struct intake *in)
{
	struct worker *w = in->worker;
	struct tunnel *t = tunnel_find(w, slice_str(in->name));
	struct inbox_delivery item = { 0 };

	if (in->x != NULL && t != NULL && t->courier != NULL && make_item(in, &item)) {
		in->waiter.answered = on_answered;
		if (courier_carry(t->courier, &item, &in->waiter) == 0) {
			loop_timer_set(in->worker->loop, &in->timer,
			    (int64_t)LIMIT_RELAY_MS * 1000);
			return;
		}
		free(item.block);
	}
	give_back(in);
	if (in->x != NULL) {
		answer_accepted(in);
		return;
	}
	intake_free(in);
}

/* --- the store's answer --- */

static void
count(struct intake *in, enum store_result result)
{
	struct worker_counters *n = &in->worker->counters;

	if (result != STORE_OK) {
		counter_add(&n->not_stored, 1);
		counter_add(&n->account_full, result == STORE_LIMIT);
	} else if (in->put.duplicate) {
		counter_add(&n->duplicates, 1);
	} else {
		counter_add(&n->stored, 1 + in->put.n_copies);
		counter_add(&n->coalesced, in->put.n_changed);
	}
}

static void
on_stored(struct errand *e)
{
	struct intake *in = list_of(e, struct intake, errand);
	struct worker *w = in->worker;
	enum store_result result = in->put.result;

	in->storing = false;
	count(in, result);
	if (result == STORE_OK && !in->put.duplicate)
		for (size_t i = 0; i < in->put.n_copies; i++)
			courier_wake(w, in->copies[i].tunnel);
	/* One that waits behind another of its branch cannot be tried at once. */
	if (result == STORE_OK && !in->put.duplicate && in->put.state == INBOX_RECEIVED) {
		relay(in);
		return;
	}
	if (result == STORE_OK && !in->put.duplicate)
		courier_wake(w, in->name);
	note(in,
	    result != STORE_OK  ? INCIDENT_DISK
	    : in->put.duplicate ? INCIDENT_DUPLICATE
				: INCIDENT_GOOD,
	    result != STORE_OK ? slice_str(store_result_text(result)) : S(""));
	if (in->x == NULL) {
		intake_free(in);
	} else if (result == STORE_OK) {
		answer_accepted(in);
	} else {
		log_event(LOG_ERROR, "inbox", LOG_Z("tunnel", in->name),
		    LOG_Z("why", store_result_text(result)));
		if (result == STORE_UNSURE)
			say_nothing(in);
		else
			refuse(in, CLOSE_STORE_FULL);
	}
}

/* A body that came in chunks has a length now. */
static void
add_length(struct intake *in)
{
	if (in->x->req.head.framing != H1_CHUNKED)
		return;
	in->head.n -= 2;
	buf_printf(&in->head, "Content-Length: %zu\r\n\r\n", in->body.n);
}

/* What is dropped for a newer one is the affair of the tunnel that it waits for, not of this one. */
static bool
coalesces(struct intake *in, struct slice name)
{
	char account[64];
	struct policy *p = directory_policy(in->worker->edge->directory, name, account);
	bool yes = p != NULL && p->coalesce;

	policy_unref(p);
	return yes;
}

/* A name that was released meanwhile gets nothing, so that nothing piles up for nobody. */
static void
add_copies(struct intake *in)
{
	struct inbox_req *put = &in->put;

	put->copies = in->copies;
	for (size_t i = 0; i < in->policy->n_fan_out && put->n_copies < LIMIT_FAN_OUT; i++) {
		struct slice name = in->policy->fan_out[i];

		if (directory_owns(in->worker->edge->directory, name, slice_str(put->account)) &&
		    slice_z(name, in->copies[put->n_copies].tunnel,
			sizeof(in->copies[put->n_copies].tunnel)))
			in->copies[put->n_copies++].coalesce = coalesces(in, name);
		else
			log_event(LOG_WARN, "fan-out-gone", LOG_Z("tunnel", in->name),
			    LOG_S("to", name));
	}
}

/* One id with another body is another webhook. */
static struct slice
dedupe_key(struct intake *in)
{
	if (in->event.dedupe[0] == '\0')
		return S("");
	return slice_of(in->dedupe, (size_t)snprintf(in->dedupe, sizeof(in->dedupe), "%s %s",
					in->event.dedupe, in->event.print));
}

static void
store(struct intake *in, const struct hook_request *req)
{
	struct inbox_req *put = &in->put;

	add_length(in);
	vault_head(in->worker->edge->vault, buf_slice(&in->head), &in->stored);
	if (in->head.failed || in->stored.failed || in->head.n > LIMIT_HEAD_BYTES) {
		refuse(in, in->head.failed ? CLOSE_OVERLOAD : CLOSE_HEAD_TOO_LARGE);
		return;
	}
	if (!charge(in)) {
		refuse(in, CLOSE_OVERLOAD);
		return;
	}
	put->op = INBOX_PUT;
	snprintf(put->tunnel, sizeof(put->tunnel), "%s", in->name);
	put->event = slice_str(in->event.key);
	put->provider_id = slice_str(in->event.delivery);
	put->order_key = slice_str(in->event.order);
	put->dedupe_key = dedupe_key(in);
	put->dedupe_ms = DEDUPE_MS;
	put->method = req->method;
	put->head = buf_slice(&in->stored);
	put->body = buf_slice(&in->body);
	put->account_bytes_max = (uint64_t)in->worker->settings->inbox.account_bytes;
	put->hold = in->policy->mode == PRESET_RELAY;
	put->push = in->event.branch_push;
	put->coalesce = in->policy->coalesce;
	add_copies(in);
	in->storing = true;
	share_hold(&in->share); /* what may be stored is waited for */
	share_hold(&in->x->share);
	visitor_move(in->x->visitor, VISITOR_STORE);
	errand_inbox(&in->errand, &in->worker->errands, in->worker->edge->store, put, on_stored);
}

/* --- the request is whole --- */

static void
log_signature(struct intake *in, const struct hook_request *req, struct sign_verdict *v)
{
	char peer[PEER_TEXT_BYTES], line[160];
	struct slice agent;

	counter_add(&in->worker->counters.bad_signatures, 1);
	if (v->reason == SIGN_WRONG)
		sign_explain(&in->policy->sign, req, v);
	if (v->reason != SIGN_MISSING)
		note(in, INCIDENT_SIGNATURE, slice_str(v->text));
	else if (incident_is_hook(&in->x->req.head, buf_slice(&in->raw), &agent))
		note(in, INCIDENT_UNSIGNED, slice_str(v->text));
	else /* of anybody: a scanner, perhaps */
		note(in, INCIDENT_STRAY,
		    slice_of(line,
			(size_t)snprintf(line, sizeof(line), "%.*s %.*s",
			    PS(slice_head(req->method, 16)), PS(slice_head(req->path, 120)))));
	client_text(in->x, peer);
	log_event(LOG_WARN, "bad-signature", LOG_Z("tunnel", in->name), LOG_Z("peer", peer),
	    LOG_Z("id", in->x->id), LOG_Z("reason", sign_reason_name(v->reason)),
	    LOG_Z("text", v->text));
}

/* True when the request was answered on the spot. */
static bool
answer_handshake(struct intake *in, const struct hook_request *req, const struct sign_verdict *v)
{
	struct handshake hs;
	struct exchange *x;

	if (handshake_read(req, v == NULL ? NULL : &in->policy->sign, v, &hs) == HANDSHAKE_NONE)
		return false;
	note(in, INCIDENT_PING, S(""));
	x = detach_exchange(in);
	local_reply_own(x, hs.status, "X-Content-Type-Options: nosniff\r\n",
	    slice_str(hs.content_type), slice_of(hs.body, hs.body_n), buf_slice(&x->rest));
	return true;
}

/* All that would have been checked was; nothing is stored. v: NULL: the route does not verify. */
static void
answer_probe(struct intake *in, const struct hook_request *req, struct sign_verdict *v)
{
	char text[sizeof(v->text)] = "";
	const char *reason = v == NULL ? "" : sign_reason_name(v->reason);
	struct exchange *x;

	if (v != NULL && v->reason == SIGN_WRONG)
		sign_explain(&in->policy->sign, req, v);
	if (v != NULL)
		snprintf(text, sizeof(text), "%s", v->text);
	x = detach_exchange(in);
	probe_answer(x, reason, text, buf_slice(&x->rest));
}

static void
request_complete(struct intake *in)
{
	struct exchange *x = in->x;
	const struct h1_head *h = &x->req.head;
	struct slice raw = buf_slice(&in->raw);
	struct hook_field fields[LIMIT_HEAD_FIELDS];
	char url[330], whole_url[330 + LIMIT_REQUEST_LINE_BYTES];
	struct hook_request req = {
		.method = h1_text(raw, h->method),
		.path = h1_text(raw, h->path),
		.query = h1_text(raw, h->query),
		.fields = fields,
		.body = buf_slice(&in->body),
		.now_ms = clock_wall_ms(),
	};
	struct sign_verdict v;
	bool good = true, signs = in->policy->sign.scheme != NULL;

	x->in_over = true;
	if (req.body.n == 0)
		req.body = S("");
	req.n_fields = head_fields(h, raw, fields);
	edge_url(x->worker->edge, x->name, url, sizeof(url));
	req.url =
	    slice_of(whole_url, (size_t)snprintf(whole_url, sizeof(whole_url), "%s%.*s%s%.*s", url,
				    PS(req.path), req.query.n > 0 ? "?" : "", PS(req.query)));
	if (signs)
		good = hook_verify(&in->policy->sign, &req, &v);
	if (x->probe != EXCHANGE_NO_PROBE) {
		answer_probe(in, &req, signs ? &v : NULL);
		return;
	}
	if (answer_handshake(in, &req, signs ? &v : NULL))
		return;
	/* What is no webhook at all needs no signature to be refused as that. */
	if (!policy_stores(in->policy, req.method)) {
		refuse(in, CLOSE_METHOD_NOT_ALLOWED);
		return;
	}
	if (!good) {
		log_signature(in, &req, &v);
		refuse(in, CLOSE_BAD_SIGNATURE);
		return;
	}
	event_read(&req, event_guess(&req), &in->event);
	/* The row has the path, and a '?' when there was a query: that is in the head, sealed. */
	in->put.target = slice_of(req.path.p, req.path.n + (req.query.n > 0));
	store(in, &req);
}

/* --- reading --- */

void
intake_feed(struct exchange *x, struct slice bytes)
{
	struct intake *in = x->intake;
	struct slice data;

	for (;;) {
		switch (h1_body(&x->req, &bytes, &data)) {
		case H1_MORE:
			return;
		case H1_DATA:
			x->flow.rx_bytes += data.n;
			buf_put(&in->body, data);
			if (!in->body.failed && charge(in))
				break;
			x->keep_alive = false;
			if (in->body.failed)
				refuse_big(in);
			else
				refuse(in, CLOSE_OVERLOAD);
			return;
		case H1_DONE:
			buf_put(&x->rest, bytes);
			if (x->rest.failed)
				x->keep_alive = false;
			request_complete(in);
			return;
		case H1_BAD:
			x->keep_alive = false;
			refuse(in, x->req.error);
			return;
		}
	}
}

void
intake_tick(struct exchange *x, int64_t now_us)
{
	if (x->visitor->state == VISITOR_INTAKE && now_us >= x->visitor->deadline_us) {
		x->keep_alive = false;
		refuse(x->intake, CLOSE_SLOW_BODY);
	}
}

/* The head that a stream will carry. */
static bool
write_head(struct intake *in, struct slice raw)
{
	char *room = in->worker->shared.head;
	size_t n = forward_head(in->x, in->policy, raw, room);

	buf_put(&in->head, slice_of(room, n));
	return n > 0 && !in->head.failed;
}

void
intake_start(struct exchange *x, struct policy *policy, const char *account, struct slice bytes)
{
	struct intake *in = calloc(1, sizeof(*in));
	const struct h1_head *h = &x->req.head;
	struct source_key key;
	struct slice raw = slice_head(bytes, h->n_bytes), early = slice_from(bytes, h->n_bytes);
	size_t n = 0;
	struct iovec iov = { (void *)(uintptr_t) "HTTP/1.1 100 Continue\r\n\r\n", 25 };

	if (in == NULL) {
		x->keep_alive = false;
		local_reply_error(x, CLOSE_OVERLOAD, early);
		return;
	}
	x->intake = in;
	in->x = x;
	in->worker = x->worker;
	in->policy = policy_ref(policy);
	in->timer.fn = on_late;
	in->body_max = policy->body_max != 0 ? policy->body_max : LIMIT_WEBHOOK_BYTES;
	if (in->body_max > LIMIT_INBOX_BODY_BYTES)
		in->body_max = LIMIT_INBOX_BODY_BYTES;
	memcpy(in->name, x->name, sizeof(in->name));
	snprintf(in->put.account, sizeof(in->put.account), "%s", account);
	share_of(&in->share, account, client_key(x, &key) ? &key : NULL);
	buf_init(&in->raw, LIMIT_HEAD_BYTES);
	buf_init(&in->head, FLOW_HEAD_SCRATCH_BYTES + 64);
	buf_init(&in->stored, FLOW_HEAD_SCRATCH_BYTES + 128);
	buf_init(&in->body, in->body_max);
	buf_put(&in->raw, raw);
	visitor_move(x->visitor, VISITOR_INTAKE);
	if (in->raw.failed || !write_head(in, raw) || !charge(in)) {
		x->keep_alive = false;
		refuse(in, CLOSE_OVERLOAD);
		return;
	}
	if (h->framing == H1_LENGTH && h->length > in->body_max) {
		note_big(in);
		local_reply_error(detach_exchange(in), CLOSE_BODY_TOO_LARGE, early);
		return;
	}
	if ((h->flags & H1_EXPECT_100) && early.n == 0) {
		x->continued = true;
		if (conn_write(&x->visitor->conn, &iov, 1, &n) == IO_FAIL || n != iov.iov_len) {
			visitor_close(x->visitor);
			return;
		}
	}
	loop_again(&x->visitor->conn.io, LOOP_IN);
	intake_feed(in->x, early);
}
