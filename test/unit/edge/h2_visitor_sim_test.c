/* SPDX-License-Identifier: Apache-2.0 */
/* Visitors that speak HTTP/2 on the simulated loop: times, ends, an agent that leaves. */
#include "unit/edge/sim_world.h"

#include "edge/visit/h2_visitor.h"
#include "h2/h2_client.h"

/* A visitor: what his side of HTTP/2 makes of the bytes. */
struct two {
	struct far *far;
	struct h2_client *client;
};

static struct two
visit_h2(void)
{
	struct two t = { .far = visit(0) };
	struct visitor *v;

	t.client = h2_client_new(loop_chunks(w->workers[0]->loop), true);
	pass_time(SECOND / 100);
	v = list_of(w->workers[0]->visit->list.prev, struct visitor, node);
	/* TLS would have agreed on it. */
	EXPECT(h2_visitor_start(v));
	v->state = VISITOR_H2;
	return t;
}

static void
two_say(struct two *t)
{
	static char bytes[H2_ROOM_BYTES];
	size_t n, took;

	while ((n = h2_client_drain(t->client, bytes, sizeof(bytes))) > 0) {
		struct iovec iov = { bytes, n };

		EXPECT_INT(conn_write(&t->far->conn, &iov, 1, &took), IO_OK);
		EXPECT_INT(took, n);
	}
}

/* Both sides have said what they have to say. */
static void
two_talk(struct two *t)
{
	struct h2_client_stream *s;

	for (int i = 0; i < 6; i++) {
		two_say(t);
		pass_time(SECOND / 100);
		h2_client_feed(t->client, slice_of(t->far->got, t->far->n));
		t->far->n = 0;
		while (h2_client_next(t->client, &s) != H2_CLIENT_NOTHING)
			;
	}
}

static struct h2_client_stream *
two_ask(struct two *t, const char *path)
{
	char head[200];
	struct h2_client_stream *s;

	snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.example.org\r\n\r\n", path);
	s = h2_client_open(t->client, slice_str(head), true, NULL);
	EXPECT(s != NULL);
	two_talk(t);
	return s;
}

static const char *
answer_of(struct h2_client_stream *s)
{
	static char text[4096];
	size_t n = h2_client_read(s, text, sizeof(text) - 1);

	text[n] = '\0';
	return text;
}

static struct two
world_of_two(void)
{
	struct two t;

	world_open(1);
	t = visit_h2();
	two_talk(&t);
	EXPECT(h2_client_is_up(t.client));
	return t;
}

static void
close_two(struct two *t)
{
	h2_client_free(t->client);
	world_close();
}

TEST(a_request_goes_through)
{
	struct two t = world_of_two();
	struct agent *a = serve(0);
	struct h2_client_stream *s = two_ask(&t, "/x");

	EXPECT_INT(a->n_asks, 1);
	EXPECT(a->asks[0].fin && strncmp(a->asks[0].got, "GET /x HTTP/1.1\r\nHost: a.ex", 26) == 0);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\n\r\nhello", true);
	two_talk(&t);
	EXPECT_INT(s->answer, H2_CLIENT_WHOLE);
	EXPECT(strstr(answer_of(s), "HTTP/1.1 200 ") != NULL);
	h2_client_leave(s);
	close_two(&t);
}

/*
 * A connection may be used for every name of a certificate, and a tunnel that is away answers 503 on a new
 * connection as on this one: it stays (RFC 9113 6.8 is for a connection that ends).  What was under way ends
 * alone, and whoever asks again when the agent is back is served.
 */
TEST(an_agent_that_leaves_takes_no_connection_along)
{
	struct two t = world_of_two();
	struct agent *a = serve(0);
	struct h2_client_stream *s = two_ask(&t, "/1");

	EXPECT_INT(a->n_asks, 1);
	agent_leave(a);
	two_talk(&t);
	EXPECT_INT(s->answer, H2_CLIENT_WHOLE);
	EXPECT(strstr(answer_of(s), "HTTP/1.1 50") != NULL);
	h2_client_leave(s);
	s = two_ask(&t, "/2");
	EXPECT(strstr(answer_of(s), "HTTP/1.1 503") != NULL);
	h2_client_leave(s);
	a = serve(0);
	s = two_ask(&t, "/3");
	EXPECT_INT(a->n_asks, 1);
	agent_say(a, &a->asks[0], "HTTP/1.1 204 No Content\r\n\r\n", true);
	two_talk(&t);
	EXPECT(strstr(answer_of(s), "HTTP/1.1 204 ") != NULL);
	h2_client_leave(s);
	EXPECT(!h2_client_is_going(t.client) && !t.far->eof);
	close_two(&t);
}

/* Half of an answer is not passed off as a whole one. */
TEST(an_answer_that_breaks_off_is_reset)
{
	struct two t = world_of_two();
	struct agent *a = serve(0);
	struct h2_client_stream *s = two_ask(&t, "/");

	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\n\r\nhalf", false);
	two_talk(&t);
	EXPECT_INT(s->answer, H2_CLIENT_BODY);
	agent_leave(a);
	two_talk(&t);
	EXPECT_INT(s->answer, H2_CLIENT_LOST);
	h2_client_leave(s);
	EXPECT(!h2_client_is_going(t.client));
	close_two(&t);
}

/* Who answers our PING stays until he has asked for nothing for a minute; then he is told so. */
TEST(s14_an_idle_connection_ends_in_order)
{
	struct two t = world_of_two();

	for (int i = 0; i < 55; i++) {
		two_talk(&t);
		pass_time(SECOND);
	}
	EXPECT(!h2_client_is_going(t.client) && !t.far->eof);
	for (int i = 0; i < 8; i++) {
		two_talk(&t);
		pass_time(SECOND);
	}
	EXPECT(h2_client_is_going(t.client) && t.far->eof);
	close_two(&t);
}

TEST(s14_who_does_not_answer_a_ping_is_gone)
{
	struct two t = world_of_two();

	pass_time(LIMIT_H2_PING_MS * 2000LL - SECOND);
	EXPECT(!t.far->eof && !t.far->reset);
	pass_time(3 * SECOND);
	EXPECT(t.far->eof || t.far->reset);
	close_two(&t);
}

TEST(s14_who_never_says_his_settings_is_gone)
{
	struct two t;

	world_open(1);
	t = visit_h2();
	pass_time(LIMIT_H2_SETTINGS_MS * 1000LL - SECOND);
	EXPECT(!t.far->eof);
	pass_time(4 * SECOND);
	EXPECT(t.far->eof || t.far->reset);
	close_two(&t);
}

/* Credit for one answer never comes: its stream ends, and the connection serves another. */
TEST(s14_a_stream_that_is_not_read_ends_alone)
{
	static char body[16001];
	struct two t = world_of_two();
	struct agent *a = serve(0);
	struct h2_client_stream *s = two_ask(&t, "/large"), *other;

	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\n\r\n", false);
	memset(body, 'b', sizeof(body) - 1);
	for (int i = 0; i < 6; i++) {
		agent_say(a, &a->asks[0], body, false);
		two_talk(&t);
	}
	EXPECT_INT(s->answer, H2_CLIENT_BODY);
	for (int i = 0; i < LIMIT_H2_STALL_MS / 1000 + 3; i++) {
		two_talk(&t);
		pass_time(SECOND);
	}
	EXPECT(s->answer == H2_CLIENT_LOST && s->crowded);
	EXPECT(a->asks[0].reset);
	other = two_ask(&t, "/small");
	EXPECT_INT(a->n_asks, 2);
	agent_say(a, &a->asks[1], "HTTP/1.1 204 No Content\r\n\r\n", true);
	two_talk(&t);
	EXPECT(strstr(answer_of(other), "HTTP/1.1 204 ") != NULL);
	h2_client_leave(s);
	h2_client_leave(other);
	close_two(&t);
}

/* An edge that stops: what is under way is finished, nothing new begins. */
TEST(a_drain_lets_requests_end)
{
	struct two t = world_of_two();
	struct agent *a = serve(0);
	struct h2_client_stream *s = two_ask(&t, "/");

	h2_visitor_drain(list_of(w->workers[0]->visit->list.prev, struct visitor, node)->h2);
	two_talk(&t);
	EXPECT(h2_client_is_going(t.client) && !t.far->eof);
	EXPECT_INT(h2_client_slots(t.client), 0);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\n\r\nlast", true);
	two_talk(&t);
	EXPECT_INT(s->answer, H2_CLIENT_WHOLE);
	h2_client_leave(s);
	two_talk(&t);
	EXPECT(t.far->eof);
	close_two(&t);
}

TESTS(TEST_ROW(a_request_goes_through) TEST_ROW(an_agent_that_leaves_takes_no_connection_along)
	TEST_ROW(an_answer_that_breaks_off_is_reset) TEST_ROW(s14_an_idle_connection_ends_in_order)
	    TEST_ROW(s14_who_does_not_answer_a_ping_is_gone)
		TEST_ROW(s14_who_never_says_his_settings_is_gone)
		    TEST_ROW(s14_a_stream_that_is_not_read_ends_alone)
			TEST_ROW(a_drain_lets_requests_end))
