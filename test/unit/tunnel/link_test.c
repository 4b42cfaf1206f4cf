/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of streams, and whether the other side lives. */
#include "one_end.h"

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

TESTS(TEST_ROW(numbers_wrap_and_pass_over_the_living) TEST_ROW(numbers_come_with_the_first_commit)
	TEST_ROW(ping_after_silence_and_death) TEST_ROW(any_byte_is_life)
	    TEST_ROW(sleep_is_not_silence) TEST_ROW(probe_knows_within_5_s)
		TEST_ROW(stuck_ping_does_not_count) TEST_ROW(idle_link_holds_nothing))
