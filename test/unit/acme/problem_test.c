/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/problem.h"

#include "acme/cadoc.h"

#include "unit.h"

#define URN "urn:ietf:params:acme:error:"

static const char *
said(struct slice body, int status, const char *name)
{
	static char z[16384];
	struct problem p;
	struct buf b;

	buf_init(&b, sizeof(z) - 1);
	problem_read(body, status, &p);
	problem_put(&b, &p, name);
	slice_copy(buf_slice(&b), z, sizeof(z));
	buf_fini(&b);
	return z;
}

TEST(sentences)
{
	EXPECT_SLICE(slice_str(said(S("{\"type\":\"" URN "connection\",\"detail\":\"timeout\"}"),
			 400, "a.example")),
	    S("a.example: the CA could not connect to us (\"timeout\"): open ports 80 and 443 of "
	      "this address, also over IPv6 where an "
	      "AAAA record stands"));
	EXPECT_SLICE(slice_str(said(S("{\"type\":\"" URN "alreadyRevoked\"}"), 400, "")),
	    S("the certificate was revoked already"));
	EXPECT_SLICE(slice_str(said(S("{\"type\":\"" URN
				      "userActionRequired\",\"instance\":\"https://ca/terms\"}"),
			 403, "")),
	    S("the CA has new terms; see https://ca/terms: read them, then set agree_to_terms: yes "
	      "under acme:"));
	EXPECT_SLICE(slice_str(said(S("{\"type\":\"" URN "future\",\"detail\":\"x\"}"), 400, "")),
	    S("the CA refused (\"x\")"));
	EXPECT_SLICE(
	    slice_str(said(S("{\"type\":\"" URN "unauthorized\",\"detail\":\"deactivated\"}"), 401,
		"")),
	    S("the CA does not allow it to our account (\"deactivated\")"));
	EXPECT_SLICE(slice_str(said(S("<html>"), 502, "a.example")),
	    S("a.example: the CA answered with status 502 and no reason"));
	EXPECT_SLICE(slice_str(said(S("{\"status\":\"pending\"}"), 404, "")),
	    S("the CA answered with status 404 and no reason"));
}

/* The parts say more than the whole (RFC 8555 6.7.1). */
TEST(parts)
{
	struct slice body =
	    S("{\"type\":\"" URN "compound\",\"detail\":\"two\",\"subproblems\":["
	      "{\"type\":\"" URN
	      "caa\",\"detail\":\"no\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}},"
	      "{\"type\":\"" URN
	      "dns\",\"identifier\":{\"type\":\"dns\",\"value\":\"b.example\"}},7]}");
	struct problem p;

	EXPECT_SLICE(slice_str(said(body, 403, "")),
	    S("a.example: a CAA record forbids this CA to sign (\"no\"); b.example: the CA could "
	      "not look the name up: add a CAA record "
	      "for it at the DNS provider, or remove the one that is there"));
	problem_read(body, 403, &p);
	EXPECT(problem_is(&p, PROBLEM_DNS) && problem_is(&p, PROBLEM_COMPOUND) &&
	       !problem_is(&p, PROBLEM_TLS));
	EXPECT_INT(p.n, 2);
}

/* What a terminal obeys, kinds that do not fit, and too much of everything. */
TEST(hostile)
{
	struct problem p;
	struct buf b;

	EXPECT_SLICE(slice_str(said(S("{\"type\":\"" URN "tls\",\"detail\":\"\\u001b[2J\\nx\"}"),
			 400, "")),
	    S("the CA could not shake hands with us (\"\\x1b[2J\\x0ax\"): check that nothing else "
	      "ends TLS on port 443 before this edge"));
	problem_read(S("{\"type\":7,\"detail\":[],\"subproblems\":{}}"), 400, &p);
	EXPECT_INT(p.all.kind, PROBLEM_OTHER);
	problem_of(NULL, &p);
	EXPECT_INT(p.all.kind, PROBLEM_NONE);
	buf_init(&b, 1 << 20);
	buf_put(&b, S("{\"type\":\"x\",\"detail\":\""));
	for (int i = 0; i < 5000; i++)
		buf_put(&b, S("y"));
	buf_put(&b, S("\",\"subproblems\":[{}"));
	for (int i = 0; i < 500; i++)
		buf_put(&b, S(",{}"));
	buf_put(&b, S("]}"));
	problem_read(buf_slice(&b), 400, &p);
	EXPECT(p.n == PROBLEM_PARTS && strlen(p.all.detail) == 255);
	buf_fini(&b);
}

TEST(links)
{
	char urls[3][LIMIT_ACME_URL_BYTES], large[LIMIT_ACME_URL_BYTES];

	EXPECT_INT(cadoc_alternates(
		       S("<https://ca/dir>;rel=\"index\", <https://ca/cert/1,a>;rel=\"alternate\", "
			 "<https://ca/cert/2>; title=x; REL=alternate,<http://ca/3>;rel=alternate"),
		       urls, 3),
	    2);
	EXPECT_SLICE(slice_str(urls[0]), S("https://ca/cert/1,a"));
	EXPECT_SLICE(slice_str(urls[1]), S("https://ca/cert/2"));
	EXPECT_INT(cadoc_alternates(S("<https://ca/1>;rel=alternate,<https://ca/1>;rel=alternate"),
		       urls, 1),
	    1);
	EXPECT_INT(cadoc_alternates(S("<<<>>>;;;,,,rel=alternate"), urls, 3), 0);
	EXPECT_INT(cadoc_alternates(S(""), urls, 3), 0);
	memset(large, 'a', sizeof(large));
	memcpy(large, "https://", 8);
	EXPECT(cadoc_url(slice_of(large, LIMIT_ACME_URL_BYTES - 1), urls[0]));
	EXPECT(!cadoc_url(slice_of(large, LIMIT_ACME_URL_BYTES), urls[0]) && urls[0][0] == '\0');
	EXPECT(!cadoc_url(S("https://"), urls[0]) && !cadoc_url(S("https://a b"), urls[0]) &&
	       !cadoc_url(S("ftp://a"), urls[0]));
	EXPECT(cadoc_read(S("[]")) == NULL && cadoc_read(S("{\"a\":1,\"a\":2}")) == NULL);
}

TESTS(TEST_ROW(sentences) TEST_ROW(parts) TEST_ROW(hostile) TEST_ROW(links))
