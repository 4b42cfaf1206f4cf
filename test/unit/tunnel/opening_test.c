/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/limits.h"
#include "tunnel/opening.h"

static char wire[4096];
static struct opening o;

static bool
decode(const char *bytes, size_t n)
{
	/* A copy of exact size: reading past it is seen by the sanitizer. */
	char *copy = malloc(n > 0 ? n : 1);
	bool ok;

	memcpy(copy, bytes, n);
	ok = opening_decode(slice_of(copy, n), &o);
	free(copy);
	return ok;
}

TEST(round_trip)
{
	struct opening in = {
		.tunnel = 65535,
		.kind = OPENING_BYTES,
		.request_id = S("0123456789abcdef"),
		.visitor = S("[2001:db8::1]:4711"),
		.local = S("192.0.2.1:443"),
		.tls_version = S("TLSv1.3"),
		.sni = S("jenkins.example.org"),
		.alpn = S("http/1.1"),
		.origin_silent_ms = 86400000,
		.body = true,
	};
	size_t n = opening_encode(&in, wire, sizeof(wire));

	EXPECT(n > 2);
	EXPECT_INT(wire[0] << 8 | wire[1], n - 2);
	EXPECT(opening_decode(slice_of(wire + 2, n - 2), &o));
	EXPECT_INT(o.tunnel, 65535);
	EXPECT_INT(o.kind, OPENING_BYTES);
	EXPECT_SLICE(o.request_id, in.request_id);
	EXPECT_SLICE(o.visitor, in.visitor);
	EXPECT_SLICE(o.local, in.local);
	EXPECT_SLICE(o.tls_version, in.tls_version);
	EXPECT_SLICE(o.sni, in.sni);
	EXPECT_SLICE(o.alpn, in.alpn);
	EXPECT_INT(o.origin_silent_ms, 86400000);
	EXPECT(o.body);
	for (size_t cap = 0; cap < n; cap++)
		EXPECT_INT(opening_encode(&in, wire, cap), 0);
	for (size_t cut = 0; cut < n - 2; cut++)
		(void)decode(wire + 2, cut);
}

TEST(empty_values_are_left_out)
{
	struct opening in = { .tunnel = 1, .kind = OPENING_HTTP, .request_id = S("r") };
	size_t n = opening_encode(&in, wire, sizeof(wire));

	EXPECT_SLICE(slice_of(wire, n), S("\0\12\1\2\0\1\2\1\1\3\1r"));
	EXPECT(decode(wire + 2, n - 2));
	EXPECT_INT(o.sni.n, 0);
}

TEST(largest_and_too_large)
{
	static char text[256];
	struct opening in = { .tunnel = 1, .kind = OPENING_HTTP, .request_id = S("r") };
	size_t n;

	memset(text, 'a', sizeof(text));
	in.visitor = in.local = in.sni = slice_of(text, 255);
	/* 10 bytes of needed tags, 3 x 257, 2 + 239: 1022 */
	in.alpn = slice_of(text, 239);
	n = opening_encode(&in, wire, sizeof(wire));
	EXPECT_INT(n, 2 + 1022);
	in.tls_version = S("");
	in.alpn = slice_of(text, 241);
	EXPECT_INT(opening_encode(&in, wire, sizeof(wire)), 2 + LIMIT_OPENING_BYTES);
	EXPECT(decode(wire + 2, LIMIT_OPENING_BYTES));
	in.alpn = slice_of(text, 242);
	EXPECT_INT(opening_encode(&in, wire, sizeof(wire)), 0);
	in.alpn = slice_of(text, 256);
	in.visitor = in.local = S("");
	EXPECT_INT(opening_encode(&in, wire, sizeof(wire)), 0);
}

#define GOOD "\1\2\0\1\2\1\1\3\1r"
#define DECODE(lit) decode(lit, sizeof(lit) - 1)

TEST(what_is_refused)
{
	EXPECT(DECODE(GOOD));
	EXPECT(DECODE(GOOD "\13\3new\377\0")); /* tags of a later version */
	EXPECT(DECODE(GOOD "\13\0\13\0"));     /* of which it is not known whether they repeat */
	EXPECT(!DECODE(""));
	EXPECT(!DECODE("\1\2\0\1\2\1\1")); /* no request id */
	EXPECT(!DECODE("\2\1\1\3\1r"));    /* no tunnel */
	EXPECT(!DECODE("\1\2\0\1\3\1r"));  /* no kind */
	EXPECT(!DECODE(GOOD "\3\1r"));     /* twice */
	EXPECT(DECODE(GOOD "\11\4\0\0\0\1") && o.origin_silent_ms == 1 && !o.body);
	EXPECT(DECODE(GOOD "\12\0") && o.body);
	EXPECT(!DECODE(GOOD "\12\1x"));
	EXPECT(!DECODE(GOOD "\12\0\12\0"));
	EXPECT(!DECODE(GOOD "\11\3\0\0\1"));
	EXPECT(!DECODE(GOOD "\11\4\0\0\0\1\11\4\0\0\0\1"));
	EXPECT(!DECODE("\1\1\1\2\1\1\3\1r"));   /* short number */
	EXPECT(!DECODE("\1\2\0\1\2\1\3\3\1r")); /* unknown kind */
	EXPECT(!DECODE("\1\2\0\1\2\1\0\3\1r"));
	EXPECT(!DECODE("\1\2\0\1\2\1\1\3\0"));   /* empty id */
	EXPECT(!DECODE("\1\2\0\1\2\1\1\3\1\n")); /* control characters */
	EXPECT(!DECODE(GOOD "\7\2a\177"));
	EXPECT(!DECODE(GOOD "\4\5abc")); /* longer than what is there */
	EXPECT(!DECODE(GOOD "\4"));
	EXPECT(DECODE("\1\2\0\1\2\1\1\3\44"
		      "123456789012345678901234567890123456"));
	EXPECT(!DECODE("\1\2\0\1\2\1\1\3\45"
		       "1234567890123456789012345678901234567"));
}

TESTS(TEST_ROW(round_trip) TEST_ROW(empty_values_are_left_out) TEST_ROW(largest_and_too_large)
	TEST_ROW(what_is_refused))
