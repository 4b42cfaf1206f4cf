/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP exchange on its way to the origin: the request is parsed, judged and written anew. */
#include "agent/serve/http_stream.h"

#include "agent/serve/http_response.h"
#include "http/rewrite.h"

#include <stdio.h>

#define SWEEP_US 1000000
/* How long the edge may take to end a stream whose answer it has. */
#define LINGER_US 10000000

/* --- the end --- */

static void
release(struct loop_grave *g)
{
	struct http_stream *x = list_of(g, struct http_stream, grave);

	slab_put(&x->serve->exchanges, x);
}

static void
put_block(struct http_stream *x, char **block)
{
	if (*block != NULL)
		pool_put(&x->serve->heads, *block);
	*block = NULL;
}

/* S-23: neither query nor header fields. */
static void
report(const struct http_stream *x, enum link_code code)
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

	if (x->status != 0)
		serve_answered(x->serve, x->tunnel);
	if (x->serve->screen->requests && !x->probe)
		screen_request(x->serve->screen, &r);
}

/* clang-format off */
static const unsigned predecessors[] = {
	[HTTP_STREAM_HEAD] = 0, /* born in it */
	[HTTP_STREAM_DIALLING] = 1 << HTTP_STREAM_HEAD | 1 << HTTP_STREAM_SENT, /* SENT: sent once more */
	[HTTP_STREAM_SENT] = 1 << HTTP_STREAM_HEAD | 1 << HTTP_STREAM_DIALLING, /* HEAD: an idle connection */
	[HTTP_STREAM_BODY] = 1 << HTTP_STREAM_SENT,
	[HTTP_STREAM_LINGER] = 1 << HTTP_STREAM_BODY,
	[HTTP_STREAM_DEAD] = 1 << HTTP_STREAM_HEAD | 1 << HTTP_STREAM_DIALLING | 1 << HTTP_STREAM_SENT |
	    1 << HTTP_STREAM_BODY | 1 << HTTP_STREAM_LINGER,
};
/* clang-format on */

/* The only writer of an exchange's state. */
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
	if (x->state == HTTP_STREAM_DEAD)
		return;
	report(x, code);
	http_stream_move(x, HTTP_STREAM_DEAD);
	flow_end(&x->flow, code);
	if (x->conn != NULL && x->switched && code != LINK_CODE_OK)
		origin_abort(x->conn);
	else if (x->conn != NULL)
		origin_drop(x->conn);
	x->conn = NULL;
	put_block(x, &x->head);
	put_block(x, &x->gather);
	loop_bury(x->serve->loop, &x->grave, release);
}

/* Both messages are over and nothing is left on the connection: it serves the next exchange. */
static void
end_well(struct http_stream *x)
{
	struct origin_conn *c = x->conn;

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

void
http_stream_sweep(struct loop_timer *t)
{
	struct serve *s = list_of(t, struct serve, sweep);
	int64_t now = loop_now_us(s->loop);

	LIST_EACH(node, &s->waiting) {
		struct http_stream *x = list_of(node, struct http_stream, waiting);
		int64_t since = now - x->flow.active_us;

		if (x->state == HTTP_STREAM_SENT && is_silent(x, now)) {
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

/* --- the request --- */

/*
 * An upgrade's head is written here: until the origin has agreed to switch, no byte of the visitor
 * may follow it.
 */
static void
write_upgrade(struct http_stream *x)
{
	struct iovec iov = { x->head + x->head_sent, x->head_n - x->head_sent };
	size_t n = 0;

	if (conn_write(&x->conn->conn, &iov, 1, &n) == IO_FAIL) {
		http_stream_broken(x);
		return;
	}
	x->head_sent += n;
}

/* The connection is there: the request goes out. */
static void
send_request(struct http_stream *x, struct slice head)
{
	flow_conn(&x->flow, &x->conn->conn);
	http_stream_move(x, HTTP_STREAM_SENT);
	x->flow.active_us = loop_now_us(x->serve->loop);
	if (x->upgrade) {
		flow_hold(&x->flow);
		write_upgrade(x);
	} else if (x->retried) {
		if (flow_write(&x->flow, head) != 0)
			http_stream_end(x, LINK_CODE_ORIGIN_BROKE);
	} else {
		flow_outlet(&x->flow, x->framing, x->length, head);
	}
}

static void
on_ready(struct origin_conn *c)
{
	struct http_stream *x = c->owner;

	send_request(x, slice_of(x->head, x->head_n));
}

static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	struct http_stream *x = c->owner;

	(void)why;
	x->conn = NULL;
	x->tunnel->look.down = code != LINK_CODE_INTERNAL;
	http_stream_end(x, code);
}

static void
on_event(struct origin_conn *c, unsigned events)
{
	struct http_stream *x = c->owner;

	if (x->upgrade && (events & LOOP_OUT) && x->state == HTTP_STREAM_SENT &&
	    x->head_sent < x->head_n)
		write_upgrade(x);
	if (x->state != HTTP_STREAM_DEAD)
		flow_conn_event(&x->flow, events);
}

static const struct origin_ops origin_ops = {
	.ready = on_ready,
	.failed = on_failed,
	.event = on_event,
};

static void
dial(struct http_stream *x)
{
	http_stream_move(x, HTTP_STREAM_DIALLING);
	x->conn = origin_connect(&x->tunnel->origin, &origin_ops, x);
	if (x->conn == NULL)
		http_stream_end(x, LINK_CODE_INTERNAL);
}

/* True when a fresh connection may be tried once more, should this one prove dead. */
static bool
may_retry(const struct http_stream *x)
{
	return x->safe && !x->has_body && !x->upgrade;
}

/*
 * The connection broke before a byte of the answer.  One that was idle may have been closed
 * by the origin just when the request was sent: a request that may be sent twice is, once,
 * on a fresh connection.
 */
void
http_stream_broken(struct http_stream *x)
{
	bool again = x->state == HTTP_STREAM_SENT && x->conn->reused && may_retry(x) &&
		     !x->retried && x->gather_n == 0 && x->n_interim == 0 && x->flow.out.n == 0;

	if (!again) {
		x->tunnel->look.down = true;
		http_stream_end(x, LINK_CODE_ORIGIN_BROKE);
		return;
	}
	x->retried = true;
	x->write_broken = false;
	flow_conn(&x->flow, NULL);
	origin_drop(x->conn);
	dial(x);
}

static bool
is_idempotent(struct slice method)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (slice_eq(method, slice_str(methods[i])))
			return true;
	return false;
}

/* Takes from the parsed head what is needed once its bytes have gone. */
static void
note_request(struct http_stream *x, struct slice buf, bool fin)
{
	const struct h1_head *h = &x->h1.head;
	struct slice method = h1_text(buf, h->method);

	x->safe = is_idempotent(method);
	x->head_request = slice_eq(method, S("HEAD"));
	x->has_body = h->framing == H1_LENGTH ? h->length > 0 : !fin || buf.n > h->n_bytes;
	x->upgrade = (h->flags & H1_UPGRADE) != 0 && h->length == 0 && !fin;
	if (x->upgrade)
		x->has_body = false;
	x->length = h->framing == H1_LENGTH ? h->length : 0;
	x->framing = h->framing == H1_LENGTH ? FLOW_LENGTH : x->has_body ? FLOW_CHUNKED : FLOW_NONE;
	if (x->serve->screen->requests) {
		slice_copy(method, x->method, sizeof(x->method));
		slice_copy(h1_text(buf, h->path), x->path, sizeof(x->path));
	}
}

/*
 * Writes the request's head anew, into a block of our own where it may be needed once more.  False
 * after the end.
 */
static bool
write_head(struct http_stream *x, struct slice buf, struct slice *ret_head)
{
	bool keep = x->conn == NULL || x->upgrade || may_retry(x);
	char *dst;

	if (keep)
		x->head = pool_get(&x->serve->heads);
	dst = keep ? x->head : flow_head_scratch(&x->flow);
	if (dst != NULL)
		x->head_n = rewrite_to_origin(&x->h1.head, buf, x->has_body, x->tunnel->origin.host,
		    dst, SERVE_HEAD_BYTES);
	if (dst == NULL || x->head_n == 0) {
		http_stream_end(x, LINK_CODE_INTERNAL);
		return false;
	}
	*ret_head = slice_of(dst, x->head_n);
	return true;
}

/* The head is whole: it is sent as soon as there is a connection.  Its length, or
 * 0 after the end. */
static size_t
start(struct http_stream *x, struct slice buf, bool fin)
{
	size_t used = x->h1.head.n_bytes;
	struct slice head;

	note_request(x, buf, fin);
	x->conn = origin_take(&x->tunnel->origin, may_retry(x), &origin_ops, x);
	if (!write_head(x, buf, &head))
		return 0;
	h1_init(&x->h1, H1_RESPONSE);
	x->h1.head_request = x->head_request;
	if (x->conn != NULL) {
		send_request(x, head);
	} else {
		flow_hold(&x->flow);
		dial(x);
	}
	return x->state == HTTP_STREAM_DEAD ? 0 : used;
}

/*
 * Bytes of the stream before the outlet runs.  A request without Content-Length has a body where
 * the stream goes on: whether it does is known with its next byte or its end, except for an
 * upgrade, where what follows is no body.
 */
static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct http_stream *x = f->owner;
	const struct h1_head *h = &x->h1.head;

	if (x->state != HTTP_STREAM_HEAD)
		return bytes.n; /* nobody wants them any more */
	if (!x->head_read) {
		switch (h1_head(&x->h1, bytes)) {
		case H1_MORE:
			if (!fin)
				return 0;
			http_stream_end(x, LINK_CODE_PROTOCOL);
			return 0;
		case H1_DONE:
			x->head_read = true;
			break;
		case H1_DATA:
		case H1_BAD:
			http_stream_end(x, LINK_CODE_PROTOCOL);
			return 0;
		}
	}
	if (h->framing == H1_NO_BODY && !(h->flags & H1_UPGRADE) && !fin && bytes.n == h->n_bytes)
		return 0;
	if (h->framing == H1_CHUNKED || h->framing == H1_UNTIL_CLOSE) {
		http_stream_end(x, LINK_CODE_PROTOCOL); /* a stream's head has no transfer coding */
		return 0;
	}
	return start(x, bytes, fin);
}

/* --- what the flow tells --- */

static void
on_inlet_done(struct flow *f)
{
	struct http_stream *x = f->owner;

	x->in_done = true;
	if (x->out_done) {
		end_well(x);
	} else if (!x->switched) {
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

	x->out_done = true;
	if (x->in_done)
		end_well(x);
}

static void
on_reset(struct flow *f, uint32_t code)
{
	http_stream_end(f->owner,
	    code <= LINK_CODE_INTERNAL ? (enum link_code)code : LINK_CODE_INTERNAL);
}

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

static const struct flow_ops flow_ops = {
	.head = on_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_conn_broken,
	.conn_readable = on_conn_readable,
};

int
http_stream_open(struct serve *s, struct carrier *c, struct stream *stream, struct agent_tunnel *t,
    const struct opening *o)
{
	struct http_stream *x = slab_get(&s->exchanges);

	if (x == NULL)
		return -1;
	x->serve = s;
	x->tunnel = t;
	x->opened_us = loop_now_us(s->loop);
	x->silent_ms = t->ask.origin_silent_ms != 0 ? t->ask.origin_silent_ms
		       : o->origin_silent_ms != 0   ? o->origin_silent_ms
						    : LIMIT_ORIGIN_SILENT_MS;
	list_init(&x->waiting);
	h1_init(&x->h1, H1_REQUEST);
	x->h1.inside = true;
	flow_init(&x->flow, c, NULL, &flow_ops, x);
	flow_bind(&x->flow, stream);
	if (s->screen->requests)
		slice_copy(o->request_id, x->request_id, sizeof(x->request_id));
	x->probe = slice_eq(o->visitor, S("probe"));
	return 0;
}
