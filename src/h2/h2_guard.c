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

/* A frame's head, as far as it is judged. */
struct head {
	uint32_t length;
	uint8_t type, flags;
	int32_t id;
};

static bool
is_free_ping(struct h2 *h, const struct head *f)
{
	if (f->flags & NGHTTP2_FLAG_ACK)
		return h->pinging;
	if (h->now_us - h->ping_us >= PING_FREE_US) {
		h->ping_us = h->now_us;
		return true;
	}
	return takes_free(h);
}

/*
 * nghttp2 forgets a stream with its end, since we take no priorities, and then what still comes for it
 * is nothing to it.  From us an RST_STREAM may have crossed it; else it is a fault (RFC 9113 5.1).
 */
static bool
is_over(const struct h2 *h, int32_t id)
{
	for (size_t i = 0; i < sizeof(h->over) / sizeof(*h->over); i++)
		if (id != 0 && h->over[i] == id)
			return true;
	return false;
}

void
h2_guard_over(struct h2 *h, int32_t id)
{
	h->over[h->n_over++ % (sizeof(h->over) / sizeof(*h->over))] = id;
}

/* False: it moves nothing. */
static bool
judge(struct h2 *h, const struct head *f)
{
	switch (f->type) {
	case NGHTTP2_DATA:
		return f->length > 0 || (f->flags & NGHTTP2_FLAG_END_STREAM) != 0;
	case NGHTTP2_SETTINGS:
		return (f->flags & NGHTTP2_FLAG_ACK) != 0;
	case NGHTTP2_PING:
		return is_free_ping(h, f);
	case NGHTTP2_PRIORITY:
		/* Unread since our SETTINGS say so, even where it is wrong (RFC 9113 6.3). */
		if (f->id == 0)
			h2_terminate(h, NGHTTP2_PROTOCOL_ERROR);
		return takes_free(h);
	case NGHTTP2_WINDOW_UPDATE:
	case NGHTTP2_PRIORITY_UPDATE:
		return takes_free(h);
	case NGHTTP2_HEADERS:
	case NGHTTP2_CONTINUATION: /* nghttp2 takes eight in a row */
	case NGHTTP2_RST_STREAM:   /* counted as what it ends */
	case NGHTTP2_GOAWAY:
		return true;
	default: /* any other type is nothing to us */
		return false;
	}
}

/* For a stream that may be over already: nghttp2 must have seen all that came before it. */
static bool
leans_on_past(const struct h2 *h, const struct head *f)
{
	return (f->type == NGHTTP2_DATA || f->type == NGHTTP2_HEADERS) && f->id <= h->id_max;
}

static struct head
read_head(const unsigned char *p)
{
	return (struct head){
		.length = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2],
		.type = p[3],
		.flags = p[4],
		.id = (int32_t)((uint32_t)(p[5] & 0x7f) << 24 | (uint32_t)p[6] << 16 |
				(uint32_t)p[7] << 8 | p[8]),
	};
}

size_t
h2_guard_bytes(struct h2 *h, struct slice bytes)
{
	size_t at = 0, n;

	while (at < bytes.n) {
		size_t begin;
		struct head f;

		n = bytes.n - at < h->payload ? bytes.n - at : h->payload;
		at += n;
		h->payload -= (uint32_t)n;
		if (at == bytes.n)
			break;
		begin = h->frame_n == 0 ? at : 0;
		n = bytes.n - at < 9u - h->frame_n ? bytes.n - at : 9u - h->frame_n;
		memcpy(h->frame + h->frame_n, bytes.p + at, n);
		f = read_head(h->frame);
		if (h->frame_n + n < 9) {
			h->frame_n = (uint8_t)(h->frame_n + n);
			return bytes.n;
		}
		if (leans_on_past(h, &f) && at > 0 && h->frame_n == 0)
			return at; /* and then the same head again */
		at += n;
		h->frame_n = 0;
		h->payload = f.length;
		if (f.id > h->id_max)
			h->id_max = f.id;
		if (leans_on_past(h, &f) && is_over(h, f.id))
			h2_terminate(h, NGHTTP2_STREAM_CLOSED);
		else if (!judge(h, &f))
			h2_charge(h, &h->glitches);
		if (h->terminated)
			return begin;
	}
	return at;
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
