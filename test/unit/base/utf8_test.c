/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "unit.h"

TEST(well_formed)
{
	EXPECT_INT(utf8_next(S("a")), 1);
	EXPECT_INT(utf8_next(S("\0")), 1);
	EXPECT_INT(utf8_next(S("\xc2\x80")), 2);
	EXPECT_INT(utf8_next(S("\xe0\xa0\x80")), 3);
	EXPECT_INT(utf8_next(S("\xed\x9f\xbf")), 3);
	EXPECT_INT(utf8_next(S("\xf4\x8f\xbf\xbf"
			       "more")),
	    4);
}

TEST(ill_formed)
{
	static const struct slice bad[] = {
		S(""),
		S("\x80"),
		S("\xc0\x80"),
		S("\xc1\xbf"),
		S("\xc2"),
		S("\xc2"
		  "a"),
		S("\xe0\x80\x80"),
		S("\xed\xa0\x80"),
		S("\xe2\x82"),
		S("\xe2\x82"
		  "a"),
		S("\xf0\x80\x80\x80"),
		S("\xf4\x90\x80\x80"),
		S("\xf5\x80\x80\x80"),
		S("\xff"),
		S("\xf0\x9f\x98"
		  "a"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(utf8_next(bad[i]), 0);
}

TESTS(TEST_ROW(well_formed) TEST_ROW(ill_formed))
