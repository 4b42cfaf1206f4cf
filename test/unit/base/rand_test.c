/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include "unit.h"

TEST(below_stays_below_and_reaches_all)
{
	unsigned seen[10] = { 0 };

	for (int i = 0; i < 10000; i++)
		seen[rand_below(10)]++;
	for (int i = 0; i < 10; i++)
		EXPECT(seen[i] > 700 && seen[i] < 1300); /* ten standard deviations */
	EXPECT_INT(rand_below(1), 0);
	EXPECT(rand_below(UINT64_MAX) < UINT64_MAX);
}

TEST(names)
{
	char a[17], b[17];

	for (int i = 0; i < 2000; i++) {
		rand_name(a, 16);
		EXPECT_INT(strlen(a), 16);
		EXPECT(a[0] >= 'a' && a[0] <= 'z');
		EXPECT_INT(strspn(a, "abcdefghijklmnopqrstuvwxyz234567"), 16);
		rand_name(b, 16);
		EXPECT(strcmp(a, b) != 0);
	}
	rand_name(a, 0);
	EXPECT(a[0] == '\0');
}

TEST(bytes_of_any_number)
{
	static unsigned char big[100000];
	unsigned ones = 0;

	rand_bytes(big, sizeof(big)); /* more than getrandom() gives at once without a loop */
	for (size_t i = 0; i < sizeof(big); i++)
		ones += (unsigned)__builtin_popcount(big[i]);
	EXPECT(ones > 395000 && ones < 405000);
	EXPECT(rand_u64() != rand_u64());
	rand_bytes(NULL, 0);
}

TESTS(TEST_ROW(below_stays_below_and_reaches_all) TEST_ROW(names) TEST_ROW(bytes_of_any_number))
