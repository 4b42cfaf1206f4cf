/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/result.h"

#include "unit.h"

#define HOUR_MS 3600000LL

TEST(statuses)
{
	for (int s = -1; s < 1000; s++) {
		enum result_class want = s >= 200 && s < 300                ? RESULT_DONE
					 : s == 408 || s == 425 || s == 429 ? RESULT_RETRY
					 : s >= 300 && s < 500              ? RESULT_PARK
									    : RESULT_RETRY;

		EXPECT_INT(result_of_status(s), want);
	}
}

/* How long a delivery lives whose origin never answers well, and how often it is tried. */
static int64_t
life(uint64_t seed, unsigned *ret_attempts, unsigned *ret_in_hour)
{
	int64_t spent = 0;

	*ret_attempts = 1;
	*ret_in_hour = 0;
	for (;; (*ret_attempts)++) {
		struct result_plan p = result_next(spent, RESULT_RETRY, -1, seed);

		if (p.step == RESULT_STEP_DEAD)
			return spent;
		EXPECT_INT(p.step, RESULT_STEP_WAIT);
		EXPECT(!p.firm);
		EXPECT(p.delay_ms >= 5000);
		spent += p.delay_ms;
		*ret_in_hour += spent <= HOUR_MS;
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		EXPECT(*ret_attempts < 100);
	}
}

/* No life ends before the schedule does, whatever the jitter. */
TEST(schedule)
{
	unsigned attempts, in_hour;

	for (uint64_t seed = 0; seed < 5000; seed++) {
		int64_t ms = life(seed * 0x9E3779B97F4A7C15u, &attempts, &in_hour);

		EXPECT(ms >= RESULT_SCHEDULE_MS);
		EXPECT(ms < RESULT_SCHEDULE_MS + 6 * HOUR_MS);
		EXPECT(in_hour >= 13);
		EXPECT(attempts >= 20 && attempts <= 25);
	}
}

/* An attempt that came between two steps moves neither. */
TEST(an_attempt_in_between_uses_nothing_up)
{
	EXPECT_INT(result_next(4 * HOUR_MS, RESULT_RETRY, -1, 0).delay_ms,
	    result_next(6 * HOUR_MS, RESULT_RETRY, -1, 0).delay_ms + 2 * HOUR_MS);
	EXPECT_INT(result_next(300, RESULT_RETRY, -1, 0).delay_ms, 5000);
	EXPECT_INT(result_next(RESULT_SCHEDULE_MS - 1, RESULT_RETRY, -1, 0).step, RESULT_STEP_WAIT);
	EXPECT_INT(result_next(RESULT_SCHEDULE_MS, RESULT_RETRY, -1, 0).step, RESULT_STEP_DEAD);
	EXPECT_INT(result_next(INT64_MAX, RESULT_RETRY, 60000, 3).step, RESULT_STEP_DEAD);
	EXPECT_INT(result_next(INT64_MIN, RESULT_RETRY, -1, 0).delay_ms, 5000);
}

TEST(jitter_only_adds)
{
	for (int64_t spent = 0; spent < RESULT_SCHEDULE_MS; spent += spent / 3 + 1000) {
		int64_t least = result_next(spent, RESULT_RETRY, -1, 0).delay_ms;

		for (uint64_t i = 0; i < 500; i++) {
			int64_t ms =
			    result_next(spent, RESULT_RETRY, -1, i * 0x9E3779B97F4A7C15u).delay_ms;

			EXPECT(ms >= least && ms <= least + least / 4);
		}
	}
}

TEST(other_classes)
{
	EXPECT_INT(result_next(1, RESULT_DONE, -1, 7).step, RESULT_STEP_DONE);
	EXPECT_INT(result_next(1, RESULT_PARK, 5, 7).step, RESULT_STEP_PARK);
	EXPECT_INT(result_next(INT64_MAX, RESULT_AWAY, -1, 7).step, RESULT_STEP_AWAY);
	/* Holding never ends in death and does not grow. */
	EXPECT_INT(result_next(INT64_MAX, RESULT_HOLD, -1, 7).step, RESULT_STEP_WAIT);
	EXPECT(result_next(INT64_MAX, RESULT_HOLD, -1, 7).delay_ms < 10000);
}

TEST(retry_after_lengthens)
{
	EXPECT(result_next(1, RESULT_RETRY, 60000, 3).delay_ms >= 60000);
	EXPECT(result_next(1, RESULT_RETRY, 60000, 3).delay_ms < 61000);
	EXPECT(result_next(1, RESULT_RETRY, 60000, 3).firm);
	/* and never shortens */
	EXPECT(result_next(20 * HOUR_MS, RESULT_RETRY, 0, 3).delay_ms >= HOUR_MS);
	EXPECT(result_next(1, RESULT_RETRY, INT64_MAX, 3).delay_ms <=
	       RESULT_RETRY_AFTER_MS_MAX + 1000);
	EXPECT(result_next(1, RESULT_HOLD, 30000, 3).delay_ms >= 30000);
}

TEST(retry_after_is_read)
{
	const int64_t at = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT, of RFC 9110 */

	EXPECT_INT(result_retry_after(S("0"), 0), 0);
	EXPECT_INT(result_retry_after(S("120"), 0), 120000);
	EXPECT_INT(result_retry_after(S("99999999999"), 0), RESULT_RETRY_AFTER_MS_MAX);
	EXPECT_INT(result_retry_after(S("18446744073709551615"), 0), RESULT_RETRY_AFTER_MS_MAX);
	EXPECT_INT(result_retry_after(S("99999999999999999999"), 0), -1);
	EXPECT_INT(result_retry_after(S("Sun, 06 Nov 1994 08:49:37 GMT"), at - 5000), 5000);
	EXPECT_INT(result_retry_after(S("Sun, 06 Nov 1994 08:49:37 GMT"), at + 5000), 0);
	EXPECT_INT(result_retry_after(S("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800000 - 1), 1);
	EXPECT_INT(result_retry_after(S("Fri, 31 Dec 2099 23:59:60 GMT"), 4102444800000 - 7), 7);
	static const char *const bad[] = { "", " 1", "-1", "1.5", "soon",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Xov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 08-49-37 GMT" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(result_retry_after(slice_str(bad[i]), 0), -1);
}

TESTS(TEST_ROW(statuses) TEST_ROW(schedule) TEST_ROW(an_attempt_in_between_uses_nothing_up)
	TEST_ROW(jitter_only_adds) TEST_ROW(other_classes) TEST_ROW(retry_after_lengthens)
	    TEST_ROW(retry_after_is_read))
