/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire.h"

#include "unit.h"

TEST(what_was_put_is_read)
{
	char bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;

	wire_put_uint(&out, 0x0102, 2);
	wire_put_uint(&out, UINT64_MAX, 8);
	wire_put_vec(&out, S("name"), 1);
	wire_put_vec(&out, S(""), 2);
	EXPECT(!out.failed);
	EXPECT_INT(out.n, 2 + 8 + 5 + 2);
	EXPECT_SLICE(slice_of(bytes, 2), S("\x01\x02"));
	in = wire_in(slice_of(bytes, out.n));
	EXPECT_INT(wire_uint(&in, 2), 0x0102);
	EXPECT(wire_uint(&in, 8) == UINT64_MAX);
	EXPECT_SLICE(wire_vec(&in, 1), S("name"));
	EXPECT_SLICE(wire_vec(&in, 2), S(""));
	EXPECT(!in.failed && in.left.n == 0);
}

TEST(reading_past_the_end_is_sticky)
{
	struct wire_in in = wire_in(S("\x05"
				      "abc"));

	EXPECT_SLICE(wire_vec(&in, 1), S("")); /* five were promised */
	EXPECT(in.failed);
	EXPECT_INT(wire_uint(&in, 1), 0); /* though bytes are left */
	EXPECT(in.failed);
	in = wire_in(slice_of(NULL, 0));
	EXPECT_INT(wire_uint(&in, 0), 0);
	EXPECT(!in.failed);
	EXPECT_INT(wire_uint(&in, 1), 0);
	EXPECT(in.failed);
}

TEST(writing_past_the_end_is_sticky)
{
	char bytes[4] = "zzz";
	struct wire_out out = wire_out(bytes, 3);

	wire_put(&out, S("ab"));
	wire_put(&out, S("cd"));
	EXPECT(out.failed);
	wire_put(&out, S("c"));
	EXPECT_INT(out.n, 2);
	EXPECT(bytes[2] == 'z');
}

TEST(a_length_that_does_not_fit)
{
	static char long_bytes[300];
	char bytes[400];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_vec(&out, slice_of(long_bytes, 255), 1);
	EXPECT(!out.failed && out.n == 256);
	out = wire_out(bytes, sizeof(bytes));
	wire_put_vec(&out, slice_of(long_bytes, 256), 1);
	EXPECT(out.failed && out.n == 0);
}

TESTS(TEST_ROW(what_was_put_is_read) TEST_ROW(reading_past_the_end_is_sticky)
	TEST_ROW(writing_past_the_end_is_sticky) TEST_ROW(a_length_that_does_not_fit))
