/* SPDX-License-Identifier: Apache-2.0 */
/* Drives one link on one connection: reading, flushing, liveness, its end. */
#include "relay/carrier.h"

#include "relay/flow_private.h"

#include <stdlib.h>

/* What one carrier may move per event before the others get their turn. */
#define READ_BYTES_PER_EVENT (512 * 1024)
#define WRITE_BYTES_PER_TURN (512 * 1024)
#define OUT_BLOCKS_KEPT 4

/*
 * links_max: how many carriers the loop may have at one time. Streams and output blocks have
 * their ceilings from it.
 */
int
carrier_shared_init(struct carrier_shared *s, size_t links_max)
{
	check(links_max > 0);
	slab_init(&s->streams, sizeof(struct stream), links_max * LIMIT_LINK_STREAMS);
	pool_init(&s->out_blocks, LINK_OUT_BLOCK_BYTES, OUT_BLOCKS_KEPT, links_max);
	s->rx = malloc(LOOP_SCRATCH_BYTES);
	s->head = malloc(FLOW_HEAD_SCRATCH_BYTES);
	if (s->rx != NULL && s->head != NULL)
		return 0;
	carrier_shared_fini(s);
	return -1;
}

void
carrier_shared_fini(struct carrier_shared *s)
{
	slab_fini(&s->streams);
	pool_fini(&s->out_blocks);
	free(s->rx);
	free(s->head);
	s->rx = s->head = NULL;
}

/* The memory of the pieces is going to be used again. */
static void
flush_gathered(struct carrier *c)
{
	struct list *node;

	while (!c->dead && (node = list_pop(&c->gathered)) != NULL)
		flow_flush(list_of(node, struct flow, gathered));
}

/* The edge opens all streams: it has no such call, and its links never tell of one. */
static void
on_opened(struct carrier *c, struct stream *s, struct slice opening)
{
	check(s->owner == NULL); /* whoever takes it binds it */
	if (c->ops->opened != NULL) {
		c->ops->opened(c, s, opening); /* binds it, or resets and frees it */
		return;
	}
	stream_reset(s, LINK_CODE_NO_TUNNEL);
	stream_free(s);
}

/* One event of the link. */
static void
dispatch(struct carrier *c, struct link_event *ev)
{
	struct flow *f = ev->stream == NULL ? NULL : ev->stream->owner;

	if (c->headed != NULL && c->headed != f)
		flow_flush(c->headed);
	switch (ev->what) {
	case LINK_NONE:
		break;
	case LINK_OPENED:
		on_opened(c, ev->stream, ev->bytes);
		break;
	case LINK_DATA:
		if (f != NULL)
			flow_rx(f, ev->bytes, ev->fin);
		break;
	case LINK_TRAILERS:
		if (f != NULL)
			flow_rx_trailers(f, ev->bytes);
		break;
	case LINK_RESET:
		if (f != NULL)
			flow_lost(f, ev->code);
		else
			stream_free(ev->stream);
		break;
	case LINK_CONTROL:
		c->ops->control(c, ev->bytes);
		break;
	case LINK_GOAWAY:
		if (c->ops->goaway != NULL)
			c->ops->goaway(c, ev->code, ev->retry_ms);
		break;
	case LINK_PONG:
		c->rtt_us = ev->rtt_us;
		break;
	case LINK_BAD:
		carrier_close(c, ev->code, "the other side broke the link protocol");
		break;
	}
}

/*
 * Events point into shared->rx: what flows have gathered is written or queued before that
 * memory is filled again.
 */
static void
feed(struct carrier *c, size_t n)
{
	struct slice in = slice_of(c->shared->rx, n);
	struct link_event ev;
	int64_t now = loop_now_us(c->loop);

	check(!c->feeding); /* no event of a link leads back here */
	c->feeding = true;
	while (!c->dead && link_feed(&c->link, &in, &ev, now) != LINK_NONE)
		dispatch(c, &ev);
	c->feeding = false;
	flush_gathered(c);
	check(c->dead || (in.n == 0 && c->headed == NULL)); /* nothing points into rx or head now */
}

static void
read_link(struct carrier *c)
{
	size_t total = 0, n;

	while (total < READ_BYTES_PER_EVENT) {
		switch (conn_read(&c->conn, c->shared->rx, LOOP_SCRATCH_BYTES, &n)) {
		case IO_OK:
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
			carrier_close(c, LINK_CODE_OK, "the other side closed the link");
			return;
		case IO_FAIL:
			carrier_close(c, LINK_CODE_SILENT, conn_error(&c->conn));
			return;
		}
		total += n;
		feed(c, n);
		if (c->dead)
			return;
		if (!c->conn.readable)
			return;
	}
	/* Cut short to be fair: the socket may hold more, and no edge would tell of it. */
	conn_again(&c->conn, LOOP_IN);
}

/* True while the connection takes more. */
static bool
write_out(struct carrier *c, size_t *total)
{
	struct slice out;
	size_t n;

	while ((out = link_out(&c->link)).n > 0) {
		struct iovec iov = { (void *)(uintptr_t)out.p, out.n };
		enum io io = conn_write(&c->conn, &iov, 1, &n);

		if (io == IO_FAIL || io == IO_EOF) {
			carrier_close(c, LINK_CODE_SILENT, conn_error(&c->conn));
			return false;
		}
		if (io == IO_WAIT)
			return false;
		link_out_done(&c->link, n, loop_now_us(c->loop));
		c->tx_bytes += n;
		*total += n;
	}
	return true;
}

/* Once a turn: every stream that wants to send gets its share, all frames leave together. */
static void
flush(struct loop_task *t)
{
	struct carrier *c = list_of(t, struct carrier, flush);
	struct stream *s;
	size_t total = 0;

	for (;;) {
		while (!c->dead && (s = link_turn(&c->link)) != NULL)
			flow_fill(s->owner);
		if (c->dead || link_out(&c->link).n == 0)
			return;
		if (!write_out(c, &total))
			return;
		if (total >= WRITE_BYTES_PER_TURN) {
			conn_again(&c->conn, LOOP_OUT);
			return;
		}
	}
}

static void
on_conn(struct conn *conn, unsigned events)
{
	struct carrier *c = list_of(conn, struct carrier, conn);

	if (c->dead)
		return;
	if (events & LOOP_IN)
		read_link(c);
	if (!c->dead)
		carrier_kick(c); /* also after reading: windows and answers wait */
}

static void
on_tick(struct loop_timer *t)
{
	struct carrier *c = list_of(t, struct carrier, tick);
	int64_t now = loop_now_us(c->loop), next;

	next = link_tick(&c->link, now);
	if (next < 0) {
		carrier_close(c, LINK_CODE_SILENT, "the other side sends nothing any more");
		return;
	}
	/* A time that has passed already: at once, but not within this turn. */
	loop_timer_set(c->loop, &c->tick, next > now ? next - now : 1000);
	carrier_kick(c);
}

int
carrier_init(struct carrier *c, struct loop *l, struct carrier_shared *shared, struct conn *conn,
    enum link_side side, const struct carrier_ops *ops, void *owner)
{
	struct link_params params = {
		.side = side,
		.rx_bytes_min = LIMIT_LINK_RX_BYTES_MIN,
		.rx_bytes_max = LIMIT_LINK_RX_BYTES_MAX,
		.streams_max = LIMIT_LINK_STREAMS,
		.streams = &shared->streams,
		.out_pool = &shared->out_blocks,
	};

	*c = (struct carrier){ .loop = l, .shared = shared, .ops = ops, .owner = owner };
	if (link_init(&c->link, &params, loop_now_us(l)) != 0)
		return -1;
	conn_move(&c->conn, conn, on_conn);
	conn_tune(&c->conn, LIMIT_LINK_DEAD_MS, LIMIT_NOTSENT_BYTES);
	list_init(&c->gathered);
	loop_task_init(&c->flush, flush);
	c->tick.fn = on_tick;
	if (conn_attach(&c->conn, l) != 0) {
		link_fini(&c->link);
		/* It goes back to the caller, who closes it. */
		conn_move(conn, &c->conn, conn->fn);
		return -1;
	}
	loop_timer_set(l, &c->tick, LIMIT_LINK_IDLE_MS * 1000);
	return 0;
}

void
carrier_kick(struct carrier *c)
{
	if (!c->dead)
		loop_at_end(c->loop, &c->flush);
}

void
carrier_control(struct carrier *c, struct slice json)
{
	if (c->dead)
		return;
	link_control(&c->link, json);
	carrier_kick(c);
}

void
carrier_goaway(struct carrier *c, enum link_code code, uint32_t retry_ms)
{
	if (c->dead)
		return;
	link_goaway(&c->link, code, retry_ms);
	carrier_kick(c);
}

uint64_t
carrier_mark(const struct carrier *c)
{
	return c->tx_bytes + link_out_waiting(&c->link);
}

/* Records are larger than what is in them: this says rather late than early that it is there. */
bool
carrier_has_arrived(const struct carrier *c, uint64_t mark)
{
	return c->tx_bytes >= mark + conn_unacked(&c->conn);
}

/*
 * The GOAWAY leaves as far as the socket takes it now; nobody waits for it. Then the flows
 * are told, while the link is still there to free their streams; then the owner, who may
 * bury the carrier.
 */
void
carrier_close(struct carrier *c, enum link_code code, const char *why)
{
	struct stream *s;
	size_t total = 0;

	if (c->dead)
		return;
	if (!c->conn.failed) {
		if (!c->link.goaway_sent)
			link_goaway(&c->link, code, 0);
		c->dead = true; /* write_out() may fail, too: this is the one end */
		write_out(c, &total);
	}
	c->dead = true;
	while ((s = link_any_stream(&c->link)) != NULL) {
		if (s->owner != NULL)
			flow_lost(s->owner, code);
		else
			stream_free(s);
	}
	loop_timer_stop(c->loop, &c->tick);
	loop_task_cancel(&c->flush);
	link_fini(&c->link);
	if (c->ops->closed != NULL)
		c->ops->closed(c, code, why);
	conn_close(&c->conn);
}
