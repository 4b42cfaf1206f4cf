/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "unit.h"

TEST(failure_is_sticky)
{
	struct buf b;

	buf_init(&b, 5);
	buf_put(&b, S("abc"));
	buf_put(&b, S("def"));
	EXPECT(b.failed);
	buf_put(&b, S("d")); /* would fit, but what stands there would have a hole */
	EXPECT_SLICE(buf_slice(&b), S("abc"));
	EXPECT(buf_z(&b) == NULL);
	buf_reset(&b);
	EXPECT(!b.failed);
	buf_put(&b, S("abcde"));
	EXPECT_SLICE(buf_slice(&b), S("abcde"));
	EXPECT(buf_room(&b, SIZE_MAX) == NULL);
	buf_fini(&b);
}

TEST(grows_to_its_maximum)
{
	struct buf b;
	char piece[100];

	memset(piece, 'x', sizeof(piece));
	buf_init(&b, 1050);
	for (int i = 0; i < 10; i++)
		buf_put(&b, slice_of(piece, sizeof(piece)));
	EXPECT(!b.failed);
	EXPECT(b.cap <= 1050);
	EXPECT(strlen(buf_z(&b)) == 1000);
	buf_skip(&b, 990);
	EXPECT_SLICE(buf_slice(&b), S("xxxxxxxxxx"));
	buf_printf(&b, "%s-%d", "y", 7);
	EXPECT_SLICE(buf_slice(&b), S("xxxxxxxxxxy-7"));
	buf_fini(&b);
}

static void
expect_json(struct slice in, struct slice plain, struct slice ascii)
{
	struct buf b;

	buf_init(&b, 1000);
	buf_json(&b, in);
	EXPECT_SLICE(buf_slice(&b), plain);
	buf_reset(&b);
	buf_json_ascii(&b, in);
	EXPECT_SLICE(buf_slice(&b), ascii);
	buf_fini(&b);
}

TEST(json_strings)
{
	expect_json(S(""), S("\"\""), S("\"\""));
	expect_json(S("a\"b\\c"), S("\"a\\\"b\\\\c\""), S("\"a\\\"b\\\\c\""));
	expect_json(S("\n\r\x1b\x7f"), S("\"\\n\\u000d\\u001b\\u007f\""),
	    S("\"\\n\\u000d\\u001b\\u007f\""));
	expect_json(S("a\0b"), S("\"a\\u0000b\""), S("\"a\\u0000b\""));
	expect_json(S("\xc3\xa9"), S("\"\xc3\xa9\""), S("\"\\u00e9\""));
	expect_json(S("\xc2\x9b"), S("\"\\u009b\""), S("\"\\u009b\""));
	expect_json(S("\xe2\x82\xac"), S("\"\xe2\x82\xac\""), S("\"\\u20ac\""));
	expect_json(S("\xf0\x9f\x98\x80"), S("\"\xf0\x9f\x98\x80\""), S("\"\\ud83d\\ude00\""));
	expect_json(S("\xff"), S("\"\xef\xbf\xbd\""), S("\"\\ufffd\""));
	expect_json(S("\xe2\x82"), S("\"\xef\xbf\xbd\xef\xbf\xbd\""), S("\"\\ufffd\\ufffd\""));
}

TESTS(TEST_ROW(failure_is_sticky) TEST_ROW(grows_to_its_maximum) TEST_ROW(json_strings))
