/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random owners on a random wire, by seed.  Whatever happens: bytes arrive
 * identical and in order, ends are told once and right, no window is exceeded,
 * nothing is left behind.  ADIT_SEED=n runs one seed, ADIT_SEEDS=n so many.
 */
#include "world.h"

#define SEEDS 400
#define EXCHANGES 40
#define BYTES_PER_SEED (12 * MIB)

/* Log-uniform from 0 to 8 MiB, within what the seed may still move. */
static uint64_t
size_of(struct world *w, uint64_t *left)
{
	uint64_t n = below(w, (uint64_t)1 << below(w, 24));

	if (n > *left)
		n = *left;
	*left -= n;
	return n;
}

static void
give_character(struct world *w, struct exchange *x)
{
	for (int side = 0; side < 2; side++) {
		struct end *e = &x->end[side];

		switch (below(w, 8)) {
		case 0:
			e->reader = READER_SLOW;
			e->rate = 1 + (uint32_t)below(w, 200000);
			break;
		case 1:
			e->reader = READER_SLOW;
			e->rate = 20000 + (uint32_t)below(w, 2000000);
			break;
		default:
			break;
		}
		if (below(w, 10) == 0) {
			x->hung_up[side] = true;
			x->hang_up_at = below(w, 1 + x->end[!side].tx_total);
		}
	}
	/* One that stalls is ended by hanging up, later. */
	if (below(w, 12) == 0)
		x->end[below(w, 2)].reader = READER_STALLED;
}

static bool
is_over(const struct exchange *x)
{
	return x->end[EDGE].gone && (x->end[AGENT].gone || x->end[AGENT].s == NULL);
}

static bool
all_over(const struct world *w)
{
	for (unsigned i = 0; i < w->n_x; i++)
		if (!is_over(&w->x[i]))
			return false;
	return link_n_streams(&w->link[AGENT]) == 0;
}

/* Now and then somebody gives up, or a stalled reader goes on. */
static void
disturb(struct world *w)
{
	struct exchange *x = &w->x[below(w, w->n_x)];
	struct end *e = &x->end[below(w, 2)];

	if (e->s == NULL)
		return;
	if (below(w, 3) == 0) {
		hang_up(e);
	} else if (e->reader != READER_FAST) {
		e->reader = READER_FAST;
		eat(w, e, UINT64_MAX);
	}
}

/* An exchange that nobody gave up must have moved every byte. */
static void
expect_complete(const struct world *w)
{
	for (unsigned i = 0; i < w->n_x; i++) {
		const struct exchange *x = &w->x[i];

		if (x->end[EDGE].lost || x->end[AGENT].lost)
			continue;
		for (int side = 0; side < 2; side++) {
			EXPECT(x->end[side].rx_fin);
			EXPECT_INT(x->end[side].rx_got, x->end[!side].tx_total);
			EXPECT_INT(x->end[side].rx_eaten, x->end[side].rx_got);
		}
	}
}

static void
live(struct world *w, bool cut, bool goaway)
{
	uint64_t left = BYTES_PER_SEED;
	unsigned planned = 1 + (unsigned)below(w, EXCHANGES), opened = 0;
	int64_t until = w->now_us + 600 * INT64_C(1000000);

	while (w->now_us < until && (opened < planned || !all_over(w))) {
		if (opened < planned && link_n_streams(&w->link[EDGE]) < 16 && below(w, 2) == 0) {
			struct exchange *x = world_open(w, size_of(w, &left), size_of(w, &left));

			opened++;
			if (x != NULL)
				give_character(w, x);
		}
		if (w->n_x > 0 && below(w, 64) == 0)
			disturb(w);
		if (opened == planned && w->n_x > 0 && below(w, 16) == 0)
			disturb(w);
		if (goaway && opened > planned / 2) {
			link_goaway(&w->link[below(w, 2)], LINK_CODE_SHUTDOWN, 1000);
			goaway = false;
		}
		if (cut && opened == planned && below(w, 20) == 0)
			return;
		world_step(w, w->now_us + 1 + (int64_t)below(w, 5000));
	}
	EXPECT(all_over(w));
	expect_complete(w);
}

static void
run_seed(uint64_t seed)
{
	struct world w;
	bool cut;

	world_init(&w, seed, 0);
	for (int i = 0; i < 8; i++)
		chance(&w);
	w.split = true;
	w.slow_readers = true;
	w.delay_us = (int64_t)below(&w, 100000);
	if (below(&w, 2) == 0) {
		w.bytes_per_us = 1 + (double)below(&w, 1000);
		w.queue_max = 1 + below(&w, MIB);
	}
	cut = below(&w, 8) == 0;
	live(&w, cut, below(&w, 4) == 0);
	EXPECT(!w.bad[EDGE] && !w.bad[AGENT] && !w.dead[EDGE] && !w.dead[AGENT]);
	world_fini(&w);
}

TEST(random_worlds)
{
	const char *one = getenv("ADIT_SEED"), *many = getenv("ADIT_SEEDS");
	unsigned long n = many != NULL ? strtoul(many, NULL, 10) : SEEDS, first = 1;

	if (one != NULL) {
		first = strtoul(one, NULL, 10);
		n = 1;
	}
	for (unsigned long seed = first; seed < first + n; seed++) {
		run_seed(seed);
		if (unit_faults > 0) {
			printf("ADIT_SEED=%lu\n", seed);
			return;
		}
	}
}

/* A side whose other end freezes, with traffic or without, knows within LINK_DEAD_MS. */
static void
freeze(uint64_t seed, bool busy, int64_t after_us, bool one_way)
{
	struct world w;
	int64_t at;

	world_init(&w, seed, 40000);
	if (busy) {
		world_open(&w, 1 << 30, 100);
		world_open(&w, 100, 1 << 30);
	}
	w.bytes_per_us = 10;
	w.queue_max = 256 * 1024;
	world_run(&w, after_us);
	EXPECT(!w.dead[EDGE] && !w.dead[AGENT]);
	w.wire[EDGE].frozen = true;
	if (!one_way)
		w.wire[AGENT].frozen = true;
	at = w.now_us;
	while (!w.dead[EDGE] && w.now_us < at + 60 * INT64_C(1000000))
		world_step(&w, at + 60 * INT64_C(1000000));
	EXPECT(w.dead[EDGE]);
	EXPECT(w.now_us - at <= LIMIT_LINK_DEAD_MS * 1000);
	EXPECT_INT(w.link[EDGE].dead, LINK_CODE_SILENT);
	world_fini(&w);
}

TEST(frozen_peer_is_found_within_15_s)
{
	for (int64_t after = 0; after < 40 * INT64_C(1000000); after += 1700000) {
		freeze(1, false, after, false);
		freeze(1, false, after, true);
	}
	freeze(2, true, 3000000, false);
	freeze(2, true, 3000000, true);
}

/* Silence alone is no fault: idle links live on, on one PING in LINK_IDLE_MS or so, both sides
 * together. */
TEST(idle_links_live)
{
	struct world w;

	world_init(&w, 1, 200000);
	world_run(&w, 3600 * INT64_C(1000000));
	EXPECT(!w.dead[EDGE] && !w.dead[AGENT]);
	EXPECT_INT(w.rtt_us[AGENT], 200000);
	EXPECT(w.link[EDGE].ping_opaque <= 1);
	EXPECT(w.link[AGENT].ping_opaque <= 380);
	EXPECT(w.link[EDGE].ctl == NULL && w.link[EDGE].out == NULL &&
	       w.link[EDGE].streams.n_chains == 0);
	world_fini(&w);
}

/*
 * One side sends over a line so slow that its PING is stuck behind its own data for longer than
 * LINK_DEAD_MS; the other side has nothing to tell but lives.
 */
TEST(slow_line_is_not_a_dead_peer)
{
	struct world w;

	world_init(&w, 1, 40000);
	w.bytes_per_us = 0.004;   /* 32 kbit/s */
	w.queue_max = 128 * 1024; /* 32 s of it */
	world_open(&w, 4 << 20, 100);
	w.x[0].end[AGENT].reader = READER_STALLED;
	world_run(&w, 300 * INT64_C(1000000));
	EXPECT(!w.dead[EDGE] && !w.dead[AGENT]);
	world_fini(&w);
}

TESTS(TEST_ROW(random_worlds) TEST_ROW(frozen_peer_is_found_within_15_s) TEST_ROW(idle_links_live)
	TEST_ROW(slow_line_is_not_a_dead_peer))
