/* SPDX-License-Identifier: Apache-2.0 */
/* How long the edge waits: for origins behind slow lines, for streams that are quiet, for readers
 * that do not read. Virtual time. */
#include "base/clock.h"
#include "edge/inbox/courier.h"
#include "store/inbox.h"
#include "unit/edge/sim_world.h"

/* In the place of base/clock.c: the store's clocks follow the simulated one. */
int64_t
clock_mono_us(void)
{
	return atomic_load(&sim_clock_us);
}

int64_t
clock_boot_us(void)
{
	return atomic_load(&sim_clock_us);
}

int64_t
clock_wall_ms(void)
{
	return 1700000000000 + atomic_load(&sim_clock_us) / 1000;
}

void
clock_rfc3339(int64_t wall_ms, char *dst, size_t cap)
{
	snprintf(dst, cap, "%lld", (long long)wall_ms);
}

static const struct sim_link fast = {
	.latency_us = 1000,
	.buffer_bytes = 1 << 20,
	.chunk_bytes = 1400,
};

/* A link that takes so many bytes in a second. */
static struct agent *
serve_slowly(uint64_t bytes_per_s)
{
	struct sim_link slow = fast;
	struct agent *a;

	slow.bytes_per_s = bytes_per_s;
	slow.buffer_bytes = 1 << 17;
	sim_set_link(&slow);
	a = serve(0);
	sim_set_link(&fast);
	return a;
}

/* So many bytes of a body, as fast as the edge takes them. */
static void
far_pour(struct far *f, size_t total)
{
	static char body[65536];
	struct iovec iov = { body, 0 };
	size_t n;

	memset(body, 'b', sizeof(body));
	while (total > 0) {
		iov.iov_len = total < sizeof(body) ? total : sizeof(body);
		if (conn_write(&f->conn, &iov, 1, &n) == IO_OK)
			total -= n;
		pass_time(SECOND / 4);
	}
}

/* 6 MB at 60 KB/s are on their way for 100 s; from there on the origin has its time. */
TEST(a_request_on_a_slow_line_is_not_cut)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve_slowly(60000);
	f = visit(0);
	far_say(f, "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 6000000\r\n\r\n");
	far_pour(f, 6000000);
	while (!a->asks[0].fin && f->n == 0)
		pass_time(SECOND);
	EXPECT(sim_now_us() > 90 * SECOND);
	pass_time(100 * SECOND);
	EXPECT_INT(f->n, 0);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true);
	pass_time(SECOND);
	EXPECT(said(f, "HTTP/1.1 200"));
	world_close();
}

/* Sent whole into a large buffer is not yet there. */
TEST(the_time_begins_when_the_request_has_arrived)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve_slowly(500);
	f = visit(0);
	far_say(f, "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 60000\r\n\r\n");
	far_pour(f, 60000);
	while (!a->asks[0].fin && f->n == 0)
		pass_time(SECOND);
	EXPECT(sim_now_us() > 110 * SECOND);
	pass_time(100 * SECOND);
	EXPECT_INT(f->n, 0);
	pass_time(25 * SECOND);
	EXPECT(said(f, "504") && said(f, "origin-silent"));
	world_close();
}

/* The tunnel's own patience goes before the edge's, and the agent is told which it is. */
TEST(origin_silent_is_the_tunnels)
{
	struct hello_tunnel h = {
		.id = 1, .kind = TUNNEL_HTTP, .name = "a", .origin_silent_ms = 600000
	};
	struct agent *a;
	struct far *f;

	world_open(1);
	w->settings->limits.origin_silent_ms = 1000;
	a = link_up_as(0, "ann", &h);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND / 10);
	EXPECT_INT(a->asks[0].silent_ms, 600000);
	pass_time(650 * SECOND);
	EXPECT_INT(f->n, 0);
	pass_time(20 * SECOND);
	EXPECT(said(f, "origin-silent"));
	world_close();
	world_open(1);
	w->settings->limits.origin_silent_ms = 1000;
	a = serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND / 10);
	EXPECT_INT(a->asks[0].silent_ms, 1000);
	pass_time(64 * SECOND);
	EXPECT(said(f, "origin-silent"));
	world_close();
}

/* --- streams --- */

/* Server-sent events: hours may lie between two. */
TEST(an_answer_may_be_quiet_for_hours)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = visit(0);
	far_say(f, GET);
	pass_time(SECOND / 10);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
	    false);
	pass_time(7200 * SECOND);
	EXPECT(!a->asks[0].reset && !f->eof);
	agent_say(a, &a->asks[0], "data: 1\n\n", true);
	pass_time(SECOND);
	EXPECT(said(f, "data: 1"));
	world_close();
}

static struct far *
upgraded(struct agent *a)
{
	struct far *f = visit(0);

	far_say(f, "GET / HTTP/1.1\r\nHost: a.example.org\r\nConnection: Upgrade\r\nUpgrade: "
		   "websocket\r\n\r\n");
	pass_time(SECOND / 10);
	agent_say(a, &a->asks[0],
	    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
	    "websocket\r\n\r\n",
	    false);
	pass_time(SECOND / 10);
	EXPECT(said(f, "101"));
	return f;
}

TEST(an_upgrade_may_be_quiet_for_hours)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	f = upgraded(a);
	pass_time(7200 * SECOND);
	far_say(f, "hello");
	pass_time(SECOND);
	EXPECT(!a->asks[0].reset && strstr(a->asks[0].got, "hello") != NULL);
	world_close();
}

TEST(an_upgrade_is_cut_where_the_operator_wants_it)
{
	struct agent *a;
	struct far *f;

	world_open(1);
	w->settings->limits.stream_idle_ms = 60000;
	a = serve(0);
	f = upgraded(a);
	pass_time(55 * SECOND);
	EXPECT(!a->asks[0].reset);
	pass_time(10 * SECOND);
	EXPECT(a->asks[0].reset && (f->eof || f->reset));
	world_close();
}

/* A newer agent of the account came: what is open on the older link goes on. */
TEST(a_stream_of_a_replaced_link_ends_by_itself)
{
	struct agent *old, *fresh;
	struct hello_tunnel h;
	struct far *f, *g;

	world_open(1);
	old = serve(0);
	f = upgraded(old);
	fresh = link_up(0, "ann", &h);
	pass_time(SECOND);
	EXPECT(old->goaway && strstr(old->control, "replaced") != NULL);
	g = visit(0);
	far_say(g, GET);
	pass_time(SECOND);
	EXPECT_INT(fresh->n_asks, 1);
	pass_time(7200 * SECOND);
	EXPECT(!old->over && !old->asks[0].reset);
	far_say(f, "hello");
	pass_time(SECOND);
	EXPECT(strstr(old->asks[0].got, "hello") != NULL);
	/* An agent that does not go when its last stream has ended is closed. */
	stream_reset(old->asks[0].stream, LINK_CODE_OK);
	stream_free(old->asks[0].stream);
	old->asks[0].stream = NULL;
	agent_flush(old);
	pass_time(70 * SECOND);
	EXPECT(old->over);
	world_close();
}

static void
deaf(struct conn *c, unsigned events)
{
	(void)c;
	(void)events;
}

/* A visitor that does not read what waits for it is cut; one that reads slowly is not. */
TEST(a_reader_that_does_not_read)
{
	static char piece[8001];
	struct sim_link small = fast;
	struct agent *a;
	struct far *f;

	world_open(1);
	a = serve(0);
	small.buffer_bytes = 32768;
	sim_set_link(&small);
	f = visit(0);
	f->conn.fn = deaf;
	far_say(f, GET);
	pass_time(SECOND / 10);
	memset(piece, 'p', sizeof(piece) - 1);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\n\r\n", false);
	for (int i = 0; i < 15; i++) {
		agent_say(a, &a->asks[0], piece, false);
		pass_time(SECOND / 10);
	}
	EXPECT(list_of(w->workers[0]->visit->list.next, struct visitor, node)->x->flow.out.n > 0);
	for (int i = 0; i < 10; i++) {
		char some[1000];
		size_t n;

		pass_time((int64_t)LIMIT_STREAM_STALL_MS * 1000 / 2);
		EXPECT(!a->asks[0].reset);
		EXPECT_INT(conn_read(&f->conn, some, sizeof(some), &n), IO_OK);
	}
	pass_time(((int64_t)LIMIT_STREAM_STALL_MS + 3000) * 1000);
	EXPECT(a->asks[0].reset);
	world_close();
}

/* --- stored deliveries --- */

static void
on_inbox(struct inbox_req *req)
{
	(void)req;
}

static void
ask_inbox(struct inbox_req *req)
{
	struct store_req last = { .op = STORE_NAME_LOOKUP };

	req->done = on_inbox;
	inbox_submit(w->edge.store, req);
	(void)!await_store(w->edge.store, &last);
	EXPECT_INT(req->result, STORE_OK);
}

static void
put_large(size_t n_bytes)
{
	struct inbox_req r = { .op = INBOX_PUT,
		.account = "ann",
		.tunnel = "a",
		.put.method = S("POST"),
		.put.target = S("/hook"),
		.put.head = S("POST /hook HTTP/1.1\r\nHost: a.example.org\r\n\r\n") };
	char *body = calloc(1, n_bytes);

	EXPECT(body != NULL);
	r.put.body = slice_of(body, n_bytes);
	ask_inbox(&r);
	courier_wake(w->workers[0], "a");
	free(body);
}

static int n_served, n_open_max;

static void
take(struct agent *a, struct ask *k)
{
	int n_open = 0;

	for (int i = 0; i < ASKS; i++)
		n_open += a->asks[i].stream != NULL;
	if (n_open > n_open_max)
		n_open_max = n_open;
	n_served++;
	agent_say(a, k, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true);
	stream_free(k->stream);
	k->stream = NULL;
}

/* So many of 1 MB over a line; how long it took. */
static int64_t
deliver(uint64_t bytes_per_s, int n)
{
	struct store_req r = { .op = STORE_TOKEN_ADD, .account = "ann" };
	int64_t begin_us;

	atomic_store(&sim_clock_us, 1000000);
	world_open(1);
	EXPECT_INT(await_store(w->edge.store, &r), STORE_OK);
	store_req_fini(&r);
	n_served = n_open_max = 0;
	for (int i = 0; i < n; i++)
		put_large(1000000);
	w->agents[0].serve = take;
	begin_us = sim_now_us();
	(void)serve_slowly(bytes_per_s);
	while (n_served < n && sim_now_us() < begin_us + 3600 * SECOND)
		pass_time(SECOND / 10);
	return sim_now_us() - begin_us;
}

/* Four webhooks of 1 MB at 40 KB/s: each comes once, few at a time. */
TEST(few_deliveries_at_once_on_a_slow_line)
{
	struct inbox_req r = { .op = INBOX_COUNT };
	int64_t took_us = deliver(40000, 4);

	EXPECT(took_us < 130 * SECOND);
	pass_time(SECOND);
	EXPECT_INT(w->agents[0].n_asks, 4);
	EXPECT(n_open_max <= 2);
	ask_inbox(&r);
	EXPECT_INT(r.counts.n[INBOX_DELIVERED], 4);
	EXPECT_INT(w->workers[0]->counters.retried, 0);
	world_close();
}

TEST(many_deliveries_at_once_on_a_fast_line)
{
	int64_t took_us = deliver(100000000, 40);

	EXPECT(took_us < 10 * SECOND);
	EXPECT(n_open_max >= 4);
	world_close();
}

TESTS(TEST_ROW(a_request_on_a_slow_line_is_not_cut)
	TEST_ROW(the_time_begins_when_the_request_has_arrived)
	    TEST_ROW(origin_silent_is_the_tunnels) TEST_ROW(an_answer_may_be_quiet_for_hours)
		TEST_ROW(an_upgrade_may_be_quiet_for_hours)
		    TEST_ROW(an_upgrade_is_cut_where_the_operator_wants_it)
			TEST_ROW(a_stream_of_a_replaced_link_ends_by_itself)
			    TEST_ROW(a_reader_that_does_not_read)
				TEST_ROW(few_deliveries_at_once_on_a_slow_line)
				    TEST_ROW(many_deliveries_at_once_on_a_fast_line))
