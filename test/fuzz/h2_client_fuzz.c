/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an origin of HTTP/2 says, fed to a client with four requests under way.  The first byte says how it is
 * cut.  Held to: whole or cut, each answer reads as the same heads, body and trailers to the parser of HTTP/1.1;
 * no stream holds more than its window; nothing is left behind.
 */
#include "h2/h2_client.h"
#include "http/h1.h"
#include "fuzz/must.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define STREAMS 4
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

struct answer {
	struct h2_client_stream *s;
	struct h1 h1;
	char head[3 * LIMIT_HEAD_BYTES];
	size_t head_n;
	bool in_body, over;
	uint64_t digest;
	struct buf trailers;
};

static struct pool chunks;
static struct answer answers[STREAMS];

static void
mix(struct answer *a, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a->digest = (a->digest ^ (unsigned char)p[i]) * 1099511628211u;
}

static void
take_body(struct answer *a, struct slice in)
{
	struct slice data;

	while (!a->over) {
		switch (h1_body(&a->h1, &in, &data)) {
		case H1_DATA:
			mix(a, data.p, data.n);
			break;
		case H1_MORE:
			return;
		case H1_DONE:
			mix(a, "over", 4);
			mix(a, a->trailers.p, a->trailers.n);
			a->over = true;
			break;
		case H1_BAD:
			mix(a, "bad", 3);
			a->over = true;
			break;
		}
	}
}

static void
take_text(struct answer *a, struct slice in)
{
	while (in.n > 0 && !a->over) {
		size_t part = sizeof(a->head) - a->head_n, used;

		if (a->in_body) {
			take_body(a, in);
			return;
		}
		part = part < in.n ? part : in.n;
		memcpy(a->head + a->head_n, in.p, part);
		a->head_n += part;
		switch (h1_head(&a->h1, slice_of(a->head, a->head_n))) {
		case H1_MORE:
			MUST(part == in.n);
			return;
		case H1_DONE:
			break;
		case H1_DATA:
		case H1_BAD:
			a->over = true;
			return;
		}
		used = a->h1.head.n_bytes - (a->head_n - part);
		mix(a, a->head, a->h1.head.n_bytes);
		in = slice_from(in, used);
		a->in_body = a->h1.head.status >= 200;
		a->head_n = 0;
		if (a->in_body)
			a->h1.trailers = &a->trailers;
		else
			h1_reset(&a->h1);
	}
}

static void
take_events(struct h2_client *c, size_t step)
{
	struct h2_client_stream *s;
	char text[512];
	size_t n;

	while (h2_client_next(c, &s) != H2_CLIENT_NOTHING)
		MUST(s->owner >= (void *)answers && s->owner < (void *)(answers + STREAMS));
	for (int i = 0; i < STREAMS; i++) {
		MUST(answers[i].s->in.n <= LIMIT_ORIGIN_H2_RX_BYTES);
		while ((n = h2_client_read(answers[i].s, text, step)) > 0)
			take_text(&answers[i], slice_of(text, n));
	}
}

static void
drain(struct h2_client *c)
{
	static char out[H2_DRAIN_BYTES_MIN];
	int turns = 0;

	while (h2_client_drain(c, out, sizeof(out)) > 0)
		MUST(++turns < 1000);
}

static void
feed(const uint8_t *data, size_t n, size_t cut, size_t step, uint64_t digests[STREAMS])
{
	struct h2_client *c = h2_client_new(&chunks, true);

	MUST(c != NULL);
	drain(c);
	h2_client_feed(c, slice_of(SETTINGS, sizeof(SETTINGS) - 1));
	for (int i = 0; i < STREAMS; i++) {
		struct answer *a = &answers[i];

		a->head_n = 0;
		a->in_body = a->over = false;
		a->digest = 14695981039346656037u;
		h1_init(&a->h1, H1_RESPONSE);
		a->h1.inside = true;
		buf_init(&a->trailers, LIMIT_TRAILER_BYTES);
		MUST(h2_client_slots(c) > 0);
		a->s = h2_client_open(c, S("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), i % 2 == 0, a);
		MUST(a->s != NULL);
	}
	drain(c);
	for (size_t at = 0; at < n; at += cut) {
		h2_client_feed(c, slice_of(data + at, n - at < cut ? n - at : cut));
		take_events(c, step);
		drain(c);
	}
	h2_client_lose(c);
	take_events(c, step);
	for (int i = 0; i < STREAMS; i++) {
		digests[i] = answers[i].digest;
		h2_client_leave(answers[i].s);
		buf_fini(&answers[i].trailers);
	}
	h2_client_free(c);
	MUST(chunks.n_out == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint64_t whole[STREAMS], again[STREAMS];

	if (n < 2 || n > 100000)
		return 0;
	if (chunks.block_bytes == 0)
		pool_init(&chunks, 16384, 64, 4096);
	feed(data + 1, n - 1, n, 512, whole);
	feed(data + 1, n - 1, 1 + data[0] % 64, 1 + data[0] / 4, again);
	MUST(memcmp(whole, again, sizeof(whole)) == 0);
	return 0;
}
