/* SPDX-License-Identifier: Apache-2.0 */
#include "http/trailer.h"

#include "unit.h"

static char passed[LIMIT_TRAILER_BYTES];
static size_t n_passed;

static enum close_code
pass(const char *lines)
{
	n_passed = 0;
	return trailer_pass(slice_str(lines), (struct trailer_drop){ 0 }, passed, &n_passed);
}

TEST(order_case_and_values_stay)
{
	EXPECT_INT(pass("X-Sum: 1\r\ngrpc-status:0\r\nx-SUM:\t a b \r\nEmpty: \r\n"), CLOSE_OK);
	EXPECT(slice_eq(slice_of(passed, n_passed),
	    S("X-Sum: 1\r\ngrpc-status: 0\r\nx-SUM: a b\r\nEmpty: \r\n")));
	EXPECT_INT(pass(""), CLOSE_OK);
	EXPECT_INT(n_passed, 0);
}

/* Written again, nothing changes. */
TEST(passing_twice_is_passing_once)
{
	char once[LIMIT_TRAILER_BYTES];
	size_t n;

	EXPECT_INT(pass("A:1\r\nHost: x\r\nB:\xc3\xa4\r\n"), CLOSE_OK);
	n = n_passed;
	memcpy(once, passed, n);
	EXPECT_INT(trailer_pass(slice_of(once, n), (struct trailer_drop){ 0 }, passed, &n_passed),
	    CLOSE_OK);
	EXPECT(slice_eq(slice_of(once, n), slice_of(passed, n_passed)));
}

/* A route's own rules. */
TEST(names_that_a_route_drops)
{
	const struct slice names[] = { S("x-inner"), S("b") };
	const struct trailer_drop drop = { names, 2 };

	EXPECT_INT(trailer_pass(S("A: 1\r\nX-Inner: 2\r\nB: 3\r\nBB: 4\r\n"), drop, passed,
		       &n_passed),
	    CLOSE_OK);
	EXPECT(slice_eq(slice_of(passed, n_passed), S("A: 1\r\nBB: 4\r\n")));
}

/* Each in several spellings, alone and between others. */
TEST(s08_names_of_heads_are_dropped)
{
	static const char *const names[] = { "content-length", "transfer-encoding", "host", "te",
		"connection", "trailer", "upgrade", "keep-alive", "expect", "max-forwards",
		"authorization", "cookie", "set-cookie", "content-type", "content-encoding",
		"proxy-authorization", "x-forwarded-for", "forwarded", "x-real-ip", "adit-error",
		"http2-settings", "www-authenticate", "range", "if-none-match", "cache-control",
		"location", "date", "age", "vary", "retry-after", "early-data" };
	char lines[256], name[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (int spelling = 0; spelling < 3; spelling++) {
			snprintf(name, sizeof(name), "%s", names[i]);
			for (char *p = name; *p != '\0'; p++) {
				if (spelling == 1 && *p >= 'a' && *p <= 'z')
					*p = (char)(*p - 32);
				if (spelling == 2 && *p == '-')
					*p = '_';
			}
			EXPECT(!trailer_may(slice_str(name)));
			snprintf(lines, sizeof(lines), "a: 1\r\n%s: 2\r\nb: 3\r\n", name);
			EXPECT_INT(pass(lines), CLOSE_OK);
			EXPECT(slice_eq(slice_of(passed, n_passed), S("a: 1\r\nb: 3\r\n")));
		}
	EXPECT(trailer_may(S("grpc-status")) && trailer_may(S("grpc-status-details-bin")));
	EXPECT(trailer_may(S("ETag")) && trailer_may(S("Content-Digest")));
	EXPECT(trailer_may(S("Server-Timing")) && trailer_may(S("Authentication-Info")));
}

TEST(s08_what_is_no_field_is_refused)
{
	EXPECT_INT(pass("a: 1"), CLOSE_BAD_LINE_ENDING);
	EXPECT_INT(pass("a: 1\n"), CLOSE_BAD_LINE_ENDING);
	EXPECT_INT(pass("\n"), CLOSE_BAD_LINE_ENDING);
	EXPECT_INT(pass("a: 1\r\n\r\n"), CLOSE_BAD_FIELD_NAME);
	EXPECT_INT(pass("a: 1\r\n b: 2\r\n"), CLOSE_BAD_FIELD_NAME);
	EXPECT_INT(pass("a : 1\r\n"), CLOSE_BAD_FIELD_NAME);
	EXPECT_INT(pass(": 1\r\n"), CLOSE_BAD_FIELD_NAME);
	EXPECT_INT(pass("a\r\n"), CLOSE_BAD_FIELD_NAME);
	EXPECT_INT(pass("a: b\rc: d\r\n"), CLOSE_BAD_FIELD_VALUE);
	EXPECT_INT(pass("a: b\x7f\r\n"), CLOSE_BAD_FIELD_VALUE);
	EXPECT_INT(trailer_pass(S("a: b\0c\r\n"), (struct trailer_drop){ 0 }, passed, &n_passed),
	    CLOSE_BAD_FIELD_VALUE);
}

TEST(limits)
{
	static char lines[2 * LIMIT_TRAILER_BYTES];
	size_t n = 0;

	for (int i = 0; i < LIMIT_TRAILER_FIELDS; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "a: 1\r\n");
	EXPECT_INT(pass(lines), CLOSE_OK);
	EXPECT_INT(n_passed, n);
	/* Those that do not pass count, too. */
	snprintf(lines + n, sizeof(lines) - n, "Host: 1\r\n");
	EXPECT_INT(pass(lines), CLOSE_TRAILER_TOO_LARGE);
	memset(lines, 'x', LIMIT_TRAILER_BYTES);
	memcpy(lines, "a: ", 3);
	snprintf(lines + LIMIT_TRAILER_BYTES - 2, 3, "\r\n");
	EXPECT_INT(pass(lines), CLOSE_OK);
	EXPECT_INT(n_passed, LIMIT_TRAILER_BYTES);
	/* One byte for the space that is written behind the colon. */
	memcpy(lines, "a:x", 3);
	EXPECT_INT(pass(lines), CLOSE_TRAILER_TOO_LARGE);
}

TESTS(TEST_ROW(order_case_and_values_stay) TEST_ROW(passing_twice_is_passing_once)
	TEST_ROW(s08_names_of_heads_are_dropped) TEST_ROW(s08_what_is_no_field_is_refused)
	    TEST_ROW(names_that_a_route_drops) TEST_ROW(limits))
