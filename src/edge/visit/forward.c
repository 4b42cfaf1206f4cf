/* SPDX-License-Identifier: Apache-2.0 */
/* Couples a request with a stream to its tunnel: opening, head, body. */
#include "edge/visit/forward.h"

#include "base/rand.h"
#include "edge/visit/client.h"
#include "edge/visit/local_reply.h"
#include "edge/visit/response.h"
#include "http/grpc.h"
#include "http/rewrite.h"

/*
 * The host of "192.0.2.1:4711" or "[2001:db8::1]:4711"; empty for a Unix socket,
 * which has none.
 */
static struct slice
peer_host(const struct front *f)
{
	struct slice peer = slice_str(f->peer);
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
	const struct front *f = x->front;
	const struct tls *tls = front_tls(f);
	char who[PEER_TEXT_BYTES];
	struct opening o;

	client_text(x, who);
	o = (struct opening){
		.kind = OPENING_HTTP,
		.request_id = slice_str(x->id),
		.visitor = slice_str(who),
		.local = slice_str(f->local),
		.tls_version = tls == NULL ? S("") : slice_str(tls_version(tls)),
		.sni = slice_str(front_sni(f)),
		.alpn = tls == NULL ? S("") : tls_alpn(tls),
		.body = x->req.head.framing == H1_CHUNKED,
	};
	return tunnel_send_head(t, &x->flow, &o, head);
}

/* A trace begins here, where the request belongs to none. The new length of its head. */
static size_t
begin_trace(struct exchange *x, struct slice bytes, char *head, size_t n)
{
	static const struct slice old[] = { S("traceparent"), S("tracestate") };
	char line[TRACE_LINE_BYTES];
	unsigned char random[24];

	if (n == 0 || trace_of(&x->req.head, bytes, x->trace))
		return n;
	rand_bytes(random, sizeof(random));
	return rewrite_rules(head, n, FLOW_HEAD_SCRATCH_BYTES, old, 2,
	    slice_of(line, trace_make(random, line, x->trace)));
}

size_t
forward_head(struct exchange *x, const struct policy *p, struct slice bytes, char *dst)
{
	const struct front *f = x->front;
	const struct edge *e = x->worker->edge;
	const struct rewrite_forward said = {
		.client_address = peer_host(f),
		.proto = front_tls(f) != NULL ? S("https") : S("http"),
		.host = h1_text(bytes, x->req.head.authority),
		.port = front_tls(f) != NULL ? e->https_port : e->http_port,
		.request_id = slice_str(x->id),
		.via = slice_str(x->worker->settings->via),
		.h2 = f->major == 2,
		.trailers = x->state == EXCHANGE_FLOW && x->flow.carrier->trailers,
		.trusted = f->trusted,
	};
	size_t n = rewrite_request(&x->req.head, bytes, &said, dst, FLOW_HEAD_SCRATCH_BYTES);

	if (x->worker->settings->trace)
		n = begin_trace(x, bytes, dst, n);
	if (n == 0 || p == NULL || p->request.n_drop == 0)
		return n;
	return rewrite_rules(dst, n, FLOW_HEAD_SCRATCH_BYTES, p->request.drop, p->request.n_drop,
	    p->request.add);
}

/* Content-Length: 0 is no body: the stream's end comes with the head. */
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

	if (exchange_upgrades(x)) {
		buf_put(&x->rest, early);
		return x->rest.failed ? -1 : 0;
	}
	if (flow_inlet(&x->flow, framing, &x->req, early) != 0)
		return -1;
	/*
	 * Only who waits for it is told: some of the body is here already where he does not
	 * (RFC 9110 10.1.1).
	 */
	if ((x->req.head.flags & H1_EXPECT_100) && framing != FLOW_NONE && early.n == 0) {
		x->continued = true;
		return flow_write(&x->flow, S(EXCHANGE_CONTINUE));
	}
	return 0;
}

static int
send_request(struct exchange *x, struct tunnel *t, struct slice bytes)
{
	char *head = flow_head_scratch(&x->flow);
	size_t n;

	if (request_framing(&x->req.head) != FLOW_NONE)
		x->req.head.flags &= (uint8_t)~H1_UPGRADE; /* RFC 9110 7.8 lets us ignore it */
	n = forward_head(x, x->policy, bytes, head);
	check(n <= FLOW_HEAD_SCRATCH_BYTES);
	if (n == 0 || send_head(x, t, slice_of(head, n)) != 0)
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

void
forward_start(struct exchange *x, struct tunnel *t, struct slice bytes)
{
	int64_t now = loop_now_us(x->worker->loop);
	enum close_code code = tunnel_begin(t, &x->flow, x->front->conn, &response_ops, x);

	check(x->rest.n == 0 && x->status == 0); /* nothing was read behind it, nothing answered */
	if (code != CLOSE_OK) {
		local_reply_error(x, code, slice_from(bytes, x->req.head.n_bytes));
		return;
	}
	exchange_move(x, EXCHANGE_FLOW);
	if (x->policy != NULL) {
		x->flow.in_drop =
		    (struct trailer_drop){ x->policy->request.drop, x->policy->request.n_drop };
		x->flow.out_drop =
		    (struct trailer_drop){ x->policy->response.drop, x->policy->response.n_drop };
	}
	x->req.body_max = body_max(x);
	h1_init(&x->res, H1_RESPONSE);
	x->res.inside = true;
	x->res.head_request = x->req_head = slice_eq(h1_text(bytes, x->req.head.method), S("HEAD"));
	x->since_us = x->rate_us = now;
	x->silent_ms = tunnel_silent_ms(t);
	if (grpc_is(&x->req.head))
		x->silent_ms = grpc_patience_ms(&x->req.head, bytes, x->silent_ms);
	if (send_request(x, t, bytes) != 0) {
		/* The visitor broke off while 100 was written to him: response_ops has ended it. */
		if (x->flow.ended)
			return;
		x->keep_alive = false;
		local_reply_error(x, CLOSE_OVERLOAD, S(""));
		return;
	}
	/*
	 * Its bytes are in the stream now; an exchange may last for days, and should
	 * not keep them.
	 */
	buf_fini(&x->head);
}
