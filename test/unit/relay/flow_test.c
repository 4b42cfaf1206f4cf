/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows end to end: an edge's carrier and an agent's on one loop, joined by a
 * socket pair; visitors and origins are socket pairs, too, driven by hand from
 * the test's far ends.
 */
#include "unit.h"

#include "base/rand.h"
#include "relay/flow.h"
#include "tunnel/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "POST /x HTTP/1.1\r\nHost: a\r\n\r\n"

/* The far end of a connection: writes `script` as the socket takes it, keeps what it reads. */
struct far {
	struct loop_io io;
	const char *script;
	size_t script_n, sent;
	bool shut_after, shut, frozen, eof;
	char *got;
	size_t got_n, got_cap;
};

/* One side's flow with its connection. */
struct side {
	struct flow flow;
	struct conn conn;
	struct h1 h1;
	enum flow_framing in, out;
	uint64_t out_length;
	bool hold;
	int inlet_done, outlet_done, broken, reset;
	uint32_t code;
	enum close_code bad;
	struct far far;
};

struct world {
	struct loop *loop;
	struct carrier_shared shared;
	struct carrier edge, agent;
	struct side visitor, origin;
	struct loop_timer guard;
	bool timed_out;
	int edge_closed, agent_closed;
	bool (*finished)(struct world *w);
};

static struct world *now_world; /* carrier and flow owners reach it, too; one test at a time */

static void
maybe_stop(void)
{
	struct world *w = now_world;

	if (w->finished(w))
		loop_stop(w->loop);
}

/* --- far ends --- */

static void
far_write(struct far *f)
{
	while (f->sent < f->script_n) {
		ssize_t n = write(f->io.fd, f->script + f->sent, f->script_n - f->sent);

		if (n < 0)
			return;
		f->sent += (size_t)n;
	}
	if (f->shut_after && !f->shut) {
		f->shut = true;
		shutdown(f->io.fd, SHUT_WR);
	}
}

static void
far_read(struct far *f)
{
	while (!f->frozen && !f->eof) {
		ssize_t n;

		if (f->got_cap - f->got_n < 65536) {
			f->got_cap = f->got_cap * 2 + 131072;
			f->got = realloc(f->got, f->got_cap);
		}
		n = read(f->io.fd, f->got + f->got_n, f->got_cap - f->got_n);
		if (n < 0)
			return;
		if (n == 0)
			f->eof = true;
		f->got_n += (size_t)n;
	}
}

static void
far_event(struct loop_io *io, unsigned events)
{
	struct far *f = list_of(io, struct far, io);

	if (events & LOOP_OUT)
		far_write(f);
	if (events & LOOP_IN)
		far_read(f);
	maybe_stop();
}

/* --- owners --- */

static size_t
on_head(struct flow *f, struct slice bytes, bool fin)
{
	struct side *s = f->owner;
	static const char end[] = "\r\n\r\n";
	char *at = memmem(bytes.p, bytes.n, end, 4);
	struct slice head;

	(void)fin;
	if (at == NULL)
		return 0;
	head = slice_of(bytes.p, (size_t)(at + 4 - bytes.p));
	if (s->hold) {
		flow_hold(f);
		return head.n;
	}
	memcpy(flow_head_scratch(f), head.p, head.n);
	flow_outlet(f, s->out, s->out_length, slice_of(flow_head_scratch(f), head.n));
	return head.n;
}

static void
on_inlet_done(struct flow *f)
{
	((struct side *)f->owner)->inlet_done++;
	maybe_stop();
}

static void
on_outlet_done(struct flow *f)
{
	((struct side *)f->owner)->outlet_done++;
	maybe_stop();
}

static void
on_reset(struct flow *f, uint32_t code)
{
	struct side *s = f->owner;

	s->reset++;
	s->code = code;
	maybe_stop();
}

static void
on_broken(struct flow *f, enum close_code bad)
{
	struct side *s = f->owner;

	s->broken++;
	s->bad = bad;
	flow_end(f, LINK_CODE_CANCELLED);
	maybe_stop();
}

static const struct flow_ops ops = {
	.head = on_head,
	.inlet_done = on_inlet_done,
	.outlet_done = on_outlet_done,
	.reset = on_reset,
	.conn_broken = on_broken,
};

static void
on_side_conn(struct conn *c, unsigned events)
{
	struct side *s = list_of(c, struct side, conn);

	if (s->flow.owner != NULL)
		flow_conn_event(&s->flow, events);
}

static void
side_open(struct world *w, struct side *s, int bufsize)
{
	int fd[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
	if (bufsize > 0) {
		setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &bufsize, sizeof(bufsize));
		setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &bufsize, sizeof(bufsize));
	}
	conn_init(&s->conn, fd[0], NULL, on_side_conn);
	check(conn_attach(&s->conn, w->loop) == 0);
	s->far.io = (struct loop_io){ .fd = fd[1], .fn = far_event };
	check(loop_watch(w->loop, &s->far.io) == 0);
}

static void
side_close(struct side *s)
{
	flow_end(&s->flow, LINK_CODE_CANCELLED);
	conn_close(&s->conn);
	loop_unwatch(&s->far.io);
	close(s->far.io.fd);
	free(s->far.got);
}

/* The origin's head is sent by its owner, as an agent does after it parsed one. */
static void
start_inlet(struct side *s, struct slice opening, struct slice head, const char *h1_text)
{
	h1_init(&s->h1, H1_RESPONSE);
	if (h1_text != NULL)
		check(h1_head(&s->h1, slice_str(h1_text)) == H1_DONE);
	check(flow_send_head(&s->flow, opening, head) == 0);
	check(flow_inlet(&s->flow, s->in, &s->h1, S("")) == 0);
}

static const char *origin_h1;

static void
on_opened(struct carrier *c, struct stream *st, struct slice opening)
{
	struct world *w = now_world;
	struct opening o;

	EXPECT(opening_decode(opening, &o));
	EXPECT_INT(o.tunnel, 7);
	flow_init(&w->origin.flow, c, &w->origin.conn, &ops, &w->origin);
	flow_bind(&w->origin.flow, st);
	start_inlet(&w->origin, S(""), S("HTTP/1.1 200 OK\r\n\r\n"), origin_h1);
}

static void
on_control(struct carrier *c, struct slice json)
{
	(void)c;
	(void)json;
}

static void
on_closed(struct carrier *c, uint32_t code, const char *why)
{
	(void)code;
	(void)why;
	if (c == &now_world->edge)
		now_world->edge_closed++;
	else
		now_world->agent_closed++;
	maybe_stop();
}

static const struct carrier_ops carrier_ops = {
	.opened = on_opened,
	.control = on_control,
	.closed = on_closed,
};

static void
on_guard(struct loop_timer *t)
{
	struct world *w = list_of(t, struct world, guard);

	w->timed_out = true;
	loop_stop(w->loop);
}

static void
world_open(struct world *w, bool (*finished)(struct world *))
{
	int fd[2];
	struct conn a, b;

	*w = (struct world){ .loop = loop_new(), .finished = finished };
	now_world = w;
	origin_h1 = NULL;
	check(w->loop != NULL && carrier_shared_init(&w->shared, 4) == 0);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
	conn_init(&a, fd[0], NULL, NULL);
	conn_init(&b, fd[1], NULL, NULL);
	check(carrier_init(&w->edge, w->loop, &w->shared, &a, LINK_EDGE, &carrier_ops, w) == 0);
	check(carrier_init(&w->agent, w->loop, &w->shared, &b, LINK_AGENT, &carrier_ops, w) == 0);
	w->guard.fn = on_guard;
	loop_timer_set(w->loop, &w->guard, 20 * 1000 * 1000);
}

static void
world_run(struct world *w)
{
	struct opening o = { .tunnel = 7,
		.kind = OPENING_BYTES,
		.request_id = S("r1"),
		.visitor = S("192.0.2.1:1"),
		.local = S("192.0.2.2:443") };
	char opening[256];
	struct stream *s = stream_open(&w->edge.link, NULL);
	size_t n = opening_encode(&o, opening, sizeof(opening));

	check(s != NULL && n > 0);
	flow_init(&w->visitor.flow, &w->edge, &w->visitor.conn, &ops, &w->visitor);
	flow_bind(&w->visitor.flow, s);
	start_inlet(&w->visitor, slice_of(opening, n), S(HEAD), NULL);
	loop_run(w->loop);
	EXPECT(!w->timed_out);
}

static void
world_close(struct world *w)
{
	side_close(&w->visitor);
	side_close(&w->origin);
	carrier_close(&w->edge, LINK_CODE_OK, "end of test");
	carrier_close(&w->agent, LINK_CODE_OK, "end of test");
	EXPECT_INT(w->shared.streams.n_out, 0);
	loop_timer_stop(w->loop, &w->guard);
	carrier_shared_fini(&w->shared);
	loop_free(w->loop);
}

static char *
random_bytes(size_t n)
{
	char *p = malloc(n);

	check(p != NULL);
	rand_bytes(p, n);
	return p;
}

/* --- tests --- */

static bool
both_done(struct world *w)
{
	return w->visitor.inlet_done && w->visitor.outlet_done && w->origin.inlet_done &&
	       w->origin.outlet_done && w->visitor.far.eof && w->origin.far.eof;
}

static void
raw_both_ways(size_t up, size_t down, int bufsize)
{
	struct world w;
	char *a = random_bytes(up + 1), *b = random_bytes(down + 1);
	size_t origin_head = strlen(HEAD), visitor_head = strlen("HTTP/1.1 200 OK\r\n\r\n");

	world_open(&w, both_done);
	side_open(&w, &w.visitor, bufsize);
	side_open(&w, &w.origin, bufsize);
	w.visitor.in = w.visitor.out = w.origin.in = w.origin.out = FLOW_RAW;
	w.visitor.far.script = a;
	w.visitor.far.script_n = up;
	w.origin.far.script = b;
	w.origin.far.script_n = down;
	w.visitor.far.shut_after = w.origin.far.shut_after = true;
	world_run(&w);
	EXPECT_INT(w.origin.far.got_n, origin_head + up);
	EXPECT_INT(w.visitor.far.got_n, visitor_head + down);
	EXPECT(w.origin.far.got_n == origin_head + up &&
	       memcmp(w.origin.far.got + origin_head, a, up) == 0);
	EXPECT(w.visitor.far.got_n == visitor_head + down &&
	       memcmp(w.visitor.far.got + visitor_head, b, down) == 0);
	EXPECT(w.visitor.flow.stream == NULL && w.origin.flow.stream == NULL);
	world_close(&w);
	free(a);
	free(b);
}

TEST(raw_bytes_and_half_close)
{
	raw_both_ways(0, 0, 0);
	raw_both_ways(1, 100000, 0);
	raw_both_ways(3000000, 20000000, 0);
}

TEST(raw_bytes_through_small_sockets)
{
	raw_both_ways(500000, 700000, 4608);
}

static bool
upload_done(struct world *w)
{
	return w->visitor.inlet_done && w->origin.outlet_done &&
	       w->origin.far.got_n >= w->origin.out_length;
}

/* out_length is borrowed for the bytes that the far end of the origin must have. */
/* A request in chunks with trailers goes through the link, whose edge knows that the agent understands
 * them or not, to an origin that wants this framing. */
static void
upload(struct world *w, bool understood, struct trailer_drop drop)
{
	static const char body[] =
	    "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nT: v\r\nHost: x\r\nU:1\r\n\r\nGET";
	struct opening o = { .tunnel = 7,
		.kind = OPENING_HTTP,
		.request_id = S("r"),
		.visitor = S("unix:"),
		.local = S("unix:") };
	char opening[256], rest[8];
	size_t n = opening_encode(&o, opening, sizeof(opening));
	struct stream *s = stream_open(&w->edge.link, NULL);

	w->edge.trailers = understood;
	w->visitor.far.script = body;
	w->visitor.far.script_n = sizeof(body) - 1;
	w->visitor.in = FLOW_CHUNKED;
	flow_init(&w->visitor.flow, &w->edge, &w->visitor.conn, &ops, &w->visitor);
	w->visitor.flow.in_drop = drop;
	flow_bind(&w->visitor.flow, s);
	start_inlet(&w->visitor, slice_of(opening, n), S(HEAD),
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	loop_run(w->loop);
	EXPECT(!w->timed_out);
	EXPECT_INT(flow_take_rest(&w->visitor.flow, rest, sizeof(rest)), 3);
	EXPECT(memcmp(rest, "GET", 3) == 0);
}

static void
expect_upload(bool understood, enum flow_framing framing, struct trailer_drop drop,
    const char *want)
{
	struct world w;

	world_open(&w, upload_done);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.origin.in = FLOW_NONE;
	w.origin.out = framing;
	w.origin.out_length = framing == FLOW_LENGTH ? 12 : strlen(want);
	w.visitor.out = FLOW_NONE;
	upload(&w, understood, drop);
	EXPECT_SLICE(slice_of(w.origin.far.got, w.origin.far.got_n), slice_str(want));
	world_close(&w);
}

TEST(chunked_body_is_taken_off_and_put_on_again)
{
	expect_upload(false, FLOW_CHUNKED, (struct trailer_drop){ 0 },
	    HEAD "c\r\nhello, world\r\n0\r\n\r\n");
}

TEST(trailers_pass_where_the_body_is_chunked)
{
	const struct slice names[] = { S("t") };

	expect_upload(true, FLOW_CHUNKED, (struct trailer_drop){ 0 },
	    HEAD "c\r\nhello, world\r\n0\r\nT: v\r\nU: 1\r\n\r\n");
	expect_upload(true, FLOW_CHUNKED, (struct trailer_drop){ names, 1 },
	    HEAD "c\r\nhello, world\r\n0\r\nU: 1\r\n\r\n");
	expect_upload(true, FLOW_LENGTH, (struct trailer_drop){ 0 }, HEAD "hello, world");
	expect_upload(true, FLOW_CLOSE, (struct trailer_drop){ 0 }, HEAD "hello, world");
}

static bool
held_with_trailers(struct world *w)
{
	if (w->visitor.inlet_done && w->origin.hold && w->origin.flow.held &&
	    flow_has_trailers(&w->origin.flow)) {
		w->origin.hold = false;
		flow_outlet(&w->origin.flow, FLOW_CHUNKED, 0, S(HEAD));
	}
	return w->origin.outlet_done && w->visitor.inlet_done &&
	       w->origin.far.got_n >= strlen(HEAD) + 30;
}

static void
poke_again(struct loop_timer *t)
{
	maybe_stop();
	loop_timer_set(now_world->loop, t, 1000);
}

/* They wait with their body for a connection that is dialled. */
TEST(trailers_wait_for_the_connection)
{
	struct loop_timer again = { .fn = poke_again };
	struct world w;

	world_open(&w, held_with_trailers);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.origin.in = FLOW_NONE;
	w.origin.hold = true;
	w.visitor.out = FLOW_NONE;
	loop_timer_set(w.loop, &again, 1000);
	upload(&w, true, (struct trailer_drop){ 0 });
	EXPECT_SLICE(slice_of(w.origin.far.got, w.origin.far.got_n),
	    S(HEAD "c\r\nhello, world\r\n0\r\nT: v\r\nU: 1\r\n\r\n"));
	loop_timer_stop(w.loop, &again);
	world_close(&w);
}

static bool
origin_broken(struct world *w)
{
	return w->origin.broken && w->visitor.reset;
}

TEST(early_end_of_a_body_with_length_is_told_to_both_sides)
{
	struct world w;

	world_open(&w, origin_broken);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.visitor.in = FLOW_NONE;
	w.visitor.out = FLOW_LENGTH;
	w.visitor.out_length = 10;
	w.origin.in = FLOW_LENGTH;
	w.origin.out = FLOW_NONE;
	origin_h1 = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
	w.origin.far.script = "only4";
	w.origin.far.script_n = 4;
	w.origin.far.shut_after = true;
	world_run(&w);
	EXPECT_INT(w.origin.bad, CLOSE_OK);
	EXPECT_INT(w.visitor.code, LINK_CODE_CANCELLED);
	world_close(&w);
}

static bool
visitor_reset(struct world *w)
{
	return w->visitor.reset > 0;
}

TEST(a_body_longer_than_promised_never_reaches_the_visitor)
{
	struct world w;

	world_open(&w, visitor_reset);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.visitor.in = FLOW_NONE;
	w.visitor.out = FLOW_LENGTH;
	w.visitor.out_length = 3;
	w.origin.in = FLOW_RAW;
	w.origin.out = FLOW_NONE;
	w.origin.far.script = "four";
	w.origin.far.script_n = 4;
	world_run(&w);
	EXPECT_INT(w.visitor.code, LINK_CODE_ORIGIN_BROKE);
	world_close(&w);
}

static bool
given_up(struct world *w)
{
	if (w->visitor.inlet_done && w->origin.outlet_done && w->visitor.far.got_n > 1000)
		flow_end(&w->visitor.flow, LINK_CODE_CANCELLED);
	return w->origin.reset > 0;
}

/* The request was over, the answer was not: a visitor who goes away then must not keep the origin
 * busy. */
TEST(a_reset_after_the_request_is_told)
{
	struct world w;
	char *bytes = random_bytes(8 << 20);

	world_open(&w, given_up);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.visitor.in = FLOW_NONE;
	w.visitor.out = w.origin.in = FLOW_RAW;
	w.origin.out = FLOW_NONE;
	w.origin.far.script = bytes;
	w.origin.far.script_n = 8 << 20;
	world_run(&w);
	EXPECT_INT(w.origin.code, LINK_CODE_CANCELLED);
	EXPECT(w.origin.flow.stream == NULL);
	world_close(&w);
	free(bytes);
}

static bool
cut_then_reset(struct world *w)
{
	if (w->visitor.far.got_n > 1000 && !w->agent.dead)
		carrier_close(&w->agent, LINK_CODE_SHUTDOWN, "cut");
	return w->visitor.reset && w->origin.reset && w->edge_closed && w->agent_closed;
}

TEST(a_link_that_dies_tells_every_flow)
{
	struct world w;
	char *bytes = random_bytes(1 << 20);

	world_open(&w, cut_then_reset);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.visitor.in = w.visitor.out = w.origin.in = w.origin.out = FLOW_RAW;
	w.origin.far.script = bytes;
	w.origin.far.script_n = 1 << 20;
	world_run(&w);
	world_close(&w);
	free(bytes);
}

static bool
held_then_released(struct world *w)
{
	if (w->visitor.inlet_done && w->origin.hold && w->origin.flow.held &&
	    w->origin.flow.out.n == 5) {
		w->origin.hold = false;
		flow_outlet(&w->origin.flow, FLOW_LENGTH, 5, S(HEAD));
	}
	return w->origin.outlet_done && w->origin.far.got_n == strlen(HEAD) + 5;
}

/* The agent dials while the request comes in. */
static void
poke(struct loop_timer *t)
{
	maybe_stop();
	loop_timer_set(now_world->loop, t, 1000);
}

TEST(a_body_waits_for_the_connection)
{
	struct world w;
	struct loop_timer again = { .fn = poke };

	world_open(&w, held_then_released);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.visitor.in = FLOW_RAW;
	w.visitor.out = FLOW_RAW;
	w.origin.in = FLOW_NONE;
	w.origin.hold = true;
	w.visitor.far.script = "12345";
	w.visitor.far.script_n = 5;
	w.visitor.far.shut_after = true;
	loop_timer_set(w.loop, &again, 1000);
	world_run(&w);
	EXPECT_SLICE(slice_of(w.origin.far.got, w.origin.far.got_n), S(HEAD "12345"));
	loop_timer_stop(w.loop, &again);
	world_close(&w);
}

static bool
other_is_fast(struct world *w)
{
	return w->visitor.far.sent == w->visitor.far.script_n && w->visitor.far.shut &&
	       w->origin.far.got_n > (2u << 20);
}

/* S-15: a visitor that never reads holds at most its window; the other direction goes on. */
TEST(s15_a_reader_that_stalls_stops_its_sender)
{
	struct world w;
	char *a = random_bytes(4 << 20), *b = random_bytes(64 << 20);

	world_open(&w, other_is_fast);
	side_open(&w, &w.visitor, 0);
	side_open(&w, &w.origin, 0);
	w.visitor.in = w.visitor.out = w.origin.in = w.origin.out = FLOW_RAW;
	w.visitor.far.frozen = true;
	w.visitor.far.script = a;
	w.visitor.far.script_n = 4 << 20;
	w.visitor.far.shut_after = true;
	w.origin.far.script = b;
	w.origin.far.script_n = 64 << 20;
	world_run(&w);
	EXPECT(w.visitor.flow.out.n <= LIMIT_STREAM_RX_BYTES_INIT);
	EXPECT(w.origin.far.sent < (8u << 20));
	world_close(&w);
	free(a);
	free(b);
}

TESTS(TEST_ROW(raw_bytes_and_half_close) TEST_ROW(raw_bytes_through_small_sockets)
	TEST_ROW(chunked_body_is_taken_off_and_put_on_again)
	    TEST_ROW(trailers_pass_where_the_body_is_chunked)
		TEST_ROW(trailers_wait_for_the_connection)
		    TEST_ROW(early_end_of_a_body_with_length_is_told_to_both_sides)
			TEST_ROW(a_body_longer_than_promised_never_reaches_the_visitor)
			    TEST_ROW(a_reset_after_the_request_is_told)
				TEST_ROW(a_link_that_dies_tells_every_flow)
				    TEST_ROW(a_body_waits_for_the_connection)
					TEST_ROW(s15_a_reader_that_stalls_stops_its_sender))
