/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a stranger, fed to both sides of a link.  The first byte says how
 * the input is cut and what the owners do.  Whole or cut, the same events must
 * come out; promises stay below the ceiling; nothing is left behind.
 */
#include "base/check.h"
#include "tunnel/hello.h"
#include "tunnel/link.h"
#include "tunnel/opening.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define EDGE_STREAMS 4
#define STREAMS_MAX 8

struct owner {
	struct slab streams;
	struct pool blocks;
	struct link link;
	uint64_t digest;
	uint8_t mood; /* what owners do: eat, reset, free */
	uint64_t n_opened;
};

static void
mix(struct owner *o, uint64_t v)
{
	o->digest = (o->digest ^ v) * 1099511628211u;
}

static void
open_streams(struct owner *o)
{
	for (int i = 0; i < EDGE_STREAMS; i++) {
		struct stream *s = stream_open(&o->link, NULL);
		char *p;

		check(s != NULL && stream_grant(s, &p) > 100);
		memcpy(p, "\0\4open", 6);
		stream_commit(s, 6, (size_t)i * 10, i == 0);
	}
}

static void
owner_init(struct owner *o, enum link_side side, uint8_t mood)
{
	struct link_params p = {
		.side = side,
		.rx_bytes_min = 1 << 18,
		.rx_bytes_max = 1 << 20,
		.streams_max = STREAMS_MAX,
		.streams = &o->streams,
		.out_pool = &o->blocks,
	};

	*o = (struct owner){ .mood = mood, .digest = 14695981039346656037u };
	slab_init(&o->streams, sizeof(struct stream), STREAMS_MAX);
	pool_init(&o->blocks, LINK_OUT_BLOCK_BYTES, 1, 1);
	check(link_init(&o->link, &p, 1000) == 0);
	if (side == LINK_EDGE)
		open_streams(o);
}

/* Sends as much as there is room for, and takes it all: what leaves are whole frames. */
static void
drain(struct owner *o)
{
	struct slice out;
	struct frame f;

	while ((out = link_out(&o->link)).n > 0) {
		size_t all = out.n;

		while (out.n > 0) {
			check(out.n >= FRAME_HEADER_BYTES);
			frame_decode(out.p, &f);
			check(f.length <= out.n - FRAME_HEADER_BYTES);
			out = slice_from(out, FRAME_HEADER_BYTES + f.length);
		}
		link_out_done(&o->link, all, 2000);
	}
}

static void
owner_fini(struct owner *o)
{
	struct stream *s;
	int turns = 0;

	while ((s = link_turn(&o->link)) != NULL && turns++ < 100) {
		struct iovec more[8];
		char *p;
		size_t cap = stream_grant(s, &p);
		int n = stream_grant_more(s, more, 8);

		memset(p, 0, cap);
		for (int i = 0; i < n; i++) {
			memset(more[i].iov_base, 0, more[i].iov_len);
			cap += more[i].iov_len;
		}
		if (turns % 3 == 0 && n == 0 && cap > 0)
			stream_commit_trailers(s, cap < 40 ? cap : 40);
		else
			stream_commit(s, 0, cap, (turns & 1) != 0);
	}
	drain(o);
	(void)!link_tick(&o->link, 20000000);
	while ((s = link_any_stream(&o->link)) != NULL)
		stream_free(s);
	drain(o);
	check(o->link.rx_promised == 0 && o->link.rx_lent == 0 && o->link.n_sending == 0);
	link_fini(&o->link);
	slab_fini(&o->streams);
	pool_fini(&o->blocks);
}

static void
on_opened(struct owner *o, struct link_event *ev)
{
	struct opening opening;

	o->n_opened++;
	if (opening_decode(ev->bytes, &opening))
		mix(o, opening.tunnel);
	if ((o->mood & 1) && o->n_opened % 3 == 0) {
		stream_reset(ev->stream, LINK_CODE_NO_TUNNEL);
		if (o->n_opened % 2 == 0)
			stream_free(ev->stream);
		return;
	}
	stream_want(ev->stream);
}

static void
on_event(struct owner *o, struct link_event *ev)
{
	static struct hello hello;
	const char *why;

	if (ev->what != LINK_DATA)
		mix(o, (uint64_t)ev->what << 32 | ev->code);
	for (size_t i = 0; i < ev->bytes.n; i++)
		mix(o, (unsigned char)ev->bytes.p[i]);
	switch (ev->what) {
	case LINK_OPENED:
		on_opened(o, ev);
		break;
	case LINK_DATA:
		if (ev->fin)
			mix(o, 77);
		if (o->mood & 2)
			stream_eaten(ev->stream, ev->bytes.n, 1000);
		if ((o->mood & 4) && ev->fin)
			stream_free(ev->stream);
		break;
	case LINK_TRAILERS:
		mix(o, 78);
		if (o->mood & 2)
			stream_eaten(ev->stream, ev->bytes.n, 1000);
		if (o->mood & 4)
			stream_free(ev->stream);
		break;
	case LINK_RESET:
		stream_free(ev->stream);
		break;
	case LINK_CONTROL:
		(void)!hello_decode(ev->bytes, &hello, &why);
		hello_wipe(&hello);
		break;
	default:
		break;
	}
}

static uint64_t
feed(enum link_side side, uint8_t mood, const uint8_t *data, size_t n, size_t cut)
{
	struct owner o;
	struct link_event ev;

	owner_init(&o, side, mood);
	for (size_t at = 0; at < n; at += cut) {
		size_t part = n - at < cut ? n - at : cut;
		/* A copy of its own, so that reading past its end is seen. */
		char *copy = malloc(part);
		struct slice in = slice_of(copy, part);

		check(copy != NULL);
		memcpy(copy, data + at, part);
		while (link_feed(&o.link, &in, &ev, 1000) != LINK_NONE) {
			on_event(&o, &ev);
			check(o.link.rx_promised <= link_rx_ceiling(&o.link.params));
		}
		check(in.n == 0);
		free(copy);
	}
	owner_fini(&o);
	return o.digest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t cut;

	if (n < 2)
		return 0;
	cut = 1 + data[0] / 8;
	for (int side = 0; side < 2; side++) {
		uint64_t whole = feed((enum link_side)side, data[0], data + 1, n - 1, n);

		check(feed((enum link_side)side, data[0], data + 1, n - 1, cut) == whole);
		if (n < 512)
			check(feed((enum link_side)side, data[0], data + 1, n - 1, 1) == whole);
	}
	return 0;
}
