/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plain.h"

#include "unit.h"

static void
expect(struct slice in, struct slice want)
{
	struct buf b;

	buf_init(&b, 256);
	plain_put(&b, in);
	EXPECT_SLICE(buf_slice(&b), want);
	buf_fini(&b);
}

TEST(terminals_obey_nothing)
{
	expect(S("plain"), S("plain"));
	expect(S("\x1b[31m\a\n\x7f"), S("?[31m???"));
	expect(S("a\xc2\x9b"
		 "31m"),
	    S("a?31m"));
	expect(S("\xc2\x80\xc2\x9f\xc2"), S("??\xc2"));
}

TEST(letters_stay)
{
	expect(S("M\xc3\xbcller \xe2\x82\xac\xc2\xa0"), S("M\xc3\xbcller \xe2\x82\xac\xc2\xa0"));
	expect(S(""), S(""));
}

TESTS(TEST_ROW(terminals_obey_nothing) TEST_ROW(letters_stay))
