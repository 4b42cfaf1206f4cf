/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edge of workers, sessions and visitors on the simulated loop, with a virtual clock.  The far
 * ends are a script: visitors are raw descriptors, the agent is a bare link without flows.
 */
#ifndef ADIT_TEST_EDGE_SIM_WORLD_H
#define ADIT_TEST_EDGE_SIM_WORLD_H

#include "unit.h"

#include "edge/daemon/dispatch.h"
#include "edge/link/bind.h"
#include "edge/link/links.h"
#include "edge/link/login.h"
#include "edge/link/login_policy.h"
#include "edge/core/await.h"
#include "edge/core/board.h"
#include "edge/core/incident.h"
#include "edge/visit/visitor.h"
#include "net/loop_sim.h"
#include "store/sqlite/engine.h"
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

static inline void
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

static inline void
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
	bool fin, reset, served;
	uint32_t code, silent_ms; /* silent_ms: of its opening */
	int id;
};

enum { ASKS = 40 };

struct agent {
	struct conn conn;
	struct link link;
	struct slab streams;
	struct pool blocks;
	struct ask asks[ASKS]; /* the newest ones */
	int n_asks;
	/* An origin: told once of each request that has come whole; NULL: the test answers by hand.
	 */
	void (*serve)(struct agent *a, struct ask *k);
	/* Told of each CONTROL; NULL: the test looks at the last one. */
	void (*controlled)(struct agent *a, struct slice json);
	bool hungry; /* gives credit back at once */
	bool deaf;   /* reads nothing */
	bool over, goaway, left;
	uint32_t code;
	char control[4096];
	struct loop_timer tick;
	struct loop *loop;
};

static inline void
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

static inline struct ask *
ask_of(struct stream *s)
{
	return s->owner;
}

static inline void
on_link_event(struct agent *a, struct link_event *ev)
{
	struct opening o = { 0 };
	struct ask *k;

	switch (ev->what) {
	case LINK_OPENED:
		k = &a->asks[a->n_asks % ASKS];
		EXPECT(k->stream == NULL);
		*k = (struct ask){ .stream = ev->stream };
		EXPECT(opening_decode(ev->bytes, &o));
		k->silent_ms = o.origin_silent_ms;
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
		if (a->controlled != NULL)
			a->controlled(a, ev->bytes);
		break;
	case LINK_GOAWAY:
		a->goaway = true;
		a->code = ev->code;
		break;
	default:
		break;
	}
}

static inline void
serve_whole(struct agent *a)
{
	for (int i = 0; i < ASKS && a->serve != NULL; i++) {
		struct ask *k = &a->asks[i];

		if (!k->fin || k->served || k->stream == NULL)
			continue;
		k->served = true;
		a->serve(a, k);
	}
}

static inline void
on_agent(struct conn *c, unsigned events)
{
	struct agent *a = list_of(c, struct agent, conn);
	static char bytes[65536];
	struct link_event ev;
	struct slice in;
	size_t n;

	while (!a->over && !a->deaf && (events & LOOP_IN)) {
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
	serve_whole(a);
	agent_flush(a);
}

static inline void
on_agent_tick(struct loop_timer *t)
{
	struct agent *a = list_of(t, struct agent, tick);

	int64_t next = a->over ? -1 : link_tick(&a->link, loop_now_us(a->loop));

	if (next < 0)
		return;
	agent_flush(a);
	loop_timer_set(a->loop, t, next - loop_now_us(a->loop));
}

/* Bytes into a stream, as one frame. */
static inline void
agent_say(struct agent *a, struct ask *k, const char *text, bool fin)
{
	struct stream *s;
	char *p = NULL;
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

/* The agent is gone, as after kill -9; twice is once. */
static inline void
agent_leave(struct agent *a)
{
	struct stream *s;

	if (a->left)
		return;
	a->left = true;
	while ((s = link_any_stream(&a->link)) != NULL)
		stream_free(s);
	loop_timer_stop(a->loop, &a->tick);
	conn_close(&a->conn);
	link_fini(&a->link);
	slab_fini(&a->streams);
	pool_fini(&a->blocks);
}

/* --- the world --- */

struct world {
	struct edge edge;
	struct worker *workers[2];
	struct settings *settings;
	struct far visitors[8];
	int n_visitors;
	struct agent agents[32];
	int n_agents;
	char dir[32]; /* of a store, which sessions ask for deliveries */
};

static struct world *w; /* one test at a time; on the heap, for it is large */

/* What a test that has its own clock_*() tells; stands still while the store works. */
static _Atomic int64_t sim_clock_us;

/* Never true; but virtual time waits for the store, which is a real thread and answers in order. */
static inline bool
never(void *arg)
{
	struct store_req last = { .op = STORE_NAME_LOOKUP };
	bool busy = w->edge.main_loop != NULL; /* upkeep counts elsewhere what it has asked */

	(void)arg;
	for (unsigned i = 0; i < w->edge.n_workers; i++)
		busy = busy || w->workers[i]->errands.n_pending > 0;
	if (busy)
		(void)!await_store(w->edge.store, &last);
	atomic_store(&sim_clock_us, sim_now_us());
	return false;
}

static inline void
pass_time(int64_t us)
{
	(void)sim_run_until(never, NULL, us);
}

static inline void
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
	w->edge.started = w->settings;
	w->edge.directory = directory_new();
	w->edge.board = board_new();
	w->edge.guard = guard_new();
	w->edge.incidents = incident_new();
	EXPECT(mkdtemp(w->dir) != NULL);
	snprintf(path, sizeof(path), "%s/adit.db", w->dir);
	w->edge.store = store_open(&sqlite_engine, path, &error);
	EXPECT(w->edge.store != NULL);
	w->edge.workers = w->workers;
	for (; w->edge.n_workers < n_workers; w->edge.n_workers++)
		w->workers[w->edge.n_workers] =
		    dispatch_new(&w->edge, w->edge.n_workers, w->settings, -1);
}

static inline struct far *
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
		       ARRIVAL_VISITOR, S("")),
	    0);
	return f;
}

/* An agent's link that has said nothing yet. */
static inline struct agent *
connect_agent(unsigned worker)
{
	struct agent *a = &w->agents[w->n_agents++];
	struct link_params params = { .side = LINK_AGENT,
		.rx_bytes_min = LIMIT_LINK_RX_BYTES_MIN,
		.rx_bytes_max = LIMIT_LINK_RX_BYTES_MAX,
		.streams_max = LIMIT_LINK_STREAMS,
		.streams = &a->streams,
		.out_pool = &a->blocks };
	struct sockaddr_storage ss = { 0 };
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
	EXPECT_INT(worker_send(w->workers[worker], &conn, &ss, "192.0.2.9:1", "192.0.2.2:443",
		       ARRIVAL_LINK, S("")),
	    0);
	pass_time(SECOND / 100);
	return a;
}

/* A link past its login, with one tunnel of an account; h->error says how that went. */
static inline struct agent *
link_up_as(unsigned worker, const char *account, struct hello_tunnel *h)
{
	struct agent *a = connect_agent(worker);
	struct session *s = list_of(w->workers[worker]->links->list.prev, struct session, node);
	struct policy *policy;

	EXPECT_INT(s->state, SESSION_HELLO);
	loop_timer_stop(w->workers[worker]->loop, &s->timer);
	snprintf(s->account, sizeof(s->account), "%s", account);
	s->tunnels = calloc(1, sizeof(*s->tunnels));
	s->state = SESSION_UP;
	policy = h->policy == NULL ? NULL : login_policy(s, NULL, h, h->name);
	if (h->error[0] == '\0')
		bind_tunnel(s, h, policy, -1);
	policy_unref(policy);
	pass_time(SECOND / 100);
	return a;
}

static inline struct agent *
link_up(unsigned worker, const char *account, struct hello_tunnel *h)
{
	*h = (struct hello_tunnel){ .id = 1, .kind = TUNNEL_HTTP, .name = "a" };
	return link_up_as(worker, account, h);
}

static inline struct agent *
serve(unsigned worker)
{
	struct hello_tunnel h;
	struct agent *a = link_up(worker, "ann", &h);

	EXPECT_SLICE(slice_str(h.error), S(""));
	return a;
}

static inline void
remove_dir(void)
{
	static const char *const names[] = { "adit.db", "adit.db-wal", "adit.db-shm",
		"adit.db.lock", "adit.db.spare", "secret.key" };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		(void)unlink(path);
	}
	EXPECT_INT(rmdir(w->dir), 0);
}

static inline void
world_close(void)
{
	for (int i = 0; i < w->n_visitors; i++)
		conn_close(&w->visitors[i].conn);
	for (int i = 0; i < w->n_agents; i++)
		agent_leave(&w->agents[i]);
	pass_time(5 * SECOND);
	store_close(w->edge.store);
	for (unsigned i = 0; i < w->edge.n_workers; i++) {
		EXPECT_INT(w->workers[i]->visit->visitors.n_out, 0);
		EXPECT_INT(w->workers[i]->visit->exchanges.n_out, 0);
		EXPECT_INT(w->workers[i]->shared.streams.n_out, 0);
		EXPECT_INT(w->workers[i]->visit->partial_bytes, 0);
		dispatch_free(w->workers[i]);
	}
	loop_free(w->edge.main_loop);
	EXPECT_INT(sim_free(), 0);
	remove_dir();
	directory_free(w->edge.directory);
	board_free(w->edge.board);
	guard_free(w->edge.guard);
	incident_free(w->edge.incidents);
	settings_unref(w->settings);
	free(w);
	w = NULL;
}

static inline bool
said(const struct far *f, const char *text)
{
	return strstr(f->got, text) != NULL;
}

#endif
