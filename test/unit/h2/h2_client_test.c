/* SPDX-License-Identifier: Apache-2.0 */
/* A client's session against nghttp2's own server: what is given as text of HTTP/1.1 arrives as HTTP/2, and back. */
#include "h2/h2_client.h"

#include "unit.h"

#include <nghttp2/nghttp2.h>

/* --- the server --- */

#define CALLS 8

struct call {
	int32_t id;
	char fields[2048], trailers[512], body[300000];
	size_t body_n;
	bool head_over, whole, closed;
	uint32_t error;
	/* what is answered */
	const char *answer;
	size_t answer_n, answer_sent, stop_at;
	const char *trailer;
};

static struct pool chunks;
static struct h2_client *c;
static nghttp2_session *server;
static struct call calls[CALLS];
static size_t n_calls;
static bool goaway_seen;
static char text[400000]; /* of an answer, as it was read */
static size_t text_n;

static struct call *
call_of(int32_t id)
{
	for (size_t i = 0; i < n_calls; i++)
		if (calls[i].id == id)
			return &calls[i];
	return NULL;
}

static int
on_begin(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
	(void)s, (void)user;
	if (f->headers.cat == NGHTTP2_HCAT_REQUEST) {
		check(n_calls < CALLS);
		calls[n_calls++] = (struct call){ .id = f->hd.stream_id, .stop_at = SIZE_MAX };
	}
	return 0;
}

static int
on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
    const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct call *x = call_of(f->hd.stream_id);
	char *to = x->head_over ? x->trailers : x->fields;
	size_t at = strlen(to), cap = x->head_over ? sizeof(x->trailers) : sizeof(x->fields);

	(void)s, (void)flags, (void)user;
	snprintf(to + at, cap - at, "%.*s=%.*s;", (int)name_n, (const char *)name, (int)value_n,
	    (const char *)value);
	return 0;
}

static int
on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
	struct call *x = call_of(f->hd.stream_id);

	(void)s, (void)user;
	goaway_seen |= f->hd.type == NGHTTP2_GOAWAY;
	if (x != NULL && f->hd.type == NGHTTP2_HEADERS)
		x->head_over = true;
	if (x != NULL && (f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA))
		x->whole |= (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *user)
{
	struct call *x = call_of(id);

	(void)s, (void)flags, (void)user;
	check(x->body_n + n <= sizeof(x->body));
	memcpy(x->body + x->body_n, p, n);
	x->body_n += n;
	return 0;
}

static int
on_close(nghttp2_session *s, int32_t id, uint32_t error, void *user)
{
	struct call *x = call_of(id);

	(void)s, (void)user;
	if (x != NULL) {
		x->closed = true;
		x->error = error;
	}
	return 0;
}

static ssize_t
read_answer(nghttp2_session *s, int32_t id, uint8_t *buf, size_t cap, uint32_t *flags,
    nghttp2_data_source *source, void *user)
{
	struct call *x = source->ptr;
	size_t n = x->answer_n - x->answer_sent;

	(void)user;
	if (x->answer_sent >= x->stop_at)
		return NGHTTP2_ERR_DEFERRED;
	if (n > cap)
		n = cap;
	memcpy(buf, x->answer + x->answer_sent, n);
	x->answer_sent += n;
	if (x->answer_sent == x->answer_n) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (x->trailer != NULL) {
			nghttp2_nv nv = { (uint8_t *)(uintptr_t) "grpc-status",
				(uint8_t *)(uintptr_t)x->trailer, 11, strlen(x->trailer), 0 };

			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			check(nghttp2_submit_trailer(s, id, &nv, 1) == 0);
		}
	}
	return (ssize_t)n;
}

static void
say(struct call *x, const char *status, const char *name, const char *value, const char *body,
    size_t n, const char *trailer)
{
	nghttp2_nv nv[] = { { (uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t)status, 7, 3,
				0 },
		{ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value,
		    name == NULL ? 0 : strlen(name), value == NULL ? 0 : strlen(value), 0 } };
	nghttp2_data_provider from = { .source.ptr = x, .read_callback = read_answer };
	size_t n_nv = name == NULL ? 1 : 2;

	x->answer = body;
	x->answer_n = n;
	x->trailer = trailer;
	if (status[0] == '1')
		check(nghttp2_submit_headers(server, 0, x->id, NULL, nv, n_nv, NULL) == 0);
	else
		check(nghttp2_submit_response(server, x->id, nv, n_nv,
			  body == NULL ? NULL : &from) == 0);
}

/* --- both --- */

static void
start(uint32_t streams_max)
{
	nghttp2_settings_entry all[] = { { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max } };
	nghttp2_session_callbacks *cb;

	pool_init(&chunks, 16384, 4, 4096);
	c = h2_client_new(&chunks, false);
	check(c != NULL && nghttp2_session_callbacks_new(&cb) == 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	check(nghttp2_session_server_new(&server, cb, NULL) == 0);
	nghttp2_session_callbacks_del(cb);
	check(nghttp2_submit_settings(server, 0, all, streams_max == 0 ? 0 : 1) == 0);
	n_calls = 0;
	goaway_seen = false;
	text_n = 0;
	EXPECT_INT(h2_client_slots(c), 0); /* it has said nothing yet */
}

static void
stop(void)
{
	h2_client_free(c);
	nghttp2_session_del(server);
	EXPECT_INT(chunks.n_out, 0);
	pool_fini(&chunks);
}

static bool
to_server(void)
{
	static char out[H2_DRAIN_BYTES_MIN];
	size_t n = h2_client_drain(c, out, sizeof(out));

	if (n == 0)
		return false;
	check(nghttp2_session_mem_recv(server, (uint8_t *)out, n) == (ssize_t)n);
	return true;
}

static bool
to_client(void)
{
	const uint8_t *out;
	ssize_t n = nghttp2_session_mem_send(server, &out);

	if (n <= 0)
		return false;
	h2_client_feed(c, slice_of(out, (size_t)n));
	return true;
}

static void
run(void)
{
	bool moved = true;

	while (moved) {
		moved = to_server();
		moved |= to_client();
	}
}

/* Reads what there is, `step` bytes at a time. */
static void
read_text(struct h2_client_stream *s, size_t step)
{
	size_t n;

	while ((n = h2_client_read(s, text + text_n, step)) > 0) {
		EXPECT(n <= step);
		text_n += n;
		check(text_n + step < sizeof(text));
		run();
	}
}

static struct h2_client_stream *
ask(const char *head, bool ends)
{
	struct h2_client_stream *s = h2_client_open(c, slice_str(head), ends, NULL);

	check(s != NULL);
	run();
	return s;
}

#define GET "GET /x?y HTTP/1.1\r\nHost: a:1\r\nX-A: b\r\nConnection: TE\r\nTE: trailers\r\n\r\n"
#define POST "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

/* --- */

TEST(head_both_ways)
{
	struct h2_client_stream *s;

	start(0);
	run();
	EXPECT(h2_client_is_up(c) && h2_client_slots(c) == LIMIT_ORIGIN_H2_STREAMS);
	s = ask(GET, true);
	EXPECT_INT(n_calls, 1);
	EXPECT(calls[0].whole);
	EXPECT(strcmp(calls[0].fields,
		   ":method=GET;:scheme=http;:authority=a:1;:path=/x?y;x-a=b;te=trailers;") == 0);
	say(&calls[0], "200", "x-b", "c", "hello", 5, NULL);
	run();
	EXPECT(h2_client_readable(s));
	read_text(s, 7);
	EXPECT_SLICE(slice_of(text, text_n),
	    S("HTTP/1.1 200 \r\nx-b: c\r\nTransfer-Encoding: chunked\r\n\r\n"
	      "5\r\nhello\r\n0\r\n\r\n"));
	EXPECT_INT(s->answer, H2_CLIENT_WHOLE);
	EXPECT(!h2_client_readable(s));
	h2_client_leave(s);
	run();
	EXPECT_INT(h2_client_streams(c), 0);
	EXPECT_INT(calls[0].error, NGHTTP2_NO_ERROR);
	stop();
}

TEST(length_interim_heads_and_trailers_only)
{
	struct h2_client_stream *s;

	start(0);
	run();
	s = ask(GET, true);
	say(&calls[0], "103", "link", "x", NULL, 0, NULL);
	run();
	read_text(s, 1000);
	say(&calls[0], "200", "content-length", "5", "hello", 5, NULL);
	run();
	read_text(s, 3);
	EXPECT_SLICE(slice_of(text, text_n),
	    S("HTTP/1.1 103 \r\nlink: x\r\n\r\nHTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello"));
	h2_client_leave(s);
	/* A head that is all: its text says where it ends. */
	text_n = 0;
	s = ask(GET, true);
	say(&calls[1], "200", "grpc-status", "5", NULL, 0, NULL);
	run();
	read_text(s, 1);
	EXPECT_SLICE(slice_of(text, text_n),
	    S("HTTP/1.1 200 \r\ngrpc-status: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
	h2_client_leave(s);
	stop();
}

TEST(bodies_and_trailers_both_ways)
{
	struct h2_client_stream *s;

	start(0);
	run();
	s = ask(POST, false);
	EXPECT_INT(h2_client_room(s), LIMIT_ORIGIN_H2_TX_BYTES);
	h2_client_put(s, S("first"));
	run();
	EXPECT_INT(calls[0].body_n, 5);
	EXPECT(!calls[0].whole);
	/* The answer begins before the request has ended. */
	say(&calls[0], "200", NULL, NULL, "pong", 4, "0");
	calls[0].stop_at = 0;
	run();
	read_text(s, 100);
	EXPECT(text_n > 0 && s->answer == H2_CLIENT_BODY);
	h2_client_put(s, S("second"));
	check(h2_client_finish(s, S("X-Sum: 9\r\nb: c\r\n")) == 0);
	run();
	EXPECT_SLICE(slice_of(calls[0].body, calls[0].body_n), S("firstsecond"));
	EXPECT(strcmp(calls[0].trailers, "x-sum=9;b=c;") == 0 && calls[0].whole);
	calls[0].stop_at = SIZE_MAX;
	check(nghttp2_session_resume_data(server, calls[0].id) == 0);
	run();
	read_text(s, 100);
	EXPECT_SLICE(slice_of(text, text_n), S("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"
					       "4\r\npong\r\n0\r\ngrpc-status: 0\r\n\r\n"));
	h2_client_leave(s);
	stop();
}

/* Who does not read holds no more than one window, and stops nobody else. */
TEST(backpressure)
{
	static char big[300000];
	struct h2_client_stream *s, *other, *which;
	size_t room, put = 0;

	start(0);
	run();
	memset(big, 'x', sizeof(big));
	s = ask(GET, true);
	say(&calls[0], "200", NULL, NULL, big, sizeof(big), NULL);
	run();
	EXPECT_INT(s->in.n, LIMIT_ORIGIN_H2_RX_BYTES);
	EXPECT_INT(calls[0].answer_sent, LIMIT_ORIGIN_H2_RX_BYTES);
	other = ask(GET, true);
	say(&calls[1], "200", NULL, NULL, "small", 5, NULL);
	run();
	read_text(other, 100);
	EXPECT(text_n > 5 && other->answer == H2_CLIENT_WHOLE);
	h2_client_leave(other);
	text_n = 0;
	read_text(s, 5000);
	EXPECT(s->answer == H2_CLIENT_WHOLE && text_n > sizeof(big));
	h2_client_leave(s);
	/* The server's window is 65535: more waits here, up to its bound, and goes on when it opens. */
	s = ask(POST, false);
	check(nghttp2_session_set_local_window_size(server, 0, calls[2].id, 65535) == 0);
	while (put < sizeof(big) && (room = h2_client_room(s)) > 0) {
		if (room > sizeof(big) - put)
			room = sizeof(big) - put;
		h2_client_put(s, slice_of(big, room));
		put += room;
		while (to_server())
			;
	}
	EXPECT(put < sizeof(big) && s->out.n == LIMIT_ORIGIN_H2_TX_BYTES);
	run();
	EXPECT_INT(h2_client_next(c, &which), H2_CLIENT_ROOM);
	EXPECT(which == s);
	h2_client_leave(s);
	run();
	EXPECT_INT(calls[2].error, NGHTTP2_CANCEL);
	stop();
}

TEST(streams_are_bounded_by_the_other_side)
{
	struct h2_client_stream *a, *b;

	start(2);
	run();
	EXPECT_INT(h2_client_slots(c), 2);
	a = ask(GET, true);
	b = ask(GET, true);
	EXPECT_INT(h2_client_slots(c), 0);
	h2_client_leave(a);
	run();
	EXPECT_INT(calls[0].error, NGHTTP2_CANCEL);
	EXPECT_INT(h2_client_slots(c), 1);
	h2_client_leave(b);
	stop();
}

/* RST, and GOAWAY that does not name it: the second says that nothing was done. */
TEST(lost_and_refused)
{
	struct h2_client_stream *a, *b, *kept, *which;

	start(0);
	run();
	a = ask(GET, true);
	check(nghttp2_submit_rst_stream(server, 0, calls[0].id, NGHTTP2_INTERNAL_ERROR) == 0);
	run();
	EXPECT_INT(h2_client_next(c, &which), H2_CLIENT_IN);
	EXPECT(which == a && a->answer == H2_CLIENT_LOST && !a->refused);
	h2_client_leave(a);
	kept = ask(GET, true);
	b = h2_client_open(c, S(GET), true, NULL);
	check(b != NULL);
	check(nghttp2_submit_goaway(server, 0, calls[1].id, NGHTTP2_NO_ERROR, NULL, 0) == 0);
	while (to_client())
		;
	run();
	EXPECT(b->answer == H2_CLIENT_LOST && b->refused);
	EXPECT(kept->answer == H2_CLIENT_AWAITED && h2_client_is_going(c));
	EXPECT_INT(h2_client_slots(c), 0);
	say(&calls[1], "200", NULL, NULL, "x", 1, NULL);
	run();
	EXPECT_INT(kept->answer, H2_CLIENT_WHOLE);
	h2_client_leave(b);
	h2_client_leave(kept);
	stop();
}

/* What came before the end can still be read. */
TEST(connection_is_lost)
{
	struct h2_client_stream *s;

	start(0);
	run();
	s = ask(GET, true);
	say(&calls[0], "200", NULL, NULL, "hello", 5, NULL);
	calls[0].stop_at = 5;
	calls[0].answer_n = 5;
	run();
	h2_client_lose(c);
	EXPECT_INT(h2_client_slots(c), 0);
	read_text(s, 100);
	EXPECT(text_n > 5);
	h2_client_leave(s);
	s = NULL;
	stop();
}

/* Values that would be lines of their own, and heads that are too large. */
TEST(s08_what_would_break_a_line)
{
	static char large[45000] = { 0 };
	struct h2_client_stream *s;

	start(0);
	run();
	memset(large, 'x', sizeof(large) - 1);
	s = ask(GET, true);
	say(&calls[0], "200", "x-a", large, "x", 1, NULL);
	run();
	EXPECT(s->answer == H2_CLIENT_LOST && s->large);
	h2_client_leave(s);
	EXPECT(h2_client_open(c, S("nonsense"), true, NULL) == NULL);
	EXPECT(h2_client_open(c, S("GET / HTTP/1.1"), true, NULL) == NULL);
	EXPECT_INT(h2_client_streams(c), 0);
	stop();
}

TESTS(TEST_ROW(head_both_ways) TEST_ROW(length_interim_heads_and_trailers_only)
	TEST_ROW(bodies_and_trailers_both_ways) TEST_ROW(backpressure)
	    TEST_ROW(streams_are_bounded_by_the_other_side) TEST_ROW(lost_and_refused)
		TEST_ROW(connection_is_lost) TEST_ROW(s08_what_would_break_a_line))
