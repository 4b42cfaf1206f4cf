/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "hook/rates.h"

TEST(a_bucket_refills)
{
	struct rates_bucket b = { 0 };
	int64_t wait = 0, now = 1000000000;
	int taken = 0;

	while (taken < 100 && rates_take(&b, 10, 5, now, &wait))
		taken++;
	EXPECT_INT(taken, 5);
	EXPECT_INT(wait, 100000);
	EXPECT(!rates_take(&b, 10, 5, now + wait - 1, &wait));
	EXPECT(rates_take(&b, 10, 5, now + 100000, &wait));
	EXPECT(!rates_take(&b, 10, 5, now + 100000, &wait));
	for (taken = 0; taken < 100 && rates_take(&b, 10, 5, now + 60000000, &wait);)
		taken++;
	EXPECT_INT(taken, 5);
	rates_give(&b, 10);
	EXPECT(rates_take(&b, 10, 5, now + 60000000, &wait));
	EXPECT(!rates_take(&b, 10, 5, now + 60000000, &wait));
}

TEST(what_a_policy_may_name)
{
	EXPECT(rates_is_sane(0) && rates_is_sane(0.00001) && rates_is_sane(1e6));
	EXPECT(!rates_is_sane(1.08e-13) && !rates_is_sane(1000001) && !rates_is_sane(-1));
	EXPECT(!rates_is_sane(0.0 / 0.0) && !rates_is_sane(1.0 / 0.0));
}

TESTS(TEST_ROW(a_bucket_refills) TEST_ROW(what_a_policy_may_name))
