/* SPDX-License-Identifier: Apache-2.0 */
#include "http/rewrite.h"

#include "unit.h"

static struct h1 h;
static char out[2 * LIMIT_HEAD_BYTES];
static char big[2 * LIMIT_HEAD_BYTES];

static const struct rewrite_forward v4 = {
	.client_address = { "192.0.2.1", 9 },
	.proto = { "https", 5 },
	.host = { "ci.example", 10 },
	.port = 443,
	.request_id = { "abc234", 6 },
};

/* What v4 adds. */
#define OURS                                                                                       \
	"X-Forwarded-For: 192.0.2.1\r\n"                                                           \
	"X-Forwarded-Proto: https\r\n"                                                             \
	"X-Forwarded-Host: ci.example\r\n"                                                         \
	"X-Forwarded-Port: 443\r\n"                                                                \
	"Forwarded: for=192.0.2.1;host=ci.example;proto=https\r\n"                                 \
	"adit-request-id: abc234\r\n\r\n"

static void
parse(enum h1_kind kind, struct slice buf)
{
	h1_init(&h, kind);
	EXPECT_INT(h1_head(&h, buf), H1_DONE);
}

static struct slice
request(struct slice buf, const struct rewrite_forward *f)
{
	parse(H1_REQUEST, buf);
	return slice_of(out, rewrite_request(&h.head, buf, f, out, sizeof(out)));
}

static struct slice
to_origin(struct slice buf, bool body_follows, struct slice host)
{
	parse(H1_REQUEST, buf);
	return slice_of(out, rewrite_to_origin(&h.head, buf, body_follows, host, out, sizeof(out)));
}

static struct slice
response(struct slice buf)
{
	parse(H1_RESPONSE, buf);
	return slice_of(out, rewrite_response(&h.head, buf, out, sizeof(out)));
}

static struct slice
to_visitor(struct slice buf, struct answer_to a, enum h1_framing *ret_framing)
{
	struct answer answer;

	h1_init(&h, H1_RESPONSE);
	h.head_request = a.head_request;
	EXPECT_INT(h1_head(&h, buf), H1_DONE);
	rewrite_to_visitor(&h.head, buf, &a, &answer);
	*ret_framing = answer.framing;
	answer_common(&answer, &a);
	return slice_of(out, answer_write(&answer, &a, out, sizeof(out)));
}

static const struct slice keep = { NULL, 0 };

/* --- requests for a stream --- */

/* Order, case, doubles and odd values stay; so do all the fields that HMACs, Jenkins and its
 * plugins look at. */
TEST(webhook_passes_byte_for_byte)
{
	EXPECT_SLICE(
	    request(S("POST /bitbucket-scmsource-hook/notify//a%2Fb;c/?x=%20&&y[]=1 HTTP/1.1\r\n"
		      "hOST: CI.example\r\n"
		      "User-Agent: Bitbucket-Webhooks/2.0\r\n"
		      "X-Event-Key: repo:push\r\n"
		      "X-Hub-Signature: sha256=00ff\r\n"
		      "content-TYPE: application/json; charset=\"utf-8\"\r\n"
		      "Cookie: a=b\r\nCookie: c=d\r\n"
		      "X-Empty:\r\n"
		      "X-Odd: \ta,  b\xff \r\n"
		      "Content-Length: 0017\r\n\r\n"),
		&v4),
	    S("POST /bitbucket-scmsource-hook/notify//a%2Fb;c/?x=%20&&y[]=1 HTTP/1.1\r\n"
	      "hOST: CI.example\r\n"
	      "User-Agent: Bitbucket-Webhooks/2.0\r\n"
	      "X-Event-Key: repo:push\r\n"
	      "X-Hub-Signature: sha256=00ff\r\n"
	      "content-TYPE: application/json; charset=\"utf-8\"\r\n"
	      "Cookie: a=b\r\nCookie: c=d\r\n"
	      "X-Empty: \r\n"
	      "X-Odd: a,  b\xff\r\n"
	      "Content-Length: 0017\r\n" OURS));
}

TEST(s08_hop_by_hop_fields_stay_behind)
{
	EXPECT_SLICE(request(S("POST / HTTP/1.1\r\n"
			       "Connection: close, X-Mine, , keep-alive\r\n"
			       "X-MINE: 1\r\n"
			       "X-Mine-Too: 1\r\n"
			       "Keep-Alive: timeout=5\r\n"
			       "Proxy-Connection: close\r\n"
			       "Proxy-Authorization: Basic x\r\n"
			       "Proxy-Anything: x\r\n"
			       "Proxy: http://inner.example\r\n"
			       "TE: trailers\r\n"
			       "Trailer: X\r\n"
			       "Transfer-Encoding: chunked\r\n"
			       "Upgrade: websocket\r\n"
			       "HTTP2-Settings: AAMAAABk\r\n"
			       "Expect: 100-continue\r\n"
			       "Host: a\r\n"
			       "Proxyish: stays\r\n"
			       "Teapot: stays\r\n\r\n"),
			 &v4),
	    S("POST / HTTP/1.1\r\n"
	      "X-Mine-Too: 1\r\n"
	      "Host: a\r\n"
	      "Proxyish: stays\r\n"
	      "Teapot: stays\r\n" OURS));
}

/* CGI and its descendants read A_B and A-B as one. */
TEST(s08_underscores_that_shadow_are_dropped)
{
	EXPECT_SLICE(request(S("GET / HTTP/1.1\r\nHost: a\r\n"
			       "Content_Length: 5\r\n"
			       "content_Length: 5\r\n"
			       "Transfer_Encoding: chunked\r\n"
			       "Proxy_Authorization: x\r\n"
			       "X_Forwarded_For: 1\r\n"
			       "X-Forwarded_For: 1\r\n"
			       "X_REAL_IP: 1\r\n"
			       "adit_request_id: 1\r\n"
			       "adit-_: 1\r\n"
			       "X.Forwarded.For: 1\r\n"
			       "x~real!ip: 1\r\n"
			       "Transfer^Encoding: chunked\r\n"
			       "X`Forwarded|Host: 1\r\n"
			       "X-Scheme#: stays\r\n"
			       "X_Mine: stays\r\n"
			       "_: stays\r\n\r\n"),
			 &v4),
	    S("GET / HTTP/1.1\r\nHost: a\r\n"
	      "X-Scheme#: stays\r\n"
	      "X_Mine: stays\r\n"
	      "_: stays\r\n" OURS));
}

#define SPOOFED                                                                                    \
	"X-Forwarded-For: 10.0.0.1\r\n"                                                            \
	"x-forwarded-for: 10.0.0.2, 10.0.0.3\r\n"                                                  \
	"X-Forwarded-For:\r\n"                                                                     \
	"Forwarded: for=10.0.0.1\r\n"                                                              \
	"X-Forwarded-Proto: http\r\n"                                                              \
	"X-FORWARDED-HOST: inner.example\r\n"                                                      \
	"X-Forwarded-Server: s\r\n"                                                                \
	"X-Forwarded-User: root\r\n"                                                               \
	"X-Forwarded: x\r\n"                                                                       \
	"X-Real-IP: 10.0.0.1\r\n"                                                                  \
	"X-Client-IP: 10.0.0.1\r\n"                                                                \
	"X-Cluster-Client-IP: 10.0.0.1\r\n"                                                        \
	"True-Client-IP: 10.0.0.1\r\n"                                                             \
	"CF-Connecting-IP: 10.0.0.1\r\n"                                                           \
	"X-Original-URL: /admin\r\n"                                                               \
	"X-Rewrite-URL: /admin\r\n"                                                                \
	"X-Original-Host: inner.example\r\n"                                                       \
	"Client-IP: 10.0.0.1\r\n"                                                                  \
	"X-Originating-IP: 10.0.0.1\r\n"                                                           \
	"X-Remote-Addr: 10.0.0.1\r\n"                                                              \
	"X-Scheme: http\r\n"                                                                       \
	"Fastly-Client-IP: 10.0.0.1\r\n"                                                           \
	"X_Forwarded_For: 10.0.0.1\r\n"                                                            \
	"X_Forwarded-Proto: http\r\n"                                                              \
	"X_Real-IP: 10.0.0.1\r\n"                                                                  \
	"adit-error: x\r\n"                                                                        \
	"ADIT-Request-Id: x\r\n"

/* Where trailers pass, so does the wish for them, by itself and once (RFC 9110 10.1.4). */
TEST(te_and_trailer_where_trailers_pass)
{
	struct answer_to a = { .visitor_minor = 1, .keep_alive = true };
	struct rewrite_forward f = v4;
	enum h1_framing framing;

	f.trailers = true;
	EXPECT_SLICE(
	    request(S("POST / HTTP/1.1\r\nHost: a\r\nTE: gzip, Trailers\r\nTE: trailers\r\n"
		      "Trailer: X\r\nConnection: TE\r\n\r\n"),
		&f),
	    S("POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nTE: trailers\r\n" OURS));
	EXPECT_SLICE(request(S("POST / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n"), &f),
	    S("POST / HTTP/1.1\r\nHost: a\r\n" OURS));
	EXPECT_SLICE(request(S("POST / HTTP/1.0\r\nHost: a\r\nTE: trailers\r\n\r\n"), &f),
	    S("POST / HTTP/1.1\r\nHost: a\r\n" OURS));
	EXPECT_SLICE(
	    to_origin(S("POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nTE: trailers\r\n\r\n"), true,
		keep),
	    S("POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n"
	      "TE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"));
	EXPECT_SLICE(to_origin(S("GET / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nTE: deflate\r\n\r\n"),
			 false, keep),
	    S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT_SLICE(to_visitor(S("HTTP/1.1 103 x\r\nTrailer: X\r\nTE: trailers\r\n\r\n"), a,
			 &framing),
	    S("HTTP/1.1 103 x\r\n\r\n"));
}

TEST(s11_untrusted_says_nothing_about_itself)
{
	EXPECT_SLICE(
	    request(S("GET / HTTP/1.1\r\nHost: a\r\n" SPOOFED "X-Forwarder: stays\r\n\r\n"), &v4),
	    S("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarder: stays\r\n" OURS));
}

/* It keeps what proxies set by rule; any other of these fields it may have let through. */
TEST(s11_trusted_proxy_is_appended_to)
{
	struct rewrite_forward f = v4;

	f.trusted = true;
	EXPECT_SLICE(request(S("GET / HTTP/1.1\r\nHost: a\r\n" SPOOFED "\r\n"), &f),
	    S("GET / HTTP/1.1\r\nHost: a\r\n"
	      "X-Forwarded-Proto: http\r\n"
	      "X-FORWARDED-HOST: inner.example\r\n"
	      "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.1\r\n"
	      "X-Forwarded-Port: 443\r\n"
	      "Forwarded: for=10.0.0.1, for=192.0.2.1;host=ci.example;proto=https\r\n"
	      "adit-request-id: abc234\r\n\r\n"));
	EXPECT_SLICE(request(S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &f),
	    S("GET / HTTP/1.1\r\nHost: a\r\n" OURS));
}

TEST(forwarded_quotes_what_is_no_token)
{
	struct rewrite_forward f = {
		.client_address = S("2001:db8::1"),
		.proto = S("http"),
		.host = S("[::1]:8080"),
		.port = 65535,
		.request_id = S("x"),
	};

	EXPECT_SLICE(request(S("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"), &f),
	    S("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n"
	      "X-Forwarded-For: 2001:db8::1\r\n"
	      "X-Forwarded-Proto: http\r\n"
	      "X-Forwarded-Host: [::1]:8080\r\n"
	      "X-Forwarded-Port: 65535\r\n"
	      "Forwarded: for=\"[2001:db8::1]\";host=\"[::1]:8080\";proto=http\r\n"
	      "adit-request-id: x\r\n\r\n"));
}

TEST(visitor_of_a_unix_socket_is_unknown)
{
	struct rewrite_forward f = { .proto = S("http") };

	EXPECT_SLICE(request(S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &f),
	    S("GET / HTTP/1.1\r\nHost: a\r\n"
	      "X-Forwarded-For: unknown\r\n"
	      "X-Forwarded-Proto: http\r\n"
	      "Forwarded: for=unknown;proto=http\r\n\r\n"));
}

TEST(s06_absolute_form_becomes_origin_form)
{
	EXPECT_SLICE(request(S("GET http://B.example:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n"), &v4),
	    S("GET /x?y HTTP/1.1\r\nHost: B.example:81\r\n" OURS));
	EXPECT_SLICE(request(S("GET https://b HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n"), &v4),
	    S("GET / HTTP/1.1\r\nX: y\r\nHost: b\r\n" OURS));
	EXPECT_SLICE(request(S("GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n"), &v4),
	    S("GET /?y HTTP/1.1\r\nHost: b\r\n" OURS));
	EXPECT_SLICE(request(S("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"), &v4),
	    S("OPTIONS * HTTP/1.1\r\nHost: b\r\n" OURS));
	EXPECT_SLICE(request(S("OPTIONS http://b? HTTP/1.1\r\nHost: a\r\n\r\n"), &v4),
	    S("OPTIONS /? HTTP/1.1\r\nHost: b\r\n" OURS));
	EXPECT_SLICE(request(S("OPTIONS * HTTP/1.0\r\nHost: a\r\n\r\n"), &v4),
	    S("OPTIONS * HTTP/1.1\r\nHost: a\r\n" OURS));
}

TEST(websocket_passes)
{
	EXPECT_SLICE(request(S("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
			       "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"),
			 &v4),
	    S("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
	      "Connection: Upgrade\r\n" OURS));
}

TEST(s08_h2c_does_not_pass)
{
	EXPECT_SLICE(
	    request(S("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
		      "Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"),
		&v4),
	    S("GET / HTTP/1.1\r\nHost: a\r\n" OURS));
}

/* The largest head that is taken, every byte of which may grow, has room and can be read inside. */
TEST(largest_head_fits)
{
	struct rewrite_forward f = v4;
	struct slice s = { big, 0 };
	static struct h1 again;
	size_t n;

	s.n = (size_t)snprintf(big, sizeof(big), "GET / HTTP/1.1\r\nHost:a\r\n");
	for (int i = 1; i < LIMIT_HEAD_FIELDS - 1; i++)
		s.n += (size_t)snprintf(big + s.n, sizeof(big) - s.n, "a:b\r\n");
	s.n += (size_t)snprintf(big + s.n, sizeof(big) - s.n, "c:");
	n = LIMIT_HEAD_BYTES - 4 - s.n;
	memset(big + s.n, 'c', n);
	s.n += n;
	s.n += (size_t)snprintf(big + s.n, sizeof(big) - s.n, "\r\n\r\n");
	EXPECT_INT(s.n, LIMIT_HEAD_BYTES);
	memset(out, 'h', 253); /* a host as long as one can be */
	f.host = slice_of(out, 253);
	parse(H1_REQUEST, s);
	EXPECT_INT(h.head.n_fields, LIMIT_HEAD_FIELDS);
	n = rewrite_request(&h.head, s, &f, out + 300, LIMIT_HEAD_BYTES + H1_INSIDE_BYTES);
	EXPECT(n > LIMIT_HEAD_BYTES);
	h1_init(&again, H1_REQUEST);
	again.inside = true;
	EXPECT_INT(h1_head(&again, slice_of(out + 300, n)), H1_DONE);
}

TEST(too_small_a_room_gives_nothing)
{
	struct slice buf = S("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
	size_t n;

	parse(H1_REQUEST, buf);
	n = rewrite_request(&h.head, buf, &v4, out, sizeof(out));
	for (size_t cap = 0; cap < n; cap++) {
		char *room = malloc(cap + 1); /* of its own, for AddressSanitizer */

		EXPECT_INT(rewrite_request(&h.head, buf, &v4, room, cap), 0);
		free(room);
	}
	EXPECT_INT(rewrite_request(&h.head, buf, &v4, out, n), n);
}

TEST(via_tells_the_version_that_came)
{
	struct rewrite_forward f = v4;

	f.via = S("adit");
	EXPECT_SLICE(request(S("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 outer\r\n\r\n"), &f),
	    S("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 outer\r\nVia: 1.1 adit\r\n" OURS));
	/* an absolute target is all that HTTP/1.0 has to name a host */
	EXPECT_SLICE(request(S("GET http://a/x HTTP/1.0\r\nA: b\r\n\r\n"), &f),
	    S("GET /x HTTP/1.1\r\nHost: a\r\nA: b\r\nVia: 1.0 adit\r\n" OURS));
}

/* RFC 9110 7.6.2 */
TEST(forwards_are_counted_down)
{
	static const struct {
		const char *method, *value, *out;
		bool ends;
	} rows[] = {
		{ "OPTIONS", "3", "2", false },
		{ "TRACE", "1", "0", false },
		{ "TRACE", "007", "6", false },
		{ "OPTIONS", "18446744073709551615", "2147483647", false },
		{ "OPTIONS", "18446744073709551616", "18446744073709551616", false },
		{ "OPTIONS", "-1", "-1", false },
		{ "OPTIONS", "", "", false },
		{ "GET", "3", "3", false },
		{ "GET", "0", "0", false },
		{ "OPTIONS", "0", "0", true },
		{ "TRACE", "00", "00", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char in[200], want[400];

		snprintf(in, sizeof(in), "%s / HTTP/1.1\r\nHost: a\r\nMax-Forwards: %s\r\n\r\n",
		    rows[i].method, rows[i].value);
		snprintf(want, sizeof(want),
		    "%s / HTTP/1.1\r\nHost: a\r\nMax-Forwards: %s\r\n" OURS, rows[i].method,
		    rows[i].out);
		EXPECT_SLICE(request(slice_str(in), &v4), slice_str(want));
		EXPECT_INT(rewrite_ends_here(&h.head, slice_str(in)), rows[i].ends);
	}
}

/* --- requests for an origin --- */

TEST(origin_gets_the_framing_of_its_body)
{
	EXPECT_SLICE(to_origin(S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), true,
			 keep),
	    S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"));
	EXPECT_SLICE(to_origin(S("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), true, keep),
	    S("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
	EXPECT_SLICE(to_origin(S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), false, keep),
	    S("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	EXPECT_SLICE(to_origin(S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), false,
			 keep),
	    S("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
}

/* Even from an edge that forgot to: what came by the stream is not believed. */
TEST(origin_never_gets_hop_by_hop_fields)
{
	EXPECT_SLICE(
	    to_origin(S("POST http://b/x HTTP/1.1\r\nHost: a\r\nConnection: close, X\r\nX: y\r\n"
			"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nTE: x\r\n"
			"Content_Length: 4\r\n\r\n"),
		true, keep),
	    S("POST /x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(origin_host_is_replaced_where_it_stood)
{
	EXPECT_SLICE(to_origin(S("GET / HTTP/1.1\r\nA: 1\r\nhost: a\r\nX-Forwarded-Host: a\r\n"
				 "adit-request-id: x\r\n\r\n"),
			 false, S("localhost:8080")),
	    S("GET / HTTP/1.1\r\nA: 1\r\nhost: localhost:8080\r\nX-Forwarded-Host: a\r\n"
	      "adit-request-id: x\r\n\r\n"));
}

TEST(origin_upgrade)
{
	EXPECT_SLICE(to_origin(S("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
				 "Connection: Upgrade\r\n\r\n"),
			 true, keep),
	    S("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
}

/* --- responses --- */

TEST(s08_response_hop_by_hop_fields_stay_behind)
{
	EXPECT_SLICE(response(S("HTTP/1.1 302 Moved  here\r\n"
				"SERVER: Jetty\r\n"
				"Set-Cookie: a\r\nset-cookie: b\r\n"
				"Location: /x/\r\n"
				"Connection: Keep-Alive, X-Hop, Transfer-Encoding\r\n"
				"X-Hop: 1\r\n"
				"Keep-Alive: timeout=5\r\n"
				"Proxy-Authenticate: Basic\r\n"
				"Trailer: X\r\n"
				"Upgrade: h2,h2c\r\n"
				"adit-error: agent-away\r\n"
				"X-Forwarded-For: stays\r\n"
				"Transfer-Encoding: chunked\r\n\r\n")),
	    S("HTTP/1.1 302 Moved  here\r\n"
	      "SERVER: Jetty\r\n"
	      "Set-Cookie: a\r\nset-cookie: b\r\n"
	      "Location: /x/\r\n"
	      "Trailer: X\r\n"
	      "X-Forwarded-For: stays\r\n\r\n"));
	EXPECT_SLICE(response(S("HTTP/1.0 200\r\nContent-Length: 5\r\n\r\n")),
	    S("HTTP/1.0 200 \r\nContent-Length: 5\r\n\r\n"));
	EXPECT_SLICE(
	    response(S("HTTP/1.1 426 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")),
	    S("HTTP/1.1 426 x\r\nUpgrade: websocket\r\n\r\n"));
}

TEST(s08_length_where_no_body_can_follow)
{
	EXPECT_SLICE(response(S("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n")),
	    S("HTTP/1.1 204 x\r\n\r\n"));
	EXPECT_SLICE(response(S("HTTP/1.1 103 x\r\nContent-Length: 5\r\nLink: y\r\n\r\n")),
	    S("HTTP/1.1 103 x\r\nLink: y\r\n\r\n"));
	EXPECT_SLICE(response(S("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n")),
	    S("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"));
}

TEST(switching_protocols)
{
	struct answer_to a = { .visitor_minor = 1, .keep_alive = true, .request_id = S("x") };
	enum h1_framing framing;

	EXPECT_SLICE(
	    response(S("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")),
	    S("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
	EXPECT_SLICE(
	    to_visitor(S("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), a,
		&framing),
	    S("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nadit-request-id: x\r\n"
	      "Connection: Upgrade\r\n\r\n"));
	EXPECT_INT(framing, H1_NO_BODY);
}

#define ID                                                                                         \
	"Date: Mon, 24 Nov 2025 15:50:00 GMT\r\n"                                                  \
	"adit-request-id: x\r\n"
#define NOW_MS INT64_C(1763999400000)

TEST(visitor_gets_the_framing_of_its_version)
{
	static const struct {
		const char *in;
		uint8_t minor;
		bool keep_alive, head;
		const char *out; /* in front of ID, behind it: behind '|' */
		enum h1_framing framing;
	} rows[] = {
		{ "Content-Length: 5\r\n", 1, true, false, "Content-Length: 5\r\n", H1_LENGTH },
		{ "Content-Length: 5\r\n", 1, false, false,
		    "Content-Length: 5\r\n|Connection: close\r\n", H1_LENGTH },
		{ "Content-Length: 5\r\n", 0, true, false,
		    "Content-Length: 5\r\n|Connection: keep-alive\r\n", H1_LENGTH },
		{ "", 1, true, false, "|Transfer-Encoding: chunked\r\n", H1_CHUNKED },
		{ "", 1, false, false, "|Transfer-Encoding: chunked\r\nConnection: close\r\n",
		    H1_CHUNKED },
		{ "", 0, true, false, "|Connection: close\r\n", H1_UNTIL_CLOSE },
		{ "", 0, false, false, "|Connection: close\r\n", H1_UNTIL_CLOSE },
		{ "", 1, true, true, "", H1_NO_BODY },
		{ "Content-Length: 5\r\n", 1, true, true, "Content-Length: 5\r\n", H1_NO_BODY },
		/* from an agent that is not what it should be */
		{ "Transfer-Encoding: chunked\r\nConnection: X\r\nX: y\r\nKeep-Alive: 1\r\n"
		  "adit-request-id: z\r\nadit-error: e\r\n",
		    1, true, false, "adit-error: e\r\n|Transfer-Encoding: chunked\r\n",
		    H1_CHUNKED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct answer_to a = { rows[i].minor, rows[i].keep_alive, rows[i].head, S("x"),
			S(""), NOW_MS };
		char in[300], want[300];
		enum h1_framing framing;
		const char *behind;
		size_t n;

		snprintf(in, sizeof(in), "HTTP/1.1 200 OK\r\n%s\r\n", rows[i].in);
		behind = strchr(rows[i].out, '|');
		n = behind == NULL ? strlen(rows[i].out) : (size_t)(behind - rows[i].out);
		snprintf(want, sizeof(want), "HTTP/1.1 200 OK\r\n%.*s" ID "%s\r\n", (int)n,
		    rows[i].out, behind == NULL ? "" : behind + 1);
		EXPECT_SLICE(to_visitor(slice_str(in), a, &framing), slice_str(want));
		EXPECT_INT(framing, rows[i].framing);
	}
}

TEST(interim_responses_carry_nothing_of_ours)
{
	struct answer_to a = {
		.visitor_minor = 1, .request_id = S("x"), .via = S("adit"), .wall_ms = NOW_MS
	};
	enum h1_framing framing;

	EXPECT_SLICE(to_visitor(S("HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n"), a, &framing),
	    S("HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n"));
	EXPECT_INT(framing, H1_NO_BODY);
	a.via = S("");
	EXPECT_SLICE(to_visitor(S("HTTP/1.1 204 x\r\n\r\n"), a, &framing),
	    S("HTTP/1.1 204 x\r\n" ID "Connection: close\r\n\r\n"));
	EXPECT_INT(framing, H1_NO_BODY);
}

/* RFC 9110 6.6.1, 7.6.3, 15.5.22 */
TEST(a_final_answer_has_date_and_via)
{
	struct answer_to a = { .visitor_minor = 1,
		.keep_alive = true,
		.request_id = S("x"),
		.via = S("edge-1"),
		.wall_ms = NOW_MS };
	enum h1_framing framing;

	EXPECT_SLICE(to_visitor(S("HTTP/1.0 200 x\r\ndAte: then\r\nVia: 1.1 inner\r\n"
				  "Content-Length: 0\r\n\r\n"),
			 a, &framing),
	    S("HTTP/1.1 200 x\r\ndAte: then\r\nVia: 1.1 inner\r\nContent-Length: 0\r\n"
	      "Via: 1.0 edge-1\r\nadit-request-id: x\r\n\r\n"));
	EXPECT_SLICE(to_visitor(S("HTTP/1.1 304 x\r\nETag: y\r\n\r\n"), a, &framing),
	    S("HTTP/1.1 304 x\r\nETag: y\r\nDate: Mon, 24 Nov 2025 15:50:00 GMT\r\n"
	      "Via: 1.1 edge-1\r\nadit-request-id: x\r\n\r\n"));
	EXPECT_SLICE(
	    to_visitor(S("HTTP/1.1 426 x\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"), a,
		&framing),
	    S("HTTP/1.1 426 x\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
	      "Date: Mon, 24 Nov 2025 15:50:00 GMT\r\nVia: 1.1 edge-1\r\n"
	      "adit-request-id: x\r\nConnection: Upgrade\r\n\r\n"));
}

TESTS(TEST_ROW(webhook_passes_byte_for_byte) TEST_ROW(s08_hop_by_hop_fields_stay_behind) TEST_ROW(
    s08_underscores_that_shadow_are_dropped) TEST_ROW(s11_untrusted_says_nothing_about_itself)
	TEST_ROW(s11_trusted_proxy_is_appended_to) TEST_ROW(forwarded_quotes_what_is_no_token)
	    TEST_ROW(visitor_of_a_unix_socket_is_unknown) TEST_ROW(
		s06_absolute_form_becomes_origin_form) TEST_ROW(websocket_passes)
		TEST_ROW(s08_h2c_does_not_pass) TEST_ROW(largest_head_fits) TEST_ROW(
		    too_small_a_room_gives_nothing) TEST_ROW(origin_gets_the_framing_of_its_body)
		    TEST_ROW(origin_never_gets_hop_by_hop_fields)
			TEST_ROW(origin_host_is_replaced_where_it_stood) TEST_ROW(origin_upgrade)
			    TEST_ROW(s08_response_hop_by_hop_fields_stay_behind) TEST_ROW(
				s08_length_where_no_body_can_follow) TEST_ROW(switching_protocols)
				TEST_ROW(visitor_gets_the_framing_of_its_version)
				    TEST_ROW(interim_responses_carry_nothing_of_ours)
					TEST_ROW(a_final_answer_has_date_and_via)
					    TEST_ROW(via_tells_the_version_that_came)
						TEST_ROW(forwards_are_counted_down)
						    TEST_ROW(te_and_trailer_where_trailers_pass))
