/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: what a link refuses, with which code, and how floods end. */
#include "one_end.h"

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
	EXPECT_INT(link_any_stream(&l)->tx_credit, INT32_MAX);
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

static bool forgiven; /* each frame that is flooded with */

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
		if (forgiven)
			link_forgive(&l);
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

/* Pages that were asked for may come 250 a second, and no faster. */
TEST(pages_that_were_asked_for_weigh_little)
{
	forgiven = true;
	EXPECT_INT(flood(FRAME_CONTROL, 0, 0, "{}", 2, 20000, 4000), 20000);
	EXPECT(flood(FRAME_CONTROL, 0, 0, "{}", 2, 20000, 0) < 2000);
	forgiven = false;
	EXPECT(flood(FRAME_CONTROL, 0, 0, "{}", 2, 20000, 4000) < 200);
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

TESTS(TEST_ROW(lengths_and_numbers_are_judged) TEST_ROW(numbers_never_used_are_refused)
	TEST_ROW(window_is_judged) TEST_ROW(syn_is_judged) TEST_ROW(opening_of_every_length)
	    TEST_ROW(credit_is_enforced) TEST_ROW(data_after_fin_is_refused)
		TEST_ROW(promises_end_at_the_ceiling) TEST_ROW(s17_floods_end_the_link)
		    TEST_ROW(pages_that_were_asked_for_weigh_little)
			TEST_ROW(s17_refusals_are_bounded)
			    TEST_ROW(late_frames_of_many_streams_are_forgiven))
