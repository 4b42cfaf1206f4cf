/* SPDX-License-Identifier: Apache-2.0 */
/* A visitor's connection: reading heads, the moves between its states, its end. */
#include "edge/visit/visitor.h"

#include "base/log.h"
#include "edge/visit/access.h"
#include "edge/visit/crowd.h"
#include "edge/visit/intake.h"
#include "edge/visit/local_reply.h"

#include <errno.h>
#include <stdio.h>

/* One read: what comes behind a head is read into frames, not here. */
#define READ_BYTES LIMIT_DATA_FRAME_BYTES

/* clang-format off */
#define INTAKES (1 << VISITOR_INTAKE | 1 << VISITOR_STORE)
static const unsigned predecessors[] = {
	[VISITOR_HEAD] = 1 << VISITOR_FLOW | 1 << VISITOR_ANSWER | 1 << VISITOR_DRAIN | 1 << VISITOR_HEAD |
	    1 << VISITOR_WAIT | INTAKES,
	[VISITOR_FLOW] = 1 << VISITOR_HEAD,
	[VISITOR_WAIT] = 1 << VISITOR_HEAD,
	[VISITOR_INTAKE] = 1 << VISITOR_HEAD,
	[VISITOR_STORE] = 1 << VISITOR_INTAKE,
	[VISITOR_ANSWER] = 1 << VISITOR_HEAD | 1 << VISITOR_FLOW | INTAKES,
	[VISITOR_DRAIN] = 1 << VISITOR_HEAD | 1 << VISITOR_FLOW | 1 << VISITOR_ANSWER | INTAKES,
	[VISITOR_LINGER] = 1 << VISITOR_HEAD | 1 << VISITOR_FLOW | 1 << VISITOR_ANSWER | 1 << VISITOR_DRAIN |
	    INTAKES,
	[VISITOR_DEAD] = ~0u,
};
/* clang-format on */

/* The one writer of the state; it sets the deadline that goes with it. */
void
visitor_move(struct visitor *v, enum visitor_state to)
{
	struct settings *set = v->worker->settings;
	int64_t ms = 0;

	check(predecessors[to] & 1u << v->state);
	switch (to) {
	case VISITOR_HEAD:
		ms = v->used ? set->limits.idle_ms : set->limits.head_ms;
		break;
	case VISITOR_ANSWER:
	case VISITOR_DRAIN:
		ms = set->limits.head_ms;
		break;
	case VISITOR_LINGER:
		ms = LIMIT_LINGER_MS;
		break;
	case VISITOR_INTAKE: /* a webhook is small: all of it must be there in this time */
		ms = set->limits.head_ms;
		break;
	case VISITOR_WAIT:  /* ends by itself */
	case VISITOR_STORE: /* ends by itself */
	case VISITOR_FLOW:  /* exchange_tick() knows */
	case VISITOR_DEAD:
		break;
	}
	v->state = to;
	lobby_touch(&v->guest);
	v->moved_us = loop_now_us(v->worker->loop);
	v->deadline_us = v->moved_us + ms * 1000;
}

/* --- the end --- */

static void
on_visitor_grave(struct loop_grave *g)
{
	struct visitor *v = list_of(g, struct visitor, grave);

	slab_put(&v->worker->visit->visitors, v);
}

void
visitor_close(struct visitor *v)
{
	struct worker *w = v->worker;

	if (v->state == VISITOR_DEAD)
		return;
	visitor_move(v, VISITOR_DEAD);
	exchange_end(v);
	conn_close(&v->conn);
	sources_put(&w->sources, v->source);
	lobby_leave(&w->visit->lobby, &v->guest);
	list_del(&v->node);
	counter_add(&w->counters.visitors, (uint64_t)-1);
	loop_bury(w->loop, &v->grave, on_visitor_grave);
	worker_check_idle(w);
}

void
visitor_close_idle(struct visitor *v)
{
	if (v->state == VISITOR_HEAD && v->x == NULL)
		visitor_close(v);
}

void
visitor_linger(struct visitor *v)
{
	exchange_end(v);
	conn_shut(&v->conn);
	visitor_move(v, VISITOR_LINGER);
	if (v->conn.failed || v->conn.eof)
		visitor_close(v);
	else
		loop_again(&v->conn.io, LOOP_IN);
}

/* --- from one exchange to the next --- */

/* read_ahead may lie in a buffer of the exchange that ends here. */
static void
next_exchange(struct visitor *v, struct slice read_ahead)
{
	struct exchange *old = v->x, *x;

	v->used = true;
	if ((v->worker->draining || v->conn.eof) && read_ahead.n == 0) {
		visitor_linger(v);
		return;
	}
	visitor_move(v, VISITOR_HEAD);
	if (read_ahead.n > 0) {
		x = exchange_start(v);
		v->x = old;
		if (x == NULL) {
			visitor_linger(v);
			return;
		}
		buf_put(&x->head, read_ahead);
		x->unread = true;
		exchange_end(v);
		v->x = x;
		if (x->head.failed) {
			visitor_linger(v);
			return;
		}
		loop_again(&v->conn.io, LOOP_IN);
		return;
	}
	exchange_end(v);
	if (v->conn.readable)
		loop_again(&v->conn.io, LOOP_IN);
}

/* DRAIN: body bytes of a request that was answered already. */
static void
drain(struct visitor *v, struct slice in)
{
	struct exchange *x = v->x;
	struct slice data;

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

void
visitor_answered(struct visitor *v, struct slice read_ahead)
{
	struct exchange *x = v->x;

	if (!x->keep_alive) {
		visitor_linger(v);
	} else if (x->in_over) {
		next_exchange(v, read_ahead);
	} else {
		visitor_move(v, VISITOR_DRAIN);
		loop_again(&v->conn.io, LOOP_IN);
		drain(v, read_ahead);
	}
}

/* --- heads --- */

static void
overload(struct visitor *v)
{
	log_event(LOG_DEBUG, "visitor-refused", LOG_Z("why", "too many exchanges"),
	    LOG_Z("peer", v->peer));
	visitor_close(v);
}

/* The head is not whole yet: keeps what has come. */
static void
keep_partial(struct exchange *x, struct slice bytes)
{
	struct visitor *v = x->visitor;

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

/* bytes: everything from the first byte of the request on. */
static void
feed_head(struct visitor *v, struct slice bytes)
{
	struct exchange *x = v->x != NULL ? v->x : exchange_start(v);
	struct slice none = { 0 };

	if (x == NULL) {
		overload(v);
		return;
	}
	switch (h1_head(&x->req, bytes)) {
	case H1_MORE:
		keep_partial(x, bytes);
		return;
	case H1_DONE:
		crowd_no_partial(x);
		exchange_request(x, bytes);
		return;
	case H1_DATA:
	case H1_BAD:
		crowd_no_partial(x);
		worker_request_id(x->worker, x->id);
		x->start_us = loop_now_us(x->worker->loop);
		local_reply_error(x, x->req.error, none);
		return;
	}
}

static void
head_readable(struct visitor *v)
{
	struct exchange *x = v->x;
	bool gathers = x != NULL && x->head.n > 0;
	char *dst = loop_scratch(v->worker->loop);
	size_t n;

	if (gathers && x->unread) {
		x->unread = false;
		loop_again(&v->conn.io, LOOP_IN);
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
		loop_again(&v->conn.io, LOOP_IN);
	if (gathers)
		x->head.n += n;
	feed_head(v, gathers ? buf_slice(&x->head) : slice_of(dst, n));
}

/* INTAKE, DRAIN, LINGER: what goes into no stream. */
static void
rest_readable(struct visitor *v)
{
	char *scratch = loop_scratch(v->worker->loop);
	size_t n;

	switch (conn_read(&v->conn, scratch, READ_BYTES, &n)) {
	case IO_OK:
		if (v->conn.readable)
			loop_again(&v->conn.io, LOOP_IN);
		if (v->state == VISITOR_INTAKE)
			intake_feed(v->x, slice_of(scratch, n));
		else if (v->state == VISITOR_DRAIN)
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
	case VISITOR_FLOW:
		flow_conn_event(&v->x->flow, events);
		return;
	case VISITOR_INTAKE:
	case VISITOR_DRAIN:
		if (events & LOOP_IN)
			rest_readable(v);
		return;
	case VISITOR_LINGER:
		rest_readable(v);
		return;
	case VISITOR_WAIT:
	case VISITOR_STORE:
		return; /* nothing is read; an end is seen when the answer is written */
	case VISITOR_ANSWER:
		if (events & LOOP_OUT)
			local_reply_writable(v);
		return;
	case VISITOR_DEAD:
		return;
	}
}

/* --- coming, moving --- */

void
visitor_hand_over(struct visitor *v, struct worker *to, struct slice bytes)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	/* The address is asked for again rather than carried by every visitor for this case. */
	if (getpeername(v->conn.io.fd, (struct sockaddr *)&ss, &len) != 0)
		ss.ss_family = AF_UNSPEC;
	conn_detach(&v->conn);
	if (worker_send(to, &v->conn, &ss, v->peer, v->local, false, bytes) == 0)
		v->x->logged = true; /* the other worker logs it */
	visitor_close(v);
}

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
	v->worker = w;
	v->source = source;
	v->trusted = limited && cidr_set_has(&w->settings->trusted, &a->ss);
	memcpy(v->peer, a->peer, sizeof(v->peer));
	memcpy(v->local, a->local, sizeof(v->local));
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
	if (a->n > 0 && exchange_start(v) != NULL) {
		buf_put(&v->x->head, slice_of(a->bytes, a->n));
		v->x->unread = true;
	}
}

void
visitor_tick(struct visitor *v, int64_t now_us)
{
	struct slice none = { 0 };

	if (v->state == VISITOR_WAIT || v->state == VISITOR_STORE)
		return;
	if (v->state == VISITOR_INTAKE) {
		intake_tick(v->x, now_us);
		return;
	}
	if (v->state == VISITOR_FLOW) {
		exchange_tick(v->x, now_us);
		return;
	}
	if (now_us < v->deadline_us)
		return;
	/* A slow reader of our last bytes gets the time of a stream, not that of a farewell. */
	if (v->state == VISITOR_LINGER && conn_waiting(&v->conn) > 0 &&
	    now_us < v->deadline_us + v->worker->settings->limits.stream_stall_ms * 1000)
		return;
	if (v->state == VISITOR_HEAD && v->x != NULL) {
		worker_request_id(v->worker, v->x->id);
		v->x->start_us = now_us;
		local_reply_error(v->x, CLOSE_SLOW_HEAD, none);
		return;
	}
	visitor_close(v);
}
