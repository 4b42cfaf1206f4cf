/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers, sessions and visitors on the simulated loop, with a virtual clock: deadlines, early
 * answers, takeovers. The far ends are a script: visitors are raw descriptors, the agent is a bare
 * link without flows.
 */
#include "unit.h"

#include "edge/login.h"
#include "edge/notes.h"
#include "edge/visitor.h"
#include "net/loop_sim.h"
#include "tunnel/opening.h"

#include <sys/stat.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n"
#define SECOND 1000000LL

/* --- far ends --- */

struct far {
	struct conn conn;
	char got[1 << 16];
	size_t n;
	bool eof, reset;
};

static void
on_far(struct conn *c, unsigned events)
{
	struct far *f = list_of(c, struct far, conn);
	size_t n;

	while (events & LOOP_IN) {
		enum io io = conn_read(c, f->got + f->n, sizeof(f->got) - 1 - f->n, &n);

		if (io == IO_OK && n > 0) {
			f->n += n;
			f->got[f->n] = '\0';
			continue;
		}
		f->eof = f->eof || io == IO_EOF;
		f->reset = f->reset || io == IO_FAIL;
		return;
	}
}

static void
far_say(struct far *f, const char *text)
{
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	size_t n;

	EXPECT_INT(conn_write(&f->conn, &iov, 1, &n), IO_OK);
	EXPECT_INT(n, strlen(text));
}

/* An agent: streams as they come, the bytes of each. */
struct ask {
	struct stream *stream;
	char got[70000];
	size_t n, head;
	bool fin, reset;
	uint32_t code;
	int id;
};

struct agent {
	struct conn conn;
	struct link link;
	struct slab streams;
	struct pool blocks;
	struct ask asks[40];
	int n_asks;
	bool hungry; /* gives credit back at once */
	bool over, goaway;
	uint32_t code;
	char control[4096];
	struct loop_timer tick;
	struct loop *loop;
};

static void
agent_flush(struct agent *a)
{
	struct slice out;
	size_t n;

	while (!a->over && (out = link_out(&a->link)).n > 0) {
		struct iovec iov = { (void *)(uintptr_t)out.p, out.n };

		if (conn_write(&a->conn, &iov, 1, &n) != IO_OK)
			return;
		link_out_done(&a->link, n, loop_now_us(a->loop));
	}
}

static struct ask *
ask_of(struct stream *s)
{
	return s->owner;
}

static void
on_link_event(struct agent *a, struct link_event *ev)
{
	struct ask *k;

	switch (ev->what) {
	case LINK_OPENED:
		k = &a->asks[a->n_asks];
		k->stream = ev->stream;
		k->id = a->n_asks++;
		ev->stream->owner = k;
		break;
	case LINK_DATA:
		k = ask_of(ev->stream);
		if (k->n + ev->bytes.n < sizeof(k->got)) {
			memcpy(k->got + k->n, ev->bytes.p, ev->bytes.n);
			k->n += ev->bytes.n;
			k->got[k->n] = '\0';
		}
		k->fin = k->fin || ev->fin;
		if (a->hungry)
			stream_eaten(ev->stream, ev->bytes.n, loop_now_us(a->loop));
		break;
	case LINK_RESET:
		k = ask_of(ev->stream);
		k->reset = true;
		k->code = ev->code;
		k->stream = NULL;
		stream_free(ev->stream);
		break;
	case LINK_CONTROL:
		snprintf(a->control, sizeof(a->control), "%.*s", PS(ev->bytes));
		break;
	case LINK_GOAWAY:
		a->goaway = true;
		a->code = ev->code;
		break;
	default:
		break;
	}
}

static void
on_agent(struct conn *c, unsigned events)
{
	struct agent *a = list_of(c, struct agent, conn);
	static char bytes[65536];
	struct link_event ev;
	struct slice in;
	size_t n;

	while (!a->over && (events & LOOP_IN)) {
		enum io io = conn_read(c, bytes, sizeof(bytes), &n);

		if (io == IO_WAIT)
			break;
		if (io != IO_OK) {
			a->over = true;
			return;
		}
		in = slice_of(bytes, n);
		while (link_feed(&a->link, &in, &ev, loop_now_us(a->loop)) != LINK_NONE)
			on_link_event(a, &ev);
	}
	agent_flush(a);
}

static void
on_agent_tick(struct loop_timer *t)
{
	struct agent *a = list_of(t, struct agent, tick);

	if (a->over || link_tick(&a->link, loop_now_us(a->loop)) < 0)
		return;
	agent_flush(a);
	loop_timer_set(a->loop, t, SECOND);
}

/* Bytes into a stream, as one frame. */
static void
agent_say(struct agent *a, struct ask *k, const char *text, bool fin)
{
	struct stream *s;
	char *p;
	size_t n = strlen(text);

	EXPECT(k->stream != NULL);
	if (k->stream == NULL)
		return;
	stream_want(k->stream);
	s = link_turn(&a->link);
	EXPECT(s == k->stream && stream_grant(s, &p) >= n);
	memcpy(p, text, n);
	stream_commit(s, 0, n, fin);
	agent_flush(a);
}

/* --- the world --- */

struct world {
	struct edge edge;
	struct worker *workers[2];
	struct settings *settings;
	struct far visitors[8];
	int n_visitors;
	struct agent agents[3];
	int n_agents;
	char dir[32]; /* of a store, which sessions ask for deliveries */
};

static struct world *w; /* one test at a time; on the heap, for it is large */

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static void
pass_time(int64_t us)
{
	(void)sim_run_until(never, NULL, us);
}

static void
world_open(unsigned n_workers)
{
	char path[64], *error = NULL;

	w = calloc(1, sizeof(*w));
	strcpy(w->dir, "/tmp/adit-unit-XXXXXX");
	sim_new(1);
	w->settings = settings_new();
	w->settings->log_access = false;
	w->settings->http_mode = SETTINGS_HTTP_SERVE;
	snprintf(w->edge.domain, sizeof(w->edge.domain), "example.org");
	w->edge.directory = directory_new();
	w->edge.guard = guard_new();
	w->edge.notes = notes_new();
	EXPECT(mkdtemp(w->dir) != NULL);
	snprintf(path, sizeof(path), "%s/adit.db", w->dir);
	w->edge.store = store_open(path, &error);
	EXPECT(w->edge.store != NULL);
	w->edge.workers = w->workers;
	w->edge.main_loop = NULL;
	for (; w->edge.n_workers < n_workers; w->edge.n_workers++)
		w->workers[w->edge.n_workers] =
		    worker_new(&w->edge, w->edge.n_workers, w->settings, -1);
}

static struct far *
visit(unsigned worker)
{
	struct far *f = &w->visitors[w->n_visitors++];
	struct sockaddr_storage ss = { 0 };
	struct conn conn;
	int fd[2];

	sim_pair(fd);
	conn_init(&conn, fd[0], NULL, NULL);
	conn_init(&f->conn, fd[1], NULL, on_far);
	EXPECT_INT(conn_attach(&f->conn, w->workers[0]->loop), 0);
	EXPECT_INT(worker_send(w->workers[worker], &conn, &ss, "192.0.2.1:4711", "192.0.2.2:80",
		       false, S("")),
	    0);
	return f;
}

/* A link past its login, with the tunnel "a" of an account. */
static struct agent *
link_up(unsigned worker, const char *account, struct hello_tunnel *h)
{
	struct agent *a = &w->agents[w->n_agents++];
	struct link_params params = { .side = LINK_AGENT,
		.rx_bytes_min = LIMIT_LINK_RX_BYTES_MIN,
		.rx_bytes_max = LIMIT_LINK_RX_BYTES_MAX,
		.streams_max = LIMIT_LINK_STREAMS,
		.streams = &a->streams,
		.out_pool = &a->blocks };
	struct sockaddr_storage ss = { 0 };
	struct session *s;
	struct conn conn;
	int fd[2];

	sim_pair(fd);
	a->loop = w->workers[0]->loop;
	a->hungry = true;
	slab_init(&a->streams, sizeof(struct stream), 1000);
	pool_init(&a->blocks, LINK_OUT_BLOCK_BYTES, 4, 100);
	EXPECT_INT(link_init(&a->link, &params, loop_now_us(a->loop)), 0);
	conn_init(&a->conn, fd[1], NULL, on_agent);
	EXPECT_INT(conn_attach(&a->conn, a->loop), 0);
	a->tick.fn = on_agent_tick;
	loop_timer_set(a->loop, &a->tick, SECOND);
	conn_init(&conn, fd[0], NULL, NULL);
	EXPECT_INT(worker_send(
		       w->workers[worker], &conn, &ss, "192.0.2.9:1", "192.0.2.2:443", true, S("")),
	    0);
	pass_time(SECOND / 100);
	s = list_of(w->workers[worker]->session_list.prev, struct session, node);
	EXPECT_INT(s->state, SESSION_HELLO);
	loop_timer_stop(w->workers[worker]->loop, &s->timer);
	snprintf(s->account, sizeof(s->account), "%s", account);
	s->tunnels = calloc(1, sizeof(*s->tunnels));
	s->state = SESSION_UP;
	*h = (struct hello_tunnel){ .id = 1, .kind = TUNNEL_HTTP, .name = "a" };
	session_bind(s, h, -1);
	pass_time(SECOND / 100);
	return a;
}

static struct agent *
serve(unsigned worker)
{
	struct hello_tunnel h;
	struct agent *a = link_up(worker, "ann", &h);

	EXPECT_SLICE(slice_str(h.error), S(""));
	return a;
}

static void
remove_dir(void)
{
	static const char *const names[] = { "adit.db", "adit.db-wal", "adit.db-shm",
		"adit.db.lock" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		(void)unlink(path);
	}
	EXPECT_INT(rmdir(w->dir), 0);
}

static void
world_close(void)
{
	for (int i = 0; i < w->n_visitors; i++)
		conn_close(&w->visitors[i].conn);
	for (int i = 0; i < w->n_agents; i++) {
		struct agent *a = &w->agents[i];
		struct stream *s;

		while ((s = link_any_stream(&a->link)) != NULL)
			stream_free(s);
		loop_timer_stop(a->loop, &a->tick);
		conn_close(&a->conn);
		link_fini(&a->link);
		slab_fini(&a->streams);
		pool_fini(&a->blocks);
	}
	pass_time(5 * SECOND);
	store_close(w->edge.store);
	for (unsigned i = 0; i < w->edge.n_workers; i++) {
		EXPECT_INT(w->workers[i]->visitors.n_out, 0);
		EXPECT_INT(w->workers[i]->exchanges.n_out, 0);
		EXPECT_INT(w->workers[i]->shared.streams.n_out, 0);
		EXPECT_INT(w->workers[i]->n_partial, 0);
		worker_free(w->workers[i]);
	}
	EXPECT_INT(sim_free(), 0);
	remove_dir();
	directory_free(w->edge.directory);
	guard_free(w->edge.guard);
	notes_free(w->edge.notes);
	settings_unref(w->settings);
	free(w);
	w = NULL;
}

static bool
said(const struct far *f, const char *text)
{
	return strstr(f->got, text) != NULL;
}

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
	pass_time(70 * SECOND);
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
	EXPECT(
	    strstr(a->asks[0].got, "\r\n\r\nabc") != NULL && strstr(a->asks[0].got, "GET") == NULL);
	agent_say(a, &a->asks[0], "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", true);
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 2);
	agent_say(a, &a->asks[1], "HTTP/1.1 200 OK\r\n\r\n22", true);
	far_say(f, "ample.org\r\n\r\n");
	pass_time(SECOND / 10);
	EXPECT_INT(a->n_asks, 3);
	agent_say(a, &a->asks[2], "HTTP/1.1 204 No Content\r\n\r\n", true);
	pass_time(SECOND / 10);
	EXPECT(
	    said(f, "\r\n\r\n1HTTP/1.1 200 OK\r\n") && said(f, "2\r\n22\r\n0\r\n\r\nHTTP/1.1 204"));
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
	EXPECT(
	    said(f, "100 Continue\r\n\r\nHTTP/1.1 103 Early Hints") && said(f, "HTTP/1.1 200 OK"));
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
	EXPECT(
	    (a->asks[1].fin || a->asks[1].reset) && strncmp(a->asks[2].got, "GET / HTTP", 10) == 0);
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
	worker_drain(w->workers[0]);
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
		    TEST_ROW(s08_nothing_passes_before_101) TEST_ROW(an_answer_that_breaks_off)
			TEST_ROW(s03_the_newest_link_of_the_owner_serves)
			    TEST_ROW(r01_a_link_that_is_cut_is_noticed)
				TEST_ROW(a_visitor_that_leaves_takes_its_stream_along)
				    TEST_ROW(a_stop_in_order))
