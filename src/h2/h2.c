/* SPDX-License-Identifier: Apache-2.0 */
/* A session: its life, what comes in and goes out (h2.h). */
#include "h2/h2.h"

#include "h2/h2_private.h"

#include <stdlib.h>

/* RFC 9113 3.4 */
#define PREFACE_BYTES 24
/* A round trip, where no answer to our PING tells of it. */
#define GOING_US (1000 * 1000)

void
h2_limits_default(struct h2_limits *ret)
{
	*ret = (struct h2_limits){
		.streams = LIMIT_H2_STREAMS,
		.streams_total = LIMIT_H2_STREAMS_TOTAL,
		.closes = LIMIT_H2_CLOSES,
		.closes_rate = LIMIT_H2_CLOSES_RATE,
		.glitches = LIMIT_H2_GLITCHES,
		.glitches_rate = LIMIT_H2_GLITCHES_RATE,
		.fields = LIMIT_HEAD_FIELDS,
		.head_bytes = LIMIT_HEAD_BYTES,
		.settings_ms = LIMIT_H2_SETTINGS_MS,
		.block_ms = LIMIT_VISITOR_HEAD_MS,
		.stall_ms = LIMIT_H2_STALL_MS,
		.rate_ms = 2 * LIMIT_H2_STALL_MS,
		.rate_bytes = LIMIT_H2_RATE_BYTES,
	};
}

/* --- birth and end --- */

static nghttp2_option *
new_options(void)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_max_continuations(o, 8);
	/* Ours counts more than resets that were sent, and in the time of whoever feeds us. */
	nghttp2_option_set_stream_reset_rate_limit(o, UINT32_MAX, UINT32_MAX);
	return o;
}

static int
greet(struct h2 *h, struct slice origin)
{
	nghttp2_settings_entry all[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->limits.streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h->limits.head_bytes },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	nghttp2_origin_entry ours = { (uint8_t *)(uintptr_t)origin.p, origin.n };

	if (nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, all, sizeof(all) / sizeof(*all)) !=
		0 ||
	    nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, 0, LIMIT_H2_RX_BYTES) !=
		0)
		return -1;
	return origin.n == 0 ? 0 : nghttp2_submit_origin(h->ng, NGHTTP2_FLAG_NONE, &ours, 1);
}

static int
open_session(struct h2 *h, struct slice origin)
{
	nghttp2_option *options = new_options();
	nghttp2_session_callbacks *calls = h2_callbacks();
	int rc = -1;

	if (options != NULL && calls != NULL)
		rc = nghttp2_session_server_new2(&h->ng, calls, h, options);
	nghttp2_session_callbacks_del(calls);
	nghttp2_option_del(options);
	return rc == 0 ? greet(h, origin) : -1;
}

struct h2 *
h2_new(const struct h2_limits *limits, struct pool *chunks, struct slice origin, int64_t now_us)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->limits = *limits;
	h->chunks = chunks;
	h->now_us = h->born_us = h->ping_us = now_us;
	h->updates_free = limits->glitches;
	h->lends = true;
	h->payload = PREFACE_BYTES;
	list_init(&h->streams);
	list_init(&h->news);
	list_init(&h->given);
	h2_head_init(&h->block, limits->fields, limits->head_bytes);
	h2_bucket_init(&h->closes, limits->closes, limits->closes_rate, now_us);
	h2_bucket_init(&h->glitches, limits->glitches, limits->glitches_rate, now_us);
	if (open_session(h, origin) != 0) {
		h2_free(h);
		return NULL;
	}
	return h;
}

void
h2_free(struct h2 *h)
{
	if (h == NULL)
		return;
	nghttp2_session_del(h->ng);
	h->ng = NULL;
	while (!list_empty(&h->streams)) {
		struct h2_stream *s = list_of(h->streams.next, struct h2_stream, node);

		check(s->life != H2_OWNED); /* its owner would hold what is freed */
		h2_stream_free(s);
	}
	h2_head_fini(&h->block);
	free(h);
}

/* --- bytes in --- */

/* nghttp2 reads nothing behind it. */
static void
say_end(struct h2 *h)
{
	if (nghttp2_session_terminate_session(h->ng, h->last_code) != 0)
		h->broken = true;
}

/* What nghttp2 has noticed by itself is on its way as GOAWAY; here it cannot go on. */
static void
fail(struct h2 *h, ssize_t why)
{
	switch (why) {
	case NGHTTP2_ERR_NOMEM:
	case NGHTTP2_ERR_CALLBACK_FAILURE:
		h2_terminate(h, NGHTTP2_INTERNAL_ERROR);
		return;
	case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
		h2_terminate(h, NGHTTP2_PROTOCOL_ERROR);
		return;
	default: /* floods of which it keeps count itself: CONTINUATION, answers to PING and SETTINGS */
		h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM);
		return;
	}
}

void
h2_feed(struct h2 *h, struct slice bytes, int64_t now_us)
{
	h->now_us = now_us;
	while (bytes.n > 0 && !h->terminated && !h->broken) {
		struct slice now;
		ssize_t n;

		/* A fault that it sees counts behind what stands before it. */
		h->looking = true;
		now = slice_head(bytes, h2_guard_bytes(h, bytes));
		h->looking = false;
		n = nghttp2_session_mem_recv(h->ng, (const uint8_t *)now.p, now.n);
		if (h->terminated)
			say_end(h);

		if (n < 0) {
			fail(h, n);
			return;
		}
		check((size_t)n == now.n); /* no callback of ours pauses it */
		bytes = slice_from(bytes, now.n);
	}
}

/* --- events out --- */

static enum h2_event
first_of(unsigned news)
{
	for (unsigned e = H2_HEAD; e <= H2_RESET; e++)
		if (news & 1u << e)
			return (enum h2_event)e;
	return H2_NOTHING;
}

enum h2_event
h2_next(struct h2 *h, struct h2_stream **ret_stream)
{
	struct h2_stream *s;
	enum h2_event e;

	if (list_empty(&h->news))
		return H2_NOTHING;
	s = list_of(h->news.next, struct h2_stream, news_node);
	e = first_of(s->news);
	check(e != H2_NOTHING && s->life != H2_LEFT); /* who has let go is told nothing */
	s->news &= ~(1u << e);
	if (s->news == 0)
		list_del(&s->news_node);
	if (e == H2_HEAD)
		s->life = H2_OWNED;
	*ret_stream = s;
	return e;
}

/* --- bytes out --- */

/* The final heads, which have waited to know whether a body follows them. */
static void
submit_given(struct h2 *h)
{
	struct list *node;

	while ((node = list_pop(&h->given)) != NULL)
		h2_stream_submit(list_of(node, struct h2_stream, given_node));
}

static void
say_last(struct h2 *h)
{
	if (h->gone)
		return;
	h->gone = true;
	if (nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE,
		nghttp2_session_get_last_proc_stream_id(h->ng), NGHTTP2_NO_ERROR, NULL, 0) != 0)
		h->broken = true;
}

size_t
h2_drain(struct h2 *h, char *dst, size_t cap)
{
	size_t n = 0;

	if (h->going_us != 0 && !h->pinging)
		say_last(h);
	submit_given(h);
	if (!h->broken && !h2_pump_drain(&h->pump, h->ng, dst, cap, &n))
		h->broken = true;
	return n;
}

/* --- the connection --- */

/* RFC 9113 6.8: first one that refuses nothing; when the other side knows of it the one that does. */
void
h2_goaway(struct h2 *h)
{
	if (h->going_us != 0 || h->terminated || h->broken)
		return;
	h->going_us = h->now_us;
	if (nghttp2_submit_shutdown_notice(h->ng) != 0)
		h->broken = true;
	h2_ping(h);
}

void
h2_terminate(struct h2 *h, uint32_t code)
{
	if (h->terminated || h->broken)
		return;
	h->terminated = true;
	h->last_code = code;
	if (!h->looking)
		say_end(h);
}

bool
h2_is_over(const struct h2 *h)
{
	return h->broken || ((h->terminated || !nghttp2_session_want_read(h->ng)) &&
				!nghttp2_session_want_write(h->ng) && list_empty(&h->given));
}

size_t
h2_streams(const struct h2 *h)
{
	return h->n_streams;
}

void
h2_ping(struct h2 *h)
{
	if (h->pinging || h->terminated || h->broken)
		return;
	h->pinging = true;
	if (nghttp2_submit_ping(h->ng, NGHTTP2_FLAG_NONE, NULL) != 0)
		h->broken = true;
}

bool
h2_pinged(const struct h2 *h)
{
	return h->pinging;
}

void
h2_lend(struct h2 *h, bool lends)
{
	h->lends = lends;
}

size_t
h2_held(const struct h2 *h)
{
	size_t block = h->chunks->block_bytes, n = 0;

	LIST_EACH(it, &h->streams) {
		const struct h2_stream *s = list_of(it, struct h2_stream, node);

		n += sizeof(*s) + s->head.cap + s->answer_head.cap + s->trailers.cap;
		n += (s->in.n + block - 1) / block * block + (s->out.n + block - 1) / block * block;
	}
	return n + h->block.text.cap;
}

void
h2_tick(struct h2 *h, int64_t now_us)
{
	h->now_us = now_us;
	if (h->terminated || h->broken)
		return;
	if (h->going_us != 0 && (!h->pinging || now_us - h->going_us >= GOING_US))
		say_last(h);
	h2_guard_tick(h);
}
