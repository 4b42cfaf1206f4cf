/* SPDX-License-Identifier: Apache-2.0 */
/* The server over the simulated wire: requests, bodies, answers of all kinds, times and the end. */
#include "unit/web/web_lab.h"

#include "base/limits.h"

TEST(one_request_after_another)
{
	struct lab_client v;
	const char *first, *second;

	lab_open();
	lab_connect(&v);
	lab_send(&v, S("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(says(v.got, "200", "Content-Length: 5\r\n") && says(v.got, "200", "\r\n\r\nhello"));
	v.n = 0;
	lab_send(&v, S("HEAD /healthz HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(says(v.got, "200", "Content-Length: 5\r\n"));
	EXPECT(strcmp(v.got + v.n - 4, "\r\n\r\n") == 0);
	v.n = 0;
	/* Two at once, and a piece of a third. */
	lab_send(&v, S("GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		       "GET /nothing HTTP/1.1\r\n" HOST "\r\nGET /hea"));
	first = strstr(v.got, "HTTP/1.1 200");
	second = strstr(v.got, "HTTP/1.1 404");
	EXPECT(first != NULL && second != NULL && first < second);
	v.n = 0;
	lab_send(&v, S("lthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
	EXPECT(says(v.got, "200", "Connection: close\r\n") && v.eof);
	EXPECT_INT(n_handled, 4);
	lab_end(&v);
	lab_close();
}

TEST(paths_and_methods)
{
	lab_open();
	EXPECT(says(ASK("GET /v1/items/a%20b?limit=7&q=x+y HTTP/1.1\r\n" HOST BEARER "\r\n"), "200",
	    "{\"id\":\"a b\",\"limit\":7,\"q\":\"x y\"}"));
	EXPECT(says(ASK("GET /v1/items/1?limit=x HTTP/1.1\r\n" HOST BEARER "\r\n"), "400",
	    "{\"code\":\"bad-limit\",\"text\":\"The limit is no number.\",\"todo\":\"Send "
	    "digits.\"}"));
	EXPECT(says(ASK("GET /v1/items/1?q=%ff HTTP/1.1\r\n" HOST BEARER "\r\n"), "400",
	    "bad-encoding"));
	EXPECT(says(ASK("GET /v1/items/%00 HTTP/1.1\r\n" HOST BEARER "\r\n"), "400",
	    "bad-encoding"));
	EXPECT(says(ASK("GET /v1/none HTTP/1.1\r\n" HOST BEARER "\r\n"), "404", "not-found"));
	EXPECT(says(ASK("PUT /v1/items/1 HTTP/1.1\r\n" HOST BEARER "Content-Length: 0\r\n\r\n"),
	    "405", "Allow: GET, HEAD, DELETE\r\n"));
	EXPECT(says(ASK("GET http://127.0.0.1:4040 HTTP/1.1\r\nHost: x\r\n\r\n"), "200",
	    "<title>page"));
	EXPECT(says(ASK("BROKEN\r\n\r\n"), "400", "bad-request-line"));
	EXPECT(says(ASK("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), "400",
	    "two-hosts"));
	EXPECT(says(ASK("GET /healthz HTTP/1.0\r\n" HOST "\r\n"), "200", "Connection: close\r\n"));
	EXPECT_INT(n_handled, 3);
	lab_close();
}

/* A preflight gets no CORS header, and neither does anything else. */
TEST(no_answer_to_preflights)
{
	const char *answer;

	lab_open();
	answer = ASK("OPTIONS /v1/json HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n"
		     "Access-Control-Request-Method: "
		     "POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n");
	EXPECT(says(answer, "403", "other-page") && strstr(answer, "Access-Control") == NULL);
	answer =
	    ASK("OPTIONS /v1/json HTTP/1.1\r\n" HOST "Access-Control-Request-Method: POST\r\n\r\n");
	EXPECT(says(answer, "405", "Allow: POST\r\n") && strstr(answer, "Access-Control") == NULL);
	answer = ASK("GET /healthz HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n");
	EXPECT(says(answer, "200", "hello") && strstr(answer, "Access-Control") == NULL);
	EXPECT(says(ASK("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "404", "not-found"));
	lab_close();
}

/* --- bodies that come --- */

#define JSON_POST "POST /v1/json HTTP/1.1\r\n" HOST BEARER "Content-Type: application/json\r\n"

TEST(json_in)
{
	lab_open();
	EXPECT(says(ASK(JSON_POST "Content-Length: 7\r\n\r\n{\"a\":1}"), "201",
	    "{\"got\":{\"a\":1}}"));
	EXPECT(says(ASK("POST /v1/json HTTP/1.1\r\n" HOST BEARER
			"Content-Type: Application/JSON; charset=utf-8\r\n"
			"Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"),
	    "201", "{\"got\":[1]}"));
	EXPECT(says(ASK(JSON_POST "Content-Length: 0\r\n\r\n"), "201", "{\"got\":null}"));
	EXPECT(says(ASK("POST /v1/json HTTP/1.1\r\n" HOST BEARER "Content-Length: 2\r\n\r\n{}"),
	    "415", "not-json"));
	EXPECT(says(ASK("POST /v1/json HTTP/1.1\r\n" HOST BEARER "Content-Type: text/plain\r\n"
			"Content-Length: 2\r\n\r\n{}"),
	    "415", "application/json"));
	EXPECT(says(ASK(JSON_POST "Content-Length: 13\r\n\r\n{\"a\":1,\"a\":2}"), "400",
	    "bad-json"));
	EXPECT(says(ASK(JSON_POST "Content-Length: 5\r\n\r\n{\"a\":"), "400", "line 1"));
	EXPECT_INT(n_handled, 3);
	lab_close();
}

TEST(json_depth)
{
	char text[2048];

	lab_open();
	for (int depth = LIMIT_WEB_JSON_DEPTH; depth <= LIMIT_WEB_JSON_DEPTH + 1; depth++) {
		int n = snprintf(text, sizeof(text), JSON_POST "Content-Length: %d\r\n\r\n",
		    2 * depth + 6);

		for (int i = 0; i < depth; i++)
			text[n++] = '[';
		n += snprintf(text + n, sizeof(text) - (size_t)n, "\"[\\\"[\"");
		for (int i = 0; i < depth; i++)
			text[n++] = ']';
		text[n] = '\0';
		EXPECT(says(ASK(text), depth > LIMIT_WEB_JSON_DEPTH ? "400" : "201",
		    depth > LIMIT_WEB_JSON_DEPTH ? "deeper than" : "[[[["));
	}
	lab_close();
}

static void
post_zeros(const char *path, size_t n, bool chunked, const char *status)
{
	char *text = calloc(1, n + 1000);
	int at = snprintf(text, 500, "POST %s HTTP/1.1\r\n" HOST BEARER, path);
	const char *answer;

	if (chunked)
		at += snprintf(text + at, 100, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
	else
		at += snprintf(text + at, 100, "Content-Length: %zu\r\n\r\n", n);
	memset(text + at, '0', n);
	memcpy(text + at + (int)n, chunked ? "\r\n0\r\n\r\n" : "", chunked ? 7 : 0);
	answer = lab_ask(slice_of(text, (size_t)at + n + (chunked ? 7 : 0)));
	EXPECT(says(answer, status, strcmp(status, "413") == 0 ? "body-too-large" : ""));
	free(text);
}

TEST(body_caps)
{
	lab_open();
	post_zeros("/v1/bytes", LIMIT_WEB_BODY_BYTES, false, "204");
	EXPECT(strcmp(seen, "1048576") == 0);
	post_zeros("/v1/bytes", LIMIT_WEB_BODY_BYTES, true, "204");
	EXPECT_INT(n_handled, 2);
	post_zeros("/v1/bytes", LIMIT_WEB_BODY_BYTES + 1, false, "413");
	post_zeros("/v1/bytes", LIMIT_WEB_BODY_BYTES + 1, true, "413");
	post_zeros("/v1/import", 4000000, false, "204");
	post_zeros("/v1/import", 4000001, true, "413");
	post_zeros("/open", 1, false, "413");
	EXPECT_INT(n_handled, 3);
	/* What the head says is enough: nothing of it has to come. */
	EXPECT(says(ASK("POST /v1/bytes HTTP/1.1\r\n" HOST BEARER "Expect: 100-continue\r\n"
			"Content-Length: 1048577\r\n\r\n"),
	    "413", "body-too-large"));
	lab_close();
}

/* 40 clients with almost 4 MB each are more than all may have together. */
TEST(all_bodies_together)
{
	enum { CLIENTS = 40, BYTES = 3999000 };
	static struct lab_client v[CLIENTS];
	static const char head[] =
	    "POST /v1/import HTTP/1.1\r\n" HOST BEARER "Content-Length: 4000000\r\n\r\n";
	char *text = calloc(1, sizeof(head) + BYTES);
	int refused = 0;

	memcpy(text, head, sizeof(head) - 1);
	lab_open();
	for (int i = 0; i < CLIENTS; i++) {
		lab_connect(&v[i]);
		lab_send(&v[i], slice_of(text, sizeof(head) - 1 + BYTES));
	}
	for (int i = 0; i < CLIENTS; i++) {
		if (v[i].n > 0)
			EXPECT(says(v[i].got, "503", "overload"));
		refused += v[i].n > 0;
		lab_end(&v[i]);
	}
	EXPECT_INT(refused, CLIENTS - LIMIT_WEB_BODIES_BYTES / BYTES);
	EXPECT(web_server_is_idle(server));
	/* What they had is free again. */
	post_zeros("/v1/import", 4000000, false, "204");
	free(text);
	lab_close();
}

TEST(who_asks_first_is_told_to_go_on)
{
	struct lab_client v;

	lab_open();
	lab_connect(&v);
	lab_send(&v, S("POST /v1/bytes HTTP/1.1\r\n" HOST BEARER
		       "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	EXPECT(strcmp(v.got, "HTTP/1.1 100 Continue\r\n\r\n") == 0);
	v.n = 0;
	lab_send(&v, S("abc"));
	EXPECT(says(v.got, "204", "") && strcmp(seen, "3") == 0 &&
	       strstr(v.got, "Content-Length") == NULL);
	lab_end(&v);
	/* Who may not is told so at once, and his body is not read. */
	EXPECT(says(ASK("POST /v1/bytes HTTP/1.1\r\n" HOST
			"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
	    "401", "Connection: close\r\n"));
	lab_close();
}

/* --- answers that take long --- */

TEST(an_answer_that_comes_later)
{
	struct lab_client v;

	lab_open();
	lab_connect(&v);
	lab_send(&v, S("GET /v1/later HTTP/1.1\r\n" HOST BEARER "\r\nGET /healthz HTTP/1.1\r\n" HOST
		       "\r\n"));
	EXPECT(waiting != NULL && v.n == 0);
	lab_wait(600 * 1000000LL); /* nobody hurries a handler */
	EXPECT(waiting != NULL && v.n == 0 && n_handled == 1);
	web_json(waiting, 200, json_pack("[i]", 1));
	lab_wait(20000);
	EXPECT(says(v.got, "200", "\r\n\r\n[1]") && strstr(v.got, "hello") != NULL && n_gone == 0);
	v.n = 0;
	lab_send(&v, S("GET /v1/later HTTP/1.1\r\n" HOST BEARER "\r\n"));
	EXPECT(waiting != NULL && n_gone == 0);
	sim_reset(v.conn.io.fd);
	lab_wait(20000);
	EXPECT(waiting == NULL && n_gone == 1);
	lab_end(&v);
	lab_close();
}

/* It ends its side: the answer comes all the same. */
TEST(a_client_that_sends_nothing_more)
{
	struct lab_client v;

	lab_open();
	lab_connect(&v);
	lab_send(&v, S("GET /v1/later HTTP/1.1\r\n" HOST BEARER "\r\n"));
	conn_shut(&v.conn);
	lab_wait(20000);
	EXPECT(waiting != NULL && n_gone == 0);
	web_empty(waiting, 204);
	lab_wait(20000);
	EXPECT(says(v.got, "204", "") && v.eof);
	EXPECT(web_server_is_idle(server));
	lab_end(&v);
	lab_close();
}

/* Takes the chunked coding off, and looks at each byte. */
static size_t
unchunk(const char *p, const char *end)
{
	size_t at = 0;

	for (;;) {
		char *data;
		size_t n = strtoul(p, &data, 16);

		if (n == 0)
			return end - data == 4 ? at : 0;
		data += 2;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)data[i] != byte_at(at++))
				return 0;
		p = data + n + 2;
	}
}

TEST(downloads)
{
	static const struct sim_link slow = { .latency_us = 1000,
		.bytes_per_s = 4000000,
		.buffer_bytes = 30000,
		.chunk_bytes = 3000,
		.shorts = true };
	struct lab_client v;

	for (uint64_t seed = 1; seed < 10; seed++) {
		lab_open_with(seed, &slow, NULL);
		lab_connect(&v);
		lab_send(&v, S("GET /v1/download HTTP/1.1\r\n" HOST BEARER "\r\n"));
		EXPECT(download_at < download_n); /* no faster than it is taken */
		lab_wait(2000000);
		EXPECT(says(v.got, "200", "Transfer-Encoding: chunked\r\n"));
		EXPECT_INT(unchunk(strstr(v.got, "\r\n\r\n") + 4, v.got + v.n), download_n);
		v.n = 0;
		lab_send(&v, S("GET /v1/download?known HTTP/1.1\r\n" HOST BEARER "\r\n"));
		lab_wait(2000000);
		EXPECT(says(v.got, "200", "Content-Length: 1000000\r\n"));
		EXPECT_INT(v.got + v.n - strstr(v.got, "\r\n\r\n"), download_n + 4);
		EXPECT(n_gone == 0 && !v.eof);
		v.n = 0;
		lab_send(&v, S("GET /v1/download HTTP/1.0\r\n" HOST BEARER
			       "Connection: keep-alive\r\n\r\n"));
		lab_wait(2000000);
		EXPECT(says(v.got, "200", "Connection: close\r\n") && v.eof);
		EXPECT_INT(v.got + v.n - strstr(v.got, "\r\n\r\n"), download_n + 4);
		lab_end(&v);
		lab_close();
	}
}

TEST(downloads_that_break_off)
{
	struct lab_client v;
	const char *answer;

	lab_open();
	lab_connect(&v);
	v.deaf = true;
	lab_send(&v, S("GET /v1/download HTTP/1.1\r\n" HOST BEARER "\r\n"));
	/* Nothing is taken: no more than what may wait is asked for, and then it is given up. */
	EXPECT(download_at > 0 && download_at < 600000);
	lab_wait((LIMIT_WEB_STALL_MS + 1000) * 1000LL);
	EXPECT_INT(n_gone, 1);
	EXPECT(web_server_is_idle(server));
	lab_end(&v);
	answer = ASK("GET /v1/short HTTP/1.1\r\n" HOST BEARER "\r\n");
	EXPECT(says(answer, "200", "Content-Length: 10\r\n") || answer[0] == '\0');
	answer = ASK("GET /v1/short?abort HTTP/1.1\r\n" HOST BEARER "\r\n");
	EXPECT(strstr(answer, "\r\n0\r\n") == NULL);
	/* Of an answer to HEAD its handler writes nothing. */
	n_gone = n_more = 0;
	answer = ASK("HEAD /v1/download HTTP/1.1\r\n" HOST BEARER "\r\n");
	EXPECT(says(answer, "200", "chunked") &&
	       strcmp(strstr(answer, "\r\n\r\n"), "\r\n\r\n") == 0);
	EXPECT(n_gone == 1 && n_more == 0);
	lab_close();
}

TEST(bytes_of_somebody_else)
{
	const char *answer;

	lab_open();
	download_n = 10;
	answer = ASK("GET /v1/download?untrusted HTTP/1.1\r\n" HOST BEARER "\r\n");
	EXPECT(says(answer, "200", "Content-Type: application/octet-stream\r\n"));
	EXPECT(says(answer, "200", "attachment; filename=\"_._a__b_.html\"\r\n"));
	EXPECT(says(answer, "200",
	    "Content-Security-Policy: sandbox; default-src 'none'; frame-ancestors 'none'\r\n"));
	EXPECT(says(answer, "200", "Cache-Control: no-store\r\n"));
	EXPECT(says(answer, "200", "X-Content-Type-Options: nosniff\r\n"));
	EXPECT(strstr(answer, "text/html") == NULL);
	download_n = 1000000;
	lab_close();
}

/* --- live updates --- */

TEST(live_updates)
{
	struct lab_client v;

	lab_open();
	lab_connect(&v);
	lab_send(&v, S("GET /v1/events?after=7 HTTP/1.1\r\n" HOST BEARER "\r\n"));
	EXPECT(live != NULL && says(v.got, "200", "Content-Type: text/event-stream\r\n"));
	EXPECT(web_stream_event(live, "rows", json_pack("{s:s}", "a", "b\n")));
	lab_wait(20000);
	EXPECT(strstr(v.got, "event: rows\ndata: {\"a\":\"b\\n\"}\n\n\r\n") != NULL);
	EXPECT(web_stream_is_idle(live));
	v.n = 0;
	lab_wait((LIMIT_WEB_HEARTBEAT_MS + 100) * 1000LL);
	EXPECT(strcmp(v.got, "3\r\n:\n\n\r\n") == 0);
	lab_wait(600 * 1000000LL);
	EXPECT(live != NULL && !v.eof && n_more == 0);
	v.n = 0;
	web_stream_end(live);
	lab_wait(20000);
	EXPECT(strcmp(v.got, "0\r\n\r\n") == 0 && n_gone == 0);
	lab_send(&v, S("GET /v1/events HTTP/1.1\r\n" HOST BEARER "\r\n"));
	EXPECT(live != NULL);
	conn_shut(&v.conn); /* the page was closed */
	lab_wait(20000);
	EXPECT(n_gone == 1 && web_server_is_idle(server));
	lab_end(&v);
	lab_close();
}

TEST(who_falls_behind_is_told)
{
	struct lab_client v;
	int told = 0, lost = 0, n = 0;
	const char *at;

	/* Less room on the way than may wait, so that it is taken in several pieces. */
	lab_open_with(1,
	    &(struct sim_link){ .latency_us = 100, .buffer_bytes = 40000, .chunk_bytes = 65536 },
	    NULL);
	lab_connect(&v);
	lab_send(&v, S("GET /v1/events HTTP/1.1\r\n" HOST BEARER "\r\n"));
	v.deaf = true;
	for (int i = 0; i < 1000; i++) {
		if (web_stream_event(live, "rows",
			json_pack("{s:i, s:s}", "n", i, "pad",
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789"
			    "0123456789012345678901234567890123456789")))
			told++;
		else
			lost++;
		lab_wait(1000);
	}
	EXPECT(told > 100 && lost > 100 && n_more == 0);
	/* There is room again, but a gap that was not told of. */
	EXPECT(conn_read(&v.conn, v.got, 30000, &v.n) == IO_OK);
	lab_wait(10000);
	EXPECT(!web_stream_event(live, "rows", json_pack("[]")));
	lost++;
	v.deaf = false;
	lab_read(&v);
	lab_wait(100000);
	at = strstr(v.got, "event: lost\ndata: {\"n\":");
	EXPECT(at != NULL && sscanf(at, "event: lost\ndata: {\"n\":%d}", &n) == 1);
	EXPECT_INT(n, lost);
	EXPECT_INT(n_more, 1);
	EXPECT(web_stream_event(live, "state", json_pack("{}")));
	lab_wait(20000);
	EXPECT(strstr(at, "event: state\ndata: {}\n\n") != NULL);
	/* Too large for any client. */
	EXPECT(!web_stream_event(live, "rows", json_sprintf("%0*d", LIMIT_WEB_EVENT_BYTES, 1)));
	lab_wait(20000);
	EXPECT_INT(n_more, 2);
	/* Who never reads is given up. */
	v.deaf = true;
	for (int i = 0; i < LIMIT_WEB_STALL_MS / 1000 + 3 && live != NULL; i++) {
		(void)web_stream_event(live, "rows", json_sprintf("%0*d", 200000, 1));
		lab_wait(1000000);
	}
	EXPECT(live == NULL && n_gone == 1);
	lab_end(&v);
	lab_close();
}

/* --- times, crowds and the end --- */

TEST(times)
{
	struct lab_client v;

	lab_open();
	lab_connect(&v);
	lab_wait((LIMIT_WEB_HEAD_MS + 100) * 1000LL);
	EXPECT(v.eof); /* nothing came */
	lab_end(&v);
	lab_connect(&v);
	for (int i = 0; i < 11 && !v.eof; i++) {
		lab_send(&v, S("G")); /* one byte a second is not enough */
		lab_wait(980000);
	}
	EXPECT(says(v.got, "408", "slow-head") || says(v.got, "400", ""));
	lab_end(&v);
	lab_connect(&v);
	lab_send(&v, S("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
	lab_wait((LIMIT_WEB_IDLE_MS - 1000) * 1000LL);
	EXPECT(!v.eof);
	lab_wait(2000 * 1000LL);
	EXPECT(v.eof);
	lab_end(&v);
	lab_connect(&v);
	lab_send(&v, S("POST /v1/bytes HTTP/1.1\r\n" HOST BEARER "Content-Length: 9\r\n\r\nabc"));
	lab_wait((LIMIT_WEB_STALL_MS + 100) * 1000LL);
	EXPECT(says(v.got, "408", "slow-body"));
	lab_end(&v);
	EXPECT(web_server_is_idle(server));
	lab_close();
}

TEST(no_more_than_64)
{
	static struct lab_client v[LIMIT_WEB_CONNECTIONS + 1];

	lab_open();
	for (int i = 0; i < LIMIT_WEB_CONNECTIONS; i++) {
		lab_connect(&v[i]);
		lab_send(&v[i], i == 5 ? S("GET /healthz HTTP/1.1\r\n" HOST "\r\n")
				       : S("GET /v1/events HTTP/1.1\r\n" HOST BEARER "\r\n"));
	}
	EXPECT_INT(n_handled, LIMIT_WEB_CONNECTIONS);
	/* The one that waits for nothing makes room. */
	lab_connect(&v[LIMIT_WEB_CONNECTIONS]);
	lab_send(&v[LIMIT_WEB_CONNECTIONS], S("GET /v1/events HTTP/1.1\r\n" HOST BEARER "\r\n"));
	EXPECT(v[5].eof && n_handled == LIMIT_WEB_CONNECTIONS + 1 && n_gone == 0);
	lab_end(&v[5]);
	/* Now all are at work. */
	EXPECT(says(ASK(""), "503", "Retry-After: 1\r\n"));
	EXPECT_INT(n_gone, 0);
	for (int i = 0; i <= LIMIT_WEB_CONNECTIONS; i++)
		if (i != 5)
			lab_end(&v[i]);
	EXPECT_INT(n_gone, LIMIT_WEB_CONNECTIONS);
	EXPECT(web_server_is_idle(server));
	lab_close();
}

TEST(a_graceful_end)
{
	struct lab_client idle, late, watching;

	lab_open();
	lab_connect(&idle);
	lab_send(&idle, S("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
	lab_connect(&late);
	lab_send(&late, S("GET /v1/later HTTP/1.1\r\n" HOST BEARER "\r\n"));
	lab_connect(&watching);
	lab_send(&watching, S("GET /v1/events HTTP/1.1\r\n" HOST BEARER "\r\n"));
	web_server_stop(server);
	lab_wait(20000);
	EXPECT(idle.eof && watching.eof && n_gone == 1 && live == NULL);
	EXPECT(strstr(watching.got, "\r\n\r\n0\r\n\r\n") != NULL);
	EXPECT(!late.eof && !web_server_is_idle(server));
	web_empty(waiting, 204);
	lab_wait(20000);
	EXPECT(says(late.got, "204", "Connection: close\r\n") && late.eof);
	lab_end(&idle);
	lab_end(&late);
	lab_end(&watching);
	EXPECT(web_server_is_idle(server));
	lab_close();
	/* And one at once: whoever waits is told. */
	lab_open();
	lab_connect(&late);
	lab_send(&late, S("GET /v1/later HTTP/1.1\r\n" HOST BEARER "\r\n"));
	web_server_free(server);
	server = NULL;
	EXPECT_INT(n_gone, 1);
	lab_end(&late);
	lab_close();
}

TESTS(TEST_ROW(one_request_after_another) TEST_ROW(paths_and_methods)
	TEST_ROW(no_answer_to_preflights) TEST_ROW(json_in) TEST_ROW(json_depth) TEST_ROW(body_caps)
	    TEST_ROW(all_bodies_together) TEST_ROW(who_asks_first_is_told_to_go_on)
		TEST_ROW(an_answer_that_comes_later) TEST_ROW(a_client_that_sends_nothing_more)
		    TEST_ROW(downloads) TEST_ROW(downloads_that_break_off)
			TEST_ROW(bytes_of_somebody_else) TEST_ROW(live_updates)
			    TEST_ROW(who_falls_behind_is_told) TEST_ROW(times)
				TEST_ROW(no_more_than_64) TEST_ROW(a_graceful_end))
