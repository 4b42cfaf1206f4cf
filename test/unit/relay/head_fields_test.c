/* SPDX-License-Identifier: Apache-2.0 */
/* A head with other values in some of its fields. */
#include "relay/head_fields.h"

#include "unit.h"

#define HEAD                                                                                       \
	"POST /hook HTTP/1.1\r\nHost: a.example.org\r\nX-Sign: old\r\nx-other:  kept \r\n"         \
	"x-SIGN: older\r\n\r\n"

static void
expect(bool add, const char *wanted)
{
	const struct hook_field values[] = { { S("X-Sign"), S("new") }, { S("X-At"), S("7") } };
	struct buf out;
	struct h1 h;

	buf_init(&out, 4096);
	h1_init(&h, H1_REQUEST);
	EXPECT(h1_head(&h, S(HEAD)) == H1_DONE);
	head_with(&h.head, S(HEAD), values, 2, add, &out);
	EXPECT_SLICE(buf_slice(&out), slice_str(wanted));
	buf_fini(&out);
}

TEST(values_take_the_place_of_those_that_are_there)
{
	expect(false,
	    "POST /hook HTTP/1.1\r\nHost: a.example.org\r\nX-Sign: new\r\nx-other:  kept \r\n"
	    "x-SIGN: new\r\n\r\n");
}

TEST(what_is_missing_stands_at_the_end)
{
	expect(true,
	    "POST /hook HTTP/1.1\r\nHost: a.example.org\r\nX-Sign: new\r\nx-other:  kept \r\n"
	    "x-SIGN: new\r\nX-At: 7\r\n\r\n");
}

TESTS(TEST_ROW(values_take_the_place_of_those_that_are_there)
	TEST_ROW(what_is_missing_stands_at_the_end))
