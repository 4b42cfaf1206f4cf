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

/* The whole life of a delivery whose origin never answers well, with the middle of every jitter. */
TEST(schedule)
{
	int64_t total = 0, hour = 0, last = 0;
	unsigned in_hour = 0, n = 1;

	for (;; n++) {
		struct result_plan p = result_next(n, RESULT_RETRY, -1, UINT64_MAX / 2);

		if (p.step == RESULT_STEP_DEAD)
			break;
		EXPECT_INT(p.step, RESULT_STEP_WAIT);
		total += p.delay_ms;
		if (total <= HOUR_MS) {
			in_hour++;
			hour = total;
		}
		last = p.delay_ms;
	}
	EXPECT_INT(n, result_attempts_max());
	EXPECT(in_hour >= 13);
	EXPECT(hour > HOUR_MS / 2);
	EXPECT(total > 70 * HOUR_MS && total < 120 * HOUR_MS);
	EXPECT(last >= 18 * HOUR_MS && last <= 30 * HOUR_MS);
}

TEST(jitter_stays_within_a_quarter)
{
	for (unsigned n = 1; n < result_attempts_max(); n++) {
		int64_t least = INT64_MAX, most = 0;

		for (uint64_t i = 0; i < 2000; i++) {
			uint64_t random = i * 0x9E3779B97F4A7C15u;
			struct result_plan p = result_next(n, RESULT_RETRY, -1, random);

			least = p.delay_ms < least ? p.delay_ms : least;
			most = p.delay_ms > most ? p.delay_ms : most;
		}
		EXPECT(least > 0);
		EXPECT(most * 3 <= least * 5 + 5); /* 1.25 : 0.75 */
		EXPECT(most * 10 >= least * 16);
	}
	EXPECT(result_next(1, RESULT_RETRY, -1, 0).delay_ms >= 3750);
	EXPECT(result_next(1, RESULT_RETRY, -1, UINT64_MAX).delay_ms <= 6250);
}

TEST(other_classes)
{
	EXPECT_INT(result_next(1, RESULT_DONE, -1, 7).step, RESULT_STEP_DONE);
	EXPECT_INT(result_next(1, RESULT_PARK, 5, 7).step, RESULT_STEP_PARK);
	EXPECT_INT(result_next(99, RESULT_AWAY, -1, 7).step, RESULT_STEP_AWAY);
	/* Holding never ends in death and does not grow. */
	EXPECT_INT(result_next(5000, RESULT_HOLD, -1, 7).step, RESULT_STEP_WAIT);
	EXPECT(result_next(5000, RESULT_HOLD, -1, 7).delay_ms < 10000);
	EXPECT_INT(result_next(0, RESULT_RETRY, -1, 7).step, RESULT_STEP_WAIT);
	EXPECT_INT(result_next(UINT32_MAX, RESULT_RETRY, -1, 7).step, RESULT_STEP_DEAD);
}

TEST(retry_after_lengthens)
{
	EXPECT(result_next(1, RESULT_RETRY, 60000, 3).delay_ms >= 60000);
	EXPECT(result_next(1, RESULT_RETRY, 60000, 3).delay_ms < 61000);
	/* and never shortens */
	EXPECT(result_next(10, RESULT_RETRY, 0, 3).delay_ms >= 225000);
	EXPECT(result_next(1, RESULT_RETRY, INT64_MAX, 3).delay_ms <=
	       RESULT_RETRY_AFTER_MS_MAX + 1000);
	EXPECT(result_next(1, RESULT_HOLD, 30000, 3).delay_ms >= 30000);
	EXPECT_INT(result_next(result_attempts_max(), RESULT_RETRY, 60000, 3).step,
	    RESULT_STEP_DEAD);
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

TESTS(TEST_ROW(statuses) TEST_ROW(schedule) TEST_ROW(jitter_stays_within_a_quarter)
	TEST_ROW(other_classes) TEST_ROW(retry_after_lengthens) TEST_ROW(retry_after_is_read))
