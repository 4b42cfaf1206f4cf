/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a link by hand: frames are added and fed, frames that leave are taken one by one. */
#ifndef ADIT_TEST_TUNNEL_ONE_END_H
#define ADIT_TEST_TUNNEL_ONE_END_H

#pragma GCC diagnostic ignored "-Wunused-function" /* no test needs all of them */

#include "unit.h"

#include "tunnel/link.h"
#include "tunnel/opening.h"

#define NOW 5000000
#define GRANT 100000 /* credit that SYN frames of these tests give to the agent */

static struct slab streams;
static struct pool blocks;
static struct link l;
static int64_t now;
/* The bytes of a frame, or of several. */
static char raw[8 * 1024 * 1024];
static size_t raw_n;
static struct slice fed; /* what is left of those that are being fed */
static struct link_event ev;

static void
start_with(enum link_side side, size_t streams_max)
{
	struct link_params p = {
		.side = side,
		.rx_bytes_min = LIMIT_LINK_RX_BYTES_MIN,
		.rx_bytes_max = LIMIT_LINK_RX_BYTES_MAX,
		.streams_max = streams_max,
		.streams = &streams,
		.out_pool = &blocks,
	};

	slab_init(&streams, sizeof(struct stream), LIMIT_LINK_STREAMS);
	pool_init(&blocks, LINK_OUT_BLOCK_BYTES, 1, 1);
	now = NOW;
	check(link_init(&l, &p, now) == 0);
	raw_n = 0;
	fed.n = 0;
}

static void
start(enum link_side side)
{
	start_with(side, 8);
}

static void
stop(void)
{
	struct stream *s;

	while ((s = link_any_stream(&l)) != NULL)
		stream_free(s);
	EXPECT_INT(l.rx_promised, 0);
	EXPECT_INT(l.n_sending, 0);
	link_fini(&l);
	slab_fini(&streams);
	pool_fini(&blocks);
}

/* --- frames that come --- */

static void
add(unsigned type, unsigned flags, uint32_t stream, const void *payload, size_t n)
{
	struct frame f = { .length = (uint32_t)n,
		.type = (uint8_t)type,
		.flags = (uint8_t)flags,
		.stream = stream };

	check(raw_n + FRAME_HEADER_BYTES + n <= sizeof(raw));
	frame_encode(&f, raw + raw_n);
	if (n > 0)
		memcpy(raw + raw_n + FRAME_HEADER_BYTES, payload, n);
	raw_n += FRAME_HEADER_BYTES + n;
}

static void
add_u32(unsigned type, uint32_t stream, uint32_t v)
{
	char p[4];

	frame_put_u32(p, v);
	add(type, 0, stream, p, 4);
}

static size_t
syn_payload(char *p, uint32_t first, struct slice data)
{
	frame_put_u32(p, first);
	frame_put_u32(p + 4, GRANT);
	memcpy(p + 8, "\0\7opening", 9);
	memcpy(p + 17, data.p, data.n);
	return 17 + data.n;
}

static void
add_syn(uint32_t id, unsigned flags, struct slice data)
{
	char p[70000];

	add(FRAME_DATA, FRAME_SYN | flags, id, p,
	    syn_payload(p, LIMIT_STREAM_RX_BYTES_FIRST, data));
}

/* The next event of what was added. */
static enum link_what
next(void)
{
	if (raw_n > 0) {
		check(fed.n == 0 || l.dead != LINK_CODE_OK);
		fed = slice_of(raw, raw_n);
		raw_n = 0;
	}
	return link_feed(&l, &fed, &ev, now);
}

static struct stream *
opened(uint32_t id)
{
	struct stream *s;

	add_syn(id, 0, S(""));
	EXPECT_INT(next(), LINK_OPENED);
	s = ev.stream;
	EXPECT_INT(next(), LINK_NONE);
	check(s != NULL);
	return s;
}

/* --- frames that leave --- */

static struct frame out_frame;
static struct slice out_payload;

/* Takes the next frame from the output; false when there is none. */
static bool
out(void)
{
	static char payload[LIMIT_CONTROL_BYTES];
	struct slice s = link_out(&l);

	if (s.n == 0)
		return false;
	check(s.n >= FRAME_HEADER_BYTES);
	frame_decode(s.p, &out_frame);
	check(s.n >= FRAME_HEADER_BYTES + out_frame.length);
	memcpy(payload, s.p + FRAME_HEADER_BYTES, out_frame.length);
	out_payload = slice_of(payload, out_frame.length);
	link_out_done(&l, FRAME_HEADER_BYTES + out_frame.length, now);
	return true;
}

/* PINGs that a link sends on its own are looked at by their own tests. */
static bool
out_but_ping(void)
{
	while (out())
		if (out_frame.type != FRAME_PING || (out_frame.flags & FRAME_ACK) != 0)
			return true;
	return false;
}

static void
expect_out(unsigned type, uint32_t stream, uint32_t first_word)
{
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, type);
	EXPECT_INT(out_frame.stream, stream);
	EXPECT_INT(out_payload.n >= 4 ? frame_u32(out_payload.p) : 0, first_word);
}

/* The fed frames break the protocol: an event with the code, a GOAWAY with it, nothing more. */
static void
expect_bad(enum link_code code)
{
	enum link_what what;

	while ((what = next()) != LINK_NONE && what != LINK_BAD)
		;
	EXPECT_INT(what, LINK_BAD);
	EXPECT_INT(ev.code, code);
	EXPECT_INT(l.dead, code);
	while (out_but_ping() && out_frame.type != FRAME_GOAWAY)
		;
	EXPECT_INT(out_frame.type, FRAME_GOAWAY);
	EXPECT_INT(frame_u32(out_payload.p + 4), code);
	add_syn(1, 0, S("late"));
	EXPECT_INT(next(), LINK_NONE);
	EXPECT_INT(fed.n, 0);
	EXPECT_INT(link_tick(&l, now), -1);
	stop();
}

static size_t
put_opening(char *p)
{
	memcpy(p, "\0\4open", 6);
	return 6;
}

/* Opens a stream of the edge with its first commit. */
static struct stream *
edge_opened(size_t n, bool fin)
{
	struct stream *s = stream_open(&l, NULL);
	char *p;

	check(s != NULL);
	EXPECT(stream_grant(s, &p) >= 6 + n);
	memset(p + put_opening(p), 'x', n);
	stream_commit(s, 6, n, fin);
	return s;
}

static void
commit(struct stream *s, size_t n, bool fin)
{
	char *p;

	EXPECT(stream_grant(s, &p) >= n);
	memset(p, 'y', n);
	stream_commit(s, 0, n, fin);
}

#endif
