/* SPDX-License-Identifier: Apache-2.0 */
/* Output: openings, grants, credit that goes back, the order of frames, whose turn it is. */
#include "one_end.h"

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
	EXPECT_INT(s->tx_credit, LIMIT_STREAM_RX_BYTES_FIRST - 100);
	for (int i = 0; i < 3; i++)
		commit(s, LIMIT_DATA_FRAME_BYTES, false);
	EXPECT_INT(stream_grant(s, &p), LIMIT_DATA_FRAME_BYTES - 100);
	stream_commit(s, 0, LIMIT_DATA_FRAME_BYTES - 100, false);
	EXPECT_INT(s->tx_credit, 0);
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
	EXPECT_INT(s->tx_credit, 9000);
	EXPECT(link_turn(&l) == NULL);
	stop();
}

/* Frames of s until the output is full. */
static int
fill(struct stream *s)
{
	int n = 0;

	for (stream_want(s); link_turn(&l) != NULL; stream_want(s)) {
		commit(s, LIMIT_DATA_FRAME_BYTES, false);
		n++;
	}
	return n;
}

/* Sends full blocks for a while, each of which takes so long to leave; frames of the last. */
static int
send_blocks(struct stream *s, int64_t us)
{
	int n = 0;

	for (int64_t end = now + 200000; now < end;) {
		n = fill(s);
		now += us;
		while (out())
			;
	}
	return n;
}

TEST(large_blocks_are_for_fast_connections)
{
	const int most = LIMIT_LINK_OUT_BYTES / LIMIT_DATA_FRAME_BYTES;
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	s->tx_credit = INT32_MAX;
	EXPECT_INT(fill(s), 4);
	EXPECT_INT(send_blocks(s, 3000), 4);
	EXPECT_INT(send_blocks(s, 1000), most);
	EXPECT_INT(send_blocks(s, 30000), 4);
	stop();
}

/* Bulk on a fast connection writes several frames with one read, the last in part. */
TEST(several_frames_in_a_row)
{
	struct stream *s, *small;
	struct iovec more[8];
	char *p;
	int n;

	start(LINK_AGENT);
	s = opened(1);
	s->tx_credit = INT32_MAX;
	EXPECT_INT(send_blocks(s, 500), 16);
	EXPECT(link_turn(&l) == s);
	EXPECT_INT(stream_grant(s, &p), LIMIT_DATA_FRAME_BYTES);
	n = stream_grant_more(s, more, 8);
	EXPECT_INT(n, 7);
	EXPECT_INT(stream_grant_more(s, more, 2), 2);
	memset(p, 'a', LIMIT_DATA_FRAME_BYTES);
	memset(more[0].iov_base, 'b', more[0].iov_len);
	memset(more[1].iov_base, 'c', 100);
	stream_commit(s, 0, 2 * LIMIT_DATA_FRAME_BYTES + 100, true);
	for (int i = 0; i < 3; i++) {
		EXPECT(out_but_ping());
		EXPECT_INT(out_frame.type, FRAME_DATA);
		EXPECT_INT(out_frame.length, i == 2 ? 100 : LIMIT_DATA_FRAME_BYTES);
		EXPECT_INT(out_frame.flags, i == 2 ? FRAME_FIN : 0);
		EXPECT_INT(out_payload.p[0], "abc"[i]);
		EXPECT_INT(out_payload.p[out_payload.n - 1], "abc"[i]);
	}
	EXPECT(!out_but_ping());
	small = opened(2);
	EXPECT_INT(stream_grant(small, &p), LIMIT_DATA_FRAME_BYTES);
	EXPECT_INT(stream_grant_more(small, more, 8), 0);
	stream_commit(small, 0, 0, false);
	stop();
}

/* Nothing beyond the credit, and one frame at a time while somebody small waits. */
TEST(several_frames_have_bounds)
{
	struct stream *s, *small;
	struct iovec more[8];
	char *p;

	start(LINK_AGENT);
	s = opened(1);
	small = opened(2);
	small->tx_credit = 1000;
	s->tx_credit = INT32_MAX;
	EXPECT_INT(send_blocks(s, 500), 16);
	EXPECT(link_turn(&l) == s);
	s->tx_credit = LIMIT_DATA_FRAME_BYTES + 10;
	EXPECT_INT(stream_grant(s, &p), LIMIT_DATA_FRAME_BYTES);
	EXPECT_INT(stream_grant_more(s, more, 8), 1);
	EXPECT_INT(more[0].iov_len, 10);
	stream_want(small);
	EXPECT_INT(stream_grant_more(s, more, 8), 0);
	stream_commit(s, 0, 0, false);
	s->tx_credit = INT32_MAX;
	/* The block has an end, too. */
	for (int i = 0; i < 14; i++)
		commit(s, LIMIT_DATA_FRAME_BYTES, false);
	EXPECT(link_turn(&l) == small);
	commit(small, 1000, false);
	stream_want(s);
	EXPECT(link_turn(&l) == s);
	EXPECT_INT(stream_grant(s, &p), LIMIT_DATA_FRAME_BYTES);
	EXPECT_INT(stream_grant_more(s, more, 8), 1);
	memset(p, 'd', LIMIT_DATA_FRAME_BYTES);
	memset(more[0].iov_base, 'd', LIMIT_DATA_FRAME_BYTES);
	stream_commit(s, 0, 2 * LIMIT_DATA_FRAME_BYTES, false);
	EXPECT(!link_has_room(&l));
	stop();
}

TEST(full_output_ends_the_turns)
{
	struct stream *s;

	start(LINK_AGENT);
	s = opened(1);
	s->tx_credit = 10 * LIMIT_LINK_OUT_BYTES;
	EXPECT_INT(fill(s), 4);
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

/* The good part of an answer that broke is still the visitor's. */
TEST(reset_does_not_overtake_data)
{
	struct stream *s;

	start(LINK_EDGE);
	s = edge_opened(0, false);
	while (out_but_ping())
		;
	commit(s, 7, false);
	stream_reset(s, LINK_CODE_ORIGIN_BROKE);
	stream_free(s);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_DATA);
	EXPECT(out_but_ping());
	EXPECT_INT(out_frame.type, FRAME_RST);
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

TESTS(TEST_ROW(syn_says_what_is_granted) TEST_ROW(first_credit_depends_on_how_many_send)
	TEST_ROW(grant_fits_the_credit) TEST_ROW(commit_of_nothing_writes_nothing)
	    TEST_ROW(fin_needs_no_credit) TEST_ROW(blocked_until_window)
		TEST_ROW(large_blocks_are_for_fast_connections) TEST_ROW(several_frames_in_a_row)
		    TEST_ROW(several_frames_have_bounds) TEST_ROW(full_output_ends_the_turns)
			TEST_ROW(control_goes_between_frames) TEST_ROW(control_in_part_goes_on)
			    TEST_ROW(reset_does_not_overtake_its_syn)
				TEST_ROW(reset_does_not_overtake_data)
				    TEST_ROW(credit_goes_back_once_a_turn)
					TEST_ROW(no_window_after_the_end)
					    TEST_ROW(blocked_reader_never_grows)
						TEST_ROW(small_before_bulk_but_bulk_not_starved)
						    TEST_ROW(bulk_shares_by_bytes))
