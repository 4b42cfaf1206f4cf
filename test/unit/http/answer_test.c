/* SPDX-License-Identifier: Apache-2.0 */
#include "http/answer.h"

#include "unit.h"

static struct answer a;
static char out[4096];

static const struct answer_to kept = {
	.visitor_minor = 1,
	.keep_alive = true,
	.request_id = { "abc234", 6 },
	.wall_ms = INT64_C(1763999400000),
};

static struct slice
write_to(const struct answer_to *to)
{
	return slice_of(out, answer_write(&a, to, out, sizeof(out)));
}

TEST(fields_stand_in_their_order_and_rules_change_them)
{
	struct slice drop[] = { S("server"), S("X-B") };

	answer_begin(&a, 200, S(""));
	answer_put(&a, S("Server"), S("x"));
	answer_put(&a, S("X-A"), S(""));
	answer_put(&a, S("x-b"), S("1"));
	answer_put(&a, S("X-B"), S("2"));
	answer_put_number(&a, S("Content-Length"), 18446744073709551615u);
	answer_common(&a, &kept);
	answer_drop(&a, drop, 2);
	answer_put_lines(&a, S("X-B: new\r\nX-C:  y \r\n"));
	EXPECT_SLICE(write_to(&kept), S("HTTP/1.1 200 OK\r\nX-A: \r\n"
					"Content-Length: 18446744073709551615\r\n"
					"Date: Mon, 24 Nov 2025 15:50:00 GMT\r\n"
					"adit-request-id: abc234\r\nX-B: new\r\nX-C: y\r\n\r\n"));
	EXPECT_SLICE(answer_find(&a, S("x-c")), S("y"));
	EXPECT(answer_find(&a, S("Server")).p == NULL);
}

TEST(what_stands_there_already_is_not_said_twice)
{
	answer_begin(&a, 204, S("Nothing"));
	answer_put(&a, S("dATE"), S("then"));
	answer_common(&a, &kept);
	EXPECT_SLICE(write_to(&kept), S("HTTP/1.1 204 Nothing\r\ndATE: then\r\n"
					"adit-request-id: abc234\r\n\r\n"));
}

TEST(bytes_from_outside_are_no_field)
{
	static char much[ANSWER_VALUE_BYTES + 1];

	memset(much, 'x', sizeof(much));
	answer_begin(&a, 503, S(""));
	answer_put_text(&a, S("A"), S("x\r\nSet-Cookie: y"));
	answer_put_text(&a, S("B"), S("\x7f"));
	answer_put_text(&a, S("C"), S("caf\xc3\xa9"));
	answer_put_text(&a, S("D"), slice_of(much, sizeof(much)));
	EXPECT_INT(a.n_fields, 0);
	answer_put_text(&a, S("E"), slice_of(much, sizeof(much) - 1));
	EXPECT_INT(a.n_fields, 1);
}

TEST(too_much_is_told_and_nothing_is_written)
{
	size_t n;

	answer_begin(&a, 200, S(""));
	for (size_t i = 0; i < ANSWER_FIELDS_MAX; i++)
		answer_put(&a, S("A"), S("b"));
	EXPECT(!a.failed);
	n = answer_write(&a, &kept, out, sizeof(out));
	EXPECT(n > 0);
	EXPECT_INT(answer_write(&a, &kept, out, n - 1), 0);
	EXPECT_INT(answer_write(&a, &kept, out, n), n);
	answer_put(&a, S("A"), S("b"));
	EXPECT(a.failed);
	EXPECT_INT(answer_write(&a, &kept, out, sizeof(out)), 0);
	answer_begin(&a, 200, S(""));
	for (size_t i = 0; i < ANSWER_TEXT_BYTES / 3; i++)
		answer_put_number(&a, S("N"), 1000);
	EXPECT(a.failed);
}

TESTS(TEST_ROW(fields_stand_in_their_order_and_rules_change_them)
	TEST_ROW(what_stands_there_already_is_not_said_twice)
	    TEST_ROW(bytes_from_outside_are_no_field)
		TEST_ROW(too_much_is_told_and_nothing_is_written))
