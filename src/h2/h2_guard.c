/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an honest visitor does now and then, and an attacker always.  Each of it takes a token of a
 * bucket; at three quarters a GOAWAY in order, which costs an honest one a new connection; at its
 * end the connection's.
 */
#include "h2/h2_private.h"

/* A PING a while is free: it keeps a connection alive. */
#define PING_FREE_US (5 * 1000 * 1000)
/* A reader answers our DATA by credit, and measures its line by PING: so many frames for each of ours. */
#define UPDATES_PER_FRAME 10
/* A window that holds less keeps a stream from moving. */
#define TINY_WINDOW 64

void
h2_charge(struct h2 *h, struct h2_bucket *b)
{
	switch (h2_bucket_take(b, h->now_us)) {
	case H2_ENOUGH:
		return;
	case H2_LOW:
		h2_goaway(h);
		return;
	case H2_EMPTY:
		h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM);
		return;
	}
}

static bool
takes_free(struct h2 *h)
{
	if (h->updates_free == 0)
		return false;
	h->updates_free--;
	return true;
}

static bool
is_free_ping(struct h2 *h, const nghttp2_frame_hd *hd)
{
	if (hd->flags & NGHTTP2_FLAG_ACK)
		return h->pinging;
	if (h->now_us - h->ping_us >= PING_FREE_US) {
		h->ping_us = h->now_us;
		return true;
	}
	return takes_free(h);
}

void
h2_guard_frame(struct h2 *h, const nghttp2_frame_hd *hd)
{
	bool moves = false;

	switch (hd->type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_CONTINUATION: /* nghttp2 takes eight in a row */
	case NGHTTP2_RST_STREAM:   /* counted as what it ends */
	case NGHTTP2_GOAWAY:
		return;
	case NGHTTP2_DATA:
		moves = hd->length > 0 || (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0;
		break;
	case NGHTTP2_SETTINGS:
		moves = (hd->flags & NGHTTP2_FLAG_ACK) != 0;
		break;
	case NGHTTP2_PING:
		moves = is_free_ping(h, hd);
		break;
	case NGHTTP2_WINDOW_UPDATE:
	case NGHTTP2_PRIORITY:
	case NGHTTP2_PRIORITY_UPDATE:
		moves = takes_free(h);
		break;
	default: /* any other type is nothing to us */
		break;
	}
	if (!moves)
		h2_charge(h, &h->glitches);
}

void
h2_guard_open(struct h2 *h)
{
	h->n_total++;
	h->updates_free += 2;
	if (h->n_total >= h->limits.streams_total)
		h2_goaway(h);
}

/* One of them is answered (431): a cookie that grew too much. */
void
h2_guard_large(struct h2 *h)
{
	if (++h->n_large > 1)
		h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

void
h2_guard_sent(struct h2 *h)
{
	if (h->updates_free < h->limits.glitches)
		h->updates_free += UPDATES_PER_FRAME;
}

/* --- time --- */

/* It waits for credit, and not for its turn, or for the connection. */
static bool
is_starved(const struct h2_stream *s)
{
	nghttp2_session *ng = s->h2->ng;

	return s->out.n > 0 && !s->closed && s->answer == H2_ANSWER_SENT &&
	       (nghttp2_session_get_stream_remote_window_size(ng, s->id) <= TINY_WINDOW ||
		   nghttp2_session_get_remote_window_size(ng) <= TINY_WINDOW);
}

static bool
has_stalled(struct h2_stream *s)
{
	const struct h2_limits *l = &s->h2->limits;
	int64_t now = s->h2->now_us;
	uint64_t owed = (uint64_t)(l->rate_ms / 1000) * l->rate_bytes;

	if (!is_starved(s) || s->sent_bytes - s->rate_bytes >= owed) {
		s->rate_us = now;
		s->rate_bytes = s->sent_bytes;
	}
	if (!is_starved(s) || s->sent_bytes != s->stall_bytes) {
		s->stall_us = now;
		s->stall_bytes = s->sent_bytes;
	}
	return now - s->stall_us >= l->stall_ms * 1000 || now - s->rate_us >= l->rate_ms * 1000;
}

void
h2_guard_tick(struct h2 *h)
{
	const struct h2_limits *l = &h->limits;

	if ((!h->settled && h->now_us - h->born_us >= l->settings_ms * 1000) ||
	    (h->block_us != 0 && h->now_us - h->block_us >= l->block_ms * 1000)) {
		h2_terminate(h, NGHTTP2_SETTINGS_TIMEOUT);
		return;
	}
	LIST_EACH(it, &h->streams) {
		struct h2_stream *s = list_of(it, struct h2_stream, node);

		if (has_stalled(s))
			h2_stream_kill(s, NGHTTP2_ENHANCE_YOUR_CALM);
	}
}
