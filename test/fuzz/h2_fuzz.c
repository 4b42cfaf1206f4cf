/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an HTTP/2 client sends behind its preface and SETTINGS.  Held to:
 *
 *	- split invariance: whole, byte by byte and cut at random, the same heads, bodies and trailers of
 *	  every stream that was not reset
 *	- a head is one of HTTP/1.1, or the strict parser has a row for what is wrong with it
 *	- what is drained are whole frames, and all memory comes back
 */
#include "fuzz/must.h"
#include "h2/h2.h"
#include "http/h1.h"

#define STREAMS 128

struct told {
	int32_t id;
	uint64_t hash;
	bool over; /* reset: how much of it was told depends on when */
};

struct run {
	struct told told[STREAMS];
	struct h2_stream *open[STREAMS];
	size_t n;
};

static uint64_t
mix(uint64_t hash, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ c[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void
judge(struct slice head)
{
	static struct h1 h;
	enum h1_result r;

	h1_init(&h, H1_REQUEST);
	r = h1_head(&h, head);
	MUST(r == H1_DONE || r == H1_BAD);
	MUST(r == H1_BAD || h.head.n_bytes == head.n); /* nothing hides behind it */
	MUST(r == H1_BAD || h.head.minor == 1);
}

static void
on_event(struct run *r, struct h2_stream *s, enum h2_event e)
{
	struct told *t = s->owner;
	char body[100];
	size_t n;

	if (e == H2_HEAD) {
		MUST(r->n < STREAMS && t == NULL);
		t = s->owner = &r->told[r->n];
		r->open[r->n++] = s;
		*t = (struct told){ .id = s->id, .hash = mix(7, s->head.p, s->head.n) + s->fault };
		if (s->fault != H2_TOO_LARGE)
			judge(buf_slice(&s->head));
	}
	MUST(t != NULL && t->id == s->id);
	while ((n = h2_take(s, body, sizeof(body))) > 0)
		t->hash = mix(t->hash, body, n);
	if (h2_in_ended(s) && e == H2_BODY)
		t->hash = mix(t->hash ^ 1, s->trailers.p, s->trailers.n);
	if (e != H2_RESET)
		return;
	t->over = true;
	r->open[t - r->told] = NULL;
	h2_leave(s);
}

static void
events(struct h2 *h, struct run *r)
{
	struct h2_stream *s;
	enum h2_event e;

	while ((e = h2_next(h, &s)) != H2_NOTHING)
		on_event(r, s, e);
}

static void
drain(struct h2 *h, struct run *r)
{
	static unsigned char room[65536];
	size_t n;

	while ((n = h2_drain(h, (char *)room, sizeof(room))) > 0) {
		for (size_t at = 0; at < n;) {
			MUST(at + 9 <= n);
			at += 9u +
			      ((size_t)room[at] << 16 | (size_t)room[at + 1] << 8 | room[at + 2]);
			MUST(at <= n);
		}
		events(h, r);
	}
}

/* Every other one is answered, the rest is reset. */
static void
finish(struct h2 *h, struct run *r)
{
	events(h, r);
	for (size_t i = 0; i < r->n; i++) {
		struct h2_stream *s = r->open[i];

		if (s == NULL)
			continue;
		r->open[i] = NULL;
		if (i % 2 == 0 && h2_answer(s, S("HTTP/1.1 200 OK\r\nA: b\r\n\r\n")) == 0) {
			(void)!h2_put(s, S("hello"));
			h2_finish(s, i % 4 == 0 ? S("a: b\r\n") : S(""));
		} else {
			h2_reset(s, 8);
		}
	}
}

/* piece 0: cut at random. */
static void
feed(struct run *r, const uint8_t *data, size_t n, size_t piece, struct pool *chunks)
{
	struct slice left = slice_of(data, n);
	uint64_t seed = 1;
	struct h2_limits limits;
	struct h2 *h;

	*r = (struct run){ 0 };
	h2_limits_default(&limits);
	limits.streams_total = STREAMS - 1;
	limits.streams = 20;
	h = h2_new(&limits, chunks, S(""), 1000000);
	MUST(h != NULL);
	h2_feed(h, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 1000000);
	h2_feed(h, slice_of("\0\0\0\4\0\0\0\0\0", 9), 1000000);
	while (left.n > 0 && r->n < STREAMS - 21) {
		size_t now = piece;

		if (piece == 0)
			now = 1 + (seed = seed * UINT64_C(6364136223846793005) + 1) % 61;
		h2_feed(h, slice_head(left, now), 1000000);
		left = slice_from(left, now);
		events(h, r);
	}
	drain(h, r); /* what was wrong ends its stream when we have said so */
	for (size_t i = 0; h2_is_over(h) && i < r->n; i++)
		r->told[i].over = true; /* with the connection, reset or not */
	finish(h, r);
	drain(h, r);
	h2_tick(h, INT64_C(1) << 40);
	drain(h, r);
	for (size_t i = 0; i < r->n; i++)
		MUST(r->open[i] == NULL);
	h2_free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct run whole, cut;
	struct pool chunks;

	pool_init(&chunks, 16384, 4, 4096);
	feed(&whole, data, n, n + 1, &chunks);
	for (size_t piece = 0; piece < 2; piece++) {
		feed(&cut, data, n, piece, &chunks);
		for (size_t i = 0, j = 0; i < cut.n; i++) {
			/* One that was over before anybody was told of it was not told of. */
			while (j < whole.n && whole.told[j].id < cut.told[i].id)
				j++;
			if (cut.told[i].over || j == whole.n || whole.told[j].id != cut.told[i].id)
				continue;
			MUST(whole.told[j].over || whole.told[j].hash == cut.told[i].hash);
		}
	}
	pool_fini(&chunks);
	return 0;
}
