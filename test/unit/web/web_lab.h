/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of this room: a server on the simulated loop, a handler for each way to answer, and clients
 * that send exactly the bytes they are told to.  Nobody is known there by his user, so the token
 * is what counts.
 */
#ifndef ADIT_TEST_WEB_LAB_H
#define ADIT_TEST_WEB_LAB_H

#include "unit.h"

#include "net/addr.h"
#include "net/conn.h"
#include "net/loop_sim.h"
#include "web/server.h"
#include "web/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN "0123456789abcdef0123"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define HOST "Host: 127.0.0.1:4040\r\n"

static struct loop *loop;
static struct web_server *server;
static struct addr bound;
/* What handlers saw. */
static struct web_request *waiting, *live;
static int n_handled, n_gone, n_more;
static size_t download_at, download_n = 1000000;
static char seen[400];

static inline unsigned char
byte_at(size_t at)
{
	return (unsigned char)(at * 7 + at / 251);
}

static void
on_gone(struct web_request *r)
{
	n_gone++;
	if (waiting == r)
		waiting = NULL;
	if (live == r)
		live = NULL;
}

static void
say_hello(struct web_request *r)
{
	n_handled++;
	web_text(r, 200, "text/plain; charset=utf-8", S("hello"));
}

static void
show_item(struct web_request *r)
{
	uint64_t limit = 50;

	n_handled++;
	if (!web_query_u64(r, S("limit"), &limit)) {
		web_error(r, 400, "bad-limit", "The limit is no number.", "Send digits.");
		return;
	}
	web_json(r, 200,
	    json_pack("{s:s%, s:I, s:s%}", "id", r->params[0].p, r->params[0].n, "limit",
		(json_int_t)limit, "q",
		web_query(r, S("q")).p == NULL ? "" : web_query(r, S("q")).p,
		web_query(r, S("q")).n));
}

static void
take_json(struct web_request *r)
{
	n_handled++;
	web_json(r, 201, json_pack("{s:O?}", "got", r->json));
}

static void
take_bytes(struct web_request *r)
{
	n_handled++;
	snprintf(seen, sizeof(seen), "%zu", r->body.n);
	web_empty(r, 204);
}

static void
answer_later(struct web_request *r)
{
	n_handled++;
	r->gone = on_gone;
	waiting = r;
}

static void
more_download(struct web_request *r)
{
	n_more++;
	while (download_at < download_n && web_body_room(r) > 0) {
		char piece[5000];
		size_t n = download_n - download_at < sizeof(piece) ? download_n - download_at
								    : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = (char)byte_at(download_at + i);
		download_at += web_body_write(r, slice_of(piece, n));
	}
	if (download_at == download_n)
		web_body_end(r);
}

static void
download(struct web_request *r)
{
	n_handled++;
	download_at = 0;
	r->gone = on_gone;
	r->more = more_download;
	if (web_query(r, S("untrusted")).p != NULL)
		web_untrusted(r, S("../a \"b\".html"));
	web_body_begin(r, 200, "text/html",
	    web_query(r, S("known")).p != NULL ? download_n : WEB_UNKNOWN);
}

static void
more_short(struct web_request *r)
{
	(void)web_body_write(r, S("abc"));
	if (web_query(r, S("abort")).p != NULL)
		web_body_abort(r);
	else
		web_body_end(r);
}

static void
too_short(struct web_request *r)
{
	r->gone = on_gone;
	r->more = more_short;
	web_body_begin(r, 200, "text/plain", web_query(r, S("abort")).p != NULL ? WEB_UNKNOWN : 10);
}

static void
more_events(struct web_request *r)
{
	(void)r;
	n_more++;
}

static void
watch(struct web_request *r)
{
	n_handled++;
	r->gone = on_gone;
	r->more = more_events;
	web_stream_begin(r);
	live = r;
}

static const struct web_route lab_rows[] = {
	{ .method = "GET", .pattern = "/healthz", .right = WEB_OPEN, .handle = say_hello },
	{ .method = "POST", .pattern = "/open", .right = WEB_OPEN, .handle = say_hello },
	{ .method = "GET", .pattern = "/v1/items/:id", .right = WEB_READ, .handle = show_item },
	{ .method = "DELETE",
	    .pattern = "/v1/items/:id",
	    .right = WEB_WRITE,
	    .body = WEB_BYTES,
	    .handle = take_bytes },
	{ .method = "POST",
	    .pattern = "/v1/json",
	    .right = WEB_WRITE,
	    .body = WEB_JSON,
	    .body_max = 2000,
	    .handle = take_json },
	{ .method = "POST",
	    .pattern = "/v1/bytes",
	    .right = WEB_WRITE,
	    .body = WEB_BYTES,
	    .handle = take_bytes },
	{ .method = "POST",
	    .pattern = "/v1/import",
	    .right = WEB_WRITE,
	    .body = WEB_BYTES,
	    .body_max = 4000000,
	    .handle = take_bytes },
	{ .method = "GET", .pattern = "/v1/later", .right = WEB_READ, .handle = answer_later },
	{ .method = "GET", .pattern = "/v1/download", .right = WEB_READ, .handle = download },
	{ .method = "GET", .pattern = "/v1/short", .right = WEB_READ, .handle = too_short },
	{ .method = "GET", .pattern = "/v1/events", .right = WEB_READ, .handle = watch },
};

static const unsigned char page[] = "<!doctype html><title>page</title>", packed[] = "as if packed";
static const struct web_asset lab_files[] = {
	{ "/index.html", "text/html; charset=utf-8", "aaaa", false, page, page + sizeof(page) - 1,
	    packed, packed + sizeof(packed) - 1 },
	{ "/app.1234abcd.js", "text/javascript; charset=utf-8", "1234abcd", true, page,
	    page + sizeof(page) - 1, packed, packed + sizeof(packed) - 1 },
};
static const struct web_assets lab_assets = { lab_files, 2 };
static const char *const lab_hosts[] = { "adit.example.com", "box.example:8080", "no such host!" };

static void
lab_config(struct web_config *ret)
{
	*ret = (struct web_config){
		.loop = loop,
		.routes = lab_rows,
		.n_routes = sizeof(lab_rows) / sizeof(*lab_rows),
		.assets = &lab_assets,
		.index = "/index.html",
		.rules = { .hosts = lab_hosts,
		    .n_hosts = sizeof(lab_hosts) / sizeof(*lab_hosts),
		    .token = TOKEN,
		    .token_todo = "Open the address that was printed." },
	};
}

static void
lab_open_with(uint64_t seed, const struct sim_link *link, const struct web_config *config)
{
	struct addr a = { .kind = ADDR_TCP, .port = 4040 };
	struct web_config c;

	sim_new(seed);
	if (link != NULL)
		sim_set_link(link);
	loop = loop_new();
	n_handled = n_gone = n_more = 0;
	waiting = live = NULL;
	seen[0] = '\0';
	if (config == NULL)
		lab_config(&c);
	else
		c = *config;
	c.loop = loop;
	server = web_server_new(&c);
	if (server == NULL || web_server_listen(server, &a, &bound) != 0)
		abort();
}

static void
lab_open(void)
{
	static const struct sim_link quick = {
		.latency_us = 100, .buffer_bytes = 200000, .chunk_bytes = 65536
	};

	lab_open_with(1, &quick, NULL);
}

static bool
lab_never(void *arg)
{
	(void)arg;
	return false;
}

static void
on_lab_timer(struct loop_timer *t)
{
	(void)t;
}

/* With a turn of the loop in any case, which empties its graveyard. */
static void
lab_wait(int64_t us)
{
	static struct loop_timer timer = { .fn = on_lab_timer };

	loop_timer_set(loop, &timer, us);
	sim_run_until(lab_never, NULL, us + 1);
}

/* --- a client --- */

struct lab_client {
	struct conn conn;
	char *got;
	size_t n, cap;
	bool deaf; /* it reads nothing */
	bool eof, failed;
	struct slice to_send;
};

static void
lab_push(struct lab_client *v)
{
	while (v->to_send.n > 0) {
		void *p;
		struct iovec iov;
		size_t n;

		memcpy(&p, &v->to_send.p, sizeof(p));
		iov = (struct iovec){ p, v->to_send.n };
		if (conn_write(&v->conn, &iov, 1, &n) != IO_OK)
			return;
		v->to_send = slice_from(v->to_send, n);
	}
}

static void
lab_read(struct lab_client *v)
{
	for (;;) {
		size_t n;

		if (v->cap - v->n < 65536) {
			v->cap = v->cap * 2 + 131072;
			v->got = realloc(v->got, v->cap);
		}
		switch (conn_read(&v->conn, v->got + v->n, 65535, &n)) {
		case IO_OK:
			v->n += n;
			v->got[v->n] = '\0';
			break;
		case IO_WAIT:
			return;
		case IO_EOF:
			v->eof = true;
			return;
		case IO_FAIL:
			v->failed = true;
			return;
		}
	}
}

static void
on_lab(struct conn *c, unsigned events)
{
	struct lab_client *v = list_of(c, struct lab_client, conn);

	if (events & LOOP_OUT)
		lab_push(v);
	if ((events & LOOP_IN) && !v->deaf)
		lab_read(v);
}

static void
lab_connect(struct lab_client *v)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	*v = (struct lab_client){ .cap = 131072, .got = calloc(1, 131072) };
	if (addr_sockaddr(&bound, false, &ss, &len) != 0)
		abort();
	fd = loop_connect((struct sockaddr *)&ss, len);
	if (fd < 0)
		abort();
	conn_init(&v->conn, fd, NULL, on_lab);
	if (conn_attach(&v->conn, loop) != 0)
		abort();
	lab_wait(2000);
}

/* text must live until it is sent. */
static void
lab_send(struct lab_client *v, struct slice text)
{
	v->to_send = text;
	lab_push(v);
	lab_wait(20000);
}

static void
lab_end(struct lab_client *v)
{
	conn_close(&v->conn);
	free(v->got);
	v->got = NULL;
	lab_wait(2000);
}

/* One request on a connection of its own; the answer stays until the next call. */
static char *kept;

static const char *
lab_ask(struct slice text)
{
	struct lab_client v;

	lab_connect(&v);
	lab_send(&v, text);
	lab_wait(200000);
	free(kept);
	kept = v.got;
	v.got = calloc(1, 1);
	lab_end(&v);
	return kept;
}
#define ASK(text) lab_ask(slice_str(text))

static bool
says(const char *answer, const char *status, const char *part)
{
	bool fine = strncmp(answer, "HTTP/1.1 ", 9) == 0 && strncmp(answer + 9, status, 3) == 0 &&
		    strstr(answer, part) != NULL;

	if (!fine)
		printf("not %s with %s: %.1200s\n", status, part, answer);
	return fine;
}

static void
lab_close(void)
{
	web_server_free(server);
	lab_wait(10000);
	loop_free(loop);
	EXPECT_INT(sim_free(), 0);
	free(kept);
	kept = NULL;
}

#endif
