/* SPDX-License-Identifier: Apache-2.0 */
/* Every case of the corpus through the parser, in one piece, byte by byte and cut everywhere. */
#include "http/h1.h"

#include "lib/smuggling.h"
#include "unit.h"

struct verdict {
	unsigned good;
	enum close_code row;
	bool in_body; /* the fault */
};

/* How many bytes are there in the first look, and by how many more grows each further one. */
struct cut {
	size_t first, more;
};

/* Reads requests out of `all` as a server does that gets it in these pieces; the sender then ends.
 */
static struct verdict
judge(struct slice all, struct cut cut)
{
	static struct h1 h;
	struct verdict v = { 0 };
	size_t have = cut.first < all.n ? cut.first : all.n, at = 0;
	struct slice in, data;
	enum h1_result result;

	for (;;) {
		h1_init(&h, H1_REQUEST);
		while ((result = h1_head(&h, slice_of(all.p + at, have - at))) == H1_MORE) {
			if (have == all.n) {
				v.row = at == have ? CLOSE_OK : CLOSE_EARLY_END;
				return v;
			}
			have = have + cut.more < all.n ? have + cut.more : all.n;
		}
		at += result == H1_DONE ? h.head.n_bytes : 0;
		while (result != H1_BAD) {
			in = slice_of(all.p + at, have - at);
			result = h1_body(&h, &in, &data);
			at = have - in.n;
			if (result == H1_DONE)
				break;
			v.in_body = result == H1_BAD;
			if (result != H1_MORE)
				continue;
			if (have == all.n) {
				v.row = h1_eof_ok(&h) ? CLOSE_OK : CLOSE_EARLY_END;
				v.in_body = true;
				return v;
			}
			have = have + cut.more < all.n ? have + cut.more : all.n;
		}
		if (result == H1_BAD) {
			v.row = h.error;
			return v;
		}
		v.good++;
	}
}

/* Says what is different, and counts it as a fault of the test. */
static bool
matches(const struct smuggling *s, struct verdict v, const char *how)
{
	const char *row = close_row(v.row)->name;
	bool where = strcmp(s->where, "-") == 0 || v.in_body == (strcmp(s->where, "body") == 0);

	if (strcmp(row, s->row) == 0 && v.good == s->good && where)
		return true;
	unit_faults++;
	printf("%s, %s: %s after %u in the %s, not %s after %u in the %s\n", s->name, how, row,
	    v.good, v.in_body ? "body" : "head", s->row, s->good, s->where);
	return false;
}

static void
run(bool legal, int *ret_n)
{
	struct smuggling s;

	*ret_n = 0;
	smuggling_open(&s);
	while (smuggling_next(&s)) {
		struct slice all = buf_slice(&s.bytes);

		if ((strcmp(s.row, "ok") == 0) != legal)
			continue;
		++*ret_n;
		matches(&s, judge(all, (struct cut){ all.n, 0 }), "whole");
		matches(&s, judge(all, (struct cut){ 0, 1 }), "byte by byte");
		matches(&s, judge(all, (struct cut){ 0, 7 }), "by sevens");
		for (size_t i = 1; i < all.n && i < 300; i++)
			if (!matches(&s, judge(all, (struct cut){ i, all.n }), "in two"))
				break;
	}
}

TEST(s08_smuggling_is_refused)
{
	int n;

	run(false, &n);
	EXPECT(n >= 300);
}

TEST(s08_odd_but_legal_is_accepted)
{
	int n;

	run(true, &n);
	EXPECT(n >= 50);
}

/* A fault ends the connection: nothing behind it is ever read as a request. */
TEST(s08_nothing_follows_a_fault)
{
	static struct h1 h;
	struct slice bad =
	    S("GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct slice data;

	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, bad), H1_BAD);
	EXPECT_INT(h1_head(&h, bad), H1_BAD);
	EXPECT_INT(h1_body(&h, &bad, &data), H1_BAD);
	EXPECT(!h1_eof_ok(&h));
	EXPECT_INT(h.error, CLOSE_BAD_FIELD_NAME);
}

TESTS(TEST_ROW(s08_smuggling_is_refused) TEST_ROW(s08_odd_but_legal_is_accepted)
	TEST_ROW(s08_nothing_follows_a_fault))
