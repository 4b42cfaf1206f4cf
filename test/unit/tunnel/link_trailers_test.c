/* SPDX-License-Identifier: Apache-2.0 */
/* TRAILERS frames: the end of a message, within the credit of its stream. */
#include "one_end.h"

#define LINES "a: 1\r\nb: 2\r\n"

TEST(end_a_direction_as_one_piece)
{
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	add(FRAME_DATA, 0, 1, "body", 4);
	add(FRAME_TRAILERS, FRAME_FIN, 1, LINES, strlen(LINES));
	EXPECT_INT(next(), LINK_DATA);
	EXPECT(!ev.fin);
	EXPECT_INT(next(), LINK_TRAILERS);
	EXPECT(ev.stream == s && ev.fin && slice_eq(ev.bytes, S(LINES)));
	EXPECT(s->rx_ended && !s->tx_ended);
	EXPECT_INT(s->rx_held, 4 + strlen(LINES));
	stream_eaten(s, 4 + strlen(LINES), now);
	stop();
}

/* Cut into single bytes they still come whole. */
TEST(gathered)
{
	char frame[64];
	size_t n;

	start(LINK_AGENT);
	opened(1);
	add(FRAME_TRAILERS, FRAME_FIN, 1, LINES, strlen(LINES));
	n = raw_n;
	memcpy(frame, raw, n);
	raw_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct slice in = slice_of(frame + i, 1);

		EXPECT_INT(link_feed(&l, &in, &ev, now), i + 1 < n ? LINK_NONE : LINK_TRAILERS);
	}
	EXPECT(slice_eq(ev.bytes, S(LINES)));
	stop();
}

/* The stream goes while its section is on the way: the rest is passed over. */
TEST(of_a_stream_that_goes)
{
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	add(FRAME_TRAILERS, FRAME_FIN, 1, LINES, strlen(LINES));
	fed = slice_of(raw, FRAME_HEADER_BYTES + 3);
	EXPECT_INT(link_feed(&l, &fed, &ev, now), LINK_NONE);
	stream_free(s);
	fed = slice_of(raw + FRAME_HEADER_BYTES + 3, strlen(LINES) - 3);
	raw_n = 0;
	EXPECT_INT(link_feed(&l, &fed, &ev, now), LINK_NONE);
	/* Of one that has gone already. */
	add(FRAME_TRAILERS, FRAME_FIN, 1, LINES, strlen(LINES));
	EXPECT_INT(next(), LINK_NONE);
	opened(2);
	stop();
}

static void
bad(unsigned flags, uint32_t stream, size_t n, enum link_code code)
{
	static char payload[2 * LIMIT_TRAILER_BYTES];

	start(LINK_AGENT);
	opened(1);
	add(FRAME_TRAILERS, flags, stream, payload, n);
	expect_bad(code);
}

TEST(refused)
{
	bad(0, 1, 4, LINK_CODE_PROTOCOL);
	bad(FRAME_FIN | FRAME_SYN, 1, 4, LINK_CODE_PROTOCOL);
	bad(FRAME_FIN, 0, 4, LINK_CODE_PROTOCOL);
	bad(FRAME_FIN, 77, 4, LINK_CODE_PROTOCOL);
	bad(FRAME_FIN, 1, 0, LINK_CODE_PROTOCOL);
	bad(FRAME_FIN, 1, LIMIT_TRAILER_BYTES + 1, LINK_CODE_PROTOCOL);
	/* Behind an end, and beyond the credit. */
	start(LINK_AGENT);
	opened(1);
	add(FRAME_DATA, FRAME_FIN, 1, "x", 1);
	EXPECT_INT(next(), LINK_DATA);
	EXPECT_INT(next(), LINK_NONE);
	add(FRAME_TRAILERS, FRAME_FIN, 1, LINES, strlen(LINES));
	expect_bad(LINK_CODE_PROTOCOL);
	start(LINK_AGENT);
	opened(1)->rx_credit = 5;
	add(FRAME_TRAILERS, FRAME_FIN, 1, LINES, strlen(LINES));
	expect_bad(LINK_CODE_FLOW);
}

TEST(sent_behind_data)
{
	struct stream *s;
	char *p;

	start(LINK_AGENT);
	s = opened(1);
	commit(s, 3, false);
	EXPECT(stream_grant(s, &p) >= strlen(LINES));
	memcpy(p, LINES, strlen(LINES));
	stream_commit_trailers(s, strlen(LINES));
	EXPECT(s->tx_ended);
	EXPECT_INT(s->tx_credit, GRANT - 3 - (int)strlen(LINES));
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_DATA);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_TRAILERS);
	EXPECT_INT(out_frame.flags, FRAME_FIN);
	EXPECT(slice_eq(out_payload, S(LINES)));
	EXPECT(!out_but_ping());
	stop();
}

/* What is larger than the credit waits for more of it, and has no turn before. */
TEST(wait_for_credit)
{
	struct stream *s;
	char *p;

	start(LINK_AGENT);
	s = opened(1);
	s->tx_credit = 5;
	stream_want(s);
	EXPECT(link_turn(&l) == s);
	EXPECT_INT(stream_grant(s, &p), 5);
	stream_commit(s, 0, 0, false);
	stream_want_credit(s);
	EXPECT(link_turn(&l) == NULL);
	stream_want(s); /* harmless */
	EXPECT(link_turn(&l) == NULL);
	add_u32(FRAME_WINDOW, 1, 8192);
	EXPECT_INT(next(), LINK_NONE);
	EXPECT(link_turn(&l) == s);
	EXPECT(stream_grant(s, &p) >= 8192);
	stream_commit(s, 0, 0, false);
	stop();
}

TESTS(TEST_ROW(end_a_direction_as_one_piece) TEST_ROW(gathered) TEST_ROW(of_a_stream_that_goes)
	TEST_ROW(refused) TEST_ROW(sent_behind_data) TEST_ROW(wait_for_credit))
