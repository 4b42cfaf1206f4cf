/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange on its way to the origin: the request is parsed, judged and written anew. */
#include "agent/serve/http_request.h"

#include "http/grpc.h"
#include "http/rewrite.h"

/* --- the origin's connection --- */

/*
 * An upgrade's head is written here: until the origin has agreed to switch, no byte of the visitor
 * may follow it.
 */
static void
write_upgrade(struct http_stream *x)
{
	struct iovec iov = { x->head + x->head_sent, x->head_n - x->head_sent };
	size_t n = 0;

	check(x->state == HTTP_STREAM_SENT && x->head_sent < x->head_n);
	if (conn_write(&x->conn->conn, &iov, 1, &n) == IO_FAIL) {
		http_request_broken(x);
		return;
	}
	x->head_sent += n;
	check(x->head_sent <= x->head_n);
}

/* The connection is there: the request goes out. head: for now or kept, see write_head(). */
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
		/* The outlet ran on the first connection already, and has no body to come. */
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

	check(x->conn == c && x->state == HTTP_STREAM_DIALLING);
	send_request(x, slice_of(x->head, x->head_n));
}

/* As origin_ops.failed. A failure of our own (no memory, no descriptor) says nothing of the
 * origin: looking at it would not help. */
static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	struct http_stream *x = c->owner;

	(void)why;
	check(x->conn == c && x->state == HTTP_STREAM_DIALLING);
	x->conn = NULL;
	x->tunnel->look.down = code != LINK_CODE_INTERNAL;
	http_stream_end(x, code);
}

/* An upgrade's head that did not fit goes on here; all else is the flow's. */
static void
on_event(struct origin_conn *c, unsigned events)
{
	struct http_stream *x = c->owner;

	check(x->conn == c &&
	      (x->state == HTTP_STREAM_SENT || x->state == HTTP_STREAM_BODY ||
		  x->state == HTTP_STREAM_SWITCHED || x->state == HTTP_STREAM_HALF));
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

/* A connection of its own: none was idle, or the one that was has proved dead. */
static void
dial(struct http_stream *x)
{
	check(x->head != NULL &&
	      x->head_n > 0); /* kept until there is a connection to write it to */
	http_stream_move(x, HTTP_STREAM_DIALLING);
	x->conn = origin_connect(&x->tunnel->origin, x->proxied, &origin_ops, x);
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
 * The edge asks with HEAD whether anybody is there.  That is no call of gRPC, and its servers reset
 * the stream: so there is.
 */
static void
answer_probe(struct http_stream *x)
{
	x->keep_alive = false;
	x->status = 405;
	http_stream_move(x, HTTP_STREAM_BODY);
	if (flow_send_head(&x->flow, S(""),
		S("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")) != 0 ||
	    flow_inlet(&x->flow, FLOW_NONE, NULL, S("")) != 0)
		http_stream_end(x, LINK_CODE_INTERNAL);
}

/*
 * The connection broke before a byte of the answer.  One that was idle may have been closed
 * by the origin just when the request was sent: a request that may be sent twice is, once,
 * on a fresh connection.
 */
void
http_request_broken(struct http_stream *x)
{
	bool may = (x->conn->reused && origin_is_gone(x->conn) && may_retry(x)) ||
		   (origin_refused(x->conn) && !x->has_body && !x->upgrade);
	bool again =
	    may && !x->retried && x->gather_n == 0 && x->n_interim == 0 && x->flow.out.n == 0;

	check(x->state == HTTP_STREAM_SENT);
	if (!again && x->probe && x->conn->via != NULL && !origin_is_gone(x->conn)) {
		answer_probe(x);
		return;
	}
	if (!again) {
		x->tunnel->look.down = true;
		http_stream_end(x, origin_broke(x->conn));
		return;
	}
	x->retried = true;
	x->write_broken = false;
	flow_conn(&x->flow, NULL);
	origin_drop(x->conn);
	dial(x);
}

/* --- the head --- */

/* RFC 9110, 9.2.2: these may be sent twice. */
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
	/* On a stream a body has no framing: without a length it is there where
	 * anything follows the head. */
	x->has_body = h->framing == H1_LENGTH
			  ? h->length > 0
			  : !fin || buf.n > h->n_bytes || flow_has_trailers(&x->flow);
	/* One with a body would need both at once, body and silence: it is sent on
	 * as a plain request.  HTTP/2 knows no upgrade (RFC 9113 8.6). */
	x->upgrade =
	    (h->flags & H1_UPGRADE) != 0 && h->length == 0 && !fin && x->tunnel->origin.h2 == NULL;
	if (x->upgrade)
		x->has_body = false;
	if (grpc_is(h))
		x->silent_ms = grpc_patience_ms(h, buf, x->silent_ms);
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
	bool keep = x->conn == NULL || x->upgrade || may_retry(x) || x->conn->via != NULL;
	char *dst;

	check(x->head == NULL);
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

	check(x->state == HTTP_STREAM_READ && used <= buf.n);
	note_request(x, buf, fin);
	http_stream_tap(x, TAP_REQUEST, TAP_RECEIVED, &x->h1.head, buf);
	x->conn = origin_take(&x->tunnel->origin, may_retry(x), &origin_ops, x);
	if (!write_head(x, buf, &head))
		return 0;
	http_stream_tap(x, TAP_REQUEST, TAP_SENT, NULL, head);
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
 * the stream goes on: whether it does is known with its next byte or its end, where the opening has
 * not said so, except for an upgrade, where what follows is no body.
 */
size_t
http_request_head(struct flow *f, struct slice bytes, bool fin)
{
	struct http_stream *x = f->owner;
	const struct h1_head *h = &x->h1.head;

	if (x->state != HTTP_STREAM_HEAD && x->state != HTTP_STREAM_READ)
		return bytes.n; /* nobody wants them any more */
	if (x->state == HTTP_STREAM_HEAD) {
		switch (h1_head(&x->h1, bytes)) {
		case H1_MORE:
			if (!fin)
				return 0;
			http_stream_end(x, LINK_CODE_PROTOCOL);
			return 0;
		case H1_DONE:
			http_stream_move(x, HTTP_STREAM_READ);
			break;
		case H1_DATA:
		case H1_BAD:
			http_stream_end(x, LINK_CODE_PROTOCOL);
			return 0;
		}
	}
	if (h->framing == H1_NO_BODY && !(h->flags & H1_UPGRADE) && !fin && bytes.n == h->n_bytes &&
	    !x->body_told)
		return 0;
	if (h->framing == H1_CHUNKED || h->framing == H1_UNTIL_CLOSE) {
		http_stream_end(x, LINK_CODE_PROTOCOL); /* a stream's head has no transfer coding */
		return 0;
	}
	return start(x, bytes, fin);
}
