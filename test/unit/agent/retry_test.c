/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link/retry.h"

#include "base/limits.h"
#include "base/rand.h"
#include "unit.h"

TEST(pauses_grow_within_bounds)
{
	struct retry r = { 0 };
	int64_t high = LIMIT_RETRY_MS_MIN;

	for (int i = 0; i < 12; i++) {
		high = 2 * high < LIMIT_RETRY_MS_MAX ? 2 * high : LIMIT_RETRY_MS_MAX;
		for (int j = 0; j < 200; j++) {
			struct retry same = r;
			int64_t ms = retry_pause_ms(&same, 0, rand_u64());

			EXPECT(ms >= LIMIT_RETRY_MS_MIN && ms <= high);
		}
		EXPECT_INT(retry_pause_ms(&(struct retry){ r.n_failed }, 0, 0), LIMIT_RETRY_MS_MIN);
		EXPECT_INT(retry_pause_ms(&r, 0, (uint64_t)(high - LIMIT_RETRY_MS_MIN)), high);
	}
}

/* Full jitter: the whole range is used, not a band around its middle. */
TEST(jitter_is_full)
{
	int low = 0, top = 0;

	for (int i = 0; i < 2000; i++) {
		struct retry r = { .n_failed = 10 };
		int64_t ms = retry_pause_ms(&r, 0, rand_u64());

		low += ms < LIMIT_RETRY_MS_MAX / 4;
		top += ms > LIMIT_RETRY_MS_MAX * 3 / 4;
	}
	EXPECT(low > 350 && low < 650);
	EXPECT(top > 350 && top < 650);
}

/* 500 agents of an edge that restarted: half are back within 5 s, all within 30 s of its
 * return. */
TEST(r04_agents_do_not_come_in_step)
{
	int64_t first[500];
	int early = 0;

	for (int i = 0; i < 500; i++) {
		struct retry r = { 0 };

		first[i] = retry_pause_ms(&r, 0, rand_u64());
		early += first[i] <= 5000;
		EXPECT(first[i] <= 30000);
	}
	EXPECT(early >= 250);
}

TEST(only_a_stable_life_starts_anew)
{
	struct retry r = { .n_failed = 6 };

	retry_lived(&r, (int64_t)LIMIT_STABLE_MS * 1000 - 1);
	EXPECT_INT(r.n_failed, 6);
	retry_lived(&r, (int64_t)LIMIT_STABLE_MS * 1000);
	EXPECT_INT(r.n_failed, 0);
}

TEST(the_edge_sets_the_pace)
{
	struct retry r = { 0 };

	for (int i = 0; i < 200; i++) {
		int64_t ms = retry_pause_ms(&r, 7000, rand_u64());

		EXPECT(ms >= 7000 && ms <= 7000 + LIMIT_RETRY_MS_MIN);
	}
	EXPECT(retry_pause_ms(&r, UINT32_MAX, UINT64_MAX) <=
	       RETRY_FLOOR_MS_MAX + LIMIT_RETRY_MS_MIN);
}

TEST(attempts_without_end)
{
	struct retry r = { .n_failed = UINT32_MAX - 1 };

	for (int i = 0; i < 4; i++)
		EXPECT(retry_pause_ms(&r, 0, rand_u64()) <= LIMIT_RETRY_MS_MAX);
}

TESTS(TEST_ROW(pauses_grow_within_bounds) TEST_ROW(jitter_is_full)
	TEST_ROW(r04_agents_do_not_come_in_step) TEST_ROW(only_a_stable_life_starts_anew)
	    TEST_ROW(the_edge_sets_the_pace) TEST_ROW(attempts_without_end))
