/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control in virtual time: how fast bulk gets, what stalled readers cost, what that does to
 * the others. */
#include "world.h"

#define MS 1000
#define SECOND 1000000
#define RTT (40 * MS)
#define ENDLESS ((uint64_t)1 << 40)

static double
gbit(uint64_t bytes, int64_t us)
{
	return (double)bytes * 8 / (double)us / 1000;
}

/* Bytes that came to a side so far. */
static uint64_t
received(const struct world *w, int side)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < w->n_x; i++)
		n += w->x[i].end[side].rx_got;
	return n;
}

/* Rate from now on for so long. */
static double
rate(struct world *w, int side, int64_t us)
{
	uint64_t before = received(w, side);

	world_run(w, us);
	return gbit(received(w, side) - before, us);
}

static void
line(struct world *w, double gbit_s)
{
	w->bytes_per_us = gbit_s * 1000 / 8;
	w->queue_max = 4 * MIB;
}

static struct exchange *
download(struct world *w, uint64_t bytes)
{
	struct exchange *x = world_open(w, 100, bytes);

	check(x != NULL);
	return x;
}

static struct exchange *
upload(struct world *w, uint64_t bytes)
{
	struct exchange *x = world_open(w, bytes, 100);

	check(x != NULL);
	return x;
}

/* --- speed --- */

static double
bulk(unsigned n, int64_t rtt_us, bool up, double gbit_s)
{
	struct world w;
	double got;

	world_init(&w, 1, rtt_us);
	if (gbit_s > 0)
		line(&w, gbit_s);
	for (unsigned i = 0; i < n; i++)
		(void)(up ? upload(&w, ENDLESS) : download(&w, ENDLESS));
	world_run(&w, 500 * MS + 10 * rtt_us);
	got = rate(&w, up ? AGENT : EDGE, 10 * rtt_us);
	printf("     %u %s, rtt %.1f ms, line %.1f: %.2f Gbit/s, windows at most %zu KiB\n", n,
	    up ? "up" : "down", (double)rtt_us / MS, gbit_s, got,
	    w.promised_max[up ? AGENT : EDGE] / 1024);
	world_fini(&w);
	return got;
}

TEST(one_bulk_stream_over_40_ms)
{
	EXPECT(bulk(1, RTT, false, 0) >= 2.0);
	EXPECT(bulk(1, RTT, true, 0) >= 2.0);
}

TEST(eight_bulk_streams_over_40_ms)
{
	EXPECT(bulk(8, RTT, false, 0) >= 3.0);
	EXPECT(bulk(8, RTT, true, 0) >= 3.0);
}

TEST(bulk_fills_a_line)
{
	EXPECT(bulk(1, RTT, false, 0.2) >= 0.195);
	EXPECT(bulk(1, RTT, false, 1) >= 0.97);
	EXPECT(bulk(4, RTT, true, 1) >= 0.97);
	EXPECT(bulk(1, 100 * MS, false, 0.5) >= 0.48);
	EXPECT(bulk(1, MS, false, 10) >= 9.5);
	EXPECT(bulk(1, MS / 5, true, 10) >= 9.5);
}

/*
 * On a loaded path every round trip is longer than the smallest: growing windows must not ask for
 * it again and again, or the other side takes the PINGs for an attack.
 */
TEST(growing_windows_ask_once_a_second)
{
	struct world w;

	world_init(&w, 1, MS / 10);
	line(&w, 6.5);
	for (int i = 0; i < 8; i++)
		(void)download(&w, ENDLESS);
	world_run(&w, 3 * SECOND);
	EXPECT(rate(&w, EDGE, SECOND) >= 6);
	printf("     %llu PINGs in 4 s, %d glitches\n",
	    (unsigned long long)w.link[EDGE].ping_opaque, (int)w.link[AGENT].glitches);
	EXPECT(w.link[EDGE].ping_opaque <= 6);
	EXPECT(w.link[AGENT].glitches <= 6 * 16);
	world_fini(&w);
}

/* go-yamux 136: growth must not end at a small multiple of the first window. */
TEST(window_grows_from_the_least)
{
	struct world w;
	struct exchange *x;

	world_init(&w, 1, RTT);
	w.link[EDGE].params.rx_bytes_min = 64 * 1024; /* nothing to lend at the start: 16 KiB */
	x = download(&w, ENDLESS);
	world_run(&w, 12 * RTT);
	EXPECT(x->end[EDGE].s->rx_window >= 8 * MIB);
	world_fini(&w);
}

/* How soon 1 MB is there on a link that has done nothing yet. */
TEST(first_megabyte_is_soon)
{
	struct world w;
	struct exchange *x;

	world_init(&w, 1, RTT);
	x = download(&w, 1000000);
	world_run(&w, 10 * RTT);
	EXPECT_INT(x->end[EDGE].rx_got, 1000000);
	EXPECT(x->end[EDGE].last_us - x->opened_us <= 3 * RTT);
	x = upload(&w, 1000000);
	world_run(&w, 10 * RTT);
	EXPECT_INT(x->end[AGENT].rx_got, 1000000);
	EXPECT(x->end[AGENT].last_us - x->opened_us <= 3 * RTT + RTT / 2);
	world_fini(&w);
}

TEST(first_64_kib_need_no_window)
{
	struct world w;
	struct exchange *up, *down;

	world_init(&w, 1, RTT);
	up = upload(&w, LIMIT_STREAM_RX_BYTES_FIRST);
	down = download(&w, LIMIT_STREAM_RX_BYTES_FIRST);
	world_run(&w, RTT);
	EXPECT_INT(up->end[AGENT].last_us - up->opened_us, RTT / 2);
	EXPECT_INT(down->end[EDGE].last_us - down->opened_us, RTT);
	EXPECT(up->end[AGENT].rx_fin && down->end[EDGE].rx_fin);
	world_fini(&w);
}

/* --- stalled and slow readers --- */

/* n visitors (or origins) that read nothing; how much they hold. */
static size_t
stall(struct world *w, unsigned n, int side)
{
	for (unsigned i = 0; i < n; i++) {
		struct exchange *x = side == EDGE ? download(w, ENDLESS) : upload(w, ENDLESS);

		x->end[side].reader = READER_STALLED;
		if (i % 8 == 7)
			world_run(w, MS);
	}
	world_run(w, SECOND);
	return received(w, side);
}

static void
stalled(unsigned n, int side, size_t ceiling)
{
	struct world w;
	struct exchange *x;
	size_t held;

	world_init(&w, 1, RTT);
	held = stall(&w, n, side);
	printf("     %u stalled at the %s hold %zu KiB\n", n, side == EDGE ? "edge" : "agent",
	    held / 1024);
	EXPECT(held <= ceiling);
	EXPECT(w.promised_max[side] <= ceiling);
	/* The others do not notice: a new exchange takes one round trip, bulk is still fast. */
	x = download(&w, 8000);
	world_run(&w, RTT);
	EXPECT(x->end[EDGE].rx_fin);
	EXPECT_INT(x->end[EDGE].last_us - x->opened_us, RTT);
	(void)(side == EDGE ? download(&w, ENDLESS) : upload(&w, ENDLESS));
	world_run(&w, 15 * RTT);
	EXPECT(rate(&w, side, 5 * RTT) >= 1.0);
	EXPECT(w.promised_max[side] <= link_rx_ceiling(&w.link[side].params));
	/* And when they have gone, their windows have. */
	for (unsigned i = 0; i < w.n_x; i++)
		hang_up(&w.x[i].end[EDGE]);
	world_run(&w, RTT);
	EXPECT_INT(w.link[side].rx_promised, 0);
	EXPECT_INT(link_n_streams(&w.link[AGENT]), 0);
	world_fini(&w);
}

TEST(stalled_readers_are_bounded)
{
	stalled(32, EDGE, 8 * MIB);
	stalled(32, AGENT, 8 * MIB);
	stalled(1000, EDGE, 24 * MIB);
	stalled(1000, AGENT, 24 * MIB);
}

/* Streams that were fast and then stall, one after the other: each takes half of what is left, so
 * something always is. */
TEST(stalling_one_by_one_leaves_room)
{
	struct world w;
	struct exchange *x = NULL;

	world_init(&w, 1, RTT);
	for (int i = 0; i < 24; i++) {
		x = download(&w, ENDLESS);
		world_run(&w, 15 * RTT);
		x->end[EDGE].reader = READER_STALLED;
		world_run(&w, 2 * SECOND);
	}
	printf("     24 that stalled one by one have %zu KiB\n", w.link[EDGE].rx_promised / 1024);
	EXPECT(w.link[EDGE].rx_lent <= LIMIT_LINK_RX_BYTES_MAX);
	download(&w, ENDLESS);
	world_run(&w, 15 * RTT);
	EXPECT(rate(&w, EDGE, 5 * RTT) >= 0.015);
	world_fini(&w);
}

/* A reader that is slower than the link needs a window for its own rate, and no more. */
TEST(slow_reader_gets_what_it_needs)
{
	struct world w;
	struct exchange *x;
	double got;

	world_init(&w, 1, RTT);
	w.slow_readers = true;
	x = download(&w, ENDLESS);
	x->end[EDGE].reader = READER_SLOW;
	x->end[EDGE].rate = 62500; /* a ms: 0.5 Gbit/s */
	world_run(&w, 30 * RTT);
	got = rate(&w, EDGE, 10 * RTT);
	printf("     reader of 0.5 Gbit/s gets %.2f with %u KiB\n", got,
	    x->end[EDGE].s->rx_window / 1024);
	EXPECT(got >= 0.45);
	EXPECT(x->end[EDGE].s->rx_window <= 6 * MIB);
	/* It becomes slower still: the window follows. */
	x->end[EDGE].rate = 625;
	world_run(&w, 60 * SECOND);
	printf("     reader of 5 Mbit/s keeps %u KiB\n", x->end[EDGE].s->rx_share / 1024);
	EXPECT(x->end[EDGE].s->rx_share <= 512 * 1024);
	world_fini(&w);
}

TEST(windows_fall_after_a_pause)
{
	struct world w;
	struct exchange *x;
	size_t budget;

	world_init(&w, 1, RTT);
	x = download(&w, ENDLESS);
	world_run(&w, 20 * RTT);
	budget = w.link[EDGE].rx_budget;
	EXPECT(x->end[EDGE].s->rx_window >= 8 * MIB);
	EXPECT(budget > 2 * LIMIT_LINK_RX_BYTES_MIN);
	/* The reader stalls for 20 round trips, then goes on slowly: half a window per round trip
	 * is gone. */
	x->end[EDGE].reader = READER_STALLED;
	world_run(&w, 20 * RTT);
	x->end[EDGE].reader = READER_SLOW;
	x->end[EDGE].rate = 10000;
	w.slow_readers = true;
	world_run(&w, 3 * SECOND);
	EXPECT(x->end[EDGE].s->rx_window <= MIB);
	EXPECT(x->end[EDGE].s->rx_share <= 2 * MIB);
	hang_up(&x->end[EDGE]);
	world_run(&w, 60 * SECOND);
	EXPECT_INT(w.link[EDGE].rx_budget, LIMIT_LINK_RX_BYTES_MIN);
	EXPECT_INT(w.link[EDGE].rx_promised, 0);
	world_fini(&w);
}

/* Small exchanges beside bulk on a line of 200 Mbit/s: what windows leave standing in the line's
 * queue is their delay. */
static int64_t
small_beside_bulk(size_t queue_max)
{
	struct world w;
	int64_t worst = 0;

	world_init(&w, 1, RTT);
	line(&w, 0.2);
	w.queue_max = queue_max;
	for (int i = 0; i < 4; i++)
		download(&w, ENDLESS);
	world_run(&w, 2 * SECOND);
	for (int i = 0; i < 20; i++) {
		struct exchange *x = download(&w, 1000);

		world_run(&w, 500 * MS);
		EXPECT(x->end[EDGE].rx_fin);
		if (x->end[EDGE].last_us - x->opened_us > worst)
			worst = x->end[EDGE].last_us - x->opened_us;
	}
	EXPECT(rate(&w, EDGE, SECOND) >= 0.195);
	world_fini(&w);
	return worst;
}

TEST(small_beside_bulk_waits_little)
{
	int64_t lowat = small_beside_bulk(128 * 1024), bloat = small_beside_bulk(0);

	printf(
	    "     1 kB beside 4 bulk at 0.2 Gbit/s: %lld ms, where the line queues all: %lld ms\n",
	    (long long)lowat / MS, (long long)bloat / MS);
	EXPECT(lowat <= RTT + 20 * MS);
	EXPECT(bloat <= RTT + 100 * MS);
}

TESTS(TEST_ROW(one_bulk_stream_over_40_ms) TEST_ROW(eight_bulk_streams_over_40_ms)
	TEST_ROW(bulk_fills_a_line) TEST_ROW(growing_windows_ask_once_a_second)
	    TEST_ROW(window_grows_from_the_least) TEST_ROW(first_megabyte_is_soon)
		TEST_ROW(first_64_kib_need_no_window) TEST_ROW(stalled_readers_are_bounded)
		    TEST_ROW(stalling_one_by_one_leaves_room)
			TEST_ROW(slow_reader_gets_what_it_needs)
			    TEST_ROW(windows_fall_after_a_pause)
				TEST_ROW(small_beside_bulk_waits_little))
