/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP exchange from its stream's opening to its end; the two heads have files of their own. */
#include "agent/serve/http_stream.h"

#include "agent/serve/http_request.h"
#include "agent/serve/http_response.h"
#include "net/proxyproto.h"

#include <stdlib.h>

#define SWEEP_US 1000000
/* How long the edge may take to end a stream whose answer it has. */
#define LINGER_US 10000000

/* --- the end --- */

static void
release(struct loop_grave *g)
{
	struct http_stream *x = list_of(g, struct http_stream, grave);

	check(x->state == HTTP_STREAM_DEAD && x->conn == NULL && list_empty(&x->waiting));
	check(x->head == NULL && x->gather == NULL);
	serve_stream_ended(x->tunnel);
	slab_put(&x->serve->exchanges, x);
}

/* Harmless where there is none. */
static void
put_block(struct http_stream *x, char **block)
{
	if (*block != NULL)
		pool_put(&x->serve->heads, *block);
	*block = NULL;
}

/* Once for each exchange, at its end. S-23: neither query nor header fields are shown. */
static void
report(struct http_stream *x, enum link_code code)
{
	struct screen_request r = {
		.name = x->tunnel->label,
		.request_id = slice_str(x->request_id),
		.method = slice_str(x->method),
		.path = slice_str(x->path),
		.status = x->status,
		.outcome = link_code_name(code),
		.took_us = loop_now_us(x->serve->loop) - x->opened_us,
		.rx_bytes = x->flow.rx_bytes,
		.tx_bytes = x->flow.tx_bytes,
	};

	if (x->status != 0) {
		serve_answer(x->serve, x->tunnel, x->status, r.took_us);
		serve_answered(x->serve, x->tunnel);
	}
	if (x->tap != NULL)
		tap_end(x->tap, x->status, slice_str(r.outcome), r.took_us, r.tx_bytes, r.rx_bytes);
	else if (x->counted)
		tap_uncounted(x->serve->capture, serve_index(x->serve, x->tunnel), r.took_us,
		    x->status == 0);
	x->tap = NULL;
	if (x->serve->screen->requests && !x->probe)
		screen_request(x->serve->screen, &r);
}

/* clang-format off */
static const unsigned predecessors[] = {
	[HTTP_STREAM_HEAD] = 0, /* born in it */
	[HTTP_STREAM_READ] = 1 << HTTP_STREAM_HEAD,
	/* SENT: sent once more */
	[HTTP_STREAM_DIALLING] = 1 << HTTP_STREAM_READ | 1 << HTTP_STREAM_SENT,
	/* READ: an idle connection */
	[HTTP_STREAM_SENT] = 1 << HTTP_STREAM_READ | 1 << HTTP_STREAM_DIALLING,
	[HTTP_STREAM_BODY] = 1 << HTTP_STREAM_SENT,
	[HTTP_STREAM_LINGER] = 1 << HTTP_STREAM_BODY,
	[HTTP_STREAM_SWITCHED] = 1 << HTTP_STREAM_SENT,
	[HTTP_STREAM_HALF] = 1 << HTTP_STREAM_SWITCHED,
	[HTTP_STREAM_DEAD] = 1 << HTTP_STREAM_HEAD | 1 << HTTP_STREAM_READ |
	    1 << HTTP_STREAM_DIALLING | 1 << HTTP_STREAM_SENT | 1 << HTTP_STREAM_BODY |
	    1 << HTTP_STREAM_LINGER | 1 << HTTP_STREAM_SWITCHED | 1 << HTTP_STREAM_HALF,
};
/* clang-format on */

void
http_stream_move(struct http_stream *x, enum http_stream_state to)
{
	check(predecessors[to] & 1u << x->state);
	x->state = to;
	list_del(&x->waiting);
	if (to == HTTP_STREAM_SENT || to == HTTP_STREAM_LINGER) {
		list_push(&x->serve->waiting, &x->waiting);
		if (x->serve->sweep.slot == 0)
			loop_timer_set(x->serve->loop, &x->serve->sweep, SWEEP_US);
	}
}

void
http_stream_end(struct http_stream *x, enum link_code code)
{
	bool switched = x->state == HTTP_STREAM_SWITCHED || x->state == HTTP_STREAM_HALF;

	if (x->state == HTTP_STREAM_DEAD)
		return;
	report(x, code);
	http_stream_move(x, HTTP_STREAM_DEAD);
	flow_end(&x->flow, code);
	/* Behind a switch only a reset tells the origin that bytes are missing. */
	if (x->conn != NULL && switched && code != LINK_CODE_OK)
		origin_abort(x->conn);
	else if (x->conn != NULL)
		origin_drop(x->conn);
	x->conn = NULL;
	put_block(x, &x->head);
	put_block(x, &x->gather);
	free((char *)(uintptr_t)x->proxied.p);
	x->proxied = (struct slice){ 0 };
	loop_bury(x->serve->loop, &x->grave, release);
}

/* Both messages are over and nothing is left on the connection: it serves the next exchange. */
static void
end_well(struct http_stream *x)
{
	struct origin_conn *c = x->conn;

	check(x->out_done && x->state != HTTP_STREAM_DEAD);
	if (x->keep_alive && c != NULL && flow_rest(&x->flow) == 0) {
		x->conn = NULL;
		flow_end(&x->flow, LINK_CODE_OK);
		origin_release(c);
	}
	http_stream_end(x, LINK_CODE_OK);
}

/*
 * The origin's time begins when it has the whole request, or does not take what has come of it.
 * While we wait for the edge, or a kernel still takes bytes, it has not begun.
 */
static bool
is_silent(struct http_stream *x, int64_t now)
{
	bool whole = x->out_done || x->upgrade || x->write_broken;
	size_t unacked = conn_unacked(&x->conn->conn);

	if ((!whole && x->flow.out.n == 0 && unacked == 0) || unacked != x->unacked)
		x->flow.active_us = now;
	x->unacked = unacked;
	return now - x->flow.active_us > (int64_t)x->silent_ms * 1000;
}

/* One timer for all that wait, since most of them do so for less than a second: nothing is set
 * and stopped for each. */
void
http_stream_sweep(struct loop_timer *t)
{
	struct serve *s = list_of(t, struct serve, sweep);
	int64_t now = loop_now_us(s->loop);

	LIST_EACH(node, &s->waiting) {
		struct http_stream *x = list_of(node, struct http_stream, waiting);
		int64_t since = now - x->flow.active_us;

		check((x->state == HTTP_STREAM_SENT && x->conn != NULL) ||
		      (x->state == HTTP_STREAM_LINGER && x->conn == NULL));
		if (x->state == HTTP_STREAM_SENT && is_silent(x, now)) {
			/* It takes connections: to look whether it does would say
			 * that it is back. */
			x->tunnel->look.down = false;
			http_stream_end(x, LINK_CODE_ORIGIN_SILENT);
		} else if (x->state == HTTP_STREAM_LINGER &&
			   (since > LINGER_US || x->flow.stream == NULL ||
			       x->flow.stream->rx_ended))
			http_stream_end(x, LINK_CODE_OK);
	}
	if (!list_empty(&s->waiting))
		loop_timer_set(s->loop, &s->sweep, SWEEP_US);
}

/* --- what the flow tells --- */

static void
on_inlet_done(struct flow *f)
{
	struct http_stream *x = f->owner;

	check(x->state == HTTP_STREAM_BODY || x->state == HTTP_STREAM_SWITCHED);
	if (x->out_done) {
		end_well(x);
	} else if (x->state == HTTP_STREAM_SWITCHED) {
		http_stream_move(x, HTTP_STREAM_HALF);
	} else {
		/*
		 * An early answer, or an upgrade that was refused: the rest of the request is
		 * nobody's. The edge has the whole answer and ends the stream; a reset by us could
		 * overtake it on its way to the visitor.
		 */
		flow_conn(f, NULL);
		origin_drop(x->conn);
		x->conn = NULL;
		http_stream_move(x, HTTP_STREAM_LINGER);
	}
}

static void
on_outlet_done(struct flow *f)
{
	struct http_stream *x = f->owner;

	/* Not before the head is written; an empty body's end may come while it
	 * is sent once more. */
	check(x->state != HTTP_STREAM_HEAD && x->state != HTTP_STREAM_READ);
	check(x->state != HTTP_STREAM_DEAD && !x->out_done);
	x->out_done = true;
	if (x->state == HTTP_STREAM_LINGER || x->state == HTTP_STREAM_HALF)
		end_well(x);
}

/* The visitor has gone, or the link. Codes that are not known here come from a later edge. */
static void
on_reset(struct flow *f, uint32_t code)
{
	http_stream_end(f->owner,
	    code <= LINK_CODE_INTERNAL ? (enum link_code)code : LINK_CODE_INTERNAL);
}

/* While the request goes out, or the answer comes in. An origin that takes nothing more may
 * still have something to say; one that is gone whole has broken off. */
static void
on_conn_broken(struct flow *f, enum close_code bad)
{
	struct http_stream *x = f->owner;
	bool first;

	if (x->state == HTTP_STREAM_LINGER)
		return;
	if (bad != CLOSE_OK || !conn_is_half_broken(f->conn)) {
		http_stream_end(x, LINK_CODE_ORIGIN_BROKE);
		return;
	}
	/* It may have said why before it closed (413, 401), or may be saying it. */
	first = !x->write_broken;
	x->write_broken = true;
	x->keep_alive = false;
	if (first && x->state == HTTP_STREAM_SENT)
		http_response_readable(x);
}

static void
on_conn_readable(struct flow *f)
{
	struct http_stream *x = f->owner;

	if (x->state == HTTP_STREAM_SENT)
		http_response_readable(x);
}

/* As flow.tee: the inlet is the answer, the outlet the request. */
static void
on_tee(struct flow *f, enum flow_tee what, struct slice bytes)
{
	struct http_stream *x = f->owner;

	switch (what) {
	case FLOW_TEE_IN:
	case FLOW_TEE_OUT:
		tap_body(x->tap, what == FLOW_TEE_IN ? TAP_RESPONSE : TAP_REQUEST, bytes);
		break;
	case FLOW_TEE_IN_TRAILERS:
	case FLOW_TEE_OUT_TRAILERS:
		tap_trailers(x->tap, what == FLOW_TEE_IN_TRAILERS ? TAP_RESPONSE : TAP_REQUEST,
		    bytes);
		break;
	}
}

static const struct flow_ops flow_ops = {
	.head = http_request_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_conn_broken,
	.conn_readable = on_conn_readable,
};

/* -1 without memory. */
static int
keep_header(struct http_stream *x, const struct opening *o)
{
	char header[PROXYPROTO_BYTES_MAX] UNCLEARED, *copy;
	size_t n = origin_header(&x->tunnel->origin, o, header);

	if (n == 0)
		return 0;
	copy = malloc(n);
	if (copy == NULL)
		return -1;
	memcpy(copy, header, n);
	x->proxied = slice_of(copy, n);
	return 0;
}

int
http_stream_open(struct serve *s, struct carrier *c, struct stream *stream, struct agent_tunnel *t,
    const struct opening *o)
{
	struct http_stream *x = slab_get(&s->exchanges);

	check(t->ask.kind == TUNNEL_HTTP);
	if (x == NULL)
		return -1;
	x->serve = s;
	x->tunnel = t;
	if (keep_header(x, o) != 0) {
		slab_put(&s->exchanges, x);
		return -1;
	}
	x->opened_us = loop_now_us(s->loop);
	/* The tunnel's own wish, else the edge's, else ours. */
	x->silent_ms = t->ask.origin_silent_ms != 0 ? t->ask.origin_silent_ms
		       : o->origin_silent_ms != 0   ? o->origin_silent_ms
						    : LIMIT_ORIGIN_SILENT_MS;
	x->body_told = o->body;
	list_init(&x->waiting);
	h1_init(&x->h1, H1_REQUEST);
	x->h1.inside = true;
	flow_init(&x->flow, c, NULL, &flow_ops, x);
	flow_bind(&x->flow, stream);
	if (s->screen->requests)
		slice_copy(o->request_id, x->request_id, sizeof(x->request_id));
	x->probe = slice_eq(o->visitor, S("probe"));
	if (s->capture != NULL && !x->probe) {
		x->tap = serve_tap(s, t, o, ROW_KIND_HTTP);
		x->counted = true;
		if (x->tap != NULL)
			x->flow.tee = on_tee;
	}
	return 0;
}
