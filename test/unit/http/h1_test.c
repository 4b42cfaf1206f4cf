/* SPDX-License-Identifier: Apache-2.0 */
#include "http/h1.h"

#include "unit.h"

static struct h1 h;
static char big[2 * LIMIT_HEAD_BYTES];

static enum h1_result
parse(enum h1_kind kind, struct slice s)
{
	h1_init(&h, kind);
	return h1_head(&h, s);
}

#define REQUEST(lit) parse(H1_REQUEST, S(lit))
#define RESPONSE(lit) parse(H1_RESPONSE, S(lit))

static bool
flag(enum h1_flag f)
{
	return (h.head.flags & f) != 0;
}

/* --- requests --- */

TEST(webhook_request)
{
	struct slice buf = S("POST /bitbucket-hook/?a=b%2Fc HTTP/1.1\r\n"
			     "Host: Jenkins.example:8443\r\n"
			     "User-Agent: Bitbucket-Webhooks/2.0\r\n"
			     "X-Event-Key:repo:push\r\n"
			     "X-Empty: \r\n"
			     "Content-Length: 2\r\n"
			     "\r\n{}");
	const struct h1_field *f;
	size_t at = 0;

	EXPECT_INT(parse(H1_REQUEST, buf), H1_DONE);
	EXPECT_SLICE(h1_text(buf, h.head.method), S("POST"));
	EXPECT_SLICE(h1_text(buf, h.head.target), S("/bitbucket-hook/?a=b%2Fc"));
	EXPECT_SLICE(h1_text(buf, h.head.path), S("/bitbucket-hook/"));
	EXPECT_SLICE(h1_text(buf, h.head.query), S("a=b%2Fc"));
	EXPECT_SLICE(h1_text(buf, h.head.authority), S("Jenkins.example:8443"));
	EXPECT_INT(h.head.minor, 1);
	EXPECT_INT(h.head.n_fields, 5);
	EXPECT_INT(h.head.framing, H1_LENGTH);
	EXPECT_INT(h.head.length, 2);
	EXPECT_INT(h.head.n_bytes, buf.n - 2);
	EXPECT_INT(h.head.flags, H1_KEEP_ALIVE);
	EXPECT_SLICE(h1_text(buf, h.head.fields[2].name), S("X-Event-Key"));
	EXPECT_SLICE(h1_text(buf, h.head.fields[2].value), S("repo:push"));
	EXPECT_SLICE(h1_text(buf, h.head.fields[3].value), S(""));
	f = h1_find(&h.head, buf, S("USER-AGENT"), &at);
	EXPECT(f == &h.head.fields[1]);
	EXPECT_INT(at, 2);
	EXPECT(h1_find(&h.head, buf, S("user-agent"), &at) == NULL);
	EXPECT_INT(h1_head(&h, buf), H1_DONE); /* asking again changes nothing */
}

TEST(targets)
{
	static const struct {
		const char *line, *path, *query, *authority;
	} rows[] = {
		{ "GET / HTTP/1.1", "/", "", "a" },
		{ "GET /a/../b//c;x=1?? HTTP/1.1", "/a/../b//c;x=1", "?", "a" },
		{ "GET /? HTTP/1.1", "/", "", "a" },
		{ "GET //b/c HTTP/1.1", "//b/c", "", "a" },
		{ "OPTIONS * HTTP/1.1", "*", "", "a" },
		{ "OPTIONS / HTTP/1.1", "/", "", "a" },
		{ "GET http://b/ HTTP/1.1", "/", "", "b" },
		{ "GET https://B:8443/x?y HTTP/1.1", "/x", "y", "B:8443" },
		{ "GET HTTP://[::1]?y HTTP/1.1", "", "y", "[::1]" },
		{ "OPTIONS http://b HTTP/1.1", "", "", "b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[200];
		struct slice buf = { text, 0 };

		buf.n = (size_t)snprintf(text, sizeof(text), "%s\r\nHost: a\r\n\r\n", rows[i].line);
		EXPECT_INT(parse(H1_REQUEST, buf), H1_DONE);
		EXPECT_SLICE(h1_text(buf, h.head.path), slice_str(rows[i].path));
		EXPECT_SLICE(h1_text(buf, h.head.query), slice_str(rows[i].query));
		EXPECT_SLICE(h1_text(buf, h.head.authority), slice_str(rows[i].authority));
		EXPECT(flag(H1_ABSOLUTE) == (strstr(rows[i].line, "://") != NULL));
	}
}

TEST(keep_alive)
{
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == H1_DONE && flag(H1_KEEP_ALIVE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n") == H1_DONE &&
	       !flag(H1_KEEP_ALIVE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: x , close\r\n"
		       "Connection: keep-alive\r\n\r\n") == H1_DONE &&
	       !flag(H1_KEEP_ALIVE) && flag(H1_LISTED));
	EXPECT(REQUEST("GET / HTTP/1.0\r\nHost: a\r\n\r\n") == H1_DONE && !flag(H1_KEEP_ALIVE));
	EXPECT(REQUEST("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n") == H1_DONE &&
	       flag(H1_KEEP_ALIVE) && !flag(H1_LISTED));
	EXPECT(RESPONSE("HTTP/1.1 200 OK\r\n\r\n") == H1_DONE && !flag(H1_KEEP_ALIVE));
	EXPECT(RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == H1_DONE &&
	       flag(H1_KEEP_ALIVE));
	EXPECT(RESPONSE("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n") == H1_DONE &&
	       !flag(H1_KEEP_ALIVE));
}

TEST(upgrade)
{
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
		       "Upgrade: websocket\r\n\r\n") == H1_DONE &&
	       flag(H1_UPGRADE));
	/* Docker's: with a body of known length */
	EXPECT(REQUEST("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		       "Content-Length: 2\r\n\r\n{}") == H1_DONE &&
	       flag(H1_UPGRADE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n") == H1_DONE &&
	       !flag(H1_UPGRADE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n") == H1_DONE &&
	       !flag(H1_UPGRADE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: \r\n\r\n") ==
		   H1_DONE &&
	       !flag(H1_UPGRADE));
	EXPECT(REQUEST("GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\n"
		       "Upgrade: websocket\r\n\r\n") == H1_DONE &&
	       !flag(H1_UPGRADE));
	EXPECT(REQUEST("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
		       "Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n") == H1_DONE &&
	       !flag(H1_UPGRADE));
}

TEST(s08_h2c_is_never_an_upgrade)
{
	EXPECT(
	    REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: H2C\r\n\r\n") ==
		H1_DONE &&
	    !flag(H1_UPGRADE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
		       "Upgrade: websocket, h2c\r\n\r\n") == H1_DONE &&
	       !flag(H1_UPGRADE));
	EXPECT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
		       "Upgrade: websocket\r\nUpgrade: HTTP/2.0\r\n\r\n") == H1_DONE &&
	       !flag(H1_UPGRADE));
}

TEST(s08_expect)
{
	EXPECT(REQUEST("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
		       "Content-Length: 1\r\n\r\n") == H1_DONE &&
	       flag(H1_EXPECT_100));
	EXPECT(REQUEST("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n") == H1_DONE &&
	       flag(H1_EXPECT_100));
	EXPECT(REQUEST("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		       "Content-Length: 0\r\n\r\n") == H1_DONE &&
	       !flag(H1_EXPECT_100));
	EXPECT(REQUEST("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n"
		       "Content-Length: 1\r\n\r\n") == H1_DONE &&
	       !flag(H1_EXPECT_100));
}

TEST(s06_absolute_form_replaces_host)
{
	struct slice buf = S("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n");

	EXPECT_INT(parse(H1_REQUEST, buf), H1_DONE);
	EXPECT_SLICE(h1_text(buf, h.head.authority), S("b"));
}

/* --- responses --- */

TEST(status_lines)
{
	struct slice buf = S("HTTP/1.1 404 Not \t F\xc3\xb6und\r\nContent-Length: 0\r\n\r\n");

	EXPECT_INT(parse(H1_RESPONSE, buf), H1_DONE);
	EXPECT_INT(h.head.status, 404);
	EXPECT_SLICE(h1_text(buf, h.head.reason), S("Not \t F\xc3\xb6und"));
	EXPECT(RESPONSE("HTTP/1.1 200 \r\n\r\n") == H1_DONE && h.head.reason.n == 0);
	EXPECT(RESPONSE("HTTP/1.1 200\r\n\r\n") == H1_DONE && h.head.reason.n == 0);
	EXPECT(RESPONSE("HTTP/1.0 200 OK\r\n\r\n") == H1_DONE && h.head.minor == 0);
	EXPECT(RESPONSE("HTTP/1.1 999 x\r\n\r\n") == H1_DONE && h.head.status == 999);
}

TEST(bad_responses_name_their_fault)
{
	static const struct {
		const char *head;
		enum close_code fault;
	} rows[] = {
		{ "HTTP/1.1  200 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1 20 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1 2000 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1 099 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1 +20 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1 200OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1\t200 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.1\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/2 200 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "ICY 200 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "\r\nHTTP/1.1 200 OK\r\n\r\n", CLOSE_BAD_STATUS_LINE },
		{ "<html>", CLOSE_BAD_STATUS_LINE },
		{ "HTTP/1.2 200 OK\r\n\r\n", CLOSE_BAD_VERSION },
		{ "http/1.1 200 OK\r\n\r\n", CLOSE_BAD_VERSION },
		{ "HTTP/2.0 200 OK\r\n\r\n", CLOSE_VERSION_UNSUPPORTED },
		{ "HTTP/1.1 200 OK\n\n", CLOSE_BAD_LINE_ENDING },
		{ "HTTP/1.1 200 OK\r\nA: b\n", CLOSE_BAD_LINE_ENDING },
		{ "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", CLOSE_BAD_FIELD_NAME },
		{ "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", CLOSE_OBS_FOLD },
		{ "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", CLOSE_BAD_FIELD_VALUE },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		    CLOSE_BOTH_LENGTHS },
		{ "HTTP/1.1 204 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		    CLOSE_BOTH_LENGTHS },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		    CLOSE_BAD_LENGTH },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", CLOSE_BAD_LENGTH },
		{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		    CLOSE_BAD_TRANSFER_ENCODING },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		    CLOSE_BAD_TRANSFER_ENCODING },
		{ "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\n", CLOSE_BAD_SWITCH },
		{ "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", CLOSE_BAD_SWITCH },
		{ "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		    CLOSE_BAD_SWITCH },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXPECT_INT(parse(H1_RESPONSE, slice_str(rows[i].head)), H1_BAD);
		EXPECT_INT(h.error, CLOSE_ORIGIN_BAD_RESPONSE);
		EXPECT_SLICE(slice_str(close_row(h.fault)->name),
		    slice_str(close_row(rows[i].fault)->name));
	}
}

/* RFC 9112 6.3, and fields of requests that mean nothing in a response. */
TEST(response_framing)
{
	EXPECT(RESPONSE("HTTP/1.1 200 OK\r\n\r\n") == H1_DONE && h.head.framing == H1_UNTIL_CLOSE);
	EXPECT(RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n") == H1_DONE &&
	       h.head.framing == H1_LENGTH && h.head.length == 7);
	EXPECT(RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == H1_DONE &&
	       h.head.framing == H1_CHUNKED);
	EXPECT(RESPONSE("HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n") == H1_DONE &&
	       h.head.framing == H1_LENGTH);
	EXPECT(RESPONSE("HTTP/1.1 204 x\r\nContent-Length: 7\r\n\r\n") == H1_DONE &&
	       h.head.framing == H1_NO_BODY);
	EXPECT(RESPONSE("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n") == H1_DONE &&
	       h.head.framing == H1_NO_BODY);
	EXPECT(RESPONSE("HTTP/1.1 100 x\r\n\r\n") == H1_DONE && h.head.framing == H1_NO_BODY &&
	       flag(H1_KEEP_ALIVE));
	EXPECT(RESPONSE("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n") ==
		   H1_DONE &&
	       h.head.framing == H1_NO_BODY && flag(H1_UPGRADE));
	EXPECT(RESPONSE("HTTP/1.1 200 x\r\nConnection: upgrade\r\nUpgrade: h2,h2c\r\n\r\n") ==
		   H1_DONE &&
	       !flag(H1_UPGRADE));
	EXPECT(RESPONSE("HTTP/1.1 200 x\r\nHost: a\r\nHost: ,\r\nExpect: x\r\n"
			"Authorization: a\r\nAuthorization: b\r\n\r\n") == H1_DONE);
}

TEST(answer_to_head_has_no_body)
{
	struct slice in = S("HTTP/1.1 200 OK\r\n\r\n"), data;

	h1_init(&h, H1_RESPONSE);
	h.head_request = true;
	EXPECT_INT(h1_head(&h, S("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")), H1_DONE);
	EXPECT_INT(h.head.framing, H1_NO_BODY);
	EXPECT(flag(H1_KEEP_ALIVE));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	EXPECT_INT(in.n, 19);
	h1_reset(&h);
	EXPECT(!h.head_request);
}

/* --- bodies --- */

TEST(body_of_known_length)
{
	struct slice in = S("hel"), data;

	EXPECT_INT(REQUEST("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"), H1_DONE);
	EXPECT_INT(h1_left(&h), 7);
	EXPECT(!h1_eof_ok(&h));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_SLICE(data, S("hel"));
	EXPECT_INT(h1_body(&h, &in, &data), H1_MORE);
	EXPECT_INT(h1_left(&h), 4);
	h1_took(&h, 2); /* read past the parser, straight into a frame */
	in = S("rlGET");
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_SLICE(data, S("rl"));
	EXPECT_INT(h1_left(&h), 0);
	EXPECT(h1_eof_ok(&h));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	EXPECT_SLICE(in, S("GET"));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	EXPECT(h1_eof_ok(&h));
}

TEST(body_until_close)
{
	struct slice in = S("all of it"), data;

	EXPECT_INT(RESPONSE("HTTP/1.1 200 OK\r\n\r\n"), H1_DONE);
	EXPECT(h1_left(&h) == SIZE_MAX);
	EXPECT(h1_eof_ok(&h));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_SLICE(data, S("all of it"));
	EXPECT_INT(h1_body(&h, &in, &data), H1_MORE);
	h1_took(&h, 1 << 20);
	EXPECT(h1_left(&h) == SIZE_MAX);
}

TEST(body_absent)
{
	struct slice in = S("GET"), data;

	EXPECT_INT(REQUEST("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), H1_DONE);
	EXPECT_INT(h1_left(&h), 0);
	EXPECT(h1_eof_ok(&h));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	EXPECT_SLICE(in, S("GET"));
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

TEST(body_chunked_is_never_copied)
{
	struct slice all = S("3\r\nabc\r\nA;x=\"y;\\\"\"\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET"),
		     in = all;
	struct slice data;

	EXPECT_INT(REQUEST(CHUNKED), H1_DONE);
	EXPECT_INT(h1_left(&h), 0);
	EXPECT(!h1_eof_ok(&h));
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT(data.p == all.p + 3 && data.n == 3);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_SLICE(data, S("0123456789"));
	EXPECT(data.p > all.p && data.p < all.p + all.n);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	EXPECT_SLICE(in, S("GET"));
	EXPECT(h1_eof_ok(&h));
}

TEST(chunk_of_the_largest_size)
{
	struct slice in = S("fffffffffffffff\r\nabc"), data;

	EXPECT_INT(REQUEST(CHUNKED), H1_DONE);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_SLICE(data, S("abc"));
	EXPECT_INT(h1_body(&h, &in, &data), H1_MORE);
	EXPECT(!h1_eof_ok(&h));
}

/* --- limits: one byte less passes --- */

/* Appends n times a byte. */
static size_t
fill(size_t at, char c, size_t n)
{
	memset(big + at, c, n);
	return at + n;
}

static size_t
append(size_t at, const char *text)
{
	memcpy(big + at, text, strlen(text));
	return at + strlen(text);
}

static enum close_code
request_line_of(size_t bytes)
{
	size_t n = fill(append(0, "GET /"), 'a', bytes - 14);

	n = append(n, " HTTP/1.1\r\nHost: a\r\n\r\n");
	parse(H1_REQUEST, slice_of(big, n));
	return h.error;
}

TEST(limit_of_the_request_line)
{
	EXPECT_INT(request_line_of(LIMIT_REQUEST_LINE_BYTES), CLOSE_OK);
	EXPECT_INT(request_line_of(LIMIT_REQUEST_LINE_BYTES + 1), CLOSE_TARGET_TOO_LONG);
	/* without its end as well */
	fill(0, 'G', LIMIT_REQUEST_LINE_BYTES + 1);
	EXPECT_INT(parse(H1_REQUEST, slice_of(big, LIMIT_REQUEST_LINE_BYTES)), H1_MORE);
	EXPECT_INT(h1_head(&h, slice_of(big, LIMIT_REQUEST_LINE_BYTES + 1)), H1_BAD);
}

static enum h1_result
head_of(size_t bytes, bool inside)
{
	size_t n = append(0, "GET / HTTP/1.1\r\nHost: a\r\nX: ");

	n = append(fill(n, 'a', bytes - n - 4), "\r\n\r\n");
	h1_init(&h, H1_REQUEST);
	h.inside = inside;
	return h1_head(&h, slice_of(big, n));
}

TEST(limit_of_the_head)
{
	EXPECT_INT(head_of(LIMIT_HEAD_BYTES, false), H1_DONE);
	EXPECT_INT(h.head.n_bytes, LIMIT_HEAD_BYTES);
	EXPECT_INT(head_of(LIMIT_HEAD_BYTES + 1, false), H1_BAD);
	EXPECT_INT(h.error, CLOSE_HEAD_TOO_LARGE);
	EXPECT_INT(head_of(LIMIT_HEAD_BYTES + H1_INSIDE_BYTES, true), H1_DONE);
	EXPECT_INT(head_of(LIMIT_HEAD_BYTES + H1_INSIDE_BYTES + 1, true), H1_BAD);
}

static enum h1_result
fields_of(size_t fields, bool inside)
{
	size_t n = append(0, "GET / HTTP/1.1\r\nHost: a\r\n");

	for (size_t i = 1; i < fields; i++)
		n = append(n, "a:b\r\n");
	n = append(n, "\r\n");
	h1_init(&h, H1_REQUEST);
	h.inside = inside;
	return h1_head(&h, slice_of(big, n));
}

TEST(limit_of_the_fields)
{
	EXPECT_INT(fields_of(LIMIT_HEAD_FIELDS, false), H1_DONE);
	EXPECT_INT(fields_of(LIMIT_HEAD_FIELDS + 1, false), H1_BAD);
	EXPECT_INT(h.error, CLOSE_HEAD_TOO_LARGE);
	EXPECT_INT(fields_of(LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS, true), H1_DONE);
	EXPECT_INT(fields_of(LIMIT_HEAD_FIELDS + H1_INSIDE_FIELDS + 1, true), H1_BAD);
}

static enum close_code
body_of(const char *before, size_t n, const char *behind)
{
	struct slice in, data;

	in.n = append(fill(append(0, before), 'a', n), behind);
	in.p = big;
	EXPECT_INT(REQUEST(CHUNKED), H1_DONE);
	while (h1_body(&h, &in, &data) == H1_DATA)
		;
	return h.error;
}

TEST(limits_of_chunks)
{
	EXPECT_INT(body_of("1;", LIMIT_CHUNK_EXT_BYTES - 1, "\r\na\r\n0\r\n\r\n"), CLOSE_OK);
	EXPECT_INT(body_of("1;", LIMIT_CHUNK_EXT_BYTES, "\r\na\r\n0\r\n\r\n"), CLOSE_BAD_CHUNK);
	EXPECT_INT(body_of("0\r\nX:", LIMIT_TRAILER_BYTES - 6, "\r\n\r\n"), CLOSE_OK);
	EXPECT(h1_eof_ok(&h));
	EXPECT_INT(body_of("0\r\nX:", LIMIT_TRAILER_BYTES - 5, "\r\n\r\n"),
	    CLOSE_TRAILER_TOO_LARGE);
}

/* The chunk that goes beyond the limit is refused by its size, before any of it is given out. */
TEST(limit_of_a_chunked_body)
{
	struct slice in = S("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), again = in, data;

	EXPECT_INT(REQUEST(CHUNKED), H1_DONE);
	h.body_max = 5;
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	EXPECT_INT(REQUEST(CHUNKED), H1_DONE);
	h.body_max = 4;
	EXPECT_INT(h1_body(&h, &again, &data), H1_DATA);
	EXPECT_SLICE(data, S("abc"));
	EXPECT_INT(h1_body(&h, &again, &data), H1_BAD);
	EXPECT_INT(h.error, CLOSE_BODY_TOO_LARGE);
	EXPECT_SLICE(slice_head(again, 4), S("\nde\r"));
	h1_reset(&h);
	EXPECT_INT(h.body_max, 0);
}

/* --- resuming --- */

/*
 * Bytes that were scanned are not scanned again: they may even change under the parser's feet
 * without its noticing. (Which nobody does; but it shows that feeding byte by byte is not
 * quadratic.)
 */
TEST(nothing_is_scanned_twice)
{
	char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX-Name: some value\r\n\r\n";
	size_t n = sizeof(text) - 1, name = 25, value = 33;

	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, slice_of(text, name + 4)), H1_MORE);
	text[name] = '\n';
	text[name + 3] = ' ';
	EXPECT_INT(h1_head(&h, slice_of(text, value + 5)), H1_MORE);
	text[value + 1] = '\0';
	text[value + 4] = '\n';
	EXPECT_INT(h1_head(&h, slice_of(text, n)), H1_DONE);
	EXPECT_INT(h.head.n_fields, 2);
}

TEST(slices_stay_good_when_the_buffer_moves)
{
	struct slice all = S("GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
	char *old = malloc(20), *new = malloc(all.n);
	struct slice buf = { new, all.n };

	memcpy(old, all.p, 20);
	h1_init(&h, H1_REQUEST);
	EXPECT_INT(h1_head(&h, slice_of(old, 20)), H1_MORE);
	memcpy(new, all.p, all.n);
	free(old);
	EXPECT_INT(h1_head(&h, buf), H1_DONE);
	EXPECT_SLICE(h1_text(buf, h.head.target), S("/x"));
	EXPECT_SLICE(h1_text(buf, h.head.fields[1].value), S("y"));
	free(new);
}

TEST(several_messages_of_a_connection)
{
	struct slice in =
	    S("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx"
	      "\r\nGET /2?q HTTP/1.0\r\nHost: b\r\n\r\n"
	      "GET /3 HTTP/1.1\r\n\r\n");
	struct slice data;

	EXPECT_INT(parse(H1_REQUEST, in), H1_DONE);
	in = slice_from(in, h.head.n_bytes);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DATA);
	EXPECT_INT(h1_body(&h, &in, &data), H1_DONE);
	h1_reset(&h);
	EXPECT_INT(h1_head(&h, in), H1_DONE);
	EXPECT_SLICE(h1_text(in, h.head.query), S("q"));
	EXPECT_SLICE(h1_text(in, h.head.authority), S("b"));
	EXPECT_INT(h.head.n_fields, 1);
	EXPECT_INT(h.head.flags, 0);
	EXPECT_INT(h.head.framing, H1_NO_BODY);
	in = slice_from(in, h.head.n_bytes);
	h1_reset(&h);
	EXPECT_INT(h1_head(&h, in), H1_BAD);
	EXPECT_INT(h.error, CLOSE_HOST_MISSING);
	h1_reset(&h);
	EXPECT_INT(h.error, CLOSE_OK);
}

TEST(an_absolute_target_is_the_host_of_http_1_0)
{
	struct slice buf = S("GET http://ci.example:80/x HTTP/1.0\r\n\r\n");

	EXPECT_INT(parse(H1_REQUEST, buf), H1_DONE);
	EXPECT_SLICE(h1_text(buf, h.head.authority), S("ci.example:80"));
	EXPECT_INT(REQUEST("GET http://ci.example/x HTTP/1.1\r\n\r\n"), H1_BAD);
	EXPECT_INT(h.error, CLOSE_HOST_MISSING);
	EXPECT_INT(REQUEST("GET /x HTTP/1.0\r\n\r\n"), H1_BAD);
	EXPECT_INT(h.error, CLOSE_HOST_MISSING);
}

TEST(empty_input)
{
	struct slice none = { NULL, 0 }, data;

	EXPECT_INT(parse(H1_REQUEST, none), H1_MORE);
	EXPECT(!h1_eof_ok(&h));
	EXPECT_INT(REQUEST(CHUNKED), H1_DONE);
	EXPECT_INT(h1_body(&h, &none, &data), H1_MORE);
}

/* TLS or SSH on a plain port must not wait for a line's end. */
TEST(foreign_protocols_are_refused_at_their_first_bytes)
{
	EXPECT_INT(REQUEST("\x16\x03\x01"), H1_BAD);
	EXPECT_INT(REQUEST("\0"), H1_BAD);
	EXPECT_INT(REQUEST("GET \x80\x01"), H1_BAD);
	EXPECT_INT(REQUEST("(x"), H1_BAD);
}

TESTS(TEST_ROW(webhook_request) TEST_ROW(targets) TEST_ROW(keep_alive) TEST_ROW(upgrade) TEST_ROW(
    s08_h2c_is_never_an_upgrade) TEST_ROW(s08_expect) TEST_ROW(s06_absolute_form_replaces_host)
	TEST_ROW(status_lines) TEST_ROW(bad_responses_name_their_fault) TEST_ROW(response_framing)
	    TEST_ROW(answer_to_head_has_no_body) TEST_ROW(body_of_known_length)
		TEST_ROW(body_until_close) TEST_ROW(body_absent)
		    TEST_ROW(body_chunked_is_never_copied) TEST_ROW(chunk_of_the_largest_size)
			TEST_ROW(limit_of_the_request_line) TEST_ROW(limit_of_the_head)
			    TEST_ROW(limit_of_the_fields) TEST_ROW(limits_of_chunks)
				TEST_ROW(limit_of_a_chunked_body) TEST_ROW(nothing_is_scanned_twice)
				    TEST_ROW(slices_stay_good_when_the_buffer_moves)
					TEST_ROW(several_messages_of_a_connection) TEST_ROW(
					    an_absolute_target_is_the_host_of_http_1_0)
					    TEST_ROW(empty_input) TEST_ROW(
						foreign_protocols_are_refused_at_their_first_bytes))
