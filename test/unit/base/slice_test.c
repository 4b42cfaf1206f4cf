/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include "unit.h"

TEST(equality)
{
	EXPECT(slice_eq(S(""), slice_of(NULL, 0)));
	EXPECT(slice_eq(S("ab"), S("ab")));
	EXPECT(!slice_eq(S("ab"), S("ac")));
	EXPECT(!slice_eq(S("ab"), S("abc")));
	EXPECT(!slice_eq(S("ab"), S("AB")));
	EXPECT(slice_ieq(S("Content-Length"), S("content-length")));
	EXPECT(!slice_ieq(S("[a"), S("{a")));
	EXPECT(slice_eq(slice_str(NULL), S("")));
}

TEST(starts_and_ends)
{
	EXPECT(slice_starts(S("abc"), S("ab")));
	EXPECT(slice_starts(S("abc"), S("")));
	EXPECT(!slice_starts(S("a"), S("ab")));
	EXPECT(slice_ends(S("abc"), S("bc")));
	EXPECT(slice_ends(slice_of(NULL, 0), slice_of(NULL, 0)));
	EXPECT(!slice_ends(S("c"), S("bc")));
}

TEST(parts_never_pass_the_end)
{
	EXPECT_SLICE(slice_from(S("abc"), 1), S("bc"));
	EXPECT_SLICE(slice_from(S("abc"), 3), S(""));
	EXPECT_SLICE(slice_from(S("abc"), SIZE_MAX), S(""));
	EXPECT_SLICE(slice_head(S("abc"), 2), S("ab"));
	EXPECT_SLICE(slice_head(S("abc"), 9), S("abc"));
	EXPECT(slice_from(slice_of(NULL, 0), 0).p == NULL);
	EXPECT(slice_find(S("abc"), 'c') == 2);
	EXPECT(slice_find(S("abc"), 'x') == SIZE_MAX);
	EXPECT(slice_find(slice_of(NULL, 0), 'x') == SIZE_MAX);
}

TEST(trim_takes_only_sp_and_htab)
{
	EXPECT_SLICE(slice_trim(S(" \t a b\t ")), S("a b"));
	EXPECT_SLICE(slice_trim(S(" \t ")), S(""));
	EXPECT_SLICE(slice_trim(S("\ra\n")), S("\ra\n"));
}

TEST(cut_gives_every_part)
{
	struct slice s = S("a,,b");

	EXPECT_SLICE(slice_cut(&s, ','), S("a"));
	EXPECT_SLICE(slice_cut(&s, ','), S(""));
	EXPECT_SLICE(slice_cut(&s, ','), S("b"));
	EXPECT(s.p == NULL && s.n == 0);
	s = S("a,");
	EXPECT_SLICE(slice_cut(&s, ','), S("a"));
	EXPECT(s.p != NULL && s.n == 0); /* an empty last part is a part */
	EXPECT_SLICE(slice_cut(&s, ','), S(""));
	EXPECT(s.p == NULL);
}

TEST(numbers_are_digits_only)
{
	static const struct slice bad[] = { S(""), S("-1"), S("+1"), S(" 1"), S("1 "), S("1x"),
		S("0x1"), S("18446744073709551616"), S("99999999999999999999"), S("1\0") };
	uint64_t v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(!slice_u64(bad[i], &v));
	EXPECT_INT(v, 7);
	EXPECT(slice_u64(S("0"), &v) && v == 0);
	EXPECT(slice_u64(S("007"), &v) && v == 7);
	EXPECT(slice_u64(S("18446744073709551615"), &v) && v == UINT64_MAX);
}

TEST(z_refuses_what_does_not_fit)
{
	char dst[4] = "xxx";

	EXPECT(slice_z(S("abc"), dst, sizeof(dst)) && strcmp(dst, "abc") == 0);
	EXPECT(!slice_z(S("abcd"), dst, sizeof(dst)));
	EXPECT(!slice_z(S("a\0b"), dst, sizeof(dst)));
	EXPECT(slice_z(slice_of(NULL, 0), dst, 1) && dst[0] == '\0');
	EXPECT(!slice_z(slice_of(NULL, 0), dst, 0));
}

TESTS(TEST_ROW(equality) TEST_ROW(starts_and_ends) TEST_ROW(parts_never_pass_the_end)
	TEST_ROW(trim_takes_only_sp_and_htab) TEST_ROW(cut_gives_every_part)
	    TEST_ROW(numbers_are_digits_only) TEST_ROW(z_refuses_what_does_not_fit))
