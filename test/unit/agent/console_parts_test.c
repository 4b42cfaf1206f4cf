/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of text, the difference of two grids, keys, filters. */
#include "agent/console/keys.h"
#include "agent/console/paint.h"
#include "agent/console/sieve.h"

#include "unit.h"

TEST(columns_of_text)
{
	struct width_piece p;

	EXPECT_INT(width_of(S("abc")), 3);
	EXPECT_INT(width_of(S("\xe6\x97\xa5\xe6\x9c\xac")), 4);         /* wide */
	EXPECT_INT(width_of(S("e\xcc\x81")), 1);                        /* a mark on it */
	EXPECT_INT(width_of(S("\xcc\x81")), 8);                         /* a mark on nothing */
	EXPECT_INT(width_of(S("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa")), 2); /* a flag */
	EXPECT_INT(width_of(S("\xf0\x9f\x9a\x80")), 2);                 /* a rocket */
	EXPECT_INT(width_of(S("\xe2\x9d\xa4\xef\xb8\x8f")), 1); /* a heart, and its selector */
	EXPECT_INT(width_of(S("\xe2\x80\x8b")), 12);            /* no width: told */
	EXPECT_INT(width_of(S("\x1b[0m\x9b\xff")), 4 + 3 + 8);
	EXPECT_INT(width_of(S("\xea\xb0\x80\xe1\x84\x80\xe1\x85\xa1")),
	    4); /* Hangul, composed and not */
	width_next(S("Z\xcc\x81\xcc\x82\xcc\x83\xcc\x84x"), &p);
	EXPECT_INT(p.from, 9);
	EXPECT_INT(p.n, 5);
	EXPECT_INT(p.columns, 1);
}

static struct slice
line(const struct grid *g, unsigned y)
{
	static char text[1024];

	return grid_line(g, y, text, sizeof(text));
}

TEST(text_is_cut_between_characters)
{
	struct grid g;

	EXPECT_INT(grid_init(&g, 10, 2), 0);
	EXPECT_INT(grid_put(&g, 0, 0, 5, 0, S("abcde")), 5);
	EXPECT_SLICE(line(&g, 0), S("abcde"));
	EXPECT_INT(grid_put(&g, 0, 0, 4, 0, S("abcde")), 4);
	EXPECT_SLICE(line(&g, 0), S("abc~e"));
	/* A wide one that does not fit is not halved; one that is half overwritten goes. */
	EXPECT_INT(grid_put(&g, 0, 1, 4, 0, S("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e")), 3);
	EXPECT_SLICE(line(&g, 1), S("\xe6\x97\xa5~"));
	grid_put(&g, 1, 1, 1, 0, S("x"));
	EXPECT_SLICE(line(&g, 1), S(" x~"));
	EXPECT_INT(grid_put(&g, 8, 1, 10, 0, S("wide")), 2);
	EXPECT_INT(grid_put(&g, 10, 0, 10, 0, S("no")), 0);
	EXPECT_INT(grid_put(&g, 0, 2, 10, 0, S("no")), 0);
	grid_put_right(&g, 0, 1, 10, 0, S("right"));
	EXPECT_SLICE(line(&g, 1), S(" x~  right"));
	grid_fini(&g);
	EXPECT_INT(grid_init(&g, 100000, 100000), 0);
	EXPECT(g.columns <= 512 && g.lines <= 256);
	grid_fini(&g);
}

TEST(only_differences_are_painted)
{
	struct grid a, b;
	struct buf out;

	buf_init(&out, 65536);
	EXPECT_INT(grid_init(&a, 20, 3) | grid_init(&b, 20, 3), 0);
	paint(&a, &b, true, &out);
	EXPECT_INT(out.n, 0);
	grid_put(&b, 3, 1, 10, GRID_RED | GRID_BOLD, S("hi"));
	paint(&a, &b, true, &out);
	EXPECT_SLICE(buf_slice(&out), S("\x1b[?2026h\x1b[2;4H\x1b[0;1;31mhi\x1b[0m\x1b[?2026l"));
	buf_reset(&out);
	paint(&a, &b, false, &out);
	EXPECT_SLICE(buf_slice(&out), S("\x1b[?2026h\x1b[2;4H\x1b[0;1mhi\x1b[0m\x1b[?2026l"));
	buf_reset(&out);
	/* Behind what others may count otherwise the place is told anew. */
	grid_clear(&b);
	grid_put(&b, 0, 0, 20, 0, S("\xe6\x97\xa5x"));
	paint(&a, &b, true, &out);
	EXPECT_SLICE(buf_slice(&out),
	    S("\x1b[?2026h\x1b[1;1H\x1b[0m\xe6\x97\xa5\x1b[1;3Hx\x1b[0m\x1b[?2026l"));
	buf_reset(&out);
	/* A link ends with its text. */
	grid_clear(&b);
	grid_put(&b, 0, 0, 20, 0, S("u"));
	grid_link(&b, 0, 0, 1, S("https://a.example"));
	paint(&b, &b, true, &out);
	EXPECT_INT(out.n, 0);
	paint(NULL, &b, true, &out);
	EXPECT(memmem(out.p, out.n, "\x1b]8;;https://a.example\x1b\\u\x1b", 26) != NULL);
	EXPECT(memmem(out.p, out.n, "\x1b]8;;\x1b\\", 7) != NULL);
	grid_link(&b, 0, 0, 1, S("https://a.example/\x1b\\evil"));
	EXPECT_INT(b.n_links, 1);
	buf_reset(&out);
	paint_copy(S("https://a"), &out);
	EXPECT_SLICE(buf_slice(&out), S("\x1b]52;c;aHR0cHM6Ly9h\x1b\\"));
	buf_fini(&out);
	grid_fini(&a);
	grid_fini(&b);
}

static void
expect_keys(struct slice in, const int *wanted)
{
	struct key_reader k = { 0 };
	enum key_typed key;

	while ((key = keys_next(&k, &in)) != KEY_NONE)
		EXPECT_INT(key, *wanted++);
	EXPECT_INT(*wanted, 0);
}

TEST(keys)
{
	struct key_reader k = { 0 };
	struct slice in = S("\x1b[<0;5;7M");

	expect_keys(S("jk\r\n"), (const int[]){ 'j', 'k', '\r', '\r', 0 });
	expect_keys(S("\x1b[A\x1bOB\x1b[H\x1b[4~\x1b[5~\x1b[6~"),
	    (const int[]){ KEY_UP, KEY_DOWN, KEY_HOME, KEY_END, KEY_PAGE_UP, KEY_PAGE_DOWN, 0 });
	expect_keys(S("\x1b"), (const int[]){ KEY_ESCAPE, 0 });
	expect_keys(S("\x1bx\x1b[1;5Aq"), (const int[]){ KEY_OTHER, KEY_OTHER, 'q', 0 });
	expect_keys(S("\x1b[<64;1;1M\x1b[<65;1;1M\x1b[<0;1;1m"),
	    (const int[]){ KEY_WHEEL_UP, KEY_WHEEL_DOWN, KEY_OTHER, 0 });
	expect_keys(S("\x1b[999999999999999999999999999999999999999q"),
	    (const int[]){ KEY_OTHER, '9', '9', '9', '9', '9', '9', '9', '9', 'q', 0 });
	EXPECT_INT(keys_next(&k, &in), KEY_CLICK);
	EXPECT_INT(k.line, 6);
	/* In two pieces. */
	in = S("\x1b[");
	EXPECT_INT(keys_next(&k, &in), KEY_NONE);
	in = S("Aj");
	EXPECT_INT(keys_next(&k, &in), KEY_UP);
	EXPECT_INT(keys_next(&k, &in), 'j');
}

static bool
lets(struct slice filter)
{
	const struct capture_row r = { .id = 1,
		.begun_ms = 100000,
		.state = ROW_PARKED,
		.status = 404,
		.verdict = VERDICT_OK,
		.method = S("POST"),
		.target = S("/hook?token=secret"),
		.event = S("repo:push"),
		.repository = S("acme/web"),
		.branch = S("main"),
		.provider = S("bitbucket"),
		.code = S("origin-refused"),
		.name = S("jenkins"),
		.parent = 7 };
	struct sieve s;

	sieve_set(&s, filter);
	return sieve_lets(&s, &r, 160000);
}

TEST(filters)
{
	EXPECT(lets(S("")) && lets(S("   ")) && lets(S("state:")) && lets(S("-")));
	EXPECT(lets(S("state:parked")) && lets(S("state:PARK")) && !lets(S("state:dead")));
	EXPECT(lets(S("status:404")) && lets(S("status:4xx")) && lets(S("status:4")));
	EXPECT(!lets(S("status:5xx")) && !lets(S("status:4044")));
	EXPECT(lets(S("method:post")) && lets(S("path:/HOOK")) && !lets(S("path:secret")));
	EXPECT(lets(S("repo:acme/web branch:main event:push from:bitbucket tunnel:jenkins")));
	EXPECT(!lets(S("repo:acme/web branch:dev")) && lets(S("-branch:dev")));
	EXPECT(lets(S("is:replay")) && !lets(S("is:pinned")) && lets(S("is:parked")));
	EXPECT(lets(S("since:1m")) && !lets(S("since:59s")) && lets(S("since:x")));
	EXPECT(lets(S("refused")) && lets(S("push")) && !lets(S("secret")) && !lets(S("-push")));
}

TESTS(TEST_ROW(columns_of_text) TEST_ROW(text_is_cut_between_characters)
	TEST_ROW(only_differences_are_painted) TEST_ROW(keys) TEST_ROW(filters))
