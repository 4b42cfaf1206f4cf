/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control in virtual time: how fast bulk gets, what stalled readers cost, what it does to the others. */
#include "world.h"

#include <unistd.h>

#define RTT 40000

static double
gbit(uint64_t bytes, int64_t us)
{
	return (double)bytes * 8 / (double)us / 1000;
}

/* Bytes that came down to the edge so far. */
static uint64_t
received(const struct world *w, int side)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < w->n_x; i++)
		n += w->x[i].end[side].rx_got;
	return n;
}

static double
bulk(unsigned n, int64_t rtt_us, bool up, double gbit_s, int64_t warm_us, int64_t run_us)
{
	struct world w;
	uint64_t before;
	double rate;

	world_init(&w, 1, rtt_us);
	w.bytes_per_us = gbit_s * 1000 / 8;
	if (gbit_s > 0)
		w.queue_max = 4 * MIB;
	for (unsigned i = 0; i < n; i++)
		world_open(&w, up ? (uint64_t)1 << 40 : 100, up ? 100 : (uint64_t)1 << 40);
	world_run(&w, warm_us);
	before = received(&w, up ? AGENT : EDGE);
	world_run(&w, run_us);
	rate = gbit(received(&w, up ? AGENT : EDGE) - before, run_us);
	printf("     %u x %s, rtt %lld ms, line %.1f: %.2f Gbit/s, promised %zu KiB, rtt now %lld us\n", n, up ? "up" : "down",
	    (long long)rtt_us / 1000, gbit_s, rate, w.promised_max[up ? AGENT : EDGE] / 1024, (long long)w.rtt_us[up ? AGENT : EDGE]);
	world_fini(&w);
	return rate;
}

TEST(bulk_fills_40_ms)
{
	EXPECT(bulk(1, RTT, false, 0, 1000000, 400000) >= 2.0);
	EXPECT(bulk(1, RTT, true, 0, 1000000, 400000) >= 2.0);
	EXPECT(bulk(8, RTT, false, 0, 1000000, 400000) >= 3.0);
	EXPECT(bulk(8, RTT, true, 0, 1000000, 400000) >= 3.0);
	bulk(1, RTT, false, 0.2, 1000000, 1000000);
	bulk(4, RTT, false, 0.2, 1000000, 1000000);
	bulk(1, RTT, false, 1, 1000000, 1000000);
	bulk(1, RTT, false, 2, 1000000, 400000);
	bulk(1, 100000, false, 0, 2000000, 400000);
	bulk(1, 100000, false, 1, 2000000, 400000);
	bulk(1, 1000, false, 10, 200000, 200000);
	bulk(1, 200, false, 10, 200000, 200000);
}

TESTS(TEST_ROW(bulk_fills_40_ms))
