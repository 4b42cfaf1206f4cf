/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of HTTP/2 as the front of its exchange (h2_front.h). */
#include "edge/visit/h2_front.h"

#include "base/log.h"
#include "edge/visit/h2_coding.h"
#include "edge/visit/h2_visitor.h"
#include "edge/visit/local_reply.h"

#include <nghttp2/nghttp2.h>

static struct h2_front *
front_of(struct front *f)
{
	return list_of(f, struct h2_front, front);
}

/* --- the end --- */

static void
on_grave(struct loop_grave *g)
{
	struct h2_front *f = list_of(g, struct h2_front, grave);

	check(f->x == NULL && f->stream == NULL);
	slab_put(&f->front.worker->visit->h2_fronts, f);
}

/* The stream was let go. */
static void
end(struct h2_front *f)
{
	struct worker *w = f->front.worker;
	struct exchange *x = f->x;

	check(f->stream == NULL);
	f->x = NULL;
	if (x != NULL)
		exchange_end(x);
	conn_leave(&f->conn);
	buf_fini(&f->part);
	list_del(&f->node);
	h2_visitor_kick(f->visitor);
	loop_bury(w->loop, &f->grave, on_grave);
	worker_check_idle(w);
}

static void
reset(struct h2_front *f, uint32_t code)
{
	struct h2_stream *s = f->stream;

	f->stream = NULL;
	if (s != NULL)
		h2_reset(s, code);
	end(f);
}

void
h2_front_cut(struct h2_front *f)
{
	reset(f, NGHTTP2_CANCEL);
}

static void
on_answered(struct front *front, struct slice read_ahead)
{
	struct h2_front *f = front_of(front);
	struct h2_stream *s = f->stream;

	(void)read_ahead; /* no request follows on a stream */
	/* A body that is not as long as its head said is not passed off as whole. */
	if (f->coding == H2_CODING_HEAD || f->coding == H2_CODING_SIZE ||
	    f->coding == H2_CODING_CHUNK || f->coding == H2_CODING_TRAILER) {
		reset(f, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	f->stream = NULL;
	if (h2_finish(s, f->coding == H2_CODING_OVER ? buf_slice(&f->part) : S("")) != 0)
		log_event(LOG_ERROR, "no-memory", LOG_Z("peer", front->peer));
	end(f);
}

/* Nobody takes for whole what has come until here, whichever way it ends. */
static void
on_cut(struct front *front, enum front_end how)
{
	(void)how;
	reset(front_of(front), NGHTTP2_INTERNAL_ERROR);
}

/*
 * Streams of one connection stay on one worker.  His tunnel has come up on another one since he
 * connected: nothing was done for this request, so he may send it again (RFC 9113 8.7), and the
 * connection ends for a new one.  Who named no host in his handshake may come here again: 421.
 */
static void
on_hand_over(struct front *front, struct worker *to, struct slice bytes)
{
	struct h2_front *f = front_of(front);

	(void)to, (void)bytes;
	h2_goaway(f->visitor->h2);
	if (front_sni(front)[0] == '\0') {
		local_reply_error(f->x, CLOSE_MISDIRECTED, S(""));
		return;
	}
	exchange_move(f->x, EXCHANGE_MOVED);
	reset(f, NGHTTP2_REFUSED_STREAM);
}

static const struct front_ops h2_front_ops = {
	.answered = on_answered,
	.cut = on_cut,
	.hand_over = on_hand_over,
};

/* --- events --- */

static void
on_conn(struct conn *c, unsigned events)
{
	struct h2_front *f = list_of(c, struct h2_front, conn);

	if (f->x != NULL && exchange_is_busy(f->x))
		exchange_conn_event(f->x, events);
}

void
h2_front_event(struct h2_front *f, enum h2_event e)
{
	switch (e) {
	case H2_BODY:
		f->conn.buffered = true;
		conn_tell(&f->conn, LOOP_IN);
		return;
	case H2_ROOM:
		conn_tell(&f->conn, LOOP_OUT);
		return;
	case H2_RESET: {
		struct h2_stream *s = f->stream;

		f->stream = NULL;
		h2_leave(s);
		end(f);
		return;
	}
	case H2_HEAD:
	case H2_NOTHING:
		check(e != H2_HEAD && e != H2_NOTHING);
		return;
	}
}

/* --- heads --- */

static void
refuse(struct h2_front *f, enum close_code code)
{
	struct exchange *x = f->x;

	worker_request_id(x->worker, x->id);
	x->start_us = loop_now_us(x->worker->loop);
	local_reply_error(x, code, S(""));
}

/* The judge of HTTP/1.1 has the word; what he cannot see was seen before. */
static void
judge(struct h2_front *f, enum h2_fault fault, struct slice head)
{
	struct exchange *x = f->x;

	switch (fault) {
	case H2_TOO_LARGE:
		refuse(f, CLOSE_HEAD_TOO_LARGE);
		return;
	case H2_BAD_SCHEME:
		refuse(f, CLOSE_BAD_SCHEME);
		return;
	case H2_MALFORMED: /* was reset, and is told nothing */
		refuse(f, CLOSE_BAD_REQUEST_LINE);
		return;
	case H2_FINE:
		break;
	}
	switch (h1_head(&x->req, head)) {
	case H1_DONE:
		f->chunked = x->req.head.framing == H1_CHUNKED;
		exchange_request(x, head);
		return;
	case H1_BAD:
		refuse(f, x->req.error);
		return;
	case H1_MORE:
	case H1_DATA:
		refuse(f, CLOSE_BAD_REQUEST_LINE);
		return;
	}
}

static void
init(struct h2_front *f, struct h2_visitor *v, struct h2_stream *s)
{
	const struct visitor *of = v->visitor;

	f->front = of->front;
	f->front.ops = &h2_front_ops;
	f->front.conn = &f->conn;
	f->front.major = 2;
	f->visitor = v;
	f->stream = s;
	s->owner = f;
	conn_init_over(&f->conn, of->front.worker->loop, &h2_coding_ops, of->conn.tls, on_conn);
	buf_init(&f->part, 2 * LIMIT_HEAD_BYTES);
	list_push(&v->fronts, &f->node);
}

void
h2_front_start(struct h2_visitor *v, struct h2_stream *s)
{
	struct worker *w = v->visitor->front.worker;
	struct h2_front *f = slab_get(&w->visit->h2_fronts);
	struct buf head = s->head;

	if (f == NULL) {
		h2_reset(s, NGHTTP2_REFUSED_STREAM);
		return;
	}
	init(f, v, s);
	f->x = exchange_start(&f->front);
	if (f->x == NULL) {
		reset(f, NGHTTP2_REFUSED_STREAM);
		return;
	}
	/* The stream may be over before the last one has looked at it. */
	s->head = (struct buf){ 0 };
	judge(f, s->fault, buf_slice(&head));
	buf_fini(&head);
}
