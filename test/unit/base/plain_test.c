/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain.h"

#include "unit.h"

static void
expect(void (*put)(struct buf *, struct slice), struct slice in, struct slice want)
{
	struct buf b;

	buf_init(&b, 256);
	put(&b, in);
	EXPECT_SLICE(buf_slice(&b), want);
	buf_fini(&b);
}

TEST(terminals_obey_nothing)
{
	expect(plain_put, S("plain"), S("plain"));
	expect(plain_put, S("\x1b[31m\a\n\x7f"), S("\\x1b[31m\\x07\\x0a\\x7f"));
	expect(plain_put, S("\xc2\x9b[31m\xc2\x80\xc2\x9f\xc2"),
	    S("\\xc2\\x9b[31m\\xc2\\x80\\xc2\\x9f\\xc2"));
	expect(plain_put_lines, S("a\r\n\tb\x1b"), S("a\n\tb\\x1b"));
}

/* Direction (UAX 9), no width, lines and paragraphs, annotations, tags. */
TEST(nothing_changes_what_is_read_unseen)
{
	static const char *const hidden[] = { "\xe2\x80\xae", "\xe2\x80\xaa", "\xe2\x81\xa6",
		"\xe2\x81\xa9", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xd8\x9c", "\xe2\x80\x8b",
		"\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x81\xa0", "\xe2\x81\xa4", "\xef\xbb\xbf",
		"\xc2\xad", "\xe1\xa0\x8e", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbf\xb9",
		"\xf3\xa0\x80\x81", "\xf3\xa0\x81\xbf", "\xe3\x85\xa4" };
	struct buf b, json;

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		size_t n = strlen(hidden[i]);

		buf_init(&b, 64);
		plain_put(&b, slice_str(hidden[i]));
		EXPECT_INT(b.n, 4 * n);
		buf_init(&json, 64);
		buf_json(&json, slice_str(hidden[i]));
		EXPECT_INT(json.n, n == 4 ? 14 : 8);
		EXPECT(slice_starts(buf_slice(&json), S("\"\\u")));
		buf_fini(&json);
		buf_fini(&b);
	}
	expect(plain_put, S("gnp.\xe2\x80\xae"), S("gnp.\\xe2\\x80\\xae"));
}

TEST(letters_stay)
{
	expect(plain_put, S("M\xc3\xbcller \xe2\x82\xac\xc2\xa0\xf0\x9f\x98\x80 \xd7\x90\xd8\xa7"),
	    S("M\xc3\xbcller \xe2\x82\xac\xc2\xa0\xf0\x9f\x98\x80 \xd7\x90\xd8\xa7"));
	expect(plain_put, S(""), S(""));
}

TEST(columns)
{
	struct buf b;

	buf_init(&b, 64);
	plain_put_column(&b, S("a\n"), 8);
	plain_put_column(&b, S("longer"), 3);
	EXPECT_SLICE(buf_slice(&b), S("a\\x0a   longer"));
	buf_fini(&b);
}

TESTS(TEST_ROW(terminals_obey_nothing) TEST_ROW(nothing_changes_what_is_read_unseen)
	TEST_ROW(letters_stay) TEST_ROW(columns))
