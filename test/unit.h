/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests: a test program is a list of functions; each prints one line.
 *
 *	TEST(empty_slice) { EXPECT(slice_eq(S(""), S(""))); }
 *	TESTS(TEST_ROW(empty_slice))
 *
 * A failed EXPECT says where and goes on; the program exits with 1 and the last line is "N passed,
 *N failed".
 */
#ifndef ADIT_TEST_UNIT_H
#define ADIT_TEST_UNIT_H

#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>

struct unit_test {
	const char *name;
	void (*fn)(void);
};

static int unit_faults;

#define TEST(name) static void test_##name(void)
#define TEST_ROW(name) { #name, test_##name },

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			unit_faults++;                                                             \
			printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);                \
		}                                                                                  \
	} while (0)
#define EXPECT_INT(a, b)                                                                           \
	do {                                                                                       \
		long long unit_a = (long long)(a), unit_b = (long long)(b);                        \
		if (unit_a != unit_b) {                                                            \
			unit_faults++;                                                             \
			printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, unit_a,    \
			    unit_b);                                                               \
		}                                                                                  \
	} while (0)
#define EXPECT_SLICE(a, b)                                                                         \
	do {                                                                                       \
		struct slice unit_a = (a), unit_b = (b);                                           \
		if (!slice_eq(unit_a, unit_b)) {                                                   \
			unit_faults++;                                                             \
			printf("%s:%d: %s is \"%.*s\", not \"%.*s\"\n", __FILE__, __LINE__, #a,    \
			    PS(unit_a), PS(unit_b));                                               \
		}                                                                                  \
	} while (0)

static int
unit_main(const struct unit_test *tests, size_t n, const char *only)
{
	int passed = 0, failed = 0;

	for (size_t i = 0; i < n; i++) {
		if (only != NULL && strcmp(only, tests[i].name) != 0)
			continue;
		unit_faults = 0;
		tests[i].fn();
		printf("%s %s\n", unit_faults == 0 ? "ok  " : "FAIL", tests[i].name);
		fflush(stdout);
		if (unit_faults == 0)
			passed++;
		else
			failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}

#define TESTS(...)                                                                                 \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct unit_test tests[] = { __VA_ARGS__ };                           \
		return unit_main(tests, sizeof(tests) / sizeof(*tests),                            \
		    argc > 1 ? argv[1] : NULL);                                                    \
	}

#endif
