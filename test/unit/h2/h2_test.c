/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/h2.h"

#include "h2_client_lab.h"
#include "unit.h"

static struct lab l;

/* Answers each request with its own body, or with "hello". */
static void
echo(struct lab *lab, struct h2_stream *s, enum h2_event e)
{
	char body[512];
	size_t n;

	switch (e) {
	case H2_HEAD:
		lab_say(lab, "head", s->id, buf_slice(&s->head));
		break;
	case H2_BODY:
		break;
	case H2_RESET:
		lab_say(lab, "reset", s->id, S(""));
		lab_forget(lab, s);
		h2_leave(s);
		return;
	case H2_ROOM:
	case H2_NOTHING:
		return;
	}
	if (!h2_in_ended(s))
		return;
	n = h2_take(s, body, sizeof(body));
	lab_say(lab, "body", s->id, slice_of(body, n));
	lab_say(lab, "trailers", s->id, buf_slice(&s->trailers));
	EXPECT_INT(h2_interim(s, S("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")), 0);
	EXPECT_INT(h2_answer(s, S("HTTP/1.1 200 OK\r\nX-B: 2\r\nConnection: close\r\n\r\n")), 0);
	EXPECT_INT(h2_put(s, n > 0 ? slice_of(body, n) : S("hello")), n > 0 ? n : 5);
	EXPECT_INT(h2_finish(s, n > 0 ? S("x-sum: 7\r\n") : S("")), 0);
	lab_forget(lab, s);
}

TEST(a_request_and_its_answer)
{
	struct lab_answer *a, *b;
	int32_t id;

	lab_open(&l, NULL);
	l.body = "some bytes";
	l.body_n = 10;
	id = lab_request(&l, "GET", "/a", false);
	a = lab_answer(&l, id);
	b = lab_answer(&l, lab_request(&l, "POST", "/b", true));
	lab_turn(&l, echo);
	EXPECT_INT(a->status, 200);
	EXPECT_INT(a->n_interim, 1);
	EXPECT_SLICE(slice_of(a->body, a->n_body), S("hello"));
	EXPECT_SLICE(slice_str(a->fields), S("link=x;x-b=2;"));
	EXPECT(a->closed && a->error == 0 && b->closed && b->error == 0);
	EXPECT_SLICE(slice_of(b->body, b->n_body), S("some bytes"));
	EXPECT_SLICE(slice_str(b->trailers), S("x-sum=7;"));
	EXPECT_SLICE(slice_of(l.log, l.log_n),
	    S("head 1 GET /a HTTP/1.1\r\nHost: web.example\r\nx-a: 1\r\n\r\n\n"
	      "body 1 \ntrailers 1 \n"
	      "head 3 POST /b HTTP/1.1\r\nHost: web.example\r\nx-a: 1\r\n"
	      "Transfer-Encoding: chunked\r\n\r\n\nbody 3 some bytes\ntrailers 3 \n"));
	EXPECT_INT(h2_streams(l.h2), 0);
	EXPECT(!h2_is_over(l.h2));
	lab_close(&l);
}

/* --- split invariance --- */

/* What a client sends that asks for this and that: recorded once. */
static size_t
record(char *room, size_t cap)
{
	nghttp2_nv trailer = LAB_NV("x-t", "9");
	const uint8_t *p;
	size_t n = 0;
	ssize_t got;

	lab_open(&l, NULL);
	l.body_n = 300;
	lab_request(&l, "GET", "/one", false);
	lab_request(&l, "POST", "/two", true);
	lab_request(&l, "GET", "/bad path", false);
	(void)trailer;
	nghttp2_submit_ping(l.client, 0, NULL);
	nghttp2_submit_rst_stream(l.client, 0, lab_request(&l, "PUT", "/three", true), 8);
	while ((got = nghttp2_session_mem_send(l.client, &p)) > 0 && n + (size_t)got <= cap) {
		memcpy(room + n, p, (size_t)got);
		n += (size_t)got;
	}
	lab_close(&l);
	return n;
}

static char logs[2][8192];

static void
replay(int at, struct slice bytes, size_t piece)
{
	lab_open(&l, NULL);
	l.piece = piece;
	lab_feed(&l, bytes, echo);
	memcpy(logs[at], l.log, sizeof(l.log));
	lab_close(&l);
}

TEST(how_the_bytes_are_cut_changes_nothing)
{
	static char room[65536];
	size_t n = record(room, sizeof(room));

	replay(0, slice_of(room, n), 0);
	EXPECT(strlen(logs[0]) > 100);
	for (size_t piece = 1; piece < 40; piece += 3) {
		replay(1, slice_of(room, n), piece);
		EXPECT_SLICE(slice_str(logs[1]), slice_str(logs[0]));
	}
}

/* Behind the fault nothing is read, before it all is, however it was cut. */
TEST(a_fault_takes_nothing_from_what_came_before_it)
{
	struct slice get = slice_of("\0\0\6\1\5\0\0\0\1\x82\x87\x84\x01\x01"
				    "a",
	    15);
	struct slice fault = slice_of("\0\0\5\2\0\0\0\0\0\0\0\0\0\1", 14);
	struct buf all;

	buf_init(&all, 4096);
	buf_put(&all, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	buf_put(&all, slice_of("\0\0\0\4\0\0\0\0\0", 9));
	buf_put(&all, get);
	buf_put(&all, fault);
	buf_put(&all, get);
	replay(0, buf_slice(&all), 0);
	EXPECT(strncmp(logs[0], "head 1 GET", 10) == 0);
	for (size_t piece = 1; piece < 30; piece++) {
		replay(1, buf_slice(&all), piece);
		EXPECT_SLICE(slice_str(logs[1]), slice_str(logs[0]));
	}
	buf_fini(&all);
}

/* What is wrong with trailers is no fault of the head, even where both come at once. */
TEST(bad_trailers_reset_their_stream)
{
	static const struct slice bad[] = { { "\x00\x01"
					      "A"
					      "\x01"
					      "x",
						5 },
		{ "\x00\x01"
		  "a"
		  "\x02"
		  " x",
		    6 },
		{ "\x83", 1 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct h2_stream *s;
		struct buf all;

		lab_open(&l, NULL);
		buf_init(&all, 4096);
		buf_put(&all, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
		buf_put(&all, slice_of("\0\0\0\4\0\0\0\0\0", 9));
		buf_put(&all, slice_of("\0\0\6\1\4\0\0\0\1\x83\x87\x84\x01\x01"
				       "a",
				  15));
		buf_put(&all, slice_of("\0\0\3\0\0\0\0\0\1"
				       "abc",
				  12));
		buf_put(&all,
		    slice_of((const char[]){ 0, 0, (char)bad[i].n, 1, 5, 0, 0, 0, 1 }, 9));
		buf_put(&all, bad[i]);
		h2_feed(l.h2, buf_slice(&all), l.now_us);
		EXPECT_INT(h2_next(l.h2, &s), H2_HEAD);
		EXPECT_INT(s->fault, H2_FINE);
		EXPECT(!h2_in_ended(s));
		l.open[0] = s;
		buf_fini(&all);
		lab_close(&l);
	}
}

/* --- backpressure --- */

static size_t given;

static void
give_much(struct lab *lab, struct h2_stream *s, enum h2_event e)
{
	static char much[100000];

	if (e == H2_HEAD)
		EXPECT_INT(h2_answer(s, S("HTTP/1.1 200 OK\r\n\r\n")), 0);
	if (e == H2_RESET) {
		lab_forget(lab, s);
		h2_leave(s);
	} else if (e != H2_BODY) {
		given += h2_put(s, slice_of(much, sizeof(much)));
	}
}

TEST(an_answer_waits_for_the_credit_of_its_reader)
{
	struct lab_answer *a;

	lab_open(&l, NULL);
	l.reads = false;
	given = 0;
	a = lab_answer(&l, lab_request(&l, "GET", "/", false));
	lab_turn(&l, give_much);
	EXPECT_INT(a->n_body, 65535);
	EXPECT(given >= 65535 && given <= 65535 + LIMIT_H2_STREAM_TX_BYTES);
	EXPECT(h2_held(l.h2) < 3 * 16384 + 4096);
	lab_close(&l);
}

static void
ignore(struct lab *lab, struct h2_stream *s, enum h2_event e)
{
	if (e != H2_RESET)
		return;
	lab_forget(lab, s);
	h2_leave(s);
}

TEST(a_body_waits_until_it_is_taken)
{
	char room[4096];
	size_t all = 0;
	int32_t id;

	lab_open(&l, NULL);
	l.body_n = 4 * 1024 * 1024;
	for (int i = 0; i < 100; i++)
		id = lab_request(&l, "POST", "/", true);
	id = 1;
	lab_turn(&l, ignore);
	EXPECT(h2_held(l.h2) <= LIMIT_H2_RX_BYTES + 100 * (16384 + 2048));
	for (size_t n = 1; n > 0; lab_turn(&l, ignore)) {
		n = h2_take(l.open[(size_t)id / 2], room, sizeof(room));
		all += n;
	}
	EXPECT_INT(all, l.body_n); /* though 99 others take nothing */
	lab_close(&l);
}

/* --- guards: each with a control, in which a limit is raised and the attack goes through --- */

/* What we say to a client that sends just the bytes that it wants to. */
static void
look(void)
{
	static char room[65536];
	size_t n;

	while ((n = h2_drain(l.h2, room, sizeof(room))) > 0) {
		const unsigned char *p = (unsigned char *)room, *end = p + n;

		for (; p + 9 <= end; p += 9 + (p[0] << 16 | p[1] << 8 | p[2])) {
			if (p[3] == NGHTTP2_GOAWAY) {
				l.last_id = (p[9] & 0x7f) << 24 | p[10] << 16 | p[11] << 8 | p[12];
				l.goaway = 1 + (uint32_t)p[16];
			}
			l.answers[0].n_body += p[3] == NGHTTP2_RST_STREAM;
		}
		lab_events(&l, NULL);
	}
}

static void
send_frame(int type, int flags, int32_t id, struct slice payload)
{
	char f[9 + 600];

	memcpy(f,
	    (char[]){ 0, (char)(payload.n >> 8), (char)payload.n, (char)type, (char)flags,
		(char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id },
	    9);
	if (payload.n > 0)
		memcpy(f + 9, payload.p, payload.n);
	lab_feed(&l, slice_of(f, 9 + payload.n), NULL);
}

#define FRAME(type, flags, id, bytes)                                                              \
	send_frame(type, flags, id, slice_of(bytes, sizeof(bytes) - 1))
/* POST https / with :authority a, of the static table and one literal (RFC 7541). */
#define POST_A                                                                                     \
	"\x83\x87\x84\x01\x01"                                                                     \
	"a"

static int32_t
new_stream(bool ends)
{
	l.next_id += 2;
	FRAME(1, ends ? 5 : 4, l.next_id, POST_A);
	return l.next_id;
}

static void
begin_raw(const struct h2_limits *limits)
{
	lab_open(&l, limits);
	l.next_id = -1;
	lab_feed(&l, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), NULL);
	FRAME(4, 0, 0, "");
	new_stream(false); /* stream 1, for those that need one that lives */
	look();
}

static void
rapid_reset(void)
{
	FRAME(3, 0, new_stream(false), "\0\0\0\x08");
}

/* MadeYouReset (CVE-2025-8671): ways to make us say RST_STREAM. */
static void
large_update(void)
{
	FRAME(8, 0, new_stream(false), "\x7f\xff\xff\xff");
}

static void
too_much_body(void)
{
	l.next_id += 2;
	FRAME(1, 4, l.next_id,
	    POST_A "\x0f\x0d\x01"
		   "1"); /* content-length: 1 */
	FRAME(0, 0, l.next_id, "xx");
}

static void
malformed(void)
{
	l.next_id += 2;
	FRAME(1, 5, l.next_id,
	    "\x83\x87\x84\x01\x01"
	    "a"
	    "\x00\x01"
	    "A"
	    "\x01"
	    "x"); /* upper case */
}

static void
blanks(void)
{
	l.next_id += 2;
	FRAME(1, 5, l.next_id,
	    POST_A "\x00\x01"
		   "a"
		   "\x02"
		   " x");
}

static void
settings(void)
{
	FRAME(4, 0, 0, "");
}

static void
ping(void)
{
	FRAME(6, 0, 0, "12345678");
}

static void
pong(void)
{
	FRAME(6, 1, 0, "12345678");
}

static void
priority(void)
{
	FRAME(2, 0, 1, "\0\0\0\0\1");
}

static void
window_update(void)
{
	FRAME(8, 0, 0, "\0\0\0\1");
}

static void
empty_data(void)
{
	FRAME(0, 0, 1, "");
}

static void
unknown_type(void)
{
	FRAME(0x7e, 0, 0, "x");
}

/* The code of the last GOAWAY + 1, 0: none. */
static uint32_t
attack(void (*strike)(void), int times, const struct h2_limits *limits)
{
	uint32_t code;

	begin_raw(limits);
	for (int i = 0; i < times && !h2_is_over(l.h2); i++) {
		strike();
		look();
	}
	code = l.goaway;
	lab_close(&l);
	return code;
}

static void
guard(void (*strike)(void), int times)
{
	struct h2_limits none;

	h2_limits_default(&none);
	EXPECT_INT(attack(strike, times, NULL), NGHTTP2_ENHANCE_YOUR_CALM + 1);
	EXPECT_INT(attack(strike, times / 10, NULL), 0); /* a little of it is nothing */
	none.closes = none.glitches = 1000000;
	EXPECT_INT(attack(strike, times, &none), 0);
}

TEST(rapid_resets_are_counted)
{
	guard(rapid_reset, 250);
}

TEST(made_you_resets_are_counted)
{
	guard(large_update, 250);
	guard(too_much_body, 250);
	guard(malformed, 250);
	guard(blanks, 250);
}

/* The other three ways end the connection at once. */
TEST(frames_on_a_stream_that_was_ended_are_the_end)
{
	begin_raw(NULL);
	FRAME(0, 0, new_stream(true), "x");
	look();
	EXPECT_INT(l.goaway, NGHTTP2_STREAM_CLOSED + 1);
	lab_close(&l);
	begin_raw(NULL);
	FRAME(1, 4, new_stream(true), POST_A);
	look();
	EXPECT_INT(l.goaway, NGHTTP2_STREAM_CLOSED + 1);
	lab_close(&l);
	begin_raw(NULL);
	FRAME(8, 0, new_stream(false), "\0\0\0\0");
	look();
	EXPECT_INT(l.goaway, NGHTTP2_PROTOCOL_ERROR + 1);
	lab_close(&l);
	begin_raw(NULL);
	FRAME(2, 0, 1, "\0\0\0");
	look();
	EXPECT_INT(l.goaway, NGHTTP2_FRAME_SIZE_ERROR + 1);
	lab_close(&l);
}

TEST(floods_of_frames_that_move_nothing_are_counted)
{
	guard(settings, 1200);
	guard(ping, 2400);
	guard(pong, 1200);
	guard(priority, 2400);
	guard(window_update, 2400);
	guard(empty_data, 1200);
	guard(unknown_type, 1200);
}

/* At three quarters an honest visitor is told to come on a new connection, and this one goes on. */
TEST(a_bucket_that_runs_low_is_an_orderly_goaway)
{
	int i = 0;

	begin_raw(NULL);
	for (; l.goaway == 0 && i < 1000; i++) {
		rapid_reset();
		look();
	}
	EXPECT(i > 145 && i < 155);
	EXPECT_INT(l.goaway, NGHTTP2_NO_ERROR + 1);
	EXPECT_INT(l.last_id, 0x7fffffff);
	new_stream(true);
	h2_tick(l.h2, l.now_us += 2000000);
	look();
	EXPECT_INT(l.last_id, l.next_id); /* what came before it is still served */
	EXPECT(!h2_is_over(l.h2));
	lab_close(&l);
}

TEST(tokens_come_back_with_time)
{
	begin_raw(NULL);
	for (int i = 0; i < 2000; i++) {
		rapid_reset();
		look();
		l.now_us += 25000; /* 40 a second */
	}
	EXPECT_INT(l.goaway, 0);
	lab_close(&l);
}

TEST(streams_have_a_ceiling)
{
	struct h2_limits limits;

	h2_limits_default(&limits);
	begin_raw(NULL);
	for (int i = 1; i < LIMIT_H2_STREAMS; i++)
		new_stream(false);
	look();
	EXPECT_INT(h2_streams(l.h2), LIMIT_H2_STREAMS);
	EXPECT_INT(l.answers[0].n_body, 0);
	new_stream(false);
	look();
	EXPECT_INT(h2_streams(l.h2), LIMIT_H2_STREAMS);
	EXPECT_INT(l.answers[0].n_body, 1); /* refused */
	lab_close(&l);
	limits.streams = LIMIT_H2_STREAMS + 1;
	begin_raw(&limits);
	for (int i = 0; i < LIMIT_H2_STREAMS; i++)
		new_stream(false);
	look();
	EXPECT_INT(l.answers[0].n_body, 0);
	lab_close(&l);
}

TEST(a_connection_is_not_for_ever)
{
	struct h2_limits limits;

	h2_limits_default(&limits);
	for (int round = 0; round < 2; round++) {
		limits.streams_total = round == 0 ? 10 : 1000;
		begin_raw(&limits);
		for (int i = 0; i < 20; i++)
			new_stream(true);
		look();
		EXPECT_INT(l.goaway, round == 0 ? NGHTTP2_NO_ERROR + 1 : 0);
		lab_close(&l);
	}
}

/* 431 once, for the visitor whose cookie grew too much; who goes on is an attacker. */
TEST(heads_that_are_too_large_end_the_connection)
{
	struct h2_limits limits;

	h2_limits_default(&limits);
	for (int round = 0; round < 3; round++) {
		limits.fields = round == 2 ? 1000 : LIMIT_HEAD_FIELDS;
		begin_raw(&limits);
		for (int i = 0; i < (round == 0 ? 1 : 2); i++) {
			char block[6 + 200] = POST_A;

			memset(block + 6, (char)0x90,
			    200); /* accept-encoding: gzip, deflate; static */
			l.next_id += 2;
			send_frame(1, 5, l.next_id, slice_of(block, sizeof(block)));
		}
		look();
		EXPECT_INT(l.goaway, round == 1 ? NGHTTP2_ENHANCE_YOUR_CALM + 1 : 0);
		lab_close(&l);
	}
}

/* --- time --- */

TEST(who_says_nothing_or_half_a_head_is_waited_for_in_vain)
{
	lab_open(&l, NULL);
	lab_feed(&l, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), NULL);
	h2_tick(l.h2, l.now_us + LIMIT_H2_SETTINGS_MS * INT64_C(1000) - 1);
	EXPECT(!h2_is_over(l.h2));
	h2_tick(l.h2, l.now_us + LIMIT_H2_SETTINGS_MS * INT64_C(1000));
	look();
	EXPECT(h2_is_over(l.h2));
	lab_close(&l);
	begin_raw(NULL);
	FRAME(1, 1, 3, POST_A); /* CONTINUATION never comes */
	h2_tick(l.h2, l.now_us + LIMIT_VISITOR_HEAD_MS * INT64_C(1000));
	look();
	EXPECT(h2_is_over(l.h2));
	lab_close(&l);
}

/* Reads nothing, or an octet a second. */
static size_t
starve(int seconds, bool octets, const struct h2_limits *limits)
{
	struct h2_stream *s;
	size_t resets;

	begin_raw(limits);
	l.next_id = 1;
	FRAME(4, 0, 0, "\0\4\0\0\0\0"); /* SETTINGS_INITIAL_WINDOW_SIZE 0 */
	new_stream(true);
	s = l.open[1];
	EXPECT_INT(h2_answer(s, S("HTTP/1.1 200 OK\r\n\r\n")), 0);
	EXPECT_INT(h2_put(s,
		       S("Some more bytes than are taken in so many seconds, which is more than"
			 " one hundred octets of text, all of which wait for credit.")),
	    127);
	look();
	for (int i = 0; i < seconds; i++) {
		l.now_us += 1000000;
		if (octets)
			FRAME(8, 0, 3, "\0\0\0\1");
		h2_tick(l.h2, l.now_us);
		look();
	}
	resets = l.answers[0].n_body;
	lab_close(&l);
	return resets;
}

TEST(who_grants_no_credit_loses_the_stream)
{
	struct h2_limits none;

	h2_limits_default(&none);
	EXPECT_INT(starve(29, false, NULL), 0);
	EXPECT_INT(starve(31, false, NULL), 1);
	EXPECT_INT(starve(58, true, NULL), 0);
	EXPECT_INT(starve(61, true, NULL), 1);
	none.stall_ms = 1000000;
	none.rate_ms = 1000000;
	EXPECT_INT(starve(61, false, &none), 0);
	EXPECT_INT(starve(61, true, &none), 0);
}

TESTS(TEST_ROW(a_request_and_its_answer) TEST_ROW(how_the_bytes_are_cut_changes_nothing) TEST_ROW(
    a_fault_takes_nothing_from_what_came_before_it) TEST_ROW(bad_trailers_reset_their_stream)
	TEST_ROW(an_answer_waits_for_the_credit_of_its_reader)
	    TEST_ROW(a_body_waits_until_it_is_taken) TEST_ROW(rapid_resets_are_counted) TEST_ROW(
		made_you_resets_are_counted) TEST_ROW(frames_on_a_stream_that_was_ended_are_the_end)
		TEST_ROW(floods_of_frames_that_move_nothing_are_counted)
		    TEST_ROW(a_bucket_that_runs_low_is_an_orderly_goaway)
			TEST_ROW(tokens_come_back_with_time) TEST_ROW(streams_have_a_ceiling)
			    TEST_ROW(a_connection_is_not_for_ever)
				TEST_ROW(heads_that_are_too_large_end_the_connection)
				    TEST_ROW(who_says_nothing_or_half_a_head_is_waited_for_in_vain)
					TEST_ROW(who_grants_no_credit_loses_the_stream))
