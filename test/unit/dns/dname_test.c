/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dname.h"

#include "unit.h"

static struct dname
name(const char *text)
{
	struct dname d = { .n = 1 };

	EXPECT(dname_parse(slice_str(text), &d));
	return d;
}

/* As text again; static, for one use at a time. */
static struct slice
text_of(const struct dname *d)
{
	static char text[DNAME_TEXT_BYTES];

	dname_text(dname_slice(d), text, sizeof(text));
	return slice_str(text);
}

TEST(text_and_back)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ ".", "." },
		{ "org", "org" },
		{ "www.Example.org", "www.Example.org" },
		{ "www.example.org.", "www.example.org" },
		{ "*.example.org", "*.example.org" },
		{ "_acme-challenge.x", "_acme-challenge.x" },
		{ "a\\.b.c", "a\\046b.c" },
		{ "a\\046b.c", "a\\046b.c" },
		{ "\\000\\255.c", "\\000\\255.c" },
		{ "a\\\\b", "a\\092b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dname d = name(rows[i].in), again;

		EXPECT_SLICE(text_of(&d), slice_str(rows[i].out));
		EXPECT(dname_parse(slice_str(rows[i].out), &again));
		EXPECT(dname_eq(dname_slice(&d), dname_slice(&again)));
	}
}

TEST(no_names)
{
	static const char *const rows[] = { "", "..", ".a", "a..b", "a..", "a\\", "a\\2", "a\\25",
		"a\\256", "a\\1x2", "a.\\" };
	struct dname d = { .n = 77 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		EXPECT(!dname_parse(slice_str(rows[i]), &d));
	EXPECT_INT(d.n, 77);
}

/* n labels of `bytes` each, dots between. */
static bool
parses(size_t n, size_t bytes, size_t last, bool dot, struct dname *ret)
{
	char text[600];
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		memset(text + at, 'x', bytes);
		at += bytes;
		text[at++] = '.';
	}
	memset(text + at, 'y', last);
	at += last;
	if (dot)
		text[at++] = '.';
	return dname_parse(slice_of(text, at), ret);
}

TEST(lengths)
{
	struct dname d;
	char text[DNAME_TEXT_BYTES];

	for (int dot = 0; dot < 2; dot++) {
		EXPECT(parses(0, 0, 63, dot, &d));
		EXPECT(!parses(0, 0, 64, dot, &d));
		/* 3 * 64 + 62 + root = 255 */
		EXPECT(parses(3, 63, 61, dot, &d));
		EXPECT_INT(d.n, 255);
		EXPECT(!parses(3, 63, 62, dot, &d));
		EXPECT(parses(126, 1, 1, dot, &d));
		EXPECT_INT(d.n, 255);
		EXPECT_INT(dname_labels(dname_slice(&d)), 127);
		EXPECT(!parses(127, 1, 1, dot, &d));
	}
	/* The longest as text: every byte escaped. */
	EXPECT(parses(3, 63, 61, false, &d));
	for (size_t i = 0; i < 255; i++)
		if (d.p[i] == 'x' || d.p[i] == 'y')
			d.p[i] = 0xff;
	dname_text(dname_slice(&d), text, sizeof(text));
	EXPECT_INT(strlen(text), 250 * 4 + 3);
}

TEST(equal_apart_from_case)
{
	struct dname a = name("WWW.example.ORG"), b = name("www.EXAMPLE.org"),
		     c = name("www-example.org"), lower;

	EXPECT(dname_eq(dname_slice(&a), dname_slice(&b)));
	EXPECT(!dname_eq(dname_slice(&a), dname_slice(&c)));
	dname_set_lower(&lower, dname_slice(&a));
	EXPECT_SLICE(text_of(&lower), S("www.example.org"));
	dname_set(&c, dname_slice(&a));
	EXPECT_SLICE(text_of(&c), S("WWW.example.ORG"));
	/* A NUL within a label ends nothing. */
	a = name("a\\000b.org");
	b = name("a\\000c.org");
	EXPECT(!dname_eq(dname_slice(&a), dname_slice(&b)));
	/* '@' and '`', '[' and '{' are no letters. */
	a = name("@[");
	b = name("`{");
	EXPECT(!dname_eq(dname_slice(&a), dname_slice(&b)));
}

TEST(below)
{
	struct dname zone = name("example.org"), root = name(".");
	static const struct {
		const char *name;
		bool in;
	} rows[] = {
		{ "example.org", true },
		{ "a.b.EXAMPLE.org", true },
		{ "xexample.org", false },
		{ "org", false },
		{ ".", false },
		{ "example.org.x", false },
		/* Its last bytes are those of the zone's name, its labels are not. */
		{ "a\\007example.org", false },
		{ "a\\007example\\003org", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dname d = name(rows[i].name);

		EXPECT(dname_in(dname_slice(&d), dname_slice(&zone)) == rows[i].in);
		EXPECT(dname_in(dname_slice(&d), dname_slice(&root)));
	}
}

TEST(parts)
{
	struct dname d = name("*.b.c"), star = name("*x.b"), wild;

	EXPECT(dname_is_wild(dname_slice(&d)));
	EXPECT(!dname_is_wild(dname_slice(&star)));
	EXPECT(dname_eq(dname_skip(dname_slice(&d), 3), S("\0")));
	EXPECT(dname_wild(dname_skip(dname_slice(&d), 1), &wild));
	EXPECT(dname_eq(dname_slice(&wild), dname_slice(&d)));
	EXPECT(parses(3, 63, 59, false, &d)); /* 253 bytes */
	EXPECT(dname_wild(dname_slice(&d), &wild));
	EXPECT_INT(wild.n, 255);
	EXPECT(!dname_wild(dname_slice(&wild), &wild));
}

TESTS(TEST_ROW(text_and_back) TEST_ROW(no_names) TEST_ROW(lengths) TEST_ROW(equal_apart_from_case)
	TEST_ROW(below) TEST_ROW(parts))
