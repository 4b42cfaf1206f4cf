/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/core/board.h"

#include "base/limits.h"
#include "unit.h"

#include <stdio.h>

static struct board_note
note_of(enum board_kind kind, const char *where, const char *text)
{
	return (struct board_note){ .kind = kind, .where = where, .text = text };
}

static bool
show(struct board *b, enum board_kind kind, const char *where, const char *text)
{
	struct board_note n = note_of(kind, where, text);

	return board_show(b, &n);
}

TEST(tokens)
{
	struct board *b = board_new();
	char body[16];

	EXPECT(board_is_empty(b));
	EXPECT(!board_http(b, S("token"), body, sizeof(body)));
	EXPECT(show(b, BOARD_HTTP, "token", "token.thumb"));
	EXPECT(!board_is_empty(b));
	EXPECT(board_http(b, S("token"), body, sizeof(body)));
	EXPECT_SLICE(slice_str(body), S("token.thumb"));
	EXPECT(!board_http(b, S("toke"), body, sizeof(body)));
	EXPECT(!board_http(b, S("token"), body, 11)); /* no room for its end */
	/* Another text in its place, not beside it. */
	EXPECT(show(b, BOARD_HTTP, "token", "newer"));
	EXPECT(board_http(b, S("token"), body, sizeof(body)));
	EXPECT_SLICE(slice_str(body), S("newer"));
	board_hide(b, BOARD_HTTP, "token", NULL);
	board_hide(b, BOARD_HTTP, "token", NULL);
	EXPECT(board_is_empty(b));
	EXPECT_INT(board_dns_version(b), 0);
	board_free(b);
}

static void
count(void *arg, const char *where, const char *text)
{
	size_t *n = arg;

	EXPECT_SLICE(slice_str(where), S("_acme-challenge.example.org"));
	EXPECT(text[0] == 'a' || text[0] == 'b');
	(*n)++;
}

static void
on_change(void *arg)
{
	size_t *n = arg;

	(*n)++;
}

TEST(records_stand_beside_one_another)
{
	const char *at = "_acme-challenge.example.org";
	struct board *b = board_new();
	size_t n = 0, n_changes = 0;

	board_watch(b, on_change, &n_changes);
	EXPECT(show(b, BOARD_DNS, at, "a"));
	EXPECT(show(b, BOARD_DNS, at, "b"));
	EXPECT(show(b, BOARD_DNS, at, "b")); /* it is up */
	EXPECT(show(b, BOARD_HTTP, "token", "x"));
	EXPECT_INT(board_each_dns(b, count, &n), 2);
	EXPECT_INT(n, 2);
	EXPECT_INT(n_changes, 2);
	EXPECT_INT(board_told_version(b), 0);
	board_told(b, 2);
	board_told(b, 1); /* an older word changes nothing */
	EXPECT_INT(board_told_version(b), 2);
	board_hide(b, BOARD_DNS, at, "a");
	EXPECT_INT(board_dns_version(b), 3);
	n = 0;
	(void)board_each_dns(b, count, &n);
	EXPECT_INT(n, 1);
	EXPECT_INT(n_changes, 3);
	board_free(b);
}

TEST(handshakes)
{
	struct board *b = board_new();
	struct board_note n = note_of(BOARD_ALPN, "x.example.org", NULL);
	struct buf cert, key;

	buf_init(&cert, 64);
	buf_init(&key, 64);
	n.cert = S("certificate");
	n.key = S("key");
	EXPECT(board_show(b, &n));
	EXPECT(!board_alpn(b, "y.example.org", &cert, &key));
	EXPECT(board_alpn(b, "x.example.org", &cert, &key));
	EXPECT_SLICE(buf_slice(&cert), S("certificate"));
	EXPECT_SLICE(buf_slice(&key), S("key"));
	buf_fini(&cert);
	buf_fini(&key);
	board_free(b);
}

TEST(no_more_than_there_is_room_for)
{
	struct board *b = board_new();
	char token[32];

	for (int i = 0; i < LIMIT_BOARD_NOTES; i++) {
		snprintf(token, sizeof(token), "t%d", i);
		EXPECT(show(b, BOARD_HTTP, token, "x"));
	}
	EXPECT(!show(b, BOARD_HTTP, "one more", "x"));
	EXPECT(show(b, BOARD_HTTP, "t0", "in its place"));
	board_hide(b, BOARD_HTTP, "t1", NULL);
	EXPECT(show(b, BOARD_HTTP, "one more", "x"));
	board_free(b);
}

/* clang-format off */
TESTS(
	TEST_ROW(tokens)
	TEST_ROW(records_stand_beside_one_another)
	TEST_ROW(handshakes)
	TEST_ROW(no_more_than_there_is_room_for)
)
/* clang-format on */
