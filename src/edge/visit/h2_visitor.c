/* SPDX-License-Identifier: Apache-2.0 */
/* A visitor's connection that speaks HTTP/2: its bytes, its times, its end (h2_visitor.h). */
#include "edge/visit/h2_visitor.h"

#include "base/log.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

/* One read, and what is read in one turn before others have theirs. */
#define READ_BYTES (64 * 1024)
/* What is drained in one turn. */
#define DRAIN_BYTES_PER_TURN (512 * 1024)
/* Below that he is not worth to be counted. */
#define HELD_KIB 64
/* Silence before the other side is asked whether it is there, and the wait for its answer. */
#define PING_US ((int64_t)LIMIT_H2_PING_MS * 1000)

static int64_t
now_of(const struct h2_visitor *v)
{
	return loop_now_us(v->visitor->front.worker->loop);
}

/* --- events --- */

static void
events(struct h2_visitor *v)
{
	struct h2_stream *s;
	enum h2_event e;

	/* Who makes room for others in one of these calls may be this visitor. */
	while (v->visitor != NULL && (e = h2_next(v->h2, &s)) != H2_NOTHING) {
		if (e == H2_HEAD) {
			v->busy_us = now_of(v);
			lobby_touch(&v->visitor->guest);
			h2_front_start(v, s);
		} else {
			h2_front_event(s->owner, e);
		}
	}
}

void
h2_visitor_kick(struct h2_visitor *v)
{
	if (v->visitor != NULL)
		loop_at_end(v->visitor->front.worker->loop, &v->flush);
}

static void
readable(struct h2_visitor *v)
{
	struct conn *c = &v->visitor->conn;
	char *scratch = loop_scratch(v->visitor->front.worker->loop);
	size_t n;

	switch (conn_read(c, scratch, READ_BYTES, &n)) {
	case IO_OK:
		break;
	case IO_WAIT:
		return;
	case IO_EOF:
	case IO_FAIL:
		visitor_close(v->visitor);
		return;
	}
	if (c->readable)
		conn_again(c, LOOP_IN);
	v->rx_us = now_of(v);
	h2_feed(v->h2, slice_of(scratch, n), v->rx_us);
	h2_visitor_kick(v);
	events(v);
}

/* --- memory --- */

/* False: he cannot be let in, or had to go himself. */
static bool
grow(struct h2_visitor *v, size_t more)
{
	const struct source *source = v->visitor->front.source;
	struct lobby *l = &v->visitor->front.worker->visit->h2_memory;
	struct lobby_guest *victim = NULL;
	enum lobby_room room;

	while ((room = lobby_room_for(l, source == NULL ? NULL : &source->key, more, &victim)) ==
	       LOBBY_VICTIM) {
		struct h2_visitor *other = list_of(victim, struct h2_visitor, guest);

		log_event(LOG_DEBUG, "http2-crowded-out",
		    LOG_Z("peer", other->visitor->front.peer));
		visitor_close(other->visitor);
		check(!lobby_has(victim)); /* else whoever makes room would never be done */
		if (v->visitor == NULL)
			return false;
	}
	return room == LOBBY_ROOM &&
	       (lobby_has(&v->guest) ||
		   lobby_enter(l, &v->guest, source == NULL ? NULL : &source->key));
}

/*
 * What bodies hold here counts, whether a reader is slow or an origin: when all of it is too much, who
 * holds it in the fullest network and has been still for the longest goes.
 */
static void
weigh(struct h2_visitor *v)
{
	struct lobby *l = &v->visitor->front.worker->visit->h2_memory;
	size_t kib = (h2_held(v->h2) + v->out.cap) / 1024;
	size_t before = lobby_has(&v->guest) ? v->guest.weight : 0;

	if (kib < HELD_KIB) {
		lobby_leave(l, &v->guest);
		return;
	}
	if (kib > before && !grow(v, kib - before)) {
		if (v->visitor != NULL)
			visitor_close(v->visitor);
		return;
	}
	if (kib < before)
		lobby_touch(&v->guest); /* something moves */
	lobby_weigh(l, &v->guest, kib);
	/* Half is left for what is granted to every stream. */
	h2_lend(v->h2, l->n < l->n_max / 2);
}

/* --- bytes out --- */

/* Takes off what the connection takes; false: it is broken, and the visitor is over. */
static bool
write_out(struct h2_visitor *v, struct slice *bytes)
{
	struct conn *c = &v->visitor->conn;
	enum io io = IO_OK;

	while (bytes->n > 0 && io == IO_OK) {
		struct iovec iov = { (void *)(uintptr_t)bytes->p, bytes->n };
		size_t n;

		io = conn_write(c, &iov, 1, &n);
		*bytes = slice_from(*bytes, n);
	}
	if (io == IO_FAIL)
		visitor_close(v->visitor);
	return io != IO_FAIL;
}

/* False: something still waits, or the visitor is over. */
static bool
write_waiting(struct h2_visitor *v)
{
	struct slice left = buf_slice(&v->out);

	if (left.n == 0)
		return true;
	if (!write_out(v, &left))
		return false;
	buf_skip(&v->out, v->out.n - left.n);
	if (left.n > 0)
		return false;
	buf_fini(&v->out); /* who keeps up holds no buffer */
	buf_init(&v->out, H2_ROOM_BYTES);
	return true;
}

/* False: the visitor is over. */
static bool
write_or_keep(struct h2_visitor *v, struct slice bytes)
{
	if (!write_out(v, &bytes))
		return false;
	buf_put(&v->out, bytes);
	if (v->out.failed)
		visitor_close(v->visitor);
	return v->visitor != NULL;
}

static void
on_flush(struct loop_task *t)
{
	struct h2_visitor *v = list_of(t, struct h2_visitor, flush);
	char *room = v->visitor->front.worker->visit->h2_room;
	size_t all = 0, n = 1;

	while (v->visitor != NULL && n > 0 && write_waiting(v)) {
		if (all >= DRAIN_BYTES_PER_TURN) {
			h2_visitor_kick(v);
			return;
		}
		n = h2_drain(v->h2, room, H2_ROOM_BYTES);
		all += n;
		if (!write_or_keep(v, slice_of(room, n)))
			return;
		events(v); /* there may be room again for what waits */
	}
	if (v->visitor != NULL && v->out.n == 0 && h2_is_over(v->h2))
		visitor_linger(v->visitor);
	else if (v->visitor != NULL)
		weigh(v);
}

void
h2_visitor_event(struct h2_visitor *v, unsigned what)
{
	if (what & LOOP_OUT)
		h2_visitor_kick(v);
	if (what & LOOP_IN)
		readable(v);
}

/* --- time --- */

/* One of them may end others, and this visitor. */
static void
tick_fronts(struct h2_visitor *v, int64_t now_us)
{
	struct list *node;

	list_splice(&v->ticked, &v->fronts);
	while ((node = list_pop(&v->ticked)) != NULL) {
		struct h2_front *f = list_of(node, struct h2_front, node);

		list_push(&v->fronts, node);
		/* What has left since the last write was told to nobody, unless room was missing. */
		if (f->stream != NULL)
			f->conn.waiting = h2_waiting_out(f->stream);
		if (exchange_is_busy(f->x))
			exchange_tick(f->x, now_us);
	}
}

/* Bytes wait for the connection, and nobody takes them. */
static bool
is_stalled(struct h2_visitor *v, int64_t now_us)
{
	const struct conn *c = &v->visitor->conn;
	size_t unacked;

	if (v->out.n == 0 && conn_waiting(c) == 0) {
		v->moving_us = now_us;
		return false;
	}
	unacked = conn_unacked(c);
	if (unacked != v->unacked)
		v->moving_us = now_us;
	v->unacked = unacked;
	return now_us - v->moving_us >=
	       v->visitor->front.worker->settings->limits.stream_stall_ms * 1000;
}

/* Nothing has come for long, and no answer to our question either, which left at once. */
static bool
is_gone(struct h2_visitor *v, int64_t now_us)
{
	if (now_us - v->rx_us < PING_US || now_us - v->moving_us >= PING_US)
		return false;
	if (!h2_pinged(v->h2))
		h2_ping(v->h2);
	return now_us - v->rx_us >= 2 * PING_US;
}

void
h2_visitor_tick(struct h2_visitor *v, int64_t now_us)
{
	tick_fronts(v, now_us);
	if (v->visitor == NULL)
		return;
	if (is_stalled(v, now_us) || is_gone(v, now_us)) {
		visitor_close(v->visitor);
		return;
	}
	if (!h2_visitor_is_idle(v))
		v->busy_us = now_us;
	else if (now_us - v->busy_us >= v->visitor->front.worker->settings->limits.idle_ms * 1000)
		h2_terminate(v->h2, NGHTTP2_NO_ERROR);
	h2_tick(v->h2, now_us);
	h2_visitor_kick(v);
}

bool
h2_visitor_is_idle(const struct h2_visitor *v)
{
	return h2_streams(v->h2) == 0;
}

void
h2_visitor_drain(struct h2_visitor *v)
{
	if (h2_visitor_is_idle(v))
		h2_terminate(v->h2, NGHTTP2_NO_ERROR);
	else
		h2_goaway(v->h2);
	h2_visitor_kick(v);
}

/* --- life --- */

static void
on_grave(struct loop_grave *g)
{
	struct h2_visitor *v = list_of(g, struct h2_visitor, grave);

	check(v->visitor == NULL && list_empty(&v->fronts));
	h2_free(v->h2);
	free(v);
}

/* "https://name:port", as browsers compare it (RFC 8336); of an address no name is known. */
static size_t
origin_of(const struct visitor *v, char *dst, size_t cap)
{
	const char *sni = front_sni(&v->front);
	unsigned port = v->front.worker->edge->https_port;
	int n = 0;

	if (sni[0] != '\0' && (port == 443 || port == 0))
		n = snprintf(dst, cap, "https://%s", sni);
	else if (sni[0] != '\0')
		n = snprintf(dst, cap, "https://%s:%u", sni, port);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

bool
h2_visitor_start(struct visitor *of)
{
	struct loop *loop = of->front.worker->loop;
	struct h2_visitor *v = calloc(1, sizeof(*v));
	struct h2_limits limits;
	char origin[300];

	if (v == NULL)
		return false;
	h2_limits_default(&limits);
	v->h2 = h2_new(&limits, loop_chunks(loop),
	    slice_of(origin, origin_of(of, origin, sizeof(origin))), loop_now_us(loop));
	if (v->h2 == NULL) {
		free(v);
		return false;
	}
	check(of->h2 == NULL);
	of->h2 = v;
	v->visitor = of;
	list_init(&v->fronts);
	list_init(&v->ticked);
	buf_init(&v->out, H2_ROOM_BYTES);
	loop_task_init(&v->flush, on_flush);
	v->busy_us = v->rx_us = v->moving_us = loop_now_us(loop);
	h2_visitor_kick(v);
	return true;
}

void
h2_visitor_end(struct visitor *of)
{
	struct h2_visitor *v = of->h2;

	if (v == NULL)
		return;
	check(v->visitor == of);
	of->h2 = NULL;
	list_splice(&v->fronts, &v->ticked);
	while (!list_empty(&v->fronts))
		h2_front_cut(list_of(v->fronts.next, struct h2_front, node));
	lobby_leave(&of->front.worker->visit->h2_memory, &v->guest);
	v->visitor = NULL;
	loop_task_cancel(&v->flush);
	buf_fini(&v->out);
	loop_bury(of->front.worker->loop, &v->grave, on_grave);
}
