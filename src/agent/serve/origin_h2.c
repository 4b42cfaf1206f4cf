/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of HTTP/2 in the form of connections; see origin_h2.h. */
#include "agent/serve/origin_h2.h"

#include "agent/serve/trunk.h"

#include <errno.h>
#include <stdlib.h>

/* What a trunk is taken to hold before its origin has said so. */
#define STREAMS_FIRST 100
/* A head that was written anew, and what else stood in the same piece. */
#define HEAD_BYTES_MAX (2 * LIMIT_HEAD_BYTES)

/* --- what an exchange writes --- */

/*
 * The head is whole: it becomes a stream.  False: the trunk takes none any more.  Between the promise
 * of a slot and the head's last byte a GOAWAY may have come, or SETTINGS that allow fewer: the
 * origin has seen nothing of it, which is as good as REFUSED_STREAM.
 */
static bool
open_stream(struct origin_stream *v)
{
	const struct h1_head *h = &v->request.head;
	bool ends = h->framing == H1_NO_BODY || (h->framing == H1_LENGTH && h->length == 0);

	if (v->refused || v->trunk->state != TRUNK_UP || h2_client_slots(v->trunk->h2) == 0) {
		v->refused = true;
		return false;
	}
	v->stream = h2_client_open(v->trunk->h2, buf_slice(&v->head), ends, v);
	if (v->stream == NULL)
		return false;
	check(v->trunk->n_promised > 0);
	v->trunk->n_promised--;
	v->taken = ends;
	v->request.trailers = &v->trailers;
	buf_fini(&v->head);
	return true;
}

/* Takes the head from the front of *in; what follows it stays there. -1: it cannot be. */
static int
take_head(struct origin_stream *v, struct slice *in)
{
	size_t before = v->head.n;

	buf_put(&v->head, *in);
	if (v->head.failed)
		return -1;
	switch (h1_head(&v->request, buf_slice(&v->head))) {
	case H1_MORE:
		*in = slice_from(*in, in->n);
		return 0;
	case H1_DONE:
		break;
	case H1_DATA:
	case H1_BAD:
		return -1; /* it was written by ourselves */
	}
	check(v->request.head.n_bytes > before);
	*in = slice_from(*in, v->request.head.n_bytes - before);
	v->head.n = v->request.head.n_bytes;
	return open_stream(v) ? 0 : -1;
}

/*
 * Takes of the body what the stream has room for.  -1: it takes nothing any more.  The coding that the
 * flow has put on is taken off again by the parser that took the visitor's off: data never exceeds
 * the bytes it is read from, so what fits the room as coding fits as data.
 */
static int
take_body(struct origin_stream *v, struct slice *in)
{
	while (!v->taken) {
		struct slice part = slice_head(*in, h2_client_room(v->stream)), data = { 0 };
		size_t n = part.n;

		if (v->stream->unwanted)
			return -1;
		switch (h1_body(&v->request, &part, &data)) {
		case H1_DATA:
			h2_client_put(v->stream, data);
			break;
		case H1_DONE: /* needs no room */
			v->taken = true;
			if (h2_client_finish(v->stream, buf_slice(&v->trailers)) != 0)
				return -1;
			break;
		case H1_MORE:
			if (n == 0)
				return 0;
			break;
		case H1_BAD:
			return -1;
		}
		*in = slice_from(*in, n - part.n);
	}
	return 0;
}

static int
take(struct origin_stream *v, struct slice *in)
{
	if (v->stream == NULL && take_head(v, in) != 0)
		return -1;
	return v->stream == NULL ? 0 : take_body(v, in);
}

static struct origin_stream *
via_of(struct conn *c)
{
	return list_of(c, struct origin_conn, conn)->via;
}

static enum io
write_io(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct origin_stream *v = via_of(c);
	size_t n = 0;

	for (int i = 0; i < n_iov; i++) {
		struct slice in = slice_of(iov[i].iov_base, iov[i].iov_len);

		if (v->trunk == NULL || take(v, &in) != 0) {
			c->error = EPIPE;
			return IO_FAIL;
		}
		n += iov[i].iov_len - in.n;
		if (in.n > 0)
			break;
	}
	trunk_kick(v->trunk);
	if (n == 0) {
		conn_dry(c, LOOP_OUT);
		return IO_WAIT;
	}
	*ret_n = n;
	return IO_OK;
}

/* --- what it reads --- */

static enum io
read_io(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct origin_stream *v = via_of(c);
	struct h2_client_stream *s = v->stream;
	size_t n;

	(void)n_iov;
	n = s == NULL ? 0 : h2_client_read(s, iov[0].iov_base, iov[0].iov_len);
	if (n > 0) {
		if (!h2_client_readable(s) && s->answer != H2_CLIENT_LOST)
			conn_dry(c, LOOP_IN);
		trunk_kick(v->trunk); /* credit goes back */
		*ret_n = n;
		return IO_OK;
	}
	if (v->refused || (s != NULL && s->answer == H2_CLIENT_LOST)) {
		c->error = ECONNRESET;
		return IO_FAIL;
	}
	conn_dry(c, LOOP_IN);
	return IO_WAIT;
}

static enum io
handshake_io(struct conn *c)
{
	(void)c;
	return IO_OK;
}

static enum io
flush_io(struct conn *c)
{
	(void)c;
	return IO_OK;
}

static void
shut_io(struct conn *c)
{
	(void)c;
}

static const struct conn_ops stream_ops = {
	.handshake = handshake_io,
	.read = read_io,
	.write = write_io,
	.flush = flush_io,
	.shut = shut_io,
};

/* --- who waits, and who is served --- */

static void
on_conn(struct conn *conn, unsigned events)
{
	struct origin_conn *c = list_of(conn, struct origin_conn, conn);

	if (c->state == ORIGIN_BUSY)
		c->ops->event(c, events);
}

static void
stop_waiting(struct origin_conn *c)
{
	struct origin_h2 *p = c->origin->h2;

	check(p->n_waiting > 0);
	list_del(&c->node);
	p->n_waiting--;
	loop_timer_stop(c->origin->shared->loop, &c->deadline);
}

/* All streams that the origin allows are in use for as long as that. */
static void
on_waited(struct loop_timer *t)
{
	struct origin_conn *c = list_of(t, struct origin_conn, deadline);

	check(c->state == ORIGIN_DIALLING && c->via != NULL);
	origin_fail(c, LINK_CODE_TOO_MANY, "the local server takes no more streams");
}

static struct origin_conn *
new_conn(struct origin_h2 *p, const struct origin_ops *conn_ops, void *owner)
{
	struct origin_conn *c = slab_get(&p->origin->shared->conns);
	struct origin_stream *v = c == NULL ? NULL : calloc(1, sizeof(*v));

	if (v == NULL) {
		if (c != NULL)
			slab_put(&p->origin->shared->conns, c);
		return NULL;
	}
	*c = (struct origin_conn){ .origin = p->origin,
		.ops = conn_ops,
		.owner = owner,
		.via = v,
		.state = ORIGIN_DIALLING };
	conn_init_over(&c->conn, p->origin->shared->loop, &stream_ops, NULL, on_conn);
	c->deadline.fn = on_waited;
	list_init(&c->node);
	v->conn = c;
	list_init(&v->node);
	h1_init(&v->request, H1_REQUEST);
	v->request.inside = true;
	buf_init(&v->head, HEAD_BYTES_MAX);
	buf_init(&v->trailers, LIMIT_TRAILER_BYTES);
	return c;
}

void
origin_h2_free_stream(struct origin_stream *v)
{
	if (v == NULL)
		return;
	check(v->trunk == NULL && v->stream == NULL);
	buf_fini(&v->head);
	buf_fini(&v->trailers);
	free(v);
}

/* The first with room, so that the others may become idle, and be closed in time. */
static struct trunk *
find_room(struct origin_h2 *p)
{
	LIST_EACH(node, &p->trunks) {
		struct trunk *t = list_of(node, struct trunk, node);

		if (trunk_slots(t) > 0)
			return t;
	}
	return NULL;
}

/* Those that are on their way will take so many. */
static size_t
coming(const struct origin_h2 *p)
{
	size_t n = 0;

	LIST_EACH(node, &p->trunks) {
		const struct trunk *t = list_of(node, struct trunk, node);

		if (t->state == TRUNK_DIALLING || t->state == TRUNK_GREETING)
			n += p->streams_max;
	}
	return n;
}

/*
 * Dials as many as those that wait need, by what the origin allowed on the last one.  They are not
 * dialled ahead: a burst of visitors costs one more round trip, once.  False: none is there.
 */
static bool
dial_more(struct origin_h2 *p)
{
	while (p->n_trunks < LIMIT_ORIGIN_H2_CONNS && coming(p) < p->n_waiting)
		if (trunk_new(p) == NULL)
			break;
	return p->n_trunks > 0;
}

static void
serve_waiting(struct origin_h2 *p)
{
	struct trunk *t;

	while (!list_empty(&p->waiting) && (t = find_room(p)) != NULL) {
		struct origin_conn *c = list_of(p->waiting.next, struct origin_conn, node);

		stop_waiting(c);
		trunk_join(t, c->via);
		origin_move(c, ORIGIN_BUSY);
		c->ops->ready(c);
	}
}

void
origin_h2_failed(struct origin_h2 *p, enum link_code code, const char *why)
{
	/* Those that fail may come again at once, and wait for a trunk that is dialled anew. */
	size_t n = p->n_trunks > 0 ? 0 : p->n_waiting;

	for (; n > 0 && !list_empty(&p->waiting); n--)
		origin_fail(list_of(p->waiting.next, struct origin_conn, node), code, why);
}

void
origin_h2_more(struct origin_h2 *p)
{
	serve_waiting(p);
}

/* Streams have ended, or others have come. */
static void
on_serve(struct loop_task *task)
{
	struct origin_h2 *p = list_of(task, struct origin_h2, serve);

	serve_waiting(p);
	if (!list_empty(&p->waiting) && !dial_more(p))
		origin_h2_failed(p, LINK_CODE_INTERNAL, "no connection can be made");
}

struct origin_conn *
origin_h2_take(struct origin_h2 *p, const struct origin_ops *conn_ops, void *owner)
{
	struct trunk *t = list_empty(&p->waiting) ? find_room(p) : NULL;
	struct origin_conn *c = t == NULL ? NULL : new_conn(p, conn_ops, owner);

	if (c == NULL)
		return NULL;
	trunk_join(t, c->via);
	origin_move(c, ORIGIN_BUSY);
	return c;
}

struct origin_conn *
origin_h2_connect(struct origin_h2 *p, const struct origin_ops *conn_ops, void *owner)
{
	struct origin_conn *c = new_conn(p, conn_ops, owner);
	struct loop *l = p->origin->shared->loop;

	if (c == NULL)
		return NULL;
	list_push(&p->waiting, &c->node);
	p->n_waiting++;
	loop_timer_set(l, &c->deadline, 2 * (int64_t)LIMIT_ORIGIN_CONNECT_MS * 1000);
	loop_at_end(l, &p->serve);
	return c;
}

void
origin_h2_leave(struct origin_conn *c)
{
	struct origin_stream *v = c->via;

	if (c->state == ORIGIN_DIALLING)
		stop_waiting(c);
	else if (v->trunk != NULL)
		trunk_leave(v->trunk, v);
	conn_leave(&c->conn);
}

enum link_code
origin_h2_broke(const struct origin_conn *c)
{
	const struct h2_client_stream *s = c->via->stream;

	if (s != NULL && s->large)
		return LINK_CODE_ORIGIN_LARGE_HEAD;
	return s != NULL && s->crowded ? LINK_CODE_TOO_MANY : LINK_CODE_ORIGIN_BROKE;
}

bool
origin_h2_refused(const struct origin_conn *c)
{
	const struct h2_client_stream *s = c->via->stream;

	return c->via->refused || (s != NULL && s->refused);
}

bool
origin_h2_is_gone(const struct origin_conn *c)
{
	return c->via->trunk == NULL || c->via->trunk->state == TRUNK_GONE;
}

/* --- of an origin --- */

struct origin_h2 *
origin_h2_new(struct origin *o)
{
	struct origin_h2 *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->origin = o;
	p->streams_max = STREAMS_FIRST;
	list_init(&p->trunks);
	list_init(&p->waiting);
	list_init(&p->gone);
	loop_task_init(&p->serve, on_serve);
	return p;
}

void
origin_h2_free(struct origin_h2 *p)
{
	if (p == NULL)
		return;
	check(p->n_waiting == 0);
	while (!list_empty(&p->trunks))
		trunk_close(list_of(p->trunks.next, struct trunk, node));
	while (!list_empty(&p->gone))
		trunk_close(list_of(p->gone.next, struct trunk, node));
	loop_task_cancel(&p->serve);
	free(p);
}
