/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small server on the simulated loop, and a client that sends the input: as it is, and byte by byte.  However it
 * is cut, the answers are the same; all of them have the guard's headers; no handler behind the guard is
 * reached without the token; nothing is left behind.
 */
#include "fuzz/must.h"
#include "net/addr.h"
#include "net/conn.h"
#include "net/loop_sim.h"
#include "web/server.h"
#include "web/stream.h"

#define TOKEN "0123456789abcdef"
#define GOT_BYTES (1 << 20)

static struct loop *loop;
static unsigned n_guarded, n_pending;

static struct client {
	struct conn conn;
	char got[GOT_BYTES];
	size_t n;
	bool ended;
} v;

/* --- handlers --- */

static void
on_gone(struct web_request *r)
{
	(void)r;
	n_pending--;
}

static void
say(struct web_request *r)
{
	web_text(r, 200, "text/plain", r->path);
}

static void
show(struct web_request *r)
{
	struct slice q = web_query(r, S("q"));
	uint64_t n = 0;

	n_guarded++;
	if (!web_query_u64(r, S("n"), &n))
		n = 1;
	web_put(r, S("X-Q"), q);
	web_untrusted(r, r->params[0]);
	web_text(r, 200, "text/html", r->params[0]);
}

static void
echo(struct web_request *r)
{
	n_guarded++;
	web_json(r, 200, json_pack("{s:O?, s:I}", "json", r->json, "n", (json_int_t)r->body.n));
}

static void
more(struct web_request *r)
{
	(void)web_body_write(r, S("some bytes of a download"));
	n_pending--;
	web_body_end(r);
}

static void
download(struct web_request *r)
{
	n_guarded++;
	n_pending++;
	r->gone = on_gone;
	r->more = more;
	web_body_begin(r, 200, "text/plain", WEB_UNKNOWN);
}

static void
watch(struct web_request *r)
{
	n_guarded++;
	n_pending++;
	r->gone = on_gone;
	web_stream_begin(r);
	(void)web_stream_event(r, "state", json_pack("{}"));
}

static const struct web_route rows[] = {
	{ .method = "GET", .pattern = "/open", .right = WEB_OPEN, .handle = say },
	{ .method = "GET", .pattern = "/v1/:id", .right = WEB_READ, .handle = show },
	{ .method = "POST",
	    .pattern = "/v1/json",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .handle = echo },
	{ .method = "PUT",
	    .pattern = "/v1/bytes",
	    .right = WEB_WRITE,
	    .body = WEB_BYTES,
	    .body_max = 100,
	    .handle = echo },
	{ .method = "GET", .pattern = "/download", .right = WEB_READ, .handle = download },
	{ .method = "GET", .pattern = "/events", .right = WEB_READ, .handle = watch },
};

/* --- the client --- */

static void
on_client(struct conn *c, unsigned events)
{
	size_t n;
	enum io io = IO_OK;

	(void)events;
	while (io == IO_OK && v.n < sizeof(v.got)) {
		io = conn_read(c, v.got + v.n, sizeof(v.got) - v.n, &n);
		if (io == IO_OK)
			v.n += n;
	}
	v.ended |= io == IO_EOF || io == IO_FAIL;
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static void
on_timer(struct loop_timer *t)
{
	(void)t;
}

static void
turn(int64_t us)
{
	static struct loop_timer timer = { .fn = on_timer };

	loop_timer_set(loop, &timer, us);
	sim_run_until(never, NULL, us + 1);
}

/* What differs with the moment or with what had come already is taken out. */
static void
drop(const char *from, const char *to)
{
	char *at;

	while ((at = memmem(v.got, v.n, from, strlen(from))) != NULL) {
		char *end = memmem(at, v.n - (size_t)(at - v.got), to, strlen(to));
		size_t gone;

		if (end == NULL)
			return;
		gone = (size_t)(end - at) + strlen(to);
		memmove(at, at + gone, v.n - (size_t)(at - v.got) - gone);
		v.n -= gone;
	}
}

static void
run(struct slice input, size_t cut)
{
	static const struct sim_link link = {
		.latency_us = 10, .buffer_bytes = 1 << 20, .chunk_bytes = 1 << 20
	};
	struct addr a = { .kind = ADDR_TCP, .port = 80 }, bound;
	struct web_config config = { .rules = { .token = TOKEN } };
	struct web_server *server;
	struct sockaddr_storage ss;
	socklen_t len;

	sim_new(1);
	sim_set_link(&link);
	loop = loop_new();
	config.loop = loop;
	config.routes = rows;
	config.n_routes = sizeof(rows) / sizeof(*rows);
	server = web_server_new(&config);
	MUST(server != NULL && web_server_listen(server, &a, &bound) == 0);
	MUST(addr_sockaddr(&bound, false, &ss, &len) == 0);
	v.n = 0;
	v.ended = false;
	conn_init(&v.conn, loop_connect((struct sockaddr *)&ss, len), NULL, on_client);
	MUST(conn_attach(&v.conn, loop) == 0);
	turn(100);
	while (input.n > 0 && !v.ended) {
		struct slice piece = slice_head(input, cut);
		struct iovec iov = { (void *)(uintptr_t)piece.p, piece.n };
		size_t n = 0;

		if (conn_write(&v.conn, &iov, 1, &n) != IO_OK)
			break;
		input = slice_from(input, n);
		turn(50);
	}
	turn(1000);
	conn_shut(&v.conn);
	turn(3000000);
	conn_close(&v.conn);
	web_server_free(server);
	turn(1000);
	loop_free(loop);
	MUST(sim_free() == 0);
	MUST(n_pending == 0);
	drop("HTTP/1.1 100 Continue", "\r\n\r\n");
	drop("Date: ", "\r\n");
}

static size_t
count(const char *part)
{
	size_t n = 0;

	for (char *at = v.got;
	     (at = memmem(at, v.n - (size_t)(at - v.got), part, strlen(part))) != NULL; at++)
		n++;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char whole[GOT_BYTES];
	struct slice input = slice_of(data, n);
	size_t n_whole;

	if (n > 4000)
		return 0;
	n_guarded = 0;
	run(input, n);
	MUST(n_guarded == 0 || memmem(data, n, TOKEN, strlen(TOKEN)) != NULL);
	/* Handlers can only say what was sent: no answer of theirs looks like one more head. */
	MUST(v.n == 0 || memcmp(v.got, "HTTP/1.1 ", 9) == 0);
	MUST(count("\r\nX-Content-Type-Options: nosniff\r\n") ==
	     count("\r\nReferrer-Policy: no-referrer\r\n"));
	MUST((v.n == 0) == (count("\r\nContent-Security-Policy: ") == 0));
	MUST(memmem(v.got, v.n, "Access-Control", 14) == NULL ||
	     memmem(data, n, "Access-Control", 14) != NULL);
	n_whole = v.n;
	memcpy(whole, v.got, n_whole);
	run(input, 1);
	/* Cut off in the middle of what it sends, a client may miss the end of the answer. */
	if (v.n != n_whole || memcmp(whole, v.got, n_whole) != 0) {
		fprintf(stderr, "whole:\n%.*s\n--- byte by byte:\n%.*s\n", (int)n_whole, whole,
		    (int)v.n, v.got);
		abort();
	}
	return 0;
}
