/* SPDX-License-Identifier: Apache-2.0 */
/* Workers, sessions and visitors on the simulated loop: deadlines, early answers, takeovers. */
#include "unit/edge/sim_world.h"

/* --- deadlines --- */

TEST(s14_a_head_that_does_not_end)
{
	struct far *f;

	world_open(1);
	f = visit(0);
	far_say(f, "GET / HTTP/1.1\r\nHost:");
	pass_time(14 * SECOND);
	EXPECT_INT(f->n, 0);
	pass_time(3 * SECOND);
	EXPECT(said(f, "HTTP/1.1 408") && said(f, "slow-head") && said(f, "Connection: close") &&
	       f->eof);
	world_close();
}

/* A byte now and then does not move the deadline. */
TEST(s14_a_head_at_a_crawl)
{
	const char *head = "GET / HTTP/1.1\r\nHost: a.example.org\r\n";
	struct far *f;

	world_open(1);
	f = visit(0);
	for (int i = 0; i < 16; i++) {
		char one[2] = { head[i], '\0' };

		far_say(f, one);
		pass_time(SECOND);
	}
	pass_time(SECOND);
	EXPECT(said(f, "408"));
	world_close();
}

TEST(s14_silence)
{
	struct far *fresh, *kept;

	world_open(1);
	fresh = visit(0);
	pass_time(17 * SECOND);
	EXPECT(fresh->eof && fresh->n == 0);
	kept = visit(0);
	far_say(kept, GET); /* 404, but the connection is kept */
	pass_time(55 * SECOND);
	EXPECT(said(kept, "404") && !kept->eof);
	pass_time(7 * SECOND);
	EXPECT(kept->eof);
	world_close();
}

TEST(s14_a_body_below_the_least_rate)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 100000\r\n\r\nabc");
	for (int i = 0; i < 9; i++) {
		pass_time(SECOND);
		far_say(f, "x");
	}
	EXPECT_INT(f->n, 0);
	for (int i = 0; i < 15; i++)
		pass_time(SECOND);
	EXPECT(said(f, "408") && said(f, "slow-body") && f->eof);
	EXPECT(a->asks[0].reset);
	EXPECT_INT(a->asks[0].code, LINK_CODE_CANCELLED);
	world_close();
}

/* The origin takes nothing: the visitor is not the slow one. */
TEST(s14_a_body_that_nobody_takes_is_no_fault_of_the_visitor)
{
	static char body[40001];
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	a->hungry = false;
	f = visit(0);
	memset(body, 'b', sizeof(body) - 1);
	far_say(f, "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 10000000\r\n\r\n");
	for (int i = 0; i < 40; i++) {
		struct iovec iov = { body, sizeof(body) - 1 };
		size_t n;

		(void)conn_write(&f->conn, &iov, 1, &n);
		pass_time(SECOND / 10);
	}
	pass_time(60 * SECOND);
	EXPECT_INT(f->n, 0);
	EXPECT(!a->asks[0].reset);
	world_close();
}

TEST(an_agent_that_never_answers)
{
	struct far *f;

	world_open(1);
	serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(115 * SECOND);
	EXPECT_INT(f->n, 0);
	pass_time(10 * SECOND);
	EXPECT(said(f, "504") && said(f, "origin-silent"));
	world_close();
}

/* --- exchanges --- */

TEST(s08_pipelined_requests_are_answered_in_order)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, "POST /1 HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 3\r\n\r\nabc"
		   "GET /2 HTTP/1.1\r\nHost: a.example.org\r\n\r\nGET /3 HTTP/1.1\r\nHost: a.ex");
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 1);
	EXPECT(a->asks[0].fin && strncmp(a->asks[0].got, "POST /1", 7) == 0);
	EXPECT(strstr(a->asks[0].got, "\r\n\r\nabc") != NULL &&
	       strstr(a->asks[0].got, "GET") == NULL);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", true);
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 2);
	agent_say(a, &a->asks[1], "HTTP/1.1 200 OK\r\n\r\n22", true);
	far_say(f, "ample.org\r\n\r\n");
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 3);
	agent_say(a, &a->asks[2], "HTTP/1.1 204 No Content\r\n\r\n", true);
	pass_time(SECOND / 10);
	EXPECT(said(f, "\r\n\r\n1HTTP/1.1 200 OK\r\n") &&
	       said(f, "2\r\n22\r\n0\r\n\r\nHTTP/1.1 204"));
	EXPECT(!f->eof);
	world_close();
}

/* Short rests are read away and the connection is kept; long ones end it after the answer. */
TEST(s08_early_answers)
{
	struct agent *a;
	struct far *small, *large;

	world_open(1);
	a = serve(0);
	small = visit(0);
	far_say(small,
	    "POST /1 HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 20\r\n\r\n0123456789");
	pass_time(SECOND / 10);
	agent_say(a, &a->asks[0], "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", true);
	pass_time(SECOND / 10);
	EXPECT(said(small, "HTTP/1.1 403 No") && !said(small, "close") && !small->eof);
	far_say(small, "0123456789" GET);
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 2);
	large = visit(0);
	far_say(large,
	    "POST /1 HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 2000000\r\n\r\n0123456789");
	pass_time(SECOND / 10);
	agent_say(a, &a->asks[2], "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", true);
	pass_time(SECOND / 10);
	EXPECT(said(large, "Connection: close") && said(large, "\r\n\r\nno") && large->eof);
	world_close();
}

TEST(s08_expect_is_answered_here)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 2\r\nExpect: "
		   "100-continue\r\n\r\n");
	pass_time(SECOND / 10);
	EXPECT_SLICE(slice_str(f->got), S("HTTP/1.1 100 Continue\r\n\r\n"));
	EXPECT(strcasestr(a->asks[0].got, "expect") == NULL);
	far_say(f, "hi");
	pass_time(SECOND / 10);
	EXPECT(a->asks[0].fin);
	/* An origin that says it, too, is not passed on. */
	agent_say(a, &a->asks[0], "HTTP/1.1 100 Continue\r\n\r\n", false);
	agent_say(a, &a->asks[0], "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", false);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true);
	pass_time(SECOND / 10);
	EXPECT(said(f, "100 Continue\r\n\r\nHTTP/1.1 103 Early Hints") &&
	       said(f, "HTTP/1.1 200 OK"));
	world_close();
}

/* A visitor who breaks off just then: his request ends once, and his stream with it. */
TEST(s08_gone_while_100_is_written)
{
	struct visitor *v;
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	pass_time(SECOND / 100);
	v = list_of(w->workers[0]->visit->list.next, struct visitor, node);
	v->conn.tx_failed = true; /* what he has sent can still be read */
	far_say(f, "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 2\r\nExpect: "
		   "100-continue\r\n\r\n");
	pass_time(SECOND);
	EXPECT(f->n == 0 && (f->eof || f->reset));
	EXPECT_INT(w->workers[0]->visit->exchanges.n_out, 0);
	EXPECT_INT(w->workers[0]->counters.answers_own, 0);
	EXPECT(a->n_asks == 0 || a->asks[0].reset);
	world_close();
}

/* What may be another protocol waits until the origin has agreed; if it does not, it is the next
 * request. */
TEST(s08_nothing_passes_before_101)
{
	struct agent *a;
	struct far *f, *g;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, "GET / HTTP/1.1\r\nHost: a.example.org\r\nConnection: Upgrade\r\nUpgrade: "
		   "websocket\r\n\r\nraw");
	pass_time(SECOND / 10);
	EXPECT(strstr(a->asks[0].got, "raw") == NULL && !a->asks[0].fin);
	agent_say(a, &a->asks[0],
	    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
	    "websocket\r\n\r\nwar",
	    false);
	pass_time(SECOND / 10);
	EXPECT(strstr(a->asks[0].got, "\r\n\r\nraw") != NULL);
	EXPECT(said(f, "HTTP/1.1 101") && said(f, "\r\n\r\nwar"));
	agent_say(a, &a->asks[0], "", true);
	pass_time(SECOND / 10);
	EXPECT(f->eof);
	far_say(f, "more"); /* half-closed only */
	pass_time(SECOND / 10);
	EXPECT(strstr(a->asks[0].got, "rawmore") != NULL);
	g = visit(0);
	far_say(g, "GET / HTTP/1.1\r\nHost: a.example.org\r\nConnection: Upgrade\r\nUpgrade: "
		   "websocket\r\n\r\n" GET);
	pass_time(SECOND / 10);
	agent_say(a, &a->asks[1], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", true);
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 3);
	EXPECT((a->asks[1].fin || a->asks[1].reset) &&
	       strncmp(a->asks[2].got, "GET / HTTP", 10) == 0);
	world_close();
}

/* An answer that breaks off is seen as one: the chunked coding has no end. */
TEST(an_answer_that_breaks_off)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND / 10);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\n\r\nhalf", false);
	pass_time(SECOND / 10);
	stream_reset(a->asks[0].stream, LINK_CODE_ORIGIN_BROKE);
	stream_free(a->asks[0].stream);
	a->asks[0].stream = NULL;
	agent_flush(a);
	pass_time(SECOND);
	EXPECT(said(f, "4\r\nhalf\r\n") && !said(f, "\r\n0\r\n") && f->eof);
	world_close();
}

/* --- links --- */

/* Between the store's word and the directory's: it is told as at the store, with who can mend it. */
TEST(a_name_that_is_released_while_it_is_claimed)
{
	struct hello_tunnel h;
	unsigned worker;

	world_open(1);
	serve(0);
	(void)directory_release(w->edge.directory, S("a"), &worker);
	link_up(0, "ann", &h);
	EXPECT_SLICE(slice_str(h.error), S("name-released"));
	EXPECT(strstr(h.text, "aditd name reserve a ACCOUNT") != NULL);
	world_close();
}

TEST(s03_the_newest_link_of_the_owner_serves)
{
	struct agent *old, *fresh, *stranger;
	struct hello_tunnel h;
	struct far *f, *g;

	world_open(2);
	old = serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND / 10);
	EXPECT_INT(old->n_asks, 1);
	stranger = link_up(0, "bob", &h);
	EXPECT_SLICE(slice_str(h.error), S("name-taken"));
	EXPECT(!stranger->goaway && !stranger->over); /* the link itself lives */
	fresh = link_up(1, "ann", &h);                /* on the other worker */
	EXPECT_SLICE(slice_str(h.error), S(""));
	pass_time(SECOND / 10);
	EXPECT(strstr(old->control, "replaced") != NULL && old->goaway);
	EXPECT_INT(old->code, LINK_CODE_REPLACED);
	/* New requests go to the new link, also of a visitor on the old one's worker; what is under
	 * way goes on. */
	g = visit(0);
	far_say(g, GET);
	pass_time(SECOND / 10);
	EXPECT_INT(fresh->n_asks, 1);
	agent_say(old, &old->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold", true);
	agent_say(fresh, &fresh->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew", true);
	pass_time(SECOND / 10);
	EXPECT(said(f, "old") && said(g, "new"));
	/* The kept connection of the first visitor moves over, too. */
	far_say(f, GET);
	pass_time(SECOND / 10);
	EXPECT_INT(fresh->n_asks, 2);
	world_close();
}

/* Orders whose texts found no memory: nobody stays who should have gone. */
TEST(orders_without_memory)
{
	struct agent *a, *b;
	struct hello_tunnel h;
	unsigned at;

	world_open(2);
	a = serve(0);
	worker_order(w->workers[0], WORKER_FENCE | WORKER_SETTINGS | WORKER_KICK);
	pass_time(SECOND / 10);
	EXPECT(!a->goaway && !a->over); /* its tunnel is its own */
	EXPECT(directory_release(w->edge.directory, S("a"), &at));
	worker_order(w->workers[at], WORKER_FENCE);
	pass_time(SECOND / 10);
	EXPECT(strstr(a->control, "replaced") != NULL && a->goaway);
	b = link_up(1, "bob", &h);
	EXPECT(!b->over);
	worker_order(w->workers[1], WORKER_REVOKE);
	pass_time(SECOND / 10);
	EXPECT(b->over);
	EXPECT_INT(b->code, LINK_CODE_BUSY); /* comes back and logs in anew */
	world_close();
}

TEST(r01_a_link_that_is_cut_is_noticed)
{
	unsigned at;
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND);
	EXPECT_INT(a->n_asks, 1);
	sim_cut(a->conn.io.fd);
	pass_time(24 * SECOND);
	EXPECT(said(f, "502") && said(f, "link-lost"));
	EXPECT_INT(directory_find(w->edge.directory, S("a"), &at), DIRECTORY_AWAY);
	far_say(f, GET);
	pass_time(SECOND);
	EXPECT(said(f, "503") && said(f, "agent-away") && said(f, "Retry-After:"));
	world_close();
}

TEST(a_visitor_that_leaves_takes_its_stream_along)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND / 10);
	sim_reset(f->conn.io.fd);
	pass_time(SECOND / 10);
	EXPECT(a->asks[0].reset);
	EXPECT_INT(a->asks[0].code, LINK_CODE_CANCELLED);
	world_close();
}

TEST(a_stop_in_order)
{
	struct agent *a;
	struct far *busy, *idle;

	world_open(1);
	a = serve(0);
	busy = visit(0);
	idle = visit(0);
	far_say(busy, GET);
	pass_time(SECOND / 10);
	worker_order(w->workers[0], WORKER_DRAIN);
	pass_time(SECOND / 10);
	EXPECT(idle->eof && a->goaway && !w->workers[0]->told_idle);
	EXPECT_INT(a->code, LINK_CODE_SHUTDOWN);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true);
	pass_time(SECOND);
	EXPECT(said(busy, "Connection: close") && said(busy, "\r\n\r\nok") && busy->eof);
	conn_close(&busy->conn);
	conn_close(&idle->conn);
	pass_time(3 * SECOND);
	EXPECT(w->workers[0]->told_idle);
	world_close();
}

TESTS(TEST_ROW(s14_a_head_that_does_not_end) TEST_ROW(s14_a_head_at_a_crawl) TEST_ROW(s14_silence)
	TEST_ROW(s14_a_body_below_the_least_rate)
	    TEST_ROW(s14_a_body_that_nobody_takes_is_no_fault_of_the_visitor) TEST_ROW(
		an_agent_that_never_answers) TEST_ROW(s08_pipelined_requests_are_answered_in_order)
		TEST_ROW(s08_early_answers) TEST_ROW(s08_expect_is_answered_here)
		    TEST_ROW(s08_gone_while_100_is_written) TEST_ROW(s08_nothing_passes_before_101)
			TEST_ROW(an_answer_that_breaks_off)
			    TEST_ROW(a_name_that_is_released_while_it_is_claimed)
				TEST_ROW(s03_the_newest_link_of_the_owner_serves)
				    TEST_ROW(orders_without_memory)
					TEST_ROW(r01_a_link_that_is_cut_is_noticed)
					    TEST_ROW(a_visitor_that_leaves_takes_its_stream_along)
						TEST_ROW(a_stop_in_order))
