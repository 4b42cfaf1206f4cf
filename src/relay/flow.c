/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both directions share: coupling, ending, and the order in which the owner
 * is told.  The directions themselves: inlet.c (connection -> stream) and
 * outlet.c (stream -> connection).
 */
#include "relay/flow.h"

#include "relay/flow_private.h"

/* Bytes that may wait in a flow: a full window and the framing of small chunks. */
#define OUT_BYTES_MAX (2 * (size_t)LIMIT_STREAM_RX_BYTES_MAX)
/* Opening, head, and a scratch full of early body, or a stored delivery whole. */
#define EARLY_BYTES_MAX                                                                            \
	(LIMIT_OPENING_BYTES + 2 * LIMIT_HEAD_BYTES + LOOP_SCRATCH_BYTES + LIMIT_INBOX_BODY_BYTES)

void
flow_init(struct flow *f, struct carrier *c, struct conn *conn, const struct flow_ops *ops,
    void *owner)
{
	struct pool *chunks = loop_chunks(c->loop);

	*f = (struct flow){
		.conn = conn, .carrier = c, .loop = c->loop, .ops = ops, .owner = owner
	};
	f->active_us = loop_now_us(c->loop);
	list_init(&f->gathered);
	bufq_init(&f->in_early, chunks, EARLY_BYTES_MAX);
	bufq_init(&f->in_rest, chunks, LOOP_SCRATCH_BYTES);
	bufq_init(&f->out, chunks, OUT_BYTES_MAX);
	buf_init(&f->head_part, 2 * LIMIT_HEAD_BYTES);
	buf_init(&f->in_trailers, LIMIT_TRAILER_BYTES);
}

void
flow_conn(struct flow *f, struct conn *conn)
{
	f->conn = conn;
}

void
flow_bind(struct flow *f, struct stream *s)
{
	check(f->stream == NULL && !f->ended && s->link == &f->carrier->link);
	f->stream = s;
	s->owner = f;
}

char *
flow_head_scratch(struct flow *f)
{
	check(f->carrier != NULL);
	return f->carrier->shared->head;
}

size_t
flow_take_rest(struct flow *f, char *dst, size_t cap)
{
	return bufq_take(&f->in_rest, dst, cap);
}

/* Drops the stream and everything that waits; the owner is not told. */
void
flow_end(struct flow *f, enum link_code code)
{
	struct stream *s = f->stream;

	if (f->ended) {
		check(s == NULL); /* also of one that was never begun, only marked as ended */
		return;
	}
	f->stream = NULL;
	f->in_framing = f->out_framing = FLOW_IDLE;
	f->in_end = f->out_over = true;
	f->n_pieces = 0;
	f->literal = (struct slice){ 0 };
	f->ended = true;
	bufq_reset(&f->in_early);
	bufq_reset(&f->out);
	bufq_reset(&f->in_rest);
	inlet_drop_trailers(f);
	outlet_drop_trailers(f);
	buf_fini(&f->head_part);
	list_del(&f->gathered);
	if (f->carrier != NULL && f->carrier->headed == f)
		f->carrier->headed = NULL;
	if (s == NULL)
		return;
	if (!s->rx_ended || !s->tx_ended)
		stream_reset(s, code);
	stream_free(s);
	if (f->carrier != NULL)
		carrier_kick(f->carrier);
}

void
flow_advance(struct iovec **iov, int *n_iov, size_t n)
{
	while (*n_iov > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*n_iov)--;
	}
	check(n == 0 || *n_iov > 0); /* no more was taken than was offered */
	if (n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

/* Both directions have ended in order: the stream's number is free. */
void
flow_retire(struct flow *f)
{
	struct stream *s = f->stream;

	if (s == NULL || !f->in_over || !f->out_over)
		return;
	check(s->rx_ended && s->tx_ended); /* else stream_free() would reset a good exchange */
	f->stream = NULL;
	stream_free(s);
}

/* The flow ends before its owner is told, who may free it in that call. */
void
flow_fail_stream(struct flow *f, uint32_t code)
{
	flow_end(f, LINK_CODE_PROTOCOL);
	f->ops->reset(f, code);
}

void
flow_fail_conn(struct flow *f, enum close_code bad)
{
	if (!f->ended)
		f->ops->conn_broken(f, bad);
}

void
flow_lost(struct flow *f, uint32_t code)
{
	struct stream *s = f->stream;
	bool link_died = f->carrier != NULL && f->carrier->dead;

	/* What came before the end is still the other side's. */
	if (!f->held && (f->n_pieces > 0 || f->literal.n > 0)) {
		flow_flush(f);
		if (f->ended)
			return;
		s = f->stream;
		if (s == NULL)
			return;
	}
	/* All of it has come and the request is out: what waits is still good for the visitor. */
	if (f->in_over && f->out_fin) {
		f->stream = NULL;
		stream_free(s);
		if (link_died)
			f->carrier = NULL;
		return;
	}
	f->stream = NULL;
	stream_free(s);
	flow_end(f, code);
	if (link_died)
		f->carrier = NULL;
	f->ops->reset(f, code);
}

/* Writing first: it gives credit back, and may be what the other side waits for. */
void
flow_conn_event(struct flow *f, unsigned events)
{
	if (f->ended)
		return;
	if (events & LOOP_OUT)
		outlet_writable(f);
	if (!f->ended && (events & LOOP_IN))
		inlet_readable(f);
}

/*
 * Codes that are not named, those of a later version among them, say no more than that the
 * origin's part went wrong.
 */
enum close_code
flow_close_code(const struct flow *f, uint32_t code)
{
	if (f->carrier == NULL)
		return CLOSE_LINK_LOST;
	switch (code) {
	case LINK_CODE_ORIGIN_REFUSED:
		return CLOSE_ORIGIN_REFUSED;
	case LINK_CODE_ORIGIN_SILENT:
		return CLOSE_ORIGIN_SILENT;
	case LINK_CODE_ORIGIN_BAD_HEAD:
		return CLOSE_ORIGIN_BAD_RESPONSE;
	case LINK_CODE_ORIGIN_LARGE_HEAD:
		return CLOSE_ORIGIN_LARGE_HEAD;
	case LINK_CODE_ORIGIN_TLS:
		return CLOSE_ORIGIN_TLS;
	case LINK_CODE_NO_TUNNEL:
		return CLOSE_NO_TUNNEL;
	case LINK_CODE_TOO_MANY:
	case LINK_CODE_BUSY:
		return CLOSE_TOO_MANY_STREAMS;
	case LINK_CODE_SHUTDOWN:
		return CLOSE_AGENT_AWAY;
	default:
		return CLOSE_ORIGIN_BROKE;
	}
}
