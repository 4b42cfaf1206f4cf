/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link/proxy_talk.h"

#include "unit.h"

static struct proxy_talk talk;

static struct proxy
proxy(const char *url)
{
	struct proxy p = { 0 };

	EXPECT(proxy_parse(slice_str(url), &p) == NULL);
	return p;
}

/* Drains what the talk says and compares. */
static void
expect_says(struct slice want)
{
	EXPECT_SLICE(proxy_talk_out(&talk), want);
	proxy_talk_out_done(&talk, proxy_talk_out(&talk).n);
}

/* Feeds byte by byte; the result of the last. */
static enum proxy_talk_result
feed(struct slice s)
{
	enum proxy_talk_result r = PROXY_TALK_MORE;

	for (size_t i = 0; i < s.n && r == PROXY_TALK_MORE; i++)
		r = proxy_talk_feed(&talk, slice_of(s.p + i, 1));
	return r;
}

TEST(connect)
{
	struct proxy p = proxy("http://proxy:3128");

	proxy_talk_init(&talk, &p, "edge.example.org", 443);
	expect_says(
	    S("CONNECT edge.example.org:443 HTTP/1.1\r\nHost: edge.example.org:443\r\n\r\n"));
	EXPECT_INT(feed(S("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")),
	    PROXY_TALK_DONE);
}

TEST(connect_with_password)
{
	struct proxy p = proxy("http://Aladdin:open%20sesame@proxy:3128");

	proxy_talk_init(&talk, &p, "2001:db8::1", 8443);
	expect_says(S("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n"
		      "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
	/* It was wiped. */
	EXPECT_INT(talk.out[0], 0);
	EXPECT_INT(feed(S("HTTP/1.0 200 OK\r\n\r\n")), PROXY_TALK_DONE);
}

TEST(connect_refused)
{
	struct proxy p = proxy("http://proxy:3128");

	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(
	    feed(S("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")),
	    PROXY_TALK_FAILED);
	EXPECT(strstr(talk.error, "user and password") != NULL);
	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("HTTP/1.1 403 Forbidden\r\n\r\n")), PROXY_TALK_FAILED);
	EXPECT(strstr(talk.error, "403") != NULL);
	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("SSH-2.0-OpenSSH\r\n")), PROXY_TALK_FAILED);
}

/* A TLS server does not speak first: bytes behind the answer are not the edge's. */
TEST(connect_with_surplus)
{
	struct proxy p = proxy("http://proxy:3128");

	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(proxy_talk_feed(&talk, S("HTTP/1.1 200 OK\r\n\r\nx")), PROXY_TALK_FAILED);
}

TEST(connect_endless)
{
	struct proxy p = proxy("http://proxy:3128");
	enum proxy_talk_result r;

	proxy_talk_init(&talk, &p, "e.org", 443);
	r = feed(S("HTTP/1.1 200 OK\r\n"));
	for (int i = 0; i < 10000 && r == PROXY_TALK_MORE; i++)
		r = proxy_talk_feed(&talk, S("A: b\r\n"));
	EXPECT_INT(r, PROXY_TALK_FAILED);
}

TEST(socks_name)
{
	struct proxy p = proxy("socks5://proxy");

	proxy_talk_init(&talk, &p, "e.org", 443);
	expect_says(S("\5\1\0"));
	EXPECT_INT(feed(S("\5\0")), PROXY_TALK_MORE);
	expect_says(S("\5\1\0\3\5e.org\1\273"));
	EXPECT_INT(feed(S("\5\0\0\1\0\0\0\0\0\0")), PROXY_TALK_DONE);
}

TEST(socks_password)
{
	struct proxy p = proxy("socks5://ann:pw@proxy");

	proxy_talk_init(&talk, &p, "192.0.2.1", 443);
	expect_says(S("\5\2\0\2"));
	EXPECT_INT(feed(S("\5\2")), PROXY_TALK_MORE);
	expect_says(S("\1\3ann\2pw"));
	EXPECT_INT(feed(S("\1\0")), PROXY_TALK_MORE);
	expect_says(S("\5\1\0\1\300\0\2\1\1\273"));
	EXPECT_INT(feed(S("\5\0\0\3\3abc\0\0")), PROXY_TALK_DONE);
}

TEST(socks_v6)
{
	struct proxy p = proxy("socks5://proxy");

	proxy_talk_init(&talk, &p, "::1", 443);
	expect_says(S("\5\1\0"));
	EXPECT_INT(feed(S("\5\0")), PROXY_TALK_MORE);
	expect_says(S("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\273"));
	EXPECT_INT(feed(S("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0")), PROXY_TALK_DONE);
}

TEST(socks_refused)
{
	struct proxy p = proxy("socks5://proxy");

	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("\5\2")), PROXY_TALK_FAILED); /* wants a password, there is none */
	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("\5\377")), PROXY_TALK_FAILED);
	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("HT")), PROXY_TALK_FAILED);
	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("\5\0")), PROXY_TALK_MORE);
	EXPECT_INT(feed(S("\5\5\0\1\0\0\0\0\0\0")), PROXY_TALK_FAILED);
	EXPECT(strstr(talk.error, "connection refused") != NULL);
	proxy_talk_init(&talk, &p, "e.org", 443);
	EXPECT_INT(feed(S("\5\0")), PROXY_TALK_MORE);
	EXPECT_INT(feed(S("\5\377\0\1\0\0\0\0\0\0")), PROXY_TALK_FAILED);
	EXPECT(strstr(talk.error, "unknown reason") != NULL);
}

/* The longest user, password and host fit. */
TEST(longest)
{
	struct proxy p = { .kind = PROXY_SOCKS5 };
	char host[256];

	memset(p.user, 'u', 255);
	memset(p.password, 'p', 255);
	memset(host, 'h', 255);
	host[255] = '\0';
	for (int kind = PROXY_CONNECT; kind <= PROXY_SOCKS5; kind++) {
		p.kind = (enum proxy_kind)kind;
		proxy_talk_init(&talk, &p, host, 65535);
		EXPECT(proxy_talk_out(&talk).n > 0);
		proxy_talk_out_done(&talk, proxy_talk_out(&talk).n);
	}
	EXPECT_INT(feed(S("\5\2")), PROXY_TALK_MORE);
	proxy_talk_out_done(&talk, proxy_talk_out(&talk).n);
	EXPECT_INT(feed(S("\1\0")), PROXY_TALK_MORE);
	EXPECT_INT(proxy_talk_out(&talk).n, 4 + 1 + 255 + 2);
}

TESTS(TEST_ROW(connect) TEST_ROW(connect_with_password) TEST_ROW(connect_refused)
	TEST_ROW(connect_with_surplus) TEST_ROW(connect_endless) TEST_ROW(socks_name)
	    TEST_ROW(socks_password) TEST_ROW(socks_v6) TEST_ROW(socks_refused) TEST_ROW(longest))
