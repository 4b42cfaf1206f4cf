/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a request: out of the stream, to the visitor. */
#include "edge/visit/response.h"

#include "base/log.h"
#include "edge/visit/local_reply.h"
#include "http/rewrite.h"

/*
 * The visitor must see that the answer is not whole.  Where its framing shows that, an end in order
 * does not take away what is on its way; else only a reset tells.
 */
static void
cut(struct exchange *x)
{
	front_cut(x->front, x->framed ? FRONT_FIN : FRONT_RESET);
}

void
response_fail(struct exchange *x, enum close_code code)
{
	x->error = code;
	if (x->status != 0) {
		cut(x);
		return;
	}
	if (x->sent == EXCHANGE_COMES)
		x->keep_alive = false;
	local_reply_error(x, code, buf_slice(&x->rest));
}

/* 0: the head does not fit, or holds what cannot be passed on. Into the flow's scratch. */
static size_t
write_answer(struct exchange *x, struct slice bytes, enum h1_framing *ret_framing)
{
	struct answer answer UNCLEARED;
	struct answer_to to;

	exchange_answer_to(x, &to);
	rewrite_to_visitor(&x->res.head, bytes, &to, &answer);
	*ret_framing = answer.framing;
	return exchange_write_head(x, &answer, &to, flow_head_scratch(&x->flow),
	    FLOW_HEAD_SCRATCH_BYTES);
}

static enum flow_framing
answer_framing(enum h1_framing framing)
{
	switch (framing) {
	case H1_NO_BODY:
		return FLOW_NONE;
	case H1_LENGTH:
		return FLOW_LENGTH;
	case H1_CHUNKED:
		return FLOW_CHUNKED;
	case H1_UNTIL_CLOSE:
		break;
	}
	return FLOW_CLOSE;
}

/* 100 is ours to say; others are passed on to who can understand them. */
static size_t
interim(struct exchange *x, struct slice bytes)
{
	size_t used = x->res.head.n_bytes, n;
	enum h1_framing framing;

	/* The agent counts, too, and is not believed: over HTTP/2 they would wait where no window bounds
	 * them (RFC 9113 5.2.1). */
	if (++x->n_interim > LIMIT_INTERIM_HEADS) {
		response_fail(x, CLOSE_ORIGIN_BAD_RESPONSE);
		return 0;
	}
	if (x->res.head.status != 100 && x->req.head.minor > 0) {
		n = write_answer(x, bytes, &framing);
		if (n == 0 || flow_write(&x->flow, slice_of(flow_head_scratch(&x->flow), n)) != 0) {
			if (!x->flow.ended)
				response_fail(x, CLOSE_ORIGIN_BAD_RESPONSE);
			return 0;
		}
	}
	h1_reset(&x->res);
	x->res.head_request = x->req_head;
	return used;
}

static size_t
switch_protocol(struct exchange *x, struct slice bytes)
{
	enum h1_framing framing;
	size_t n;

	/*
	 * 101 that nobody asked for would make the visitor read HTTP as something else
	 * (RFC 9110 15.2.2).
	 */
	if (!exchange_upgrades(x) || !(x->res.head.flags & H1_UPGRADE) ||
	    (n = write_answer(x, bytes, &framing)) == 0) {
		response_fail(x, CLOSE_ORIGIN_BAD_RESPONSE);
		return 0;
	}
	x->status = 101;
	exchange_move(x, EXCHANGE_SWITCHED);
	x->keep_alive = false;
	if (flow_inlet(&x->flow, FLOW_RAW, NULL, buf_slice(&x->rest)) != 0) {
		response_fail(x, CLOSE_OVERLOAD);
		return 0;
	}
	buf_fini(&x->rest);
	flow_outlet(&x->flow, FLOW_RAW, 0, slice_of(flow_head_scratch(&x->flow), n));
	return x->res.head.n_bytes;
}

/* An answer before the end of the request: the rest of it must be short for the
 * connection to be kept. */
static bool
may_keep(const struct exchange *x)
{
	if (!x->keep_alive || x->worker->draining || (x->front->conn->eof && x->rest.n == 0))
		return false;
	return x->sent != EXCHANGE_COMES || x->req.head.framing != H1_LENGTH ||
	       h1_left(&x->req) <= LIMIT_EARLY_DRAIN_BYTES;
}

static size_t
final(struct exchange *x, struct slice bytes)
{
	enum h1_framing framing;
	size_t n;

	x->keep_alive = may_keep(x);
	n = write_answer(x, bytes, &framing);
	if (n == 0) {
		response_fail(x, CLOSE_ORIGIN_BAD_RESPONSE);
		return 0;
	}
	if (framing == H1_UNTIL_CLOSE)
		x->keep_alive = false;
	x->framed = framing != H1_UNTIL_CLOSE;
	x->status = x->res.head.status;
	/*
	 * The origin goes on with HTTP: what the visitor has sent behind his request is the
	 * next one, and the stream gets its end now.
	 */
	if (exchange_upgrades(x) && flow_inlet(&x->flow, FLOW_NONE, NULL, S("")) != 0) {
		response_fail(x, CLOSE_OVERLOAD);
		return 0;
	}
	flow_outlet(&x->flow, answer_framing(framing), x->res.head.length,
	    slice_of(flow_head_scratch(&x->flow), n));
	return x->res.head.n_bytes;
}

static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct exchange *x = f->owner;

	check(x->state == EXCHANGE_FLOW && x->status == 0); /* the final head ends these calls */
	switch (h1_head(&x->res, bytes)) {
	case H1_DONE:
		break;
	case H1_MORE:
		if (fin)
			response_fail(x, CLOSE_ORIGIN_BROKE);
		return 0;
	case H1_DATA:
	case H1_BAD:
		log_event(LOG_WARN, "bad-response", LOG_Z("id", x->id), LOG_Z("tunnel", x->name),
		    LOG_Z("fault", close_row(x->res.fault)->name));
		response_fail(x, CLOSE_ORIGIN_BAD_RESPONSE);
		return 0;
	}
	/* The statuses below 200 are announcements; 101 alone ends the message. */
	if (x->res.head.status == 101)
		return switch_protocol(x, bytes);
	return x->res.head.status < 200 ? interim(x, bytes) : final(x, bytes);
}

static void
finish(struct exchange *x)
{
	bool whole = x->sent != EXCHANGE_COMES;

	check(exchange_flows(x) && x->flow.out_over);
	/* Each direction ends for itself; the second one ends the exchange. */
	if (x->state == EXCHANGE_SWITCHED) {
		if (whole)
			front_cut(x->front, FRONT_FIN);
		return;
	}
	/* The answer is out before the request is in: the origin wants no more of it. */
	if (!whole)
		flow_end(&x->flow, LINK_CODE_CANCELLED);
	front_answered(x->front, buf_slice(&x->rest));
}

/* What was read behind the request is kept here: it is the next one. */
static void
on_inlet_done(struct flow *f)
{
	struct exchange *x = f->owner;
	size_t n = flow_rest(f);
	char *room;

	/* Once; only what may become another protocol is waited for before it is sent. */
	check(exchange_flows(x) && (x->sent == EXCHANGE_COMES || exchange_upgrades(x)));
	x->sent = EXCHANGE_WHOLE;
	x->since_us = loop_now_us(x->worker->loop);
	/*
	 * Without a carrier the link has died behind this request: nothing
	 * arrives any more.
	 */
	if (f->carrier != NULL)
		x->sent_mark = carrier_mark(f->carrier);
	if (n > 0 && (room = buf_room(&x->rest, n)) != NULL)
		x->rest.n += flow_take_rest(f, room, n);
	if (x->rest.failed)
		x->keep_alive = false;
	if (f->out_over)
		finish(x);
}

static void
on_outlet_done(struct flow *f)
{
	finish(f->owner);
}

static void
on_reset(struct flow *f, uint32_t code)
{
	struct exchange *x = f->owner;

	log_event(LOG_DEBUG, "stream-reset", LOG_Z("id", x->id),
	    LOG_Z("code", link_code_name(code)));
	response_fail(x, flow_close_code(f, code));
}

static void
on_broken(struct flow *f, enum close_code bad)
{
	struct exchange *x = f->owner;

	flow_end(f, LINK_CODE_CANCELLED);
	if (bad == CLOSE_OK)
		front_cut(x->front, FRONT_CLOSE);
	else
		response_fail(x, bad);
}

/*
 * No inlet runs: the next request, or the visitor's end.  Behind a whole request an end is no more
 * than that, with TLS and without (printf ... | nc): the answer is wanted all the same.  Who has
 * really gone is seen when the answer is written.
 */
static void
on_readable(struct flow *f)
{
	struct exchange *x = f->owner;
	struct conn *c = f->conn;
	size_t n;
	char *room;

	/*
	 * Bounded: who sends on and on behind his request fills a kernel's
	 * buffer, not ours.
	 */
	while (x->rest.n < LIMIT_DATA_FRAME_BYTES) {
		room = buf_room(&x->rest, LIMIT_DATA_FRAME_BYTES - x->rest.n);
		if (room == NULL) {
			x->keep_alive = false;
			return;
		}
		switch (conn_read(c, room, LIMIT_DATA_FRAME_BYTES - x->rest.n, &n)) {
		case IO_OK:
			x->rest.n += n;
			break;
		case IO_WAIT:
		case IO_EOF:
			return;
		case IO_FAIL:
			on_broken(f, CLOSE_OK);
			return;
		}
	}
}

const struct flow_ops response_ops = {
	.head = on_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_broken,
	.conn_readable = on_readable,
};
