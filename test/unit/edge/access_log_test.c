/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/core/access_log.h"

#include "unit.h"

static void
forms(struct access_line l, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	access_log_combined(&l, &b);
	EXPECT_SLICE(buf_slice(&b), slice_str(want));
	buf_fini(&b);
}

TEST(combined)
{
	forms((struct access_line){ "192.0.2.7", "POST", "/hook", "HTTP/1.1", "", "curl/8.0", 202,
		  17, 1764488610123 },
	    "192.0.2.7 - - [30/Nov/2025:07:43:30 +0000] \"POST /hook HTTP/1.1\" 202 17 \"-\" "
	    "\"curl/8.0\"\n");
	forms((struct access_line){ "", "GET", "/", "HTTP/2", "", "", 0, 0, 0 },
	    "- - - [01/Jan/1970:00:00:00 +0000] \"GET / HTTP/2\" 499 0 \"-\" \"-\"\n");
}

TEST(nothing_of_a_visitor_ends_its_field)
{
	forms((struct access_line){ "::1", "GET", "/\" 200 1 \"x\n", "HTTP/1.1", "a\\\"b",
		  "\x1b[31m\r\n192.0.2.1 - - \xc2\x9b", 200, 1, 0 },
	    "::1 - - [01/Jan/1970:00:00:00 +0000] \"GET /\\\" 200 1 \\\"x\\x0a HTTP/1.1\" 200 1 "
	    "\"a\\\\\\\"b\" \"\\x1b[31m\\x0d\\x0a192.0.2.1 - - \\xc2\\x9b\"\n");
}

TESTS(TEST_ROW(combined) TEST_ROW(nothing_of_a_visitor_ends_its_field))
