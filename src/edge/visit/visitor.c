/* SPDX-License-Identifier: Apache-2.0 */
/* A visitor's connection: reading heads, the moves between its states, its end. */
#include "edge/visit/visitor.h"

#include "base/log.h"
#include "edge/visit/access.h"
#include "edge/visit/crowd.h"
#include "edge/visit/h2_visitor.h"
#include "edge/visit/intake.h"
#include "edge/visit/local_reply.h"

#include <errno.h>
#include <stdio.h>

/* One read: what comes behind a head is read into frames, not here. */
#define READ_BYTES LIMIT_DATA_FRAME_BYTES

static const unsigned predecessors[] = {
	[VISITOR_HEAD] = 1 << VISITOR_HEAD | 1 << VISITOR_BUSY | 1 << VISITOR_DRAIN,
	[VISITOR_BUSY] = 1 << VISITOR_HEAD,
	[VISITOR_DRAIN] = 1 << VISITOR_BUSY,
	[VISITOR_H2] = 1 << VISITOR_HEAD,
	[VISITOR_LINGER] =
	    1 << VISITOR_HEAD | 1 << VISITOR_BUSY | 1 << VISITOR_DRAIN | 1 << VISITOR_H2,
	[VISITOR_DEAD] = ~0u,
};

static struct visitor *
visitor_of(struct front *f)
{
	return list_of(f, struct visitor, front);
}

/* The one writer of the state; it sets the deadline that goes with it. */
static void
visitor_move(struct visitor *v, enum visitor_state to)
{
	struct settings *set = v->front.worker->settings;
	int64_t ms = 0;

	check(predecessors[to] & 1u << v->state);
	switch (to) {
	case VISITOR_HEAD:
		ms = v->used ? set->limits.idle_ms : set->limits.head_ms;
		break;
	case VISITOR_DRAIN:
		ms = set->limits.head_ms;
		break;
	case VISITOR_LINGER:
		ms = LIMIT_LINGER_MS;
		break;
	case VISITOR_BUSY: /* exchange_tick() knows */
	case VISITOR_H2:
	case VISITOR_DEAD:
		break;
	}
	v->state = to;
	/* A move is a sign of life: he is the last of his network to make room. */
	lobby_touch(&v->guest);
	v->moved_us = loop_now_us(v->front.worker->loop);
	v->deadline_us = v->moved_us + ms * 1000;
}

/* --- the end --- */

static void
on_visitor_grave(struct loop_grave *g)
{
	struct visitor *v = list_of(g, struct visitor, grave);

	check(v->state == VISITOR_DEAD && v->x == NULL && !conn_is_open(&v->conn));
	check(!lobby_has(&v->guest));
	slab_put(&v->front.worker->visit->visitors, v);
}

/* Harmless where he has none. */
static void
end_exchange(struct visitor *v)
{
	struct exchange *x = v->x;

	v->x = NULL;
	if (x != NULL)
		exchange_end(x);
}

void
visitor_close(struct visitor *v)
{
	struct worker *w = v->front.worker;

	if (v->state == VISITOR_DEAD)
		return;
	visitor_move(v, VISITOR_DEAD);
	end_exchange(v);
	h2_visitor_end(v);
	conn_close(&v->conn);
	sources_put(&w->sources, v->front.source);
	lobby_leave(&w->visit->lobby, &v->guest);
	list_del(&v->node);
	gauge_down(&w->counters.visitors);
	loop_bury(w->loop, &v->grave, on_visitor_grave);
	worker_check_idle(w);
}

void
visitor_close_idle(struct visitor *v)
{
	if (v->state == VISITOR_HEAD && v->x == NULL)
		visitor_close(v);
	else if (v->state == VISITOR_H2)
		h2_visitor_drain(v->h2);
}

/* FIN now, then wait for theirs. */
void
visitor_linger(struct visitor *v)
{
	end_exchange(v);
	h2_visitor_end(v);
	conn_shut(&v->conn);
	visitor_move(v, VISITOR_LINGER);
	if (v->conn.failed || v->conn.eof)
		visitor_close(v);
	else
		conn_again(&v->conn, LOOP_IN);
}

/* --- from one exchange to the next --- */

/* An exchange whose first bytes are there already. NULL: too many, or no memory. */
static struct exchange *
start_ahead(struct visitor *v, struct slice bytes)
{
	struct exchange *x = exchange_start(&v->front);

	if (x == NULL)
		return NULL;
	buf_put(&x->head, bytes);
	if (x->head.failed) {
		exchange_end(x);
		return NULL;
	}
	exchange_move(x, EXCHANGE_AHEAD);
	return x;
}

/* read_ahead may lie in a buffer of the exchange that ends here. */
static void
next_exchange(struct visitor *v, struct slice read_ahead)
{
	struct exchange *next = NULL;

	v->used = true;
	if ((v->front.worker->draining || v->conn.eof) && read_ahead.n == 0) {
		visitor_linger(v);
		return;
	}
	/* Before the old exchange ends, in whose buffer they may lie. */
	if (read_ahead.n > 0 && (next = start_ahead(v, read_ahead)) == NULL) {
		visitor_linger(v);
		return;
	}
	visitor_move(v, VISITOR_HEAD);
	end_exchange(v);
	v->x = next;
	/*
	 * In the next turn: who pipelines a thousand requests has one of them answered,
	 * then others are served.
	 */
	if (next != NULL || v->conn.readable)
		conn_again(&v->conn, LOOP_IN);
}

/* DRAIN: body bytes of a request that was answered already. */
static void
drain(struct visitor *v, struct slice in)
{
	struct exchange *x = v->x;
	struct slice data;

	check(v->state == VISITOR_DRAIN && x->sent == EXCHANGE_COMES);
	for (;;) {
		switch (h1_body(&x->req, &in, &data)) {
		case H1_MORE:
			return;
		case H1_DATA:
			x->drained += data.n;
			if (x->drained <= LIMIT_EARLY_DRAIN_BYTES)
				break;
			visitor_linger(v);
			return;
		case H1_DONE:
			next_exchange(v, in);
			return;
		case H1_BAD:
			visitor_linger(v);
			return;
		}
	}
}

static void
on_answered(struct front *f, struct slice read_ahead)
{
	struct visitor *v = visitor_of(f);
	struct exchange *x = v->x;

	check(v->state == VISITOR_BUSY);
	if (!x->keep_alive) {
		visitor_linger(v);
	} else if (x->sent != EXCHANGE_COMES) {
		next_exchange(v, read_ahead);
	} else {
		visitor_move(v, VISITOR_DRAIN);
		conn_again(&v->conn, LOOP_IN);
		drain(v, read_ahead);
	}
}

static void
on_cut(struct front *f, enum front_end how)
{
	struct visitor *v = visitor_of(f);

	check(v->state != VISITOR_DEAD && v->x != NULL); /* it is an exchange that calls */
	switch (how) {
	case FRONT_FIN:
		visitor_linger(v);
		return;
	case FRONT_RESET:
		conn_will_reset(&v->conn);
		break;
	case FRONT_CLOSE:
		break;
	}
	visitor_close(v);
}

static void
on_hand_over(struct front *f, struct worker *to, struct slice bytes)
{
	struct visitor *v = visitor_of(f);
	struct sockaddr_storage ss;

	check(v->state == VISITOR_BUSY && to != f->worker); /* else it would come for ever */
	source_ip_sockaddr(&f->ip, &ss);
	conn_detach(&v->conn);
	if (worker_send(to, &v->conn, &ss, f->peer, f->local, ARRIVAL_VISITOR, bytes) == 0)
		exchange_move(v->x, EXCHANGE_MOVED);
	visitor_close(v);
}

static const struct front_ops front_ops = {
	.answered = on_answered,
	.cut = on_cut,
	.hand_over = on_hand_over,
};

/* --- heads --- */

static void
overload(struct visitor *v)
{
	log_event(LOG_DEBUG, "visitor-refused", LOG_Z("why", "too many exchanges"),
	    LOG_Z("peer", v->front.peer));
	visitor_close(v);
}

/* The head is not whole yet: keeps what has come. */
static void
keep_partial(struct visitor *v, struct slice bytes)
{
	struct exchange *x = v->x;

	check(x->head.n == 0 || bytes.p == x->head.p); /* from the second read on it lies there */
	/* the time runs from the first byte and is not set anew by later ones */
	if (!lobby_has(&x->partial))
		v->deadline_us =
		    loop_now_us(x->worker->loop) + x->worker->settings->limits.head_ms * 1000;
	if (!crowd_partial(x)) {
		overload(v);
		return;
	}
	if (x->head.n == 0)
		buf_put(&x->head, bytes);
	if (crowd_partial_bytes(x) && x->head.failed)
		overload(v);
}

/* A head that ends here, and what is wrong with it. */
static void
refuse_head(struct visitor *v, enum close_code code)
{
	struct exchange *x = v->x;

	crowd_no_partial(x);
	visitor_move(v, VISITOR_BUSY);
	worker_request_id(x->worker, x->id);
	x->start_us = loop_now_us(x->worker->loop);
	local_reply_error(x, code, S(""));
}

/* bytes: everything from the first byte of the request on. */
static void
feed_head(struct visitor *v, struct slice bytes)
{
	if (v->x == NULL && (v->x = exchange_start(&v->front)) == NULL) {
		overload(v);
		return;
	}
	switch (h1_head(&v->x->req, bytes)) {
	case H1_MORE:
		keep_partial(v, bytes);
		return;
	case H1_DONE:
		crowd_no_partial(v->x);
		visitor_move(v, VISITOR_BUSY);
		exchange_request(v->x, bytes);
		return;
	case H1_DATA:
	case H1_BAD:
		refuse_head(v, v->x->req.error);
		return;
	}
}

static void
head_readable(struct visitor *v)
{
	struct exchange *x = v->x;
	bool gathers = x != NULL && x->head.n > 0;
	char *dst = loop_scratch(v->front.worker->loop);
	size_t n;

	check(x == NULL || x->state == EXCHANGE_HEAD || x->state == EXCHANGE_AHEAD);
	if (x != NULL && x->state == EXCHANGE_AHEAD) {
		exchange_move(x, EXCHANGE_HEAD);
		conn_again(&v->conn, LOOP_IN);
		feed_head(v, buf_slice(&x->head));
		return;
	}
	if (gathers && (dst = buf_room(&x->head, READ_BYTES)) == NULL) {
		overload(v);
		return;
	}
	switch (conn_read(&v->conn, dst, READ_BYTES, &n)) {
	case IO_OK:
		break;
	case IO_WAIT:
		return;
	case IO_EOF:
	case IO_FAIL:
		visitor_close(v);
		return;
	}
	/* What is left unread is told again, unless the exchange takes over. */
	if (v->conn.readable)
		conn_again(&v->conn, LOOP_IN);
	if (gathers)
		x->head.n += n;
	feed_head(v, gathers ? buf_slice(&x->head) : slice_of(dst, n));
}

/* DRAIN, LINGER: what goes nowhere. */
static void
rest_readable(struct visitor *v)
{
	char *scratch = loop_scratch(v->front.worker->loop);
	size_t n;

	check(v->state == VISITOR_DRAIN || v->state == VISITOR_LINGER);
	switch (conn_read(&v->conn, scratch, READ_BYTES, &n)) {
	case IO_OK:
		if (v->conn.readable)
			conn_again(&v->conn, LOOP_IN);
		if (v->state == VISITOR_DRAIN)
			drain(v, slice_of(scratch, n));
		return;
	case IO_WAIT:
		return;
	case IO_EOF:
	case IO_FAIL:
		visitor_close(v);
		return;
	}
}

static void
on_conn(struct conn *c, unsigned events)
{
	struct visitor *v = list_of(c, struct visitor, conn);

	switch (v->state) {
	case VISITOR_HEAD:
		if (events & LOOP_IN)
			head_readable(v);
		return;
	case VISITOR_BUSY:
		exchange_conn_event(v->x, events);
		return;
	case VISITOR_DRAIN:
		if (events & LOOP_IN)
			rest_readable(v);
		return;
	case VISITOR_H2:
		h2_visitor_event(v->h2, events);
		return;
	case VISITOR_LINGER: /* LOOP_OUT, too: writing may have failed, which only reading shows */
		rest_readable(v);
		return;
	/* Events of the turn that he died in. */
	case VISITOR_DEAD:
		return;
	}
}

/* --- coming --- */

void
visitor_start(struct worker *w, struct arrival *a)
{
	struct visitor *v;
	struct source_key key;
	struct source *source = NULL;
	bool limited = source_key(&a->ss, &key);

	if (limited && (source = sources_take(&w->sources, &key)) == NULL) {
		conn_close(&a->conn);
		return;
	}
	v = slab_get(&w->visit->visitors);
	if (v == NULL || !crowd_visitor(w, v, limited ? &key : NULL)) {
		if (v != NULL)
			slab_put(&w->visit->visitors, v);
		sources_put(&w->sources, source);
		conn_close(&a->conn);
		return;
	}
	v->front.ops = &front_ops;
	v->front.worker = w;
	v->front.conn = &v->conn;
	v->front.major = 1;
	v->front.source = source;
	source_ip_of(&a->ss, &v->front.ip);
	v->front.trusted = limited && cidr_set_has(&w->settings->trusted, &a->ss);
	memcpy(v->front.peer, a->peer, sizeof(v->front.peer));
	memcpy(v->front.local, a->local, sizeof(v->front.local));
	conn_move(&v->conn, &a->conn, on_conn);
	conn_tune(&v->conn, 0, LIMIT_NOTSENT_BYTES);
	list_push(&w->visit->list, &v->node);
	counter_add(&w->counters.visitors, 1);
	counter_add(&w->counters.visitors_total, 1);
	visitor_move(v, VISITOR_HEAD);
	worker_tick(w);
	if (conn_attach(&v->conn, w->loop) != 0) {
		visitor_close(v);
		return;
	}
	if (v->conn.tls != NULL && slice_eq(tls_alpn(v->conn.tls), S(TLS_ALPN_H2))) {
		if (h2_visitor_start(v))
			visitor_move(v, VISITOR_H2);
		else
			visitor_close(v);
		return;
	}
	if (a->n > 0 && (v->x = start_ahead(v, slice_of(a->bytes, a->n))) == NULL)
		overload(v);
}

void
visitor_tick(struct visitor *v, int64_t now_us)
{
	if (v->state == VISITOR_BUSY) {
		exchange_tick(v->x, now_us);
		return;
	}
	if (v->state == VISITOR_H2) {
		h2_visitor_tick(v->h2, now_us);
		return;
	}
	if (now_us < v->deadline_us)
		return;
	/* A slow reader of our last bytes gets the time of a stream, not that of a farewell. */
	if (v->state == VISITOR_LINGER && conn_waiting(&v->conn) > 0 &&
	    now_us < v->deadline_us + v->front.worker->settings->limits.stream_stall_ms * 1000)
		return;
	if (v->state == VISITOR_HEAD && v->x != NULL)
		refuse_head(v, CLOSE_SLOW_HEAD);
	else
		visitor_close(v);
}
