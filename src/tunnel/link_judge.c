/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: what a frame's header may ask for, and what its payload does. */
#include "tunnel/link_private.h"

/*
 * Frames that move nothing are counted (HAProxy's glitches), weighted by the work that they cause.
 * Time forgives LINK_GLITCHES_RATE a second, and each new stream a few: late frames for streams
 * that have just ended are ordinary.
 */
#define GLITCH_FRAME 1
#define GLITCH_PING 16
#define GLITCH_CONTROL 64
#define GLITCH_PAGE 4 /* what is left of a CONTROL after link_forgive() */
#define GLITCH_STREAM (-4)

#define UNKNOWN_BYTES_MAX LIMIT_CONTROL_BYTES

/* Time forgives only where half of the allowance is used, so the clock is looked at seldom. */
static void
glitch(struct link *l, int32_t weight)
{
	int64_t elapsed = l->now_us - l->glitches_us;

	l->glitches += weight;
	if (l->glitches > LIMIT_LINK_GLITCHES / 2 && elapsed > 0) {
		int64_t forgiven = elapsed * LIMIT_LINK_GLITCHES_RATE / 1000000;

		l->glitches = forgiven >= l->glitches ? 0 : l->glitches - (int32_t)forgiven;
		l->glitches_us = l->now_us;
	}
	if (l->glitches < 0)
		l->glitches = 0;
	if (l->glitches > LIMIT_LINK_GLITCHES)
		link_fail(l, LINK_CODE_PROTOCOL);
}

void
link_forgive(struct link *l)
{
	l->glitches -= GLITCH_CONTROL - GLITCH_PAGE;
	if (l->glitches < 0)
		l->glitches = 0;
}

/* True for a number that was in use once: its late frames are ordinary. */
static bool
was_used(const struct link *l, uint32_t id)
{
	return l->last_id - id < l->n_ids;
}

/* --- receiving: the payload of each type --- */

enum link_what
link_bad(struct link *l, struct link_event *ev, enum link_code code)
{
	link_fail(l, code);
	l->bad_told = true;
	ev->what = LINK_BAD;
	ev->code = l->dead;
	return LINK_BAD;
}

/* A stream that never existed here is reset by its number. */
static void
refuse(struct link *l, uint32_t id, enum link_code code)
{
	struct frame f = { .length = 4, .type = FRAME_RST, .stream = id };
	char payload[4];

	frame_put_u32(payload, code);
	link_put(l, &f, slice_of(payload, 4));
}

enum link_what
link_on_syn(struct link *l, struct slice p, struct link_event *ev)
{
	uint32_t id = l->frame.stream, first = frame_u32(p.p), grant = frame_u32(p.p + 4);
	enum link_code refusal = LINK_CODE_OK;
	struct stream *s = NULL;

	if (first > LIMIT_STREAM_RX_BYTES_FIRST || grant > CREDIT_MAX || l->frame_left > first)
		return link_bad(l, ev, LINK_CODE_FLOW);
	glitch(l, GLITCH_STREAM);
	l->phase = LINK_BODY;
	if (l->goaway_sent)
		refusal = LINK_CODE_SHUTDOWN;
	else if (l->rx_promised + first > link_rx_ceiling(&l->params) ||
		 (s = stream_new(l, NULL)) == NULL)
		refusal = LINK_CODE_TOO_MANY;
	if (refusal != LINK_CODE_OK) {
		link_use_id(l, id);
		refuse(l, id, refusal);
		return LINK_NONE;
	}
	stream_set_id(s, id);
	s->tx_credit = grant;
	l->n_sending++;
	window_open(s, first);
	if (l->rtt_us == 0)
		link_ping(l);
	l->rx_stream = s;
	ev->what = LINK_OPENED;
	ev->stream = s;
	ev->bytes = slice_from(p, FRAME_SYN_BYTES + 2);
	return LINK_OPENED;
}

/*
 * For a number that was never in use it is a fault; for one that has ended it crossed our own
 * end on the way.
 */
static enum link_what
on_rst(struct link *l, struct link_event *ev)
{
	struct stream *s = link_find(l, l->frame.stream);

	if (s == NULL && !was_used(l, l->frame.stream))
		return link_bad(l, ev, LINK_CODE_PROTOCOL);
	if (s == NULL || s->dead || (s->rx_ended && s->tx_ended)) {
		glitch(l, GLITCH_FRAME);
		return LINK_NONE;
	}
	s->rx_ended = true;
	stream_kill(s);
	ev->what = LINK_RESET;
	ev->stream = s;
	ev->code = frame_u32(l->small);
	return LINK_RESET;
}

/*
 * Credit for a stream that has gone is ordinary, too. More than 2^31 - 1 in sum is a fault,
 * whatever each frame said.
 */
static enum link_what
on_window(struct link *l, struct link_event *ev)
{
	uint32_t n = frame_u32(l->small), id = l->frame.stream;
	struct stream *s;

	s = link_find(l, id);
	if (n == 0 || n > CREDIT_MAX || (s == NULL && !was_used(l, id)))
		return link_bad(l, ev, LINK_CODE_PROTOCOL);
	if (s == NULL || s->tx_ended) {
		glitch(l, GLITCH_FRAME);
		return LINK_NONE;
	}
	if (s->tx_credit + n > CREDIT_MAX)
		return link_bad(l, ev, LINK_CODE_FLOW);
	/* Readers that drain in small steps are ordinary; steps of a few bytes are not. */
	if (n < LIMIT_LINK_WINDOW_BYTES_MIN)
		glitch(l, GLITCH_FRAME);
	s->tx_credit += n;
	stream_unblock(s);
	return LINK_NONE;
}

static enum link_what
on_ping(struct link *l, struct link_event *ev)
{
	struct frame ack = { .length = 8, .type = FRAME_PING, .flags = FRAME_ACK };
	uint64_t opaque = (uint64_t)frame_u32(l->small) << 32 | frame_u32(l->small + 4);

	if ((l->frame.flags & FRAME_ACK) == 0) {
		glitch(l, GLITCH_PING);
		link_put(l, &ack, slice_of(l->small, 8));
		return LINK_NONE;
	}
	if (l->ping_us == 0 || opaque != l->ping_opaque) {
		glitch(l, GLITCH_FRAME);
		return LINK_NONE;
	}
	ev->what = LINK_PONG;
	ev->rtt_us = l->now_us > l->ping_us ? l->now_us - l->ping_us : 1;
	l->ping_us = 0;
	window_rtt(l, ev->rtt_us);
	return LINK_PONG;
}

static enum link_what
on_goaway(struct link *l, struct link_event *ev)
{
	glitch(l, GLITCH_CONTROL);
	l->goaway_received = true;
	ev->what = LINK_GOAWAY;
	ev->code = frame_u32(l->small + 4);
	ev->retry_ms = frame_u32(l->small + 8);
	return LINK_GOAWAY;
}

enum link_what
link_on_small(struct link *l, struct link_event *ev)
{
	switch (l->frame.type) {
	case FRAME_RST:
		return on_rst(l, ev);
	case FRAME_WINDOW:
		return on_window(l, ev);
	case FRAME_PING:
		return on_ping(l, ev);
	default:
		return on_goaway(l, ev);
	}
}

/* --- receiving: headers --- */

static bool
judge_syn(struct link *l)
{
	const struct frame *f = &l->frame;
	bool wrapped = l->n_ids == INT32_MAX;
	uint32_t step = f->stream - l->last_id;

	if (l->params.side == LINK_EDGE || f->length < FRAME_SYN_BYTES + 2 ||
	    f->length > FRAME_SYN_BYTES + 2 + LIMIT_OPENING_BYTES + LIMIT_DATA_FRAME_BYTES)
		return false;
	/* One by one; after 2^32 streams, numbers that still live (and 0) are passed over. */
	if (step == 0 || step > (wrapped ? LIMIT_LINK_STREAMS + 1 : 1) ||
	    link_find(l, f->stream) != NULL)
		return false;
	l->phase = LINK_SYN;
	l->gather_want = FRAME_SYN_BYTES + 2;
	return true;
}

/*
 * What a stream may send is known from its header alone: a frame that is longer than the credit
 * is refused before its first byte is taken.  rx_stream stays NULL for one that has gone.
 */
static enum link_code
judge_bytes(struct link *l)
{
	const struct frame *f = &l->frame;
	struct stream *s = link_find(l, f->stream);

	if (s == NULL)
		return was_used(l, f->stream) ? LINK_CODE_OK : LINK_CODE_PROTOCOL;
	if (s->dead)
		return LINK_CODE_OK;
	if (s->rx_ended)
		return LINK_CODE_PROTOCOL;
	if (f->length > s->rx_credit)
		return LINK_CODE_FLOW;
	l->rx_stream = s;
	return LINK_CODE_OK;
}

static enum link_code
judge_data(struct link *l)
{
	const struct frame *f = &l->frame;

	if (f->stream == 0 || (f->flags & ~(FRAME_SYN | FRAME_FIN)) != 0)
		return LINK_CODE_PROTOCOL;
	l->rx_stream = NULL;
	if (f->flags & FRAME_SYN)
		return judge_syn(l) ? LINK_CODE_OK : LINK_CODE_PROTOCOL;
	if (f->length > LIMIT_DATA_FRAME_BYTES)
		return LINK_CODE_PROTOCOL;
	l->phase = LINK_BODY;
	if (f->length == 0 && f->flags == 0)
		glitch(l, GLITCH_FRAME);
	return judge_bytes(l);
}

/* It ends its direction by its kind; the flag says so to who looks at flags. */
static enum link_code
judge_trailers(struct link *l)
{
	const struct frame *f = &l->frame;

	if (f->stream == 0 || f->flags != FRAME_FIN || f->length == 0 ||
	    f->length > LIMIT_TRAILER_BYTES)
		return LINK_CODE_PROTOCOL;
	l->rx_stream = NULL;
	l->phase = LINK_SECTION;
	l->gather_want = f->length;
	return judge_bytes(l);
}

static enum link_code
judge_small(struct link *l, uint32_t length, bool on_stream, unsigned flags)
{
	const struct frame *f = &l->frame;

	if (f->length != length || (f->stream != 0) != on_stream || (f->flags & ~flags) != 0)
		return LINK_CODE_PROTOCOL;
	l->phase = LINK_SMALL;
	return LINK_CODE_OK;
}

/* By the header alone. */
enum link_code
link_judge(struct link *l)
{
	const struct frame *f = &l->frame;

	switch (f->type) {
	case FRAME_DATA:
		return judge_data(l);
	case FRAME_TRAILERS:
		return judge_trailers(l);
	case FRAME_RST:
		return judge_small(l, 4, true, 0);
	case FRAME_WINDOW:
		return judge_small(l, 4, true, 0);
	case FRAME_PING:
		return judge_small(l, 8, false, FRAME_ACK);
	case FRAME_GOAWAY:
		return judge_small(l, 12, false, 0);
	case FRAME_CONTROL:
		if (f->stream != 0 || f->flags != 0 || f->length == 0 ||
		    f->length > LIMIT_CONTROL_BYTES)
			return LINK_CODE_PROTOCOL;
		glitch(l, GLITCH_CONTROL);
		l->phase = LINK_GATHER;
		l->gather_want = f->length;
		return LINK_CODE_OK;
	default: /* of a later version: skipped */
		if (f->length > UNKNOWN_BYTES_MAX)
			return LINK_CODE_PROTOCOL;
		glitch(l, GLITCH_FRAME);
		l->phase = LINK_SKIP;
		return LINK_CODE_OK;
	}
}
