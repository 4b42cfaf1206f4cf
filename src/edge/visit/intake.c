/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook on its way into the store: head, body, signature, handshake. */
#include "edge/visit/intake_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "edge/core/incident.h"
#include "relay/head_fields.h"
#include "edge/visit/body.h"
#include "edge/visit/client.h"
#include "edge/visit/forward.h"
#include "edge/visit/local_reply.h"
#include "edge/visit/probe.h"
#include "edge/visit/refusal.h"
#include "hook/handshake.h"

#include <stdio.h>
#include <stdlib.h>

void
intake_free(struct intake *in)
{
	/* The exchange has let go of it, the store is done, and no courier will call it. */
	check(in->x == NULL && !in->storing && in->waiter.attempt == NULL);
	loop_timer_stop(in->worker->loop, &in->timer);
	shares_leave(&in->worker->visit->intake_shares, &in->share);
	inbox_req_fini(&in->req);
	policy_unref(in->policy);
	buf_fini(&in->raw);
	buf_fini(&in->head);
	buf_fini(&in->stored);
	buf_fini(&in->body);
	free(in);
}

/* While the store works for it the intake lives on: on_stored() frees it. */
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

struct exchange *
intake_detach(struct intake *in)
{
	struct exchange *x = in->x;

	check(x->intake == in);
	intake_abandon(x);
	return x;
}

void
intake_refuse(struct intake *in, enum close_code code)
{
	struct exchange *x;

	intake_tell_refused(in, code, NULL, in->verdict, NULL);
	x = intake_detach(in);
	local_reply_error(x, code, buf_slice(&x->rest));
}

void
intake_note(const struct intake *in, enum incident_kind kind, struct slice text)
{
	struct slice agent = S("");
	char peer[PEER_TEXT_BYTES] = "";

	if (in->x != NULL && in->x->probe != EXCHANGE_NO_PROBE)
		return;
	if (in->x != NULL)
		client_text(in->x, peer);
	/*
	 * Only who is still there can be asked who he is; the rest of the note
	 * is worth having.
	 */
	if (in->x != NULL)
		(void)incident_is_hook(&in->x->req.head, buf_slice(&in->raw), &agent);
	incident_put(in->worker->edge->incidents, in->name, kind, peer, agent, text);
}

/* "LENGTH LIMIT": the doctor makes a sentence of it. 0: the body came without a length. */
static void
note_big(struct intake *in)
{
	char text[96];

	intake_tell_refused(in, CLOSE_BODY_TOO_LARGE,
	    in->policy->body_max != 0 ? "body_max" : "mode", ACTIVITY_VERDICT_NONE, NULL);
	snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)in->x->req.head.length,
	    (unsigned long long)in->body_max);
	intake_note(in, INCIDENT_TOO_BIG, slice_str(text));
}

static void
refuse_big(struct intake *in)
{
	note_big(in);
	intake_refuse(in, CLOSE_BODY_TOO_LARGE);
}

/* Others need the memory, and this one has been under way for the longest: its sender tries again. */
static void
make_room(struct intake *in)
{
	check(!in->storing && in->x != NULL); /* from the store on it holds its share */
	log_event(LOG_DEBUG, "webhook-crowded-out", LOG_Z("tunnel", in->name),
	    LOG_Z("id", in->x->id));
	in->x->keep_alive = false;
	intake_refuse(in, CLOSE_OVERLOAD);
}

/* Takes as much of the worker's memory for webhooks as it holds now. False: there is no room. */
bool
intake_charge(struct intake *in)
{
	struct shares *s = &in->worker->visit->intake_shares;
	size_t bytes = in->raw.cap + in->head.cap + in->stored.cap + in->body.cap;
	size_t kib = (bytes + 1023) / 1024, more = kib > in->kib ? kib - in->kib : 0;
	struct share *victim = NULL;
	enum lobby_room room;

	/*
	 * Memory is what buffers have room for, in KiB, rounded up; it is never given back
	 * before the end, as they never shrink.
	 */
	while ((room = shares_room(s, &in->share, more, &victim)) == LOBBY_VICTIM) {
		if (victim == &in->share)
			return false;
		make_room(list_of(victim, struct intake, share));
	}
	if (room != LOBBY_ROOM || !shares_take(s, &in->share, more))
		return false;
	in->kib += more;
	check(!share_takes(&in->share) || in->share.by_account.weight == in->kib);
	return true;
}

/* --- the request is whole --- */

/*
 * Noted by how sure it is that a webhook was meant: a bad signature is one, a request
 * without any may be.
 */
static void
log_signature(struct intake *in, const struct hook_request *req, struct sign_verdict *v)
{
	char peer[PEER_TEXT_BYTES], line[160];
	struct slice agent;

	counter_add(&in->worker->counters.bad_signatures, 1);
	if (v->reason == SIGN_WRONG)
		sign_explain(&in->policy->sign, req, v);
	in->verdict = refusal_verdict(v->reason);
	intake_tell_refused(in, CLOSE_BAD_SIGNATURE, "scheme", in->verdict, v->text);
	if (v->reason != SIGN_MISSING)
		intake_note(in, INCIDENT_SIGNATURE, slice_str(v->text));
	else if (incident_is_hook(&in->x->req.head, buf_slice(&in->raw), &agent))
		intake_note(in, INCIDENT_UNSIGNED, slice_str(v->text));
	else /* of anybody: a scanner, perhaps */
		intake_note(in, INCIDENT_STRAY,
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
	intake_note(in, INCIDENT_PING, S(""));
	intake_tell_ping(in, hs.status, hs.name,
	    v == NULL ? ACTIVITY_VERDICT_UNCHECKED : refusal_verdict(v->reason));
	x = intake_detach(in);
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
	x = intake_detach(in);
	probe_answer(x, reason, text, buf_slice(&x->rest));
}

/*
 * Some signatures are over the whole URL, as the sender has it in his settings: it is put
 * together of our public address and what came. The body is what is left when chunked
 * coding was taken off.
 */
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

	check(x->state == EXCHANGE_INTAKE && x->sent == EXCHANGE_COMES);
	x->sent = EXCHANGE_WHOLE;
	/* HMAC of nothing wants a pointer all the same. */
	if (req.body.n == 0)
		req.body = S("");
	check(h->n_fields <= LIMIT_HEAD_FIELDS); /* h1 refuses more */
	req.n_fields = head_fields(h, raw, fields);
	edge_host_url(x->worker->edge, x->host, url, sizeof(url));
	req.url =
	    slice_of(whole_url, (size_t)snprintf(whole_url, sizeof(whole_url), "%s%.*s%s%.*s", url,
				    PS(req.path), req.query.n > 0 ? "?" : "", PS(req.query)));
	check(req.url.n < sizeof(whole_url)); /* h1 refuses a longer request line */
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
		intake_tell_refused(in, CLOSE_METHOD_NOT_ALLOWED, "methods", ACTIVITY_VERDICT_NONE,
		    NULL);
		intake_refuse(in, CLOSE_METHOD_NOT_ALLOWED);
		return;
	}
	if (!good) {
		log_signature(in, &req, &v);
		intake_refuse(in, CLOSE_BAD_SIGNATURE);
		return;
	}
	in->verdict = signs ? ACTIVITY_VERDICT_OK : ACTIVITY_VERDICT_UNCHECKED;
	event_read(&req, event_guess(&req), &in->event);
	/* The row has the path, and a '?' when there was a query: that is in the head, sealed. */
	in->req.put.target = slice_of(req.path.p, req.path.n + (req.query.n > 0));
	intake_store(in, &req);
}

/* --- reading --- */

static void
feed(struct exchange *x, struct slice bytes)
{
	struct intake *in = x->intake;
	struct slice data;

	check(in->x == x && x->state == EXCHANGE_INTAKE);
	for (;;) {
		switch (h1_body(&x->req, &bytes, &data)) {
		case H1_MORE:
			return;
		case H1_DATA:
			x->flow.rx_bytes += data.n;
			buf_put(&in->body, data);
			if (!in->body.failed && intake_charge(in))
				break;
			x->keep_alive = false;
			/* A body without a length shows its size only here. */
			if (in->body.failed)
				refuse_big(in);
			else
				intake_refuse(in, CLOSE_OVERLOAD);
			return;
		case H1_DONE:
			buf_put(&x->rest, bytes);
			if (x->rest.failed)
				x->keep_alive = false;
			request_complete(in);
			return;
		case H1_BAD:
			x->keep_alive = false;
			intake_refuse(in, x->req.error);
			return;
		}
	}
}

void
intake_readable(struct exchange *x)
{
	struct slice bytes;

	if (body_read(x, &bytes))
		feed(x, bytes);
}

void
intake_late(struct exchange *x)
{
	x->keep_alive = false;
	intake_refuse(x->intake, CLOSE_SLOW_BODY);
}

/* The head that a stream will carry. */
static bool
write_head(struct intake *in, struct slice raw)
{
	char *room = in->worker->shared.head;
	size_t n = forward_head(in->x, in->policy, raw, room);

	check(n <= FLOW_HEAD_SCRATCH_BYTES);
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
	struct iovec iov = { (void *)(uintptr_t)EXCHANGE_CONTINUE, sizeof(EXCHANGE_CONTINUE) - 1 };

	if (in == NULL) {
		x->keep_alive = false;
		local_reply_error(x, CLOSE_OVERLOAD, early);
		return;
	}
	check(x->intake == NULL);
	x->intake = in;
	in->x = x;
	in->worker = x->worker;
	in->policy = policy_ref(policy);
	in->timer.fn = intake_on_late;
	in->body_max = policy->body_max != 0 ? policy->body_max : LIMIT_WEBHOOK_BYTES;
	if (in->body_max > LIMIT_INBOX_BODY_BYTES)
		in->body_max = LIMIT_INBOX_BODY_BYTES;
	memcpy(in->name, x->name, sizeof(in->name));
	snprintf(in->req.account, sizeof(in->req.account), "%s", account);
	share_of(&in->share, account, client_key(x, &key) ? &key : NULL);
	buf_init(&in->raw, LIMIT_HEAD_BYTES);
	buf_init(&in->head, FLOW_HEAD_SCRATCH_BYTES + 64);
	buf_init(&in->stored, FLOW_HEAD_SCRATCH_BYTES + 128);
	buf_init(&in->body, in->body_max);
	buf_put(&in->raw, raw);
	exchange_move(x, EXCHANGE_INTAKE);
	if (in->raw.failed || !write_head(in, raw) || !intake_charge(in)) {
		x->keep_alive = false;
		intake_refuse(in, CLOSE_OVERLOAD);
		return;
	}
	/*
	 * What is told beforehand is refused beforehand, with what was read of it: it
	 * may be drained.
	 */
	if (h->framing == H1_LENGTH && h->length > in->body_max) {
		note_big(in);
		local_reply_error(intake_detach(in), CLOSE_BODY_TOO_LARGE, early);
		return;
	}
	if ((h->flags & H1_EXPECT_100) && early.n == 0) {
		x->continued = true;
		if (conn_write(x->front->conn, &iov, 1, &n) == IO_FAIL || n != iov.iov_len) {
			front_cut(x->front, FRONT_CLOSE);
			return;
		}
	}
	/* More may have come than was read with the head, and its edge was told already. */
	conn_again(x->front->conn, LOOP_IN);
	feed(in->x, early);
}
