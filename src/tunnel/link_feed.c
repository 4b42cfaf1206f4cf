/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: bytes become frames, and events come out. */
#include "tunnel/link.h"

#include "tunnel/link_private.h"

#include <stdlib.h>

#define GATHER_BYTES_MIN 1024

static struct slice
take(struct link *l, struct slice *in, size_t n)
{
	struct slice s = slice_head(*in, n);

	check(s.n <= l->frame_left);
	*in = slice_from(*in, s.n);
	l->frame_left -= (uint32_t)s.n;
	return s;
}

/* Collects n bytes in `small`; false while there are fewer. */
static bool
collect(struct link *l, struct slice *in, size_t n)
{
	size_t part = n - l->small_n < in->n ? n - l->small_n : in->n;

	check(n <= sizeof(l->small) && l->small_n < n);
	if (part > 0)
		memcpy(l->small + l->small_n, in->p, part);
	*in = slice_from(*in, part);
	l->small_n = (uint8_t)(l->small_n + part);
	if (l->small_n < n)
		return false;
	l->small_n = 0;
	return true;
}

/* Memory grows with what has come, not with what a header has promised. */
static bool
gather_more(struct link *l, struct slice *in)
{
	size_t n = l->gather_want - l->gather_n;

	check(l->gather_n <= l->gather_want);
	if (n > in->n)
		n = in->n;
	if (l->gather_n + n > l->gather_cap) {
		size_t cap = 2 * (l->gather_n + n);
		char *p;

		if (cap < GATHER_BYTES_MIN)
			cap = GATHER_BYTES_MIN;
		p = realloc(l->gather, cap);
		if (p == NULL)
			return false;
		l->gather = p;
		l->gather_cap = (uint32_t)cap;
	}
	if (n > 0)
		memcpy(l->gather + l->gather_n, take(l, in, n).p, n);
	l->gather_n += (uint32_t)n;
	return true;
}

static void
gather_reset(struct link *l)
{
	free(l->gather);
	l->gather = NULL;
	l->gather_n = l->gather_cap = 0;
	l->gathered = false;
}

enum gathering { GATHER_MORE, GATHER_WHOLE, GATHER_FAILED };

/* gather_want bytes in one piece: of the input where they are, else copied. */
static enum gathering
gather(struct link *l, struct slice *in, struct slice *ret_whole)
{
	if (l->gather_n == 0 && in->n >= l->gather_want) {
		*ret_whole = slice_head(*in, l->gather_want);
		return GATHER_WHOLE;
	}
	if (in->n == 0 && l->gather_n < l->gather_want)
		return GATHER_MORE;
	if (!gather_more(l, in))
		return GATHER_FAILED;
	if (l->gather_n < l->gather_want)
		return GATHER_MORE;
	*ret_whole = slice_of(l->gather, l->gather_n);
	return GATHER_WHOLE;
}

/* What gather() gave is used up. */
static void
gather_done(struct link *l, struct slice *in)
{
	if (l->gather_n == 0)
		take(l, in, l->gather_want);
	else
		l->gathered = true;
}

/* The fixed part of a SYN says how long its opening is. */
static enum link_what
feed_syn(struct link *l, struct slice *in, struct link_event *ev)
{
	const uint32_t fixed = FRAME_SYN_BYTES + 2;
	enum link_what what;
	struct slice whole;

	for (;;) {
		switch (gather(l, in, &whole)) {
		case GATHER_MORE:
			return LINK_NONE;
		case GATHER_FAILED:
			return link_bad(l, ev, LINK_CODE_INTERNAL);
		case GATHER_WHOLE:
			break;
		}
		if (whole.n == fixed) {
			uint32_t n =
			    (uint32_t)(unsigned char)whole.p[8] << 8 | (unsigned char)whole.p[9];

			if (n == 0 || n > LIMIT_OPENING_BYTES || fixed + n > l->frame.length)
				return link_bad(l, ev, LINK_CODE_PROTOCOL);
			l->gather_want = fixed + n;
			continue;
		}
		gather_done(l, in);
		what = link_on_syn(l, whole, ev);
		if (what == LINK_NONE && l->gathered)
			gather_reset(l);
		return what;
	}
}

static enum link_what
feed_control(struct link *l, struct slice *in, struct link_event *ev)
{
	struct slice whole;

	switch (gather(l, in, &whole)) {
	case GATHER_MORE:
		return LINK_NONE;
	case GATHER_FAILED:
		return link_bad(l, ev, LINK_CODE_INTERNAL);
	case GATHER_WHOLE:
		break;
	}
	gather_done(l, in);
	l->phase = LINK_HEAD;
	ev->what = LINK_CONTROL;
	ev->bytes = whole;
	return LINK_CONTROL;
}

/* Whole, since whoever takes it must judge all of it before it passes a part on. */
static enum link_what
feed_section(struct link *l, struct slice *in, struct link_event *ev)
{
	struct stream *s = l->rx_stream;
	struct slice whole;

	switch (gather(l, in, &whole)) {
	case GATHER_MORE:
		return LINK_NONE;
	case GATHER_FAILED:
		return link_bad(l, ev, LINK_CODE_INTERNAL);
	case GATHER_WHOLE:
		break;
	}
	gather_done(l, in);
	l->phase = LINK_HEAD;
	l->rx_stream = NULL;
	if (s == NULL || s->dead) {
		if (l->gathered)
			gather_reset(l);
		return LINK_NONE;
	}
	window_arrived(s, (uint32_t)whole.n);
	s->rx_ended = true;
	window_close(s);
	ev->what = LINK_TRAILERS;
	ev->stream = s;
	ev->bytes = whole;
	ev->fin = true;
	return LINK_TRAILERS;
}

/*
 * What comes for a stream that is dead or gone is taken off the input and told to nobody. An
 * empty piece is an event only with its FIN.
 */
static enum link_what
feed_body(struct link *l, struct slice *in, struct link_event *ev)
{
	struct stream *s = l->rx_stream;
	struct slice bytes = take(l, in, l->frame_left);
	bool fin = l->frame_left == 0 && (l->frame.flags & FRAME_FIN) != 0;

	if (l->frame_left == 0) {
		l->phase = LINK_HEAD;
		l->rx_stream = NULL;
	}
	if (s == NULL || s->dead || (bytes.n == 0 && !fin))
		return LINK_NONE;
	window_arrived(s, (uint32_t)bytes.n);
	if (fin) {
		s->rx_ended = true;
		window_close(s);
	}
	ev->what = LINK_DATA;
	ev->stream = s;
	ev->bytes = bytes;
	ev->fin = fin;
	return LINK_DATA;
}

/* A header that lies in the input whole is read where it lies; only one that was cut is copied. */
static enum link_what
feed_head(struct link *l, struct slice *in, struct link_event *ev)
{
	enum link_code code;

	if (l->small_n == 0 && in->n >= FRAME_HEADER_BYTES) {
		frame_decode(in->p, &l->frame);
		*in = slice_from(*in, FRAME_HEADER_BYTES);
	} else if (collect(l, in, FRAME_HEADER_BYTES)) {
		frame_decode(l->small, &l->frame);
	} else {
		return LINK_NONE;
	}
	l->frame_left = l->frame.length;
	code = link_judge(l);
	return code == LINK_CODE_OK ? LINK_NONE : link_bad(l, ev, code);
}

/* One step; LINK_NONE: no event came of it. */
static enum link_what
step(struct link *l, struct slice *in, struct link_event *ev)
{
	switch (l->phase) {
	case LINK_HEAD:
		return feed_head(l, in, ev);
	case LINK_SMALL:
		if (!collect(l, in, l->frame.length))
			return LINK_NONE;
		l->phase = LINK_HEAD;
		return link_on_small(l, ev);
	case LINK_SYN:
		return feed_syn(l, in, ev);
	case LINK_GATHER:
		return feed_control(l, in, ev);
	case LINK_SECTION:
		return feed_section(l, in, ev);
	case LINK_BODY:
		return feed_body(l, in, ev);
	case LINK_SKIP:
		take(l, in, l->frame_left);
		if (l->frame_left == 0)
			l->phase = LINK_HEAD;
		return LINK_NONE;
	}
	return LINK_NONE;
}

/*
 * A step that took no byte may have changed the phase: only where neither moved the input is
 * used up. Behind a failure the rest of it is thrown away.
 */
enum link_what
link_feed(struct link *l, struct slice *in, struct link_event *ev, int64_t now_us)
{
	enum link_what what;

	*ev = (struct link_event){ .what = LINK_NONE };
	l->now_us = now_us;
	if (in->n > 0) {
		l->heard_us = now_us;
		l->asked_us = 0;
		l->probing = false;
	}
	if (l->gathered)
		gather_reset(l);
	while (l->dead == LINK_CODE_OK) {
		size_t before = in->n;
		enum link_phase phase = l->phase;

		what = step(l, in, ev);
		if (what != LINK_NONE)
			return what;
		if (in->n == before && l->phase == phase)
			return LINK_NONE;
	}
	*in = slice_from(*in, in->n);
	return l->bad_told ? LINK_NONE : link_bad(l, ev, l->dead);
}
