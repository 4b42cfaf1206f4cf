/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of plain bytes: TCP tunnels, one connection to the origin for each. */
#include "agent/serve/byte_stream.h"

#include "net/proxyproto.h"
#include "net/tls_end.h"

/* clang-format off */
static const unsigned predecessors[] = {
	[BYTE_STREAM_DIALLING] = 0, /* born in it */
	[BYTE_STREAM_OPEN] = 1 << BYTE_STREAM_DIALLING,
	[BYTE_STREAM_HALF] = 1 << BYTE_STREAM_OPEN,
	[BYTE_STREAM_DEAD] = 1 << BYTE_STREAM_DIALLING | 1 << BYTE_STREAM_OPEN |
	    1 << BYTE_STREAM_HALF,
};
/* clang-format on */

/* The only writer of the state. */
static void
move(struct byte_stream *b, enum byte_stream_state to)
{
	check(predecessors[to] & 1u << b->state);
	b->state = to;
}

static void
release(struct loop_grave *g)
{
	struct byte_stream *b = list_of(g, struct byte_stream, grave);

	check(b->state == BYTE_STREAM_DEAD && b->conn == NULL);
	serve_stream_ended(b->tunnel);
	slab_put(&b->serve->bytes, b);
}

static void
report(struct byte_stream *b, enum link_code code)
{
	int64_t took_us = loop_now_us(b->serve->loop) - b->opened_us;

	if (b->tap != NULL)
		tap_end(b->tap, 0, slice_str(link_code_name(code)), took_us, b->flow.tx_bytes,
		    b->flow.rx_bytes);
	else if (b->counted)
		tap_uncounted(b->serve->capture, serve_index(b->serve, b->tunnel), took_us, false);
	b->tap = NULL;
}

/* code: for the edge, unless both directions have ended. */
static void
finish(struct byte_stream *b, enum link_code code)
{
	if (b->state == BYTE_STREAM_DEAD)
		return;
	report(b, code);
	move(b, BYTE_STREAM_DEAD);
	loop_timer_stop(b->serve->loop, &b->deadline);
	flow_end(&b->flow, code);
	if (b->conn != NULL && code == LINK_CODE_OK)
		origin_drop(b->conn);
	else if (b->conn != NULL)
		origin_abort(b->conn);
	b->conn = NULL;
	loop_bury(b->serve->loop, &b->grave, release);
}

/* One direction has ended in order: inlet or outlet, each tells it once. */
static void
on_done(struct flow *f)
{
	struct byte_stream *b = f->owner;

	check(b->state == BYTE_STREAM_OPEN || b->state == BYTE_STREAM_HALF);
	/* The visitor has the alert, and has nothing more to say that anybody would read. */
	if (b->state == BYTE_STREAM_OPEN && !tls_end_failed(&b->conn->conn))
		move(b, BYTE_STREAM_HALF);
	else
		finish(b, LINK_CODE_OK);
}

/* The visitor has gone, or the link: the origin sees a reset, not an end, or it would take half
 * a transfer for a whole one. */
static void
on_reset(struct flow *f, uint32_t code)
{
	(void)code;
	finish(f->owner, LINK_CODE_CANCELLED);
}

static void
on_conn_broken(struct flow *f, enum close_code bad)
{
	(void)bad;
	finish(f->owner, LINK_CODE_ORIGIN_BROKE);
}

static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	(void)f;
	(void)fin;
	check(!"the flow is held until the connection is there, and raw from then on");
	return bytes.n;
}

static const struct flow_ops flow_ops = {
	.head = on_head,
	.inlet_done = on_done,
	.outlet_done = on_done,
	.reset = on_reset,
	.conn_broken = on_conn_broken,
};

static void
on_deadline(struct loop_timer *t)
{
	struct byte_stream *b = list_of(t, struct byte_stream, deadline);

	check(b->here != NULL && b->state != BYTE_STREAM_DIALLING);
	if (conn_handshake(&b->conn->conn) != IO_OK)
		finish(b, LINK_CODE_CANCELLED);
}

/* False: no memory. */
static bool
end_tls(struct byte_stream *b)
{
	struct tls *tls = b->here == NULL ? NULL : tls_accept(b->here->server);

	if (b->here == NULL)
		return true;
	loop_timer_set(b->serve->loop, &b->deadline, (int64_t)LIMIT_TLS_HANDSHAKE_MS * 1000);
	return tls != NULL && tls_end_at(&b->conn->conn, tls) == 0;
}

/* Bytes that came meanwhile were held, within the stream's window; they go out first. */
static void
on_ready(struct origin_conn *c)
{
	struct byte_stream *b = c->owner;

	check(b->conn == c);
	move(b, BYTE_STREAM_OPEN);
	if (!end_tls(b)) {
		finish(b, LINK_CODE_INTERNAL);
		return;
	}
	flow_conn(&b->flow, &c->conn);
	if (flow_inlet(&b->flow, FLOW_RAW, NULL, S("")) != 0) {
		finish(b, LINK_CODE_INTERNAL);
		return;
	}
	flow_outlet(&b->flow, FLOW_RAW, 0, S(""));
}

static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	struct byte_stream *b = c->owner;

	(void)why;
	check(b->conn == c && b->state == BYTE_STREAM_DIALLING);
	b->conn = NULL;
	finish(b, code);
}

/* Both directions are the flow's business. */
static void
on_event(struct origin_conn *c, unsigned events)
{
	struct byte_stream *b = c->owner;

	check(b->conn == c && b->state != BYTE_STREAM_DIALLING);
	flow_conn_event(&b->flow, events);
}

static const struct origin_ops origin_ops = {
	.ready = on_ready,
	.failed = on_failed,
	.event = on_event,
};

int
byte_stream_open(struct serve *s, struct carrier *c, struct stream *stream, struct agent_tunnel *t,
    const struct opening *o)
{
	struct byte_stream *b = slab_get(&s->bytes);
	char header[PROXYPROTO_BYTES_MAX] UNCLEARED;

	check(t->ask.kind != TUNNEL_HTTP);
	if (b == NULL)
		return -1;
	b->serve = s;
	b->tunnel = t;
	b->here = t->here;
	b->deadline.fn = on_deadline;
	b->conn = origin_connect(&t->origin, slice_of(header, origin_header(&t->origin, o, header)),
	    &origin_ops, b);
	if (b->conn == NULL) {
		slab_put(&s->bytes, b);
		return -1;
	}
	flow_init(&b->flow, c, NULL, &flow_ops, b);
	flow_bind(&b->flow, stream);
	flow_hold(&b->flow);
	b->opened_us = loop_now_us(s->loop);
	b->counted = s->capture != NULL;
	if (b->counted)
		b->tap = serve_tap(s, t, o, ROW_KIND_BYTES);
	return 0;
}
