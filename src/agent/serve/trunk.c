/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/2 connection to an origin; see trunk.h. */
#include "agent/serve/trunk.h"

#include <stdlib.h>

/* Frames that are gathered for one write. */
#define OUT_BYTES (64 * 1024)
#define READ_BYTES_PER_EVENT (512 * 1024)
/* Without a byte of the origin for so long, who gives a stream up has it asked. */
#define DOUBT_US ((int64_t)LIMIT_ORIGIN_H2_PING_MS * 1000)

/* clang-format off */
static const unsigned predecessors[] = {
	[TRUNK_DIALLING] = 0, /* born in it */
	[TRUNK_GREETING] = 1 << TRUNK_DIALLING,
	[TRUNK_UP] = 1 << TRUNK_GREETING,
	[TRUNK_GOING] = 1 << TRUNK_UP,
	[TRUNK_GONE] = 1 << TRUNK_DIALLING | 1 << TRUNK_GREETING | 1 << TRUNK_UP | 1 << TRUNK_GOING,
};
/* clang-format on */

/* The only writer of its state. */
static void
move(struct trunk *t, enum trunk_state to)
{
	check(predecessors[to] & 1u << t->state);
	t->state = to;
}

static struct loop *
loop_of(const struct trunk *t)
{
	return t->pool->origin->shared->loop;
}

/* --- the end --- */

static void
release(struct loop_grave *g)
{
	struct trunk *t = list_of(g, struct trunk, grave);

	check(t->state == TRUNK_GONE && t->n_streams == 0 && t->raw == NULL);
	h2_client_free(t->h2);
	free(t->out);
	free(t);
}

/*
 * The last reader has gone.  A slow visitor may read an answer long after the connection that brought
 * it: the bytes lie in the streams, and those in the session.  While streams are told, whoever leaves
 * may be the last, and `tell` still needs the session.
 */
static void
bury_if_left(struct trunk *t)
{
	if (t->state != TRUNK_GONE || t->n_streams > 0 || t->telling || list_empty(&t->node))
		return;
	list_del(&t->node);
	loop_bury(loop_of(t), &t->grave, release);
}

/* Each stream hears what is new of it. An exchange may leave in that call, and others with it. */
static void
tell(struct trunk *t)
{
	struct h2_client_stream *s;
	enum h2_client_event e;

	t->telling = true;
	while ((e = h2_client_next(t->h2, &s)) != H2_CLIENT_NOTHING) {
		struct origin_stream *v = s->owner;

		check(v->stream == s && v->trunk == t);
		conn_tell(&v->conn->conn, e == H2_CLIENT_IN ? LOOP_IN : LOOP_OUT);
	}
	t->telling = false;
}

/*
 * Those that were promised a slot and have not written their head: the session knows nothing of
 * them, so nothing of theirs was done, and they may go elsewhere.
 */
static void
tell_promised(struct trunk *t)
{
	t->telling = true;
	LIST_EACH(node, &t->streams) {
		struct origin_stream *v = list_of(node, struct origin_stream, node);

		if (v->stream != NULL)
			continue;
		v->refused = true;
		conn_tell(&v->conn->conn, LOOP_IN | LOOP_OUT);
	}
	t->telling = false;
}

/* From the list of those that take streams to that of those that do not. */
static void
leave_pool(struct trunk *t)
{
	if (t->state == TRUNK_GOING)
		return;
	list_del(&t->node);
	check(t->pool->n_trunks > 0);
	t->pool->n_trunks--;
	list_push(&t->pool->gone, &t->node);
}

/* The connection is over; what has come of answers can still be read. */
static void
end(struct trunk *t)
{
	if (t->state == TRUNK_GONE)
		return;
	leave_pool(t);
	move(t, TRUNK_GONE);
	loop_timer_stop(loop_of(t), &t->timer);
	loop_task_cancel(&t->flush);
	if (t->raw != NULL)
		origin_drop(t->raw);
	t->raw = NULL;
	if (t->h2 != NULL) {
		h2_client_lose(t->h2);
		tell(t);
	}
	tell_promised(t);
	/* Whoever waits for it waits for another one. */
	if (t->served)
		loop_at_end(loop_of(t), &t->pool->serve);
	bury_if_left(t);
}

void
trunk_close(struct trunk *t)
{
	end(t);
}

/* --- out --- */

void
trunk_kick(struct trunk *t)
{
	if (t->state != TRUNK_GONE && t->state != TRUNK_DIALLING)
		loop_at_end(loop_of(t), &t->flush);
}

/* True when nothing of it waits. */
static bool
write_out(struct trunk *t)
{
	while (t->out_from < t->out_to) {
		struct iovec iov = { t->out + t->out_from, t->out_to - t->out_from };
		size_t n;
		enum io io = conn_write(&t->raw->conn, &iov, 1, &n);

		if (io == IO_WAIT)
			return false;
		if (io != IO_OK) {
			/* What the origin has said before can still be read. */
			if (!conn_is_half_broken(&t->raw->conn))
				end(t);
			return false;
		}
		t->out_from += n;
	}
	t->out_from = t->out_to = 0;
	return true;
}

/* Nobody is on it, and nobody will be; or one side has broken the rules, and the other has said so. */
static void
end_if_done(struct trunk *t)
{
	struct origin_h2 *p = t->pool;
	bool useless = !t->served;

	if (t->out_from < t->out_to)
		return;
	if (!h2_client_is_over(t->h2) &&
	    (t->state != TRUNK_GOING || t->n_streams > 0 || h2_client_streams(t->h2) > 0))
		return;
	end(t);
	if (useless)
		origin_h2_failed(p, LINK_CODE_ORIGIN_BAD_HEAD,
		    "the local server does not speak HTTP/2 as it should");
}

/*
 * Frames leave while the connection takes them.  No more of them is made than one write holds: what
 * waits stays in its streams, where it is bounded and has its turn (nghttp2 goes round by frames).
 * The memory is there only while something waits, so an idle trunk costs none.
 */
static void
flush(struct loop_task *task)
{
	struct trunk *t = list_of(task, struct trunk, flush);

	if (t->out == NULL)
		t->out = malloc(OUT_BYTES);
	if (t->out == NULL) {
		end(t);
		return;
	}
	while (t->state != TRUNK_GONE && write_out(t)) {
		t->out_to = h2_client_drain(t->h2, t->out, OUT_BYTES);
		if (t->out_to > 0)
			continue;
		free(t->out);
		t->out = NULL;
		break;
	}
	if (t->state == TRUNK_GONE)
		return;
	/* Bytes have left: streams that waited for room may go on. */
	tell(t);
	end_if_done(t);
}

/* --- time --- */

/* What is looked at next: an answer to a PING, or the end of being idle. */
static void
set_timer(struct trunk *t)
{
	if (h2_client_pinged(t->h2))
		loop_timer_set(loop_of(t), &t->timer, DOUBT_US);
	else if (t->n_streams == 0 || t->state == TRUNK_GOING)
		loop_timer_set(loop_of(t), &t->timer, (int64_t)LIMIT_ORIGIN_POOL_IDLE_MS * 1000);
	else
		loop_timer_stop(loop_of(t), &t->timer);
}

/* It takes no stream any more: the origin has said so, or it was idle for too long. */
static void
go(struct trunk *t)
{
	if (t->state != TRUNK_UP)
		return;
	leave_pool(t);
	move(t, TRUNK_GOING);
	if (!h2_client_is_going(t->h2))
		h2_client_goaway(t->h2);
	set_timer(t);
	trunk_kick(t);
}

static void
on_timer(struct loop_timer *timer)
{
	struct trunk *t = list_of(timer, struct trunk, timer);

	if (t->state == TRUNK_GREETING) {
		struct origin_h2 *p = t->pool;

		end(t);
		origin_h2_failed(p, LINK_CODE_ORIGIN_SILENT, "the local server sends no SETTINGS");
	} else if (h2_client_pinged(t->h2)) {
		end(t);
	} else if (t->n_streams == 0 && t->state == TRUNK_GOING) {
		end(t);
	} else if (t->n_streams == 0) {
		go(t);
	} else {
		set_timer(t); /* of one that goes: it waits for its streams */
	}
}

/* --- in --- */

/* What a server says that does not speak HTTP/2: an answer of HTTP/1.1, or an alert of TLS. */
static void
not_h2(struct trunk *t, struct slice bytes)
{
	struct origin_h2 *p = t->pool;
	bool tls = bytes.n > 1 && bytes.p[0] == 0x15 && bytes.p[1] == 3;

	end(t);
	if (tls)
		origin_h2_failed(p, LINK_CODE_ORIGIN_TLS,
		    "the local server speaks TLS on this port: write h2://");
	else
		origin_h2_failed(p, LINK_CODE_ORIGIN_BAD_HEAD,
		    "the local server does not speak HTTP/2 on this port");
}

/* True while it goes on.  HTTP/2 begins with SETTINGS, whose first byte is 0: its length's. */
static bool
feed(struct trunk *t, struct slice bytes)
{
	if (t->heard_us == 0 && bytes.p[0] != 0) {
		not_h2(t, bytes);
		return false;
	}
	t->heard_us = loop_now_us(loop_of(t));
	h2_client_feed(t->h2, bytes);
	if (t->state == TRUNK_GREETING && h2_client_is_up(t->h2)) {
		move(t, TRUNK_UP);
		set_timer(t);
		/* One that allows none is taken for one that will: else all would be dialled. */
		t->pool->streams_max = h2_client_slots(t->h2);
		if (t->pool->streams_max == 0)
			t->pool->streams_max = 1;
	}
	if (h2_client_is_going(t->h2))
		go(t);
	tell(t);
	trunk_kick(t);
	if (t->state == TRUNK_UP)
		origin_h2_more(t->pool);
	return true;
}

static void
read_all(struct trunk *t)
{
	char *scratch = loop_scratch(loop_of(t));
	size_t total = 0, n;

	while (t->state != TRUNK_GONE && total < READ_BYTES_PER_EVENT) {
		struct origin_h2 *p = t->pool;
		bool useless = !t->served;

		switch (conn_read(&t->raw->conn, scratch, LOOP_SCRATCH_BYTES, &n)) {
		case IO_OK:
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
		case IO_FAIL:
			end(t);
			if (useless)
				origin_h2_failed(p, LINK_CODE_ORIGIN_BROKE,
				    "the local server ended the connection");
			return;
		}
		total += n;
		if (!feed(t, slice_of(scratch, n)))
			return;
	}
	if (t->state != TRUNK_GONE)
		conn_again(&t->raw->conn, LOOP_IN);
}

/* --- its connection --- */

static void
on_ready(struct origin_conn *c)
{
	struct trunk *t = c->owner;

	check(t->raw == c && t->state == TRUNK_DIALLING);
	t->h2 = h2_client_new(loop_chunks(loop_of(t)), t->pool->origin->tls != NULL);
	if (t->h2 == NULL) {
		struct origin_h2 *p = t->pool;

		end(t);
		origin_h2_failed(p, LINK_CODE_INTERNAL, "out of memory");
		return;
	}
	move(t, TRUNK_GREETING);
	loop_timer_set(loop_of(t), &t->timer, (int64_t)LIMIT_ORIGIN_CONNECT_MS * 1000);
	trunk_kick(t);
}

static void
on_failed(struct origin_conn *c, enum link_code code, const char *why)
{
	struct trunk *t = c->owner;
	struct origin_h2 *p = t->pool;

	check(t->raw == c && t->state == TRUNK_DIALLING);
	t->raw = NULL;
	end(t);
	origin_h2_failed(p, code, why);
}

static void
on_event(struct origin_conn *c, unsigned events)
{
	struct trunk *t = c->owner;

	check(t->raw == c && t->h2 != NULL);
	if (events & LOOP_OUT)
		trunk_kick(t);
	if (events & LOOP_IN)
		read_all(t);
}

static const struct origin_ops ops = {
	.ready = on_ready,
	.failed = on_failed,
	.event = on_event,
};

/* --- */

struct trunk *
trunk_new(struct origin_h2 *p)
{
	struct trunk *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->pool = p;
	list_init(&t->node);
	list_init(&t->streams);
	loop_task_init(&t->flush, flush);
	t->timer.fn = on_timer;
	t->raw = origin_dial(p->origin, S(""), &ops, t);
	if (t->raw == NULL) {
		free(t);
		return NULL;
	}
	list_push(&p->trunks, &t->node);
	p->n_trunks++;
	return t;
}

size_t
trunk_slots(const struct trunk *t)
{
	size_t slots = t->state == TRUNK_UP ? h2_client_slots(t->h2) : 0;

	return slots > t->n_promised ? slots - t->n_promised : 0;
}

void
trunk_join(struct trunk *t, struct origin_stream *v)
{
	check(trunk_slots(t) > 0 && v->trunk == NULL);
	v->trunk = t;
	v->conn->reused = t->idle_us != 0;
	list_push(&t->streams, &v->node);
	t->n_streams++;
	t->n_promised++;
	t->served = true;
	set_timer(t);
}

/* The slot that it had is free when the session says so; nothing is told from within. */
void
trunk_leave(struct trunk *t, struct origin_stream *v)
{
	int64_t now = loop_now_us(loop_of(t));
	bool unanswered = v->stream != NULL && v->stream->answer == H2_CLIENT_AWAITED;

	check(v->trunk == t && t->n_streams > 0);
	list_del(&v->node);
	t->n_streams--;
	if (v->stream == NULL) {
		check(t->n_promised > 0);
		t->n_promised--;
	} else {
		h2_client_leave(v->stream);
	}
	v->stream = NULL;
	v->trunk = NULL;
	t->idle_us = now;
	if (t->state == TRUNK_UP) {
		if (unanswered && now - t->heard_us > DOUBT_US)
			h2_client_ping(t->h2);
		set_timer(t);
	}
	trunk_kick(t);
	loop_at_end(loop_of(t), &t->pool->serve);
	bury_if_left(t);
}
