/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/core/tally.h"

#include "unit.h"

static struct tally f;

static struct tally_sum
sum_of(const struct tally *of)
{
	struct tally_sum sum = { 0 };

	tally_sum(of, &sum);
	return sum;
}

/* In which bucket a time falls, by the counts alone. */
static unsigned
falls_into(int64_t us)
{
	struct tally_sum before = sum_of(&f), now;

	tally_add(&f, 200, us, 1);
	now = sum_of(&f);
	for (unsigned i = 0; i <= TALLY_BOUNDS; i++)
		if (now.took[i] != before.took[i])
			return i;
	return 99;
}

TEST(a_bound_belongs_to_its_bucket)
{
	EXPECT_INT(falls_into(0), 0);
	EXPECT_INT(falls_into(1000), 0);
	EXPECT_INT(falls_into(1001), 1);
	for (unsigned i = 0; i < TALLY_BOUNDS; i++) {
		EXPECT_INT(falls_into(tally_bounds_us[i]), i);
		EXPECT_INT(falls_into(tally_bounds_us[i] + 1), i + 1);
	}
	EXPECT_INT(falls_into(INT64_MAX), TALLY_BOUNDS);
}

TEST(classes_and_times)
{
	struct tally one = { 0 };
	struct tally_sum sum;

	tally_add(&one, 204, 3000, 10);
	tally_add(&one, 999, 5000, 20);
	tally_add(&one, 0, 1000, 30);
	tally_add(&one, 101, 3600 * INT64_C(1000000), 25); /* a talk of an hour is no slow answer */
	sum = sum_of(&one);
	EXPECT_INT(sum.by_class[2], 1);
	EXPECT_INT(sum.by_class[5], 1);
	EXPECT_INT(sum.by_class[0], 1);
	EXPECT_INT(sum.by_class[1], 1);
	EXPECT_INT(sum.took_us, 9000);
	EXPECT_INT(tally_requests(&sum), 4);
	tally_sum(&f, &sum);
	EXPECT_INT(sum.last_ms, 25);
}

TEST(quantiles_are_bounds)
{
	struct tally_sum none = { 0 }, sum = { 0 };

	EXPECT_INT(tally_quantile_us(&none, 0.5), 0);
	sum.took[0] = 90;
	sum.took[5] = 9;
	sum.took[TALLY_BOUNDS] = 1;
	EXPECT_INT(tally_quantile_us(&sum, 0.5), 1000);
	EXPECT_INT(tally_quantile_us(&sum, 0.95), 32000);
	EXPECT_INT(tally_quantile_us(&sum, 0.999), 65536000);
}

TESTS(TEST_ROW(a_bound_belongs_to_its_bucket) TEST_ROW(classes_and_times)
	TEST_ROW(quantiles_are_bounds))
