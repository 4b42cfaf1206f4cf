/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "http/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define GOOD "00-" ID "-00f067aa0ba902b7-01"

static char id[TRACE_ID_BYTES];

TEST(what_is_valid)
{
	static const char *const good[] = { GOOD, "00-" ID "-00f067aa0ba902b7-00",
		"cc-" ID "-00f067aa0ba902b7-01", "01-" ID "-00f067aa0ba902b7-01-more" };
	static const char *const bad[] = { "", "00", "00-" ID "-00f067aa0ba902b7", GOOD "-more",
		GOOD "0", "ff-" ID "-00f067aa0ba902b7-01", "01-" ID "-00f067aa0ba902b7-01.",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-" ID "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"0g-" ID "-00f067aa0ba902b7-01", "00_" ID "-00f067aa0ba902b7-01",
		"00-" ID "-00f067aa0ba902b7-0x" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		EXPECT(trace_parse(slice_str(good[i]), id));
		EXPECT_SLICE(slice_str(id), S(ID));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(!trace_parse(slice_str(bad[i]), id));
}

static bool
find(const char *head)
{
	struct h1 h;

	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, slice_str(head)), H1_DONE);
	return trace_of(&h.head, slice_str(head), id);
}

TEST(a_request_has_one_or_none)
{
	EXPECT(find("GET / HTTP/1.1\r\nHost: a\r\nTraceParent: " GOOD "\r\n\r\n"));
	EXPECT(!find("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT(!find("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: " GOOD "\r\ntraceparent: " GOOD
		     "\r\n\r\n"));
}

TEST(what_is_made_is_valid)
{
	static const unsigned char random[24] = "0123456789abcdefghijklm";
	char line[TRACE_LINE_BYTES], made[TRACE_ID_BYTES];
	size_t n = trace_make(random, line, made);

	EXPECT_INT(n, 13 + 55 + 2);
	EXPECT(trace_parse(slice_of(line + 13, 55), id));
	EXPECT_SLICE(slice_str(id), slice_str(made));
}

TESTS(TEST_ROW(what_is_valid) TEST_ROW(a_request_has_one_or_none) TEST_ROW(what_is_made_is_valid))
