/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a link, frame by frame: what it takes, what it refuses and with which code, and how
 * its output looks. */
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

/* --- receiving --- */

TEST(syn_opens_and_may_carry_data)
{
	start(LINK_AGENT);
	add_syn(1, 0, S("hello"));
	EXPECT_INT(next(), LINK_OPENED);
	EXPECT_SLICE(ev.bytes, S("opening"));
	EXPECT_INT(ev.stream->id, 1);
	EXPECT_INT(stream_credit(ev.stream), GRANT);
	EXPECT_INT(next(), LINK_DATA);
	EXPECT_SLICE(ev.bytes, S("hello"));
	EXPECT(!ev.fin && !ev.stream->rx_ended);
	EXPECT_INT(next(), LINK_NONE);
	stop();
}

TEST(syn_with_fin_and_nothing_else)
{
	start(LINK_AGENT);
	add_syn(1, FRAME_FIN, S(""));
	EXPECT_INT(next(), LINK_OPENED);
	EXPECT_INT(next(), LINK_DATA);
	EXPECT_INT(ev.bytes.n, 0);
	EXPECT(ev.fin && ev.stream->rx_ended && !ev.stream->tx_ended);
	EXPECT_INT(next(), LINK_NONE);
	stop();
}

TEST(data_is_told_as_it_comes)
{
	struct stream *s;
	char whole[64];
	size_t n;

	start(LINK_AGENT);
	s = opened(1);
	add(FRAME_DATA, FRAME_FIN, 1, "0123456789", 10);
	n = raw_n;
	memcpy(whole, raw, n);
	raw_n = 0;
	for (size_t i = 0; i < n; i++) {
		fed = slice_of(whole + i, 1);
		if (i < FRAME_HEADER_BYTES) {
			EXPECT_INT(next(), LINK_NONE);
			continue;
		}
		EXPECT_INT(next(), LINK_DATA);
		EXPECT(ev.stream == s && ev.bytes.n == 1 && ev.bytes.p == whole + i);
		EXPECT_INT(ev.fin, i == n - 1);
		EXPECT_INT(next(), LINK_NONE);
	}
	EXPECT(s->rx_ended);
	EXPECT_INT(s->rx_held, 10);
	stop();
}

/* Openings and control messages come whole, however they are cut, with the same events. */
TEST(gathered_payloads_are_whole)
{
	char whole[256], p[64];
	size_t n;

	start(LINK_AGENT);
	add(FRAME_CONTROL, 0, 0, "{\"type\":\"x\"}", 12);
	add(FRAME_DATA, FRAME_SYN, 1, p, syn_payload(p, 1000, S("abc")));
	n = raw_n;
	memcpy(whole, raw, n);
	stop();
	for (size_t cut = 1; cut < n; cut++) {
		int events = 0;

		start(LINK_AGENT);
		for (size_t at = 0; at < n; at += cut) {
			fed = slice_of(whole + at, n - at < cut ? n - at : cut);
			while (next() != LINK_NONE) {
				if (ev.what == LINK_CONTROL)
					EXPECT_SLICE(ev.bytes, S("{\"type\":\"x\"}"));
				if (ev.what == LINK_OPENED)
					EXPECT_SLICE(ev.bytes, S("opening"));
				events += ev.what == LINK_CONTROL || ev.what == LINK_OPENED;
			}
		}
		EXPECT_INT(events, 2);
		EXPECT_INT(link_any_stream(&l)->rx_held, 3);
		EXPECT(l.gather == NULL || l.gathered);
		stop();
	}
}

/* A header that promises a large message costs nothing until it comes. */
TEST(gathering_costs_what_has_come)
{
	char large[LIMIT_CONTROL_BYTES] = { 0 };

	start(LINK_EDGE);
	add(FRAME_CONTROL, 0, 0, large, sizeof(large));
	fed = slice_of(raw, FRAME_HEADER_BYTES + 10);
	raw_n = 0;
	EXPECT_INT(next(), LINK_NONE);
	EXPECT_INT(fed.n, 0);
	EXPECT(l.gather_cap <= 1024);
	stop();
}

TEST(half_close_both_ways)
{
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	add(FRAME_DATA, FRAME_FIN, 1, "x", 1);
	EXPECT_INT(next(), LINK_DATA);
	EXPECT(ev.fin);
	commit(s, 3, false);
	commit(s, 3, true);
	EXPECT(s->tx_ended);
	stream_free(s); /* both have ended: no RST */
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.flags, 0);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.flags, FRAME_FIN);
	EXPECT(!out_but_ping());
	stop();
}

TEST(reset_ends_both_ways)
{
	struct stream *s;
	char *p;

	start(LINK_AGENT);
	s = opened(1);
	stream_want(s);
	add_u32(FRAME_RST, 1, LINK_CODE_CANCELLED);
	EXPECT_INT(next(), LINK_RESET);
	EXPECT(ev.stream == s && ev.code == LINK_CODE_CANCELLED);
	EXPECT(s->rx_ended && s->tx_ended);
	EXPECT(link_turn(&l) == NULL);
	EXPECT_INT(stream_grant(s, &p), 0);
	stream_free(s);
	EXPECT(!out_but_ping());
	stop();
}

/* Late frames of a stream that has gone are swallowed; they never reach its successor (S-03). */
TEST(s03_late_frames_of_an_old_stream)
{
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	stream_reset(s, LINK_CODE_ORIGIN_BROKE);
	add(FRAME_DATA, 0, 1, "between reset and free", 22);
	EXPECT_INT(next(), LINK_NONE);
	stream_free(s);
	s = opened(2);
	add(FRAME_DATA, 0, 1, "old", 3);
	add_u32(FRAME_WINDOW, 1, 500);
	add(FRAME_DATA, FRAME_FIN, 1, "old", 3);
	add_u32(FRAME_RST, 1, 0);
	add(FRAME_DATA, 0, 2, "new", 3);
	EXPECT_INT(next(), LINK_DATA);
	EXPECT(ev.stream == s);
	EXPECT_SLICE(ev.bytes, S("new"));
	EXPECT_INT(next(), LINK_NONE);
	EXPECT_INT(stream_credit(s), GRANT);
	expect_out(FRAME_RST, 1, LINK_CODE_ORIGIN_BROKE);
	stop();
}

/* The owner may give the stream up in the middle of a frame. */
TEST(freed_within_a_frame)
{
	start(LINK_AGENT);
	add_syn(1, FRAME_FIN, S("0123456789"));
	add_syn(2, 0, S(""));
	fed = slice_of(raw, 30);
	raw_n = 0;
	EXPECT_INT(next(), LINK_OPENED);
	EXPECT_INT(next(), LINK_DATA);
	stream_free(ev.stream);
	fed = slice_of(raw + 30, 17 + 10 + 8 - 30 + 8 + 17);
	EXPECT_INT(next(), LINK_OPENED);
	EXPECT_INT(ev.stream->id, 2);
	EXPECT_INT(next(), LINK_NONE);
	expect_out(FRAME_RST, 1, LINK_CODE_CANCELLED);
	stop();
}

TEST(streams_beyond_the_limit_are_refused)
{
	start_with(LINK_AGENT, 2);
	opened(1);
	opened(2);
	add_syn(3, 0, S("data"));
	EXPECT_INT(next(), LINK_NONE);
	expect_out(FRAME_RST, 3, LINK_CODE_TOO_MANY);
	add(FRAME_DATA, 0, 3, "more", 4);
	EXPECT_INT(next(), LINK_NONE);
	stream_free(link_any_stream(&l));
	opened(4);
	stop();
}

TEST(opens_up_to_the_limit)
{
	start_with(LINK_EDGE, 2);
	edge_opened(0, true);
	EXPECT(stream_open(&l, NULL) != NULL);
	EXPECT(stream_open(&l, NULL) == NULL);
	stop();
}

TEST(ping_is_answered)
{
	start(LINK_AGENT);
	add(FRAME_PING, 0, 0, "12345678", 8);
	EXPECT_INT(next(), LINK_NONE);
	EXPECT(out());
	EXPECT_INT(out_frame.type, FRAME_PING);
	EXPECT_INT(out_frame.flags, FRAME_ACK);
	EXPECT_SLICE(out_payload, S("12345678"));
	stop();
}

TEST(pong_measures_from_the_write)
{
	char opaque[8];

	start(LINK_EDGE);
	link_probe(&l, now);
	now += 300000; /* it waited for the socket */
	EXPECT(out());
	EXPECT_INT(out_frame.type, FRAME_PING);
	memcpy(opaque, out_payload.p, 8);
	now += 40000;
	add(FRAME_PING, FRAME_ACK, 0, "whatever", 8);
	EXPECT_INT(next(), LINK_NONE);
	add(FRAME_PING, FRAME_ACK, 0, opaque, 8);
	EXPECT_INT(next(), LINK_PONG);
	EXPECT_INT(ev.rtt_us, 40000);
	add(FRAME_PING, FRAME_ACK, 0, opaque, 8);
	EXPECT_INT(next(), LINK_NONE);
	stop();
}

TEST(goaway_stops_opening)
{
	char p[12];

	start(LINK_EDGE);
	edge_opened(0, false);
	frame_put_u32(p, 1);
	frame_put_u32(p + 4, LINK_CODE_SHUTDOWN);
	frame_put_u32(p + 8, 2500);
	add(FRAME_GOAWAY, 0, 0, p, 12);
	EXPECT_INT(next(), LINK_GOAWAY);
	EXPECT_INT(ev.code, LINK_CODE_SHUTDOWN);
	EXPECT_INT(ev.retry_ms, 2500);
	EXPECT(stream_open(&l, NULL) == NULL);
	add(FRAME_DATA, FRAME_FIN, 1, "answer", 6);
	EXPECT_INT(next(), LINK_DATA);
	stop();
}

TEST(goaway_refuses_later_streams)
{
	start(LINK_AGENT);
	opened(1);
	link_goaway(&l, LINK_CODE_SHUTDOWN, 1000);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_GOAWAY);
	EXPECT_INT(frame_u32(out_payload.p), 1);
	EXPECT_INT(frame_u32(out_payload.p + 4), LINK_CODE_SHUTDOWN);
	EXPECT_INT(frame_u32(out_payload.p + 8), 1000);
	add_syn(2, 0, S(""));
	EXPECT_INT(next(), LINK_NONE);
	expect_out(FRAME_RST, 2, LINK_CODE_SHUTDOWN);
	stop();
}

TEST(unknown_types_are_skipped)
{
	start(LINK_AGENT);
	for (unsigned type = 6; type < 16; type++)
		add(type, 15, 77, "something of the future", 23);
	add_syn(1, 0, S(""));
	EXPECT_INT(next(), LINK_OPENED);
	stop();
}

/* --- receiving: what is refused --- */

static void
bad_frame(enum link_side side, unsigned type, unsigned flags, uint32_t stream, size_t n,
    enum link_code code)
{
	static char zero[LIMIT_CONTROL_BYTES + 1];

	start(side);
	add(type, flags, stream, zero, n);
	expect_bad(code);
}

TEST(lengths_and_numbers_are_judged)
{
	const enum link_code bad = LINK_CODE_PROTOCOL;

	for (size_t n = 0; n <= 5; n++) {
		if (n != 4) {
			bad_frame(LINK_EDGE, FRAME_RST, 0, 1, n, bad);
			bad_frame(LINK_EDGE, FRAME_WINDOW, 0, 1, n, bad);
		}
	}
	bad_frame(LINK_EDGE, FRAME_RST, 0, 0, 4, bad);
	bad_frame(LINK_EDGE, FRAME_WINDOW, 0, 0, 4, bad);
	bad_frame(LINK_EDGE, FRAME_PING, 0, 0, 7, bad);
	bad_frame(LINK_EDGE, FRAME_PING, 0, 1, 8, bad);
	bad_frame(LINK_EDGE, FRAME_PING, 2, 0, 8, bad);
	bad_frame(LINK_EDGE, FRAME_GOAWAY, 0, 0, 11, bad);
	bad_frame(LINK_EDGE, FRAME_GOAWAY, 0, 1, 12, bad);
	bad_frame(LINK_EDGE, FRAME_GOAWAY, 1, 0, 12, bad);
	bad_frame(LINK_EDGE, FRAME_CONTROL, 0, 0, 0, bad);
	bad_frame(LINK_EDGE, FRAME_CONTROL, 0, 1, 5, bad);
	bad_frame(LINK_EDGE, FRAME_CONTROL, 1, 0, 5, bad);
	bad_frame(LINK_EDGE, FRAME_CONTROL, 0, 0, LIMIT_CONTROL_BYTES + 1, bad);
	bad_frame(LINK_EDGE, FRAME_DATA, 0, 0, 5, bad);
	bad_frame(LINK_EDGE, FRAME_DATA, 4, 1, 5, bad);
	bad_frame(LINK_EDGE, FRAME_DATA, 0, 1, LIMIT_DATA_FRAME_BYTES + 1, bad);
	bad_frame(LINK_EDGE, 6, 0, 0, LIMIT_CONTROL_BYTES + 1, bad);
}

TEST(numbers_never_used_are_refused)
{
	const enum link_code bad = LINK_CODE_PROTOCOL;

	bad_frame(LINK_EDGE, FRAME_DATA, 0, 1, 5, bad);
	bad_frame(LINK_EDGE, FRAME_RST, 0, 1, 4, bad);
	bad_frame(LINK_AGENT, FRAME_DATA, 0, 0xffffffff, 5, bad);
	start(LINK_AGENT);
	opened(1);
	add_u32(FRAME_WINDOW, 2, 100);
	expect_bad(bad);
}

TEST(window_is_judged)
{
	start(LINK_AGENT);
	opened(1);
	add_u32(FRAME_WINDOW, 1, 0);
	expect_bad(LINK_CODE_PROTOCOL);
	start(LINK_AGENT);
	opened(1);
	add_u32(FRAME_WINDOW, 1, 0x80000000);
	expect_bad(LINK_CODE_PROTOCOL);
	start(LINK_AGENT);
	opened(1);
	add_u32(FRAME_WINDOW, 1, INT32_MAX - GRANT);
	EXPECT_INT(next(), LINK_NONE);
	EXPECT_INT(stream_credit(link_any_stream(&l)), INT32_MAX);
	add_u32(FRAME_WINDOW, 1, 1);
	expect_bad(LINK_CODE_FLOW);
}

TEST(syn_is_judged)
{
	char p[32];

	/* not from the agent */
	start(LINK_EDGE);
	add_syn(1, 0, S(""));
	expect_bad(LINK_CODE_PROTOCOL);
	/* not twice, not backwards, not ahead */
	for (uint32_t id = 0; id < 6; id++) {
		if (id == 4)
			continue;
		start(LINK_AGENT);
		opened(1);
		stream_free(opened(2));
		opened(3);
		add_syn(id, 0, S(""));
		expect_bad(LINK_CODE_PROTOCOL);
	}
	/* with an opening, within the frame */
	for (size_t n = 0; n < 17; n++) {
		start(LINK_AGENT);
		syn_payload(p, 100, S(""));
		add(FRAME_DATA, FRAME_SYN, 1, p, n);
		expect_bad(LINK_CODE_PROTOCOL);
	}
	start(LINK_AGENT);
	syn_payload(p, 100, S(""));
	p[9] = 0;
	add(FRAME_DATA, FRAME_SYN, 1, p, 17);
	expect_bad(LINK_CODE_PROTOCOL);
}

TEST(opening_of_every_length)
{
	char p[8 + 2 + 2000] = { 0 };

	for (size_t n = LIMIT_OPENING_BYTES - 1; n <= LIMIT_OPENING_BYTES + 1; n++) {
		start(LINK_AGENT);
		p[8] = (char)(n >> 8);
		p[9] = (char)n;
		add(FRAME_DATA, FRAME_SYN, 1, p, 10 + n);
		if (n > LIMIT_OPENING_BYTES) {
			expect_bad(LINK_CODE_PROTOCOL);
			continue;
		}
		EXPECT_INT(next(), LINK_OPENED);
		EXPECT_INT(ev.bytes.n, n);
		stop();
	}
}

TEST(credit_is_enforced)
{
	static char data[LIMIT_DATA_FRAME_BYTES];
	char p[64];

	/* the credit that the SYN takes for granted, to the byte */
	for (uint32_t over = 0; over < 2; over++) {
		start(LINK_AGENT);
		opened(1);
		for (int i = 0; i < 4; i++)
			add(FRAME_DATA, 0, 1, data, LIMIT_DATA_FRAME_BYTES);
		if (over)
			add(FRAME_DATA, 0, 1, data, 1);
		if (over) {
			expect_bad(LINK_CODE_FLOW);
			continue;
		}
		while (next() != LINK_NONE)
			EXPECT_INT(ev.what, LINK_DATA);
		EXPECT_INT(link_any_stream(&l)->rx_credit, 0);
		stop();
	}
	/* of the SYN itself */
	start(LINK_AGENT);
	add(FRAME_DATA, FRAME_SYN, 1, p, syn_payload(p, 4, S("12345")));
	expect_bad(LINK_CODE_FLOW);
	/* no more than anybody may take for granted */
	start(LINK_AGENT);
	add(FRAME_DATA, FRAME_SYN, 1, p, syn_payload(p, LIMIT_STREAM_RX_BYTES_FIRST + 1, S("")));
	expect_bad(LINK_CODE_FLOW);
}

TEST(data_after_fin_is_refused)
{
	start(LINK_AGENT);
	opened(1);
	add(FRAME_DATA, FRAME_FIN, 1, "x", 1);
	EXPECT_INT(next(), LINK_DATA);
	add(FRAME_DATA, 0, 1, "y", 1);
	expect_bad(LINK_CODE_PROTOCOL);
}

/* The ceiling of all windows holds against an edge that opens stream after stream with full credit.
 */
TEST(promises_end_at_the_ceiling)
{
	size_t ceiling;
	int refused = 0;

	start_with(LINK_AGENT, 1000);
	l.params.rx_bytes_min = l.params.rx_bytes_max = 1024 * 1024;
	ceiling = link_rx_ceiling(&l.params);
	for (uint32_t id = 1; id <= 1000; id++) {
		add_syn(id, 0, S(""));
		while (next() != LINK_NONE)
			;
		EXPECT(l.rx_promised <= ceiling);
		while (out_but_ping())
			refused += out_frame.type == FRAME_RST;
	}
	EXPECT_INT(link_n_streams(&l), ceiling / LIMIT_STREAM_RX_BYTES_FIRST);
	EXPECT_INT(refused, 1000 - ceiling / LIMIT_STREAM_RX_BYTES_FIRST);
	EXPECT_INT(l.dead, LINK_CODE_OK);
	stop();
	EXPECT_INT(LIMIT_LINK_RX_BYTES_ALL,
	    LIMIT_LINK_RX_BYTES_MAX + LIMIT_LINK_STREAMS * LIMIT_STREAM_RX_BYTES_MIN);
}

/* --- floods --- */

/* How many of the frame are taken before the link is given up; the other side reads nothing
 * meanwhile. */
static long
flood(unsigned type, unsigned flags, uint32_t stream, const char *payload, size_t n, long most,
    int64_t pause_us)
{
	long i;

	start(LINK_AGENT);
	opened(1);
	stream_free(opened(2));
	while (link_out(&l).n > 0)
		link_out_done(&l, link_out(&l).n, now);
	for (i = 0; i < most; i++) {
		enum link_what what;

		add(type, flags, stream, payload, n);
		now += pause_us;
		while ((what = next()) != LINK_NONE && what != LINK_BAD)
			;
		if (what == LINK_BAD)
			break;
		if (pause_us > 0 && link_out(&l).n > 0)
			link_out_done(&l, link_out(&l).n, now);
	}
	EXPECT(l.ctl_cap <= LIMIT_LINK_CTL_BYTES);
	if (i < most)
		EXPECT(l.dead == LINK_CODE_PROTOCOL || l.dead == LINK_CODE_BUSY ||
		       l.dead == LINK_CODE_FLOW);
	stop();
	return i;
}

/* Floods of frames that move nothing end soon; the same frames at an ordinary pace never do (S-17).
 */
TEST(s17_floods_end_the_link)
{
	const char *goaway = "\0\0\0\0\0\0\0\0\0\0\0\0";

	EXPECT(flood(FRAME_PING, 0, 0, "12345678", 8, 100000, 0) < 1000);
	EXPECT(flood(FRAME_PING, FRAME_ACK, 0, "12345678", 8, 100000, 0) < 10000);
	EXPECT(flood(FRAME_RST, 0, 2, "\0\0\0\0", 4, 100000, 0) < 10000);
	EXPECT(flood(FRAME_WINDOW, 0, 2, "\0\1\0\0", 4, 100000, 0) < 10000);
	EXPECT(flood(FRAME_WINDOW, 0, 1, "\0\0\0\1", 4, 100000, 0) < 10000);
	EXPECT(flood(FRAME_WINDOW, 0, 1, "\0\1\0\0", 4, 100000, 0) < 33000);
	EXPECT(flood(FRAME_DATA, 0, 1, "", 0, 100000, 0) < 10000);
	EXPECT(flood(FRAME_DATA, 0, 2, "", 0, 100000, 0) < 10000);
	EXPECT(flood(FRAME_CONTROL, 0, 0, "{}", 2, 100000, 0) < 200);
	EXPECT(flood(FRAME_GOAWAY, 0, 0, goaway, 12, 100000, 0) < 200);
	EXPECT(flood(9, 0, 0, "", 0, 100000, 0) < 10000);
	EXPECT_INT(flood(FRAME_PING, 0, 0, "12345678", 8, 20000, 1000000), 20000);
	EXPECT_INT(flood(FRAME_RST, 0, 2, "\0\0\0\0", 4, 20000, 2000), 20000);
	EXPECT_INT(flood(FRAME_CONTROL, 0, 0, "{}", 2, 2000, 1000000), 2000);
}

/* Streams that are opened and reset at once, by an edge that reads no answer: bounded by the
 * control queue. */
TEST(s17_refusals_are_bounded)
{
	uint32_t id;
	enum link_what what = LINK_NONE;

	start_with(LINK_AGENT, 1);
	opened(1);
	for (id = 2; id < 100000 && what != LINK_BAD; id++) {
		add_syn(id, 0, S(""));
		add_u32(FRAME_RST, id, LINK_CODE_CANCELLED);
		while ((what = next()) != LINK_NONE && what != LINK_BAD)
			;
	}
	EXPECT_INT(what, LINK_BAD);
	EXPECT_INT(ev.code, LINK_CODE_BUSY);
	EXPECT(id < 30000);
	EXPECT(l.ctl_cap <= LIMIT_LINK_CTL_BYTES);
	stop();
}

/* A busy link's late frames are ordinary: many short streams, each with some. */
TEST(late_frames_of_many_streams_are_forgiven)
{
	start(LINK_AGENT);
	for (uint32_t id = 1; id <= 50000; id++) {
		add_syn(id, FRAME_FIN, S("x"));
		EXPECT_INT(next(), LINK_OPENED);
		stream_reset(ev.stream, LINK_CODE_ORIGIN_REFUSED);
		stream_free(ev.stream);
		EXPECT_INT(next(), LINK_NONE);
		add_u32(FRAME_RST, id, LINK_CODE_CANCELLED);
		add_u32(FRAME_WINDOW, id, 20000);
		EXPECT_INT(next(), LINK_NONE);
		while (out())
			;
	}
	EXPECT_INT(l.dead, LINK_CODE_OK);
	stop();
}

/* --- numbers --- */

TEST(numbers_wrap_and_pass_over_the_living)
{
	struct stream *old;

	start(LINK_EDGE);
	old = edge_opened(0, true); /* number 1 lives on */
	l.last_id = 0xfffffffe;
	l.n_ids = INT32_MAX;
	EXPECT_INT(edge_opened(0, true)->id, 0xffffffff);
	EXPECT_INT(edge_opened(0, true)->id, 2);
	EXPECT_INT(old->id, 1);
	stop();
	start(LINK_AGENT);
	opened(1);
	l.last_id = 0xfffffffe;
	l.n_ids = INT32_MAX;
	stream_free(opened(0xffffffff));
	EXPECT_INT(opened(2)->link->last_id, 2);
	add(FRAME_DATA, 0, 0xffffffff, "late", 4);
	EXPECT_INT(next(), LINK_NONE);
	add(FRAME_DATA, 0, 3, "early", 5);
	expect_bad(LINK_CODE_PROTOCOL);
}

TEST(numbers_come_with_the_first_commit)
{
	struct stream *a, *b;

	start(LINK_EDGE);
	a = stream_open(&l, NULL);
	b = edge_opened(3, false);
	EXPECT_INT(a->id, 0);
	EXPECT_INT(b->id, 1);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.stream, 1);
	stream_free(a); /* nobody heard of it */
	EXPECT(!out_but_ping());
	stop();
}

/* --- sending --- */

TEST(syn_says_what_is_granted)
{
	struct stream *s;

	start(LINK_EDGE);
	s = edge_opened(5, true);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_DATA);
	EXPECT_INT(out_frame.flags, FRAME_SYN | FRAME_FIN);
	EXPECT_INT(out_frame.length, 8 + 6 + 5);
	EXPECT_INT(frame_u32(out_payload.p), LIMIT_STREAM_RX_BYTES_FIRST);
	EXPECT_INT(frame_u32(out_payload.p + 4), LIMIT_STREAM_RX_BYTES_INIT);
	EXPECT_SLICE(slice_from(out_payload, 10), S("openxxxxx"));
	EXPECT_INT(s->rx_credit, LIMIT_STREAM_RX_BYTES_INIT);
	stop();
}

/* Many streams that may still send begin with less: what stalled origins cost is bounded. */
TEST(first_credit_depends_on_how_many_send)
{
	start_with(LINK_EDGE, 1000);
	for (int i = 0; i < LIMIT_STREAMS_RX_FIRST; i++)
		EXPECT_INT(edge_opened(0, false)->tx_credit, LIMIT_STREAM_RX_BYTES_FIRST);
	EXPECT_INT(edge_opened(0, false)->tx_credit, LIMIT_STREAM_RX_BYTES_MIN);
	stream_free(link_any_stream(&l));
	EXPECT_INT(edge_opened(0, true)->tx_credit, LIMIT_STREAM_RX_BYTES_MIN);
	stream_free(link_any_stream(&l));
	EXPECT_INT(edge_opened(0, true)->tx_credit, LIMIT_STREAM_RX_BYTES_FIRST);
	stop();
}

TEST(grant_fits_the_credit)
{
	struct stream *s;
	char *p;

	start(LINK_EDGE);
	s = stream_open(&l, NULL);
	EXPECT_INT(stream_grant(s, &p), LIMIT_DATA_FRAME_BYTES + LIMIT_OPENING_BYTES + 2);
	stream_commit(s, put_opening(p), 100, false);
	EXPECT_INT(stream_credit(s), LIMIT_STREAM_RX_BYTES_FIRST - 100);
	for (int i = 0; i < 3; i++)
		commit(s, LIMIT_DATA_FRAME_BYTES, false);
	EXPECT_INT(stream_grant(s, &p), LIMIT_DATA_FRAME_BYTES - 100);
	stream_commit(s, 0, LIMIT_DATA_FRAME_BYTES - 100, false);
	EXPECT_INT(stream_credit(s), 0);
	stop();
}

TEST(commit_of_nothing_writes_nothing)
{
	struct stream *s;
	char *p;

	start(LINK_AGENT);
	s = opened(1);
	stream_want(s);
	EXPECT(link_turn(&l) == s);
	EXPECT(stream_grant(s, &p) > 0);
	stream_commit(s, 0, 0, false);
	while (out())
		EXPECT_INT(out_frame.type, FRAME_PING);
	EXPECT(l.out == NULL && blocks.n_out == 0);
	stop();
}

TEST(fin_needs_no_credit)
{
	struct stream *s;
	char *p;

	start(LINK_AGENT);
	s = opened(1);
	s->tx_credit = 0;
	EXPECT_INT(stream_grant(s, &p), 0);
	stream_commit(s, 0, 0, true);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.flags, FRAME_FIN);
	stop();
}

TEST(blocked_until_window)
{
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	commit(s, GRANT % LIMIT_DATA_FRAME_BYTES, false);
	for (int i = 0; i < GRANT / LIMIT_DATA_FRAME_BYTES; i++) {
		while (out())
			;
		commit(s, LIMIT_DATA_FRAME_BYTES, false);
	}
	stream_want(s);
	EXPECT(link_turn(&l) == NULL);
	while (out())
		;
	EXPECT(link_turn(&l) == NULL);
	add_u32(FRAME_WINDOW, 1, 9000);
	EXPECT_INT(next(), LINK_NONE);
	EXPECT(link_turn(&l) == s);
	EXPECT_INT(stream_credit(s), 9000);
	EXPECT(link_turn(&l) == NULL);
	stop();
}

TEST(full_output_ends_the_turns)
{
	struct stream *s;
	size_t n = 0;

	start(LINK_AGENT);
	s = opened(1);
	s->tx_credit = 10 * LIMIT_LINK_OUT_BYTES;
	for (stream_want(s); link_turn(&l) != NULL; stream_want(s)) {
		commit(s, LIMIT_DATA_FRAME_BYTES, false);
		n++;
	}
	EXPECT_INT(n, LIMIT_LINK_OUT_BYTES / LIMIT_DATA_FRAME_BYTES);
	EXPECT(!link_has_room(&l));
	while (out())
		;
	EXPECT(link_has_room(&l));
	EXPECT(link_turn(&l) == s);
	stop();
}

/* WINDOW and its kin go before data that waits, in the same write, but never into a frame that has
 * begun. */
TEST(control_goes_between_frames)
{
	struct slice s;
	struct stream *st;
	struct frame f;

	start(LINK_AGENT);
	st = opened(1);
	while (out())
		;
	commit(st, 1000, false);
	commit(st, 1000, false);
	s = link_out(&l);
	EXPECT_INT(s.n, 2 * 1008);
	link_out_done(&l, 500, now);
	link_control(&l, S("{\"type\":\"x\"}"));
	s = link_out(&l);
	EXPECT_INT(s.n, 508); /* the rest of the frame first */
	link_out_done(&l, 508, now);
	s = link_out(&l);
	frame_decode(s.p, &f);
	EXPECT_INT(f.type, FRAME_CONTROL);
	EXPECT_INT(s.n, 8 + 12 + 1008); /* and the next frame with it */
	link_out_done(&l, 10, now);
	link_control(&l, S("{\"type\":\"y\"}"));
	s = link_out(&l);
	EXPECT_INT(s.n, 10);
	EXPECT_SLICE(s, S("type\":\"x\"}"));
	link_out_done(&l, 10, now);
	EXPECT(out());
	EXPECT_SLICE(out_payload, S("{\"type\":\"y\"}"));
	EXPECT(out());
	EXPECT_INT(out_frame.type, FRAME_DATA);
	EXPECT(!out());
	stop();
}

/* The same when control alone was sent in part. */
TEST(control_in_part_goes_on)
{
	struct slice s;
	struct stream *st;

	start(LINK_AGENT);
	st = opened(1);
	while (out())
		;
	link_control(&l, S("{\"type\":\"x\"}"));
	EXPECT_INT(link_out(&l).n, 20);
	link_out_done(&l, 3, now);
	commit(st, 1000, false);
	link_control(&l, S("{\"type\":\"y\"}"));
	s = link_out(&l);
	EXPECT_INT(s.n, 17 + 20);
	link_out_done(&l, 17 + 20, now);
	EXPECT(out());
	EXPECT_INT(out_frame.type, FRAME_DATA);
	stop();
}

/* A stream that is opened and reset in one turn: the RST must not arrive before the SYN. */
TEST(reset_does_not_overtake_its_syn)
{
	struct stream *s;

	start(LINK_EDGE);
	while (out())
		;
	s = edge_opened(5, false);
	stream_reset(s, LINK_CODE_CANCELLED);
	stream_free(s);
	edge_opened(5, false);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_DATA);
	EXPECT_INT(out_frame.stream, 1);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.stream, 2);
	expect_out(FRAME_RST, 1, LINK_CODE_CANCELLED);
	EXPECT(!out_but_ping());
	stop();
}

TEST(credit_goes_back_once_a_turn)
{
	struct stream *s;
	static char data[LIMIT_DATA_FRAME_BYTES];

	start(LINK_AGENT);
	s = opened(1);
	while (out())
		;
	for (int i = 0; i < 3; i++)
		add(FRAME_DATA, 0, 1, data, LIMIT_DATA_FRAME_BYTES);
	while (next() == LINK_DATA)
		;
	EXPECT(!out_but_ping());
	stream_eaten(s, 8000, now);
	EXPECT(!out_but_ping()); /* not worth a frame */
	stream_eaten(s, LIMIT_DATA_FRAME_BYTES, now);
	stream_eaten(s, LIMIT_DATA_FRAME_BYTES, now);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_WINDOW);
	EXPECT_INT(out_frame.stream, 1);
	EXPECT(frame_u32(out_payload.p) >= 2 * LIMIT_DATA_FRAME_BYTES + 8000);
	EXPECT(!out_but_ping());
	EXPECT(s->rx_credit + s->rx_held <= s->rx_window);
	stop();
}

/* No credit for a direction that has ended, or a stream that was reset. */
TEST(no_window_after_the_end)
{
	static char data[LIMIT_DATA_FRAME_BYTES];
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	for (int i = 0; i < 3; i++)
		add(FRAME_DATA, i == 2 ? FRAME_FIN : 0, 1, data, LIMIT_DATA_FRAME_BYTES);
	while (next() == LINK_DATA)
		;
	stream_eaten(s, 3 * LIMIT_DATA_FRAME_BYTES, now);
	EXPECT(!out_but_ping());
	EXPECT_INT(l.rx_promised, 0);
	stop();
}

/* A blocked reader with bytes waiting gets no larger window, however fast it eats them in the end.
 */
TEST(blocked_reader_never_grows)
{
	static char data[LIMIT_DATA_FRAME_BYTES];
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	for (int i = 0; i < 4; i++)
		add(FRAME_DATA, 0, 1, data, LIMIT_DATA_FRAME_BYTES);
	while (next() == LINK_DATA)
		;
	stream_reader_blocked(s, true);
	stream_eaten(s, 2 * LIMIT_DATA_FRAME_BYTES + 1000, now);
	EXPECT_INT(s->rx_window, LIMIT_STREAM_RX_BYTES_FIRST);
	now += 10000000;
	stream_eaten(s, 1000, now);
	EXPECT(s->rx_window <= LIMIT_STREAM_RX_BYTES_FIRST);
	stop();
}

/* --- turns --- */

/* Small streams go before bulk, and bulk gets its part even when small ones never end. */
TEST(small_before_bulk_but_bulk_not_starved)
{
	struct stream *bulk, *small[4], *s;
	uint64_t bulk_bytes = 0, small_bytes = 0;

	start(LINK_AGENT);
	bulk = opened(1);
	bulk->tx_credit = INT32_MAX;
	for (int i = 0; i < 8; i++) {
		while (out())
			;
		stream_want(bulk);
		EXPECT(link_turn(&l) == bulk);
		commit(bulk, LIMIT_DATA_FRAME_BYTES, false);
	}
	for (uint32_t i = 0; i < 4; i++) {
		small[i] = opened(i + 2);
		small[i]->tx_credit = INT32_MAX;
	}
	while (out())
		;
	stream_want(bulk);
	stream_want(small[0]);
	EXPECT(link_turn(&l) == small[0]);
	EXPECT(link_turn(&l) == bulk);
	stream_want(bulk);
	for (int i = 0; i < 2000; i++) {
		now += 300000; /* 1 KiB each 0.3 s: none of them is bulk */
		for (int k = 0; k < 4; k++)
			stream_want(small[k]);
		for (int k = 0; k < 40 && (s = link_turn(&l)) != NULL; k++) {
			commit(s, s == bulk ? LIMIT_DATA_FRAME_BYTES : 1024, false);
			*(s == bulk ? &bulk_bytes : &small_bytes) += s == bulk ? 16384 : 1024;
			stream_want(s);
		}
		EXPECT(next() == LINK_NONE);
		while (out())
			;
	}
	EXPECT(bulk_bytes * 6 >= small_bytes);
	EXPECT(small_bytes * 2 >= bulk_bytes);
	stop();
}

/* Bulk streams share by bytes, not by frames. */
TEST(bulk_shares_by_bytes)
{
	struct stream *a, *b, *s;
	uint64_t bytes[2] = { 0 };

	start(LINK_AGENT);
	a = opened(1);
	b = opened(2);
	a->tx_credit = b->tx_credit = INT32_MAX;
	stream_want(a);
	stream_want(b);
	for (int i = 0; i < 4000; i++) {
		while ((s = link_turn(&l)) != NULL) {
			size_t n = s == a ? 1000 : LIMIT_DATA_FRAME_BYTES;

			commit(s, n, false);
			bytes[s == b] += n;
			stream_want(s);
		}
		while (out())
			;
	}
	EXPECT(bytes[0] * 10 >= bytes[1] * 9 && bytes[1] * 10 >= bytes[0] * 9);
	stop();
}

/* --- liveness --- */

TEST(ping_after_silence_and_death)
{
	start(LINK_EDGE);
	EXPECT_INT(link_tick(&l, now), NOW + LIMIT_LINK_IDLE_MS * 1000);
	now = NOW + LIMIT_LINK_IDLE_MS * 1000;
	EXPECT_INT(link_tick(&l, now), NOW + LIMIT_LINK_DEAD_MS * 1000);
	EXPECT(out());
	EXPECT_INT(out_frame.type, FRAME_PING);
	EXPECT_INT(link_tick(&l, now + 4999999), NOW + LIMIT_LINK_DEAD_MS * 1000);
	EXPECT_INT(link_tick(&l, now + 5000000), -1);
	EXPECT_INT(l.dead, LINK_CODE_SILENT);
	stop();
}

TEST(any_byte_is_life)
{
	start(LINK_EDGE);
	fed = slice_of("\0\xff\xff\x90\0\0\0\0", 8); /* a frame that is never finished */
	for (int i = 0; i < 100; i++) {
		EXPECT_INT(next(), LINK_NONE);
		now += 14000000;
		EXPECT(link_tick(&l, now) > now);
		fed = slice_of("x", 1);
		while (out())
			;
	}
	stop();
}

/* After a sleep the clock may have jumped by hours: the other side is asked first. */
TEST(sleep_is_not_silence)
{
	start(LINK_EDGE);
	now += INT64_C(3600) * 1000000;
	EXPECT(link_tick(&l, now) > now);
	EXPECT(out());
	EXPECT_INT(out_frame.type, FRAME_PING);
	now += 4000000;
	EXPECT(link_tick(&l, now) > now);
	now += 1000000;
	EXPECT_INT(link_tick(&l, now), -1);
	stop();
}

TEST(probe_knows_within_5_s)
{
	char opaque[8];

	start(LINK_EDGE);
	now += 1000000;
	link_probe(&l, now);
	EXPECT(out());
	memcpy(opaque, out_payload.p, 8);
	EXPECT_INT(link_tick(&l, now), now + 5000000);
	EXPECT_INT(link_tick(&l, now + 5000000), -1);
	stop();
	start(LINK_EDGE);
	link_probe(&l, now);
	EXPECT(out());
	now += 20000;
	add(FRAME_PING, FRAME_ACK, 0, opaque, 8);
	EXPECT_INT(next(), LINK_PONG);
	EXPECT(link_tick(&l, now + 5000000) > 0);
	stop();
}

/* The PING cannot leave because the line is slow: that the other side does not answer means nothing
 * ... */
TEST(stuck_ping_does_not_count)
{
	struct stream *s;

	start(LINK_EDGE);
	s = edge_opened(0, false);
	while (out())
		;
	add(FRAME_PING, FRAME_ACK, 0, "\0\0\0\0\0\0\0\1", 8); /* to the one that measures */
	EXPECT_INT(next(), LINK_PONG);
	commit(s, 10000, false);
	for (int i = 0; i < 100; i++) {
		now += 1000000;
		EXPECT(link_out(&l).n > 0);
		link_out_done(&l, 1, now); /* a byte a second leaves */
		EXPECT(link_tick(&l, now) > now);
	}
	/* ... but when nothing leaves either, for as long, it is dead. */
	now += LIMIT_LINK_DEAD_MS * 1000;
	EXPECT_INT(link_tick(&l, now), -1);
	stop();
}

TEST(idle_link_holds_nothing)
{
	start(LINK_EDGE);
	for (int i = 0; i < 5; i++) {
		struct stream *s = edge_opened(100, true);

		while (out())
			;
		add(FRAME_DATA, FRAME_FIN, s->id, "answer", 6);
		while (next() == LINK_DATA)
			stream_eaten(s, 6, now);
		stream_free(s);
	}
	link_control(&l, S("{\"type\":\"x\"}"));
	while (out())
		;
	EXPECT(link_tick(&l, now) > now);
	EXPECT(l.ctl == NULL && l.out == NULL && l.gather == NULL && l.streams.chains == NULL);
	EXPECT(sizeof(struct link) <= 512);
	stop();
}

TESTS(TEST_ROW(syn_opens_and_may_carry_data) TEST_ROW(syn_with_fin_and_nothing_else) TEST_ROW(
    data_is_told_as_it_comes) TEST_ROW(gathered_payloads_are_whole)
	TEST_ROW(gathering_costs_what_has_come) TEST_ROW(half_close_both_ways) TEST_ROW(
	    reset_ends_both_ways) TEST_ROW(s03_late_frames_of_an_old_stream)
	    TEST_ROW(freed_within_a_frame) TEST_ROW(streams_beyond_the_limit_are_refused) TEST_ROW(
		opens_up_to_the_limit) TEST_ROW(ping_is_answered) TEST_ROW(pong_measures_from_the_write)
		TEST_ROW(goaway_stops_opening) TEST_ROW(goaway_refuses_later_streams) TEST_ROW(
		    unknown_types_are_skipped) TEST_ROW(lengths_and_numbers_are_judged)
		    TEST_ROW(numbers_never_used_are_refused) TEST_ROW(window_is_judged) TEST_ROW(
			syn_is_judged) TEST_ROW(opening_of_every_length)
			TEST_ROW(credit_is_enforced) TEST_ROW(data_after_fin_is_refused) TEST_ROW(
			    promises_end_at_the_ceiling) TEST_ROW(s17_floods_end_the_link)
			    TEST_ROW(s17_refusals_are_bounded) TEST_ROW(
				late_frames_of_many_streams_are_forgiven)
				TEST_ROW(numbers_wrap_and_pass_over_the_living) TEST_ROW(
				    numbers_come_with_the_first_commit) TEST_ROW(syn_says_what_is_granted)
				    TEST_ROW(first_credit_depends_on_how_many_send) TEST_ROW(
					grant_fits_the_credit)
					TEST_ROW(commit_of_nothing_writes_nothing) TEST_ROW(
					    fin_needs_no_credit) TEST_ROW(blocked_until_window)
					    TEST_ROW(full_output_ends_the_turns) TEST_ROW(
						control_goes_between_frames)
						TEST_ROW(control_in_part_goes_on) TEST_ROW(
						    reset_does_not_overtake_its_syn)
						    TEST_ROW(credit_goes_back_once_a_turn) TEST_ROW(
							no_window_after_the_end)
							TEST_ROW(blocked_reader_never_grows) TEST_ROW(
							    small_before_bulk_but_bulk_not_starved)
							    TEST_ROW(bulk_shares_by_bytes) TEST_ROW(
								ping_after_silence_and_death)
								TEST_ROW(any_byte_is_life) TEST_ROW(
								    sleep_is_not_silence)
								    TEST_ROW(probe_knows_within_5_s)
									TEST_ROW(
									    stuck_ping_does_not_count)
									    TEST_ROW(
										idle_link_holds_nothing))
