/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: what a link makes of frames that come. */
#include "one_end.h"

/* --- receiving --- */

TEST(syn_opens_and_may_carry_data)
{
	start(LINK_AGENT);
	add_syn(1, 0, S("hello"));
	EXPECT_INT(next(), LINK_OPENED);
	EXPECT_SLICE(ev.bytes, S("opening"));
	EXPECT_INT(ev.stream->id, 1);
	EXPECT_INT(ev.stream->tx_credit, GRANT);
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
	EXPECT_INT(s->tx_credit, GRANT);
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
	for (unsigned type = 7; type < 16; type++)
		add(type, 15, 77, "something of the future", 23);
	add_syn(1, 0, S(""));
	EXPECT_INT(next(), LINK_OPENED);
	stop();
}

TESTS(TEST_ROW(syn_opens_and_may_carry_data) TEST_ROW(syn_with_fin_and_nothing_else)
	TEST_ROW(data_is_told_as_it_comes) TEST_ROW(gathered_payloads_are_whole)
	    TEST_ROW(gathering_costs_what_has_come) TEST_ROW(half_close_both_ways)
		TEST_ROW(reset_ends_both_ways) TEST_ROW(s03_late_frames_of_an_old_stream)
		    TEST_ROW(freed_within_a_frame) TEST_ROW(streams_beyond_the_limit_are_refused)
			TEST_ROW(opens_up_to_the_limit) TEST_ROW(ping_is_answered)
			    TEST_ROW(pong_measures_from_the_write) TEST_ROW(goaway_stops_opening)
				TEST_ROW(goaway_refuses_later_streams)
				    TEST_ROW(unknown_types_are_skipped))
