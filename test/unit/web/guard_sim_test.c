/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of the guard, and the headers that all answers have. */
#include "unit/web/web_lab.h"

#include "web/web_private.h"

#include <unistd.h>

#define ITEM "GET /v1/items/1 HTTP/1.1\r\n"

static const char *
get_with(const char *line, const char *fields)
{
	char text[1000];

	snprintf(text, sizeof(text), "%s\r\n%s\r\n", line, fields);
	return ASK(text);
}

/* 421 stands before everything else: before files, paths, methods, tokens. */
TEST(names_of_others)
{
	static const char *const ours[] = { "127.0.0.1:4040", "localhost:4040", "LOCALHOST:4040",
		"[::1]:4040", "localhost.:4040", "adit.example.com", "adit.example.com:443",
		"box.example:8080" };
	static const char *const others[] = { "evil.example", "evil.example:4040", "127.0.0.1",
		"127.0.0.1:80", "localhost", "[::1]", "127.0.0.2:4040", "0.0.0.0:4040",
		"x.localhost:4040", "[::ffff:7f00:1]:4040", "box.example", "box.example:4040",
		"localhost.evil.example:4040" };
	static const char *const lines[] = { "GET / HTTP/1.1", "GET /app.1234abcd.js HTTP/1.1",
		"GET /healthz HTTP/1.1", "GET /v1/items/1 HTTP/1.1", "GET /nothing HTTP/1.1",
		"PUT / HTTP/1.1", "POST /v1/json HTTP/1.1\r\nContent-Length: 0",
		"OPTIONS /v1/json HTTP/1.1", "GET / HTTP/1.0" };
	char fields[200];

	lab_open();
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		snprintf(fields, sizeof(fields), "Host: %s\r\n", ours[i]);
		EXPECT(says(get_with("GET /healthz HTTP/1.1", fields), "200", "hello"));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(fields, sizeof(fields), "Host: %s\r\n" BEARER, others[i]);
		for (size_t k = 0; k < sizeof(lines) / sizeof(*lines); k++)
			EXPECT(says(get_with(lines[k], fields), "421", "host-unknown"));
	}
	EXPECT(says(get_with("GET / HTTP/1.0", BEARER), "400", "host-missing"));
	EXPECT(says(get_with("GET / HTTP/1.1", "Host: 127.1:4040\r\n"), "400", "bad-host"));
	/* The one of an absolute target counts. */
	EXPECT(says(ASK("GET http://evil.example/healthz HTTP/1.1\r\n" HOST "\r\n"), "421",
	    "host-unknown"));
	EXPECT_INT(n_handled, sizeof(ours) / sizeof(*ours));
	lab_close();
}

/* fields -> passes as a change, and as a read of data. */
static const struct {
	const char *fields;
	bool passes;
} pages[] = {
	{ "", true },
	{ "Origin: http://127.0.0.1:4040\r\n", true },
	{ "Origin: http://127.0.0.1:4040\r\nSec-Fetch-Site: same-origin\r\n", true },
	{ "Sec-Fetch-Site: none\r\n", true },
	{ "Origin: https://127.0.0.1:4040\r\n", true }, /* a proxy with TLS of the user's */
	{ "Origin: http://127.0.0.1:8080\r\n", false }, /* his public local server, say */
	{ "Origin: http://localhost:4040\r\n", false },
	{ "Origin: http://127.0.0.1\r\n", false },
	{ "Origin: http://evil.example\r\n", false },
	{ "Origin: http://127.0.0.1:4040.evil.example\r\n", false },
	{ "Origin: null\r\n", false },
	{ "Origin:\r\n", false },
	{ "Sec-Fetch-Site: same-site\r\n", false },
	{ "Sec-Fetch-Site: cross-site\r\n", false },
	{ "Sec-Fetch-Site: Same-Origin\r\n", false },
	{ "Origin: http://127.0.0.1:4040\r\nSec-Fetch-Site: same-site\r\n", false },
	{ "Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n", false },
	{ "Origin: http://127.0.0.1:4040\r\nOrigin: http://evil.example\r\n", false },
	{ "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n", false },
};

TEST(pages_of_others)
{
	static const char *const changes[] = { "POST /open HTTP/1.1\r\n" HOST "Content-Length: 0",
		"POST /v1/bytes HTTP/1.1\r\n" HOST BEARER "Content-Length: 0",
		"DELETE /v1/items/1 HTTP/1.1\r\n" HOST BEARER "X: y",
		"GET /v1/items/1 HTTP/1.1\r\n" HOST BEARER "X: y" };
	int passed = 0;

	lab_open();
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		for (size_t k = 0; k < 4; k++) {
			const char *answer = get_with(changes[k], pages[i].fields);

			EXPECT(pages[i].passes ? strncmp(answer, "HTTP/1.1 20", 11) == 0
					       : says(answer, "403", "other-page"));
			passed += pages[i].passes;
		}
		/* Links from elsewhere lead to pages, and health is nobody's secret. */
		EXPECT(says(get_with("GET / HTTP/1.1\r\n" HOST "X: y", pages[i].fields), "200",
		    "<title>"));
		EXPECT(says(get_with("GET /healthz HTTP/1.1\r\n" HOST "X: y", pages[i].fields),
		    "200", "hello"));
		passed++;
	}
	EXPECT_INT(n_handled, passed);
	lab_close();
}

TEST(tokens)
{
	const char *answer;

	lab_open();
	answer = ASK(ITEM HOST "\r\n");
	EXPECT(says(answer, "401", "\"code\":\"token-missing\""));
	EXPECT(says(answer, "401", "\"todo\":\"Open the address that was printed.\""));
	EXPECT(says(answer, "401", "WWW-Authenticate: Bearer realm=\"adit\"\r\n"));
	EXPECT(says(ASK(ITEM HOST "Authorization: Bearer wrong\r\n\r\n"), "401", "token-wrong"));
	EXPECT(says(ASK(ITEM HOST "Authorization: Bearer " TOKEN "0\r\n\r\n"), "401",
	    "token-wrong"));
	EXPECT(says(ASK(ITEM HOST "Authorization: Bearer \r\n\r\n"), "401", "token-missing"));
	EXPECT(says(ASK(ITEM HOST "Authorization: Basic " TOKEN "\r\n\r\n"), "401",
	    "token-missing"));
	EXPECT(says(ASK(ITEM HOST "Authorization: " TOKEN "\r\n\r\n"), "401", "token-missing"));
	EXPECT(says(ASK("GET /v1/items/1?token=" TOKEN " HTTP/1.1\r\n" HOST "\r\n"), "401",
	    "token-missing"));
	EXPECT(says(ASK(ITEM HOST "Cookie: token=" TOKEN "\r\n\r\n"), "401", "token-missing"));
	answer = ASK(ITEM HOST BEARER BEARER "\r\n");
	EXPECT(strncmp(answer, "HTTP/1.1 40", 11) == 0);
	EXPECT_INT(n_handled, 0);
	EXPECT(says(ASK(ITEM HOST BEARER "\r\n"), "200", "{\"id\":\"1\""));
	EXPECT(says(ASK(ITEM HOST "authorization: bearer " TOKEN "\r\n\r\n"), "200",
	    "{\"id\":\"1\""));
	lab_close();
	EXPECT(web_same_token(S("abc"), S("abc")) && !web_same_token(S("abc"), S("abd")));
	EXPECT(!web_same_token(S("ab"), S("abc")) && !web_same_token(S("abc"), S("ab")) &&
	       !web_same_token(S(""), S("")));
}

static enum web_verdict
authorize(const struct web_request *r, enum web_right right)
{
	(void)right;
	if (slice_eq(web_cookie(r, S("session")), S("good")))
		return right == WEB_READ ? WEB_YES : WEB_NO;
	return web_authorize(r, right);
}

/* A server with sessions and without a token. */
TEST(an_authorizer_of_its_own)
{
	struct web_config config;

	lab_config(&config);
	config.rules.token = NULL;
	config.rules.authorize = authorize;
	config.rules.peers = WEB_PEERS_ANY;
	lab_open_with(1, &(struct sim_link){ .buffer_bytes = 100000, .chunk_bytes = 1000 },
	    &config);
	EXPECT(says(ASK(ITEM HOST "\r\n"), "401", "token-missing"));
	EXPECT(says(ASK(ITEM HOST "Authorization: Bearer \r\n\r\n"), "401", ""));
	EXPECT(says(ASK(ITEM HOST "Cookie: a=b; session=good; c\r\n\r\n"), "200", ""));
	EXPECT(says(ASK(ITEM HOST "Cookie: a=b; session=goo\r\n\r\n"), "401", ""));
	EXPECT(says(ASK("DELETE /v1/items/1 HTTP/1.1\r\n" HOST "Cookie: session=good\r\n\r\n"),
	    "403", "forbidden"));
	EXPECT_INT(n_handled, 1);
	lab_close();
}

/* --- users --- */

static enum web_refusal
door(enum web_peers peers, bool known, uid_t uid)
{
	struct web_server s = { .config.rules.peers = peers };
	static struct web_client c;

	c = (struct web_client){
		.server = &s, .port = 4040, .peer = { .known = known, .uid = uid }
	};
	c.request.host = S("localhost:4040");
	return web_guard_door(&c);
}

TEST(users)
{
	uid_t other = geteuid() + 1000;

	EXPECT_INT(door(WEB_PEERS_OURS, true, geteuid()), WEB_PASSED);
	EXPECT_INT(door(WEB_PEERS_OURS, true, 0), WEB_PASSED);
	EXPECT_INT(door(WEB_PEERS_OURS, true, other), WEB_FOREIGN_USER);
	EXPECT_INT(door(WEB_PEERS_OURS, true, 65534), WEB_FOREIGN_USER);
	EXPECT_INT(door(WEB_PEERS_OURS, false, 0), WEB_PASSED); /* the token is asked for */
	EXPECT_INT(door(WEB_PEERS_ANY, true, other), WEB_PASSED);
}

/* --- headers --- */

static void
expect_guards(const char *answer)
{
	static const char *const lines[] = {
		"\r\nX-Content-Type-Options: nosniff\r\n",
		"\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src "
		"'self'; "
		"connect-src 'self'; img-src 'self' blob:; require-trusted-types-for 'script'; "
		"trusted-types "
		"'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; report-uri "
		"/csp-report\r\n",
		"\r\nCross-Origin-Opener-Policy: same-origin\r\n",
		"\r\nCross-Origin-Resource-Policy: same-origin\r\n",
		"\r\nReferrer-Policy: no-referrer\r\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (strstr(answer, lines[i]) == NULL) {
			printf("no %s in %s\n", lines[i], answer);
			EXPECT(false);
		}
	EXPECT(strstr(answer, "Access-Control") == NULL && strstr(answer, "Set-Cookie") == NULL);
}

TEST(headers_of_all_answers)
{
	static const char *const asks[] = { "GET / HTTP/1.1\r\n" HOST "\r\n",
		ITEM HOST BEARER "\r\n", ITEM HOST "\r\n", ITEM "Host: x\r\n\r\n",
		"GET /nothing HTTP/1.1\r\n" HOST "\r\n", "BROKEN\r\n\r\n",
		"POST /v1/bytes HTTP/1.1\r\n" HOST BEARER "Content-Length: 0\r\n\r\n",
		"GET /v1/events HTTP/1.1\r\n" HOST BEARER "\r\n", "HEAD / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "If-None-Match: \"aaaa\"\r\n\r\n" };

	lab_open();
	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		const char *answer = ASK(asks[i]);
		bool file =
		    strncmp(asks[i] + 4, "/ ", 2) == 0 || strncmp(asks[i] + 5, "/ ", 2) == 0;

		expect_guards(answer);
		EXPECT(strstr(answer, file ? "\r\nCache-Control: no-cache\r\n"
					   : "\r\nCache-Control: no-store\r\n") != NULL);
	}
	lab_close();
}

/* --- files --- */

TEST(files)
{
	const char *answer;

	lab_open();
	answer = ASK("GET / HTTP/1.1\r\n" HOST "Accept-Encoding: gzip, deflate, br\r\n\r\n");
	EXPECT(says(answer, "200", "Content-Encoding: gzip\r\n") &&
	       says(answer, "200", "\r\n\r\nas if packed"));
	EXPECT(says(answer, "200", "ETag: \"aaaa-gz\"\r\n") &&
	       says(answer, "200", "Vary: Accept-Encoding\r\n"));
	answer = ASK("GET /index.html HTTP/1.1\r\n" HOST "\r\n");
	EXPECT(says(answer, "200", "ETag: \"aaaa\"\r\n") &&
	       says(answer, "200", "<title>page</title>"));
	EXPECT(says(answer, "200", "Content-Type: text/html; charset=utf-8\r\n"));
	EXPECT(strstr(answer, "Content-Encoding") == NULL);
	answer = ASK("GET / HTTP/1.1\r\n" HOST "If-None-Match: \"x\", W/\"aaaa\"\r\n\r\n");
	EXPECT(says(answer, "304", "ETag: \"aaaa\"\r\n") &&
	       strcmp(strstr(answer, "\r\n\r\n"), "\r\n\r\n") == 0);
	EXPECT(says(ASK("GET / HTTP/1.1\r\n" HOST "If-None-Match: \"bbbb\"\r\n\r\n"), "200", ""));
	answer = ASK("GET /app.1234abcd.js?v=1 HTTP/1.1\r\n" HOST "\r\n");
	EXPECT(says(answer, "200", "Cache-Control: private, max-age=31536000, immutable\r\n"));
	EXPECT(says(ASK("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), "405",
	    "Allow: GET, HEAD\r\n"));
	EXPECT(says(ASK("GET /../index.html HTTP/1.1\r\n" HOST "\r\n"), "404", ""));
	EXPECT(says(ASK("GET /index%2ehtml HTTP/1.1\r\n" HOST "\r\n"), "404", ""));
	EXPECT(says(ASK("GET //index.html HTTP/1.1\r\n" HOST "\r\n"), "404", ""));
	answer = ASK("HEAD / HTTP/1.1\r\n" HOST "\r\n");
	EXPECT(says(answer, "200", "Content-Length: 34\r\n") &&
	       strcmp(strstr(answer, "\r\n\r\n"), "\r\n\r\n") == 0);
	lab_close();
}

TEST(codings)
{
	static const char *const yes[] = { "gzip", "GZIP", "br, gzip;q=0.1", "*",
		"deflate, *;q=0.5", "x-gzip", " gzip ; q=1" };
	static const char *const no[] = { "", "br", "identity", "gzip;q=0", "*, gzip;q=0.000",
		"*;q=0", "gzipped" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		EXPECT(web_takes_gzip(slice_str(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		EXPECT(!web_takes_gzip(slice_str(no[i])));
	EXPECT(!web_takes_gzip((struct slice){ NULL, 0 }));
	EXPECT(web_etag_matches(S("*"), S("a")) && web_etag_matches(S("\"b\" , \"a\""), S("a")));
	EXPECT(!web_etag_matches(S("a"), S("a")) && !web_etag_matches(S("\"ab\""), S("a")));
	EXPECT(!web_etag_matches(S("\""), S("")) &&
	       !web_etag_matches((struct slice){ NULL, 0 }, S("a")));
}

TEST(reports_of_the_browser)
{
	lab_open();
	EXPECT(says(
	    ASK("POST /csp-report HTTP/1.1\r\n" HOST "Origin: http://127.0.0.1:4040\r\n"
		"Content-Type: application/csp-report\r\nContent-Length: 8\r\n\r\n{\"a\":\"b\"}"),
	    "204", ""));
	EXPECT_INT(web_server_csp_reports(server), 1);
	EXPECT(says(ASK("POST /csp-report HTTP/1.1\r\n" HOST
			"Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n"),
	    "403", "other-page"));
	EXPECT(says(ASK("GET /csp-report HTTP/1.1\r\n" HOST BEARER "\r\n"), "200",
	    "{\"reports\":1,\"last\":\"{\\\"a\\\":\\\"b\\\"\"}"));
	EXPECT(says(ASK("GET /csp-report HTTP/1.1\r\n" HOST "\r\n"), "401", ""));
	lab_close();
}

TESTS(TEST_ROW(names_of_others) TEST_ROW(pages_of_others) TEST_ROW(tokens)
	TEST_ROW(an_authorizer_of_its_own) TEST_ROW(users) TEST_ROW(headers_of_all_answers)
	    TEST_ROW(files) TEST_ROW(codings) TEST_ROW(reports_of_the_browser))
