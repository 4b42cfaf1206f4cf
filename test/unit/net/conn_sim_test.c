/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over the simulated wire: many seeds, and what no real socket does on demand. */
#include "unit/net/pair.h"

#include "net/loop_sim.h"
#include "net/resolve.h"

static struct loop *loop, *loop_b;
static struct side a, b;

static bool
both_over(void *arg)
{
	(void)arg;
	return (a.failed || (a.eof && a.shut && conn_waiting(&a.conn) == 0)) &&
	       (b.failed || (b.eof && b.shut && conn_waiting(&b.conn) == 0));
}

static void
setup(uint64_t seed, const struct sim_link *link, bool tls, uint64_t a_total, uint64_t b_total)
{
	struct tls *ta = NULL, *tb = NULL;
	int fd[2];

	sim_new(seed);
	sim_set_link(link);
	loop = loop_new();
	loop_b = loop_new();
	sim_pair(fd);
	if (tls) {
		struct tls_server *server = server_of(certs());
		struct tls_client *client = client_of(certs(), true);

		ta = tls_connect(client, "localhost");
		tb = tls_accept(server);
		tls_server_unref(server);
		tls_client_unref(client);
	}
	side_init(&a, fd[0], ta, 1, a_total);
	side_init(&b, fd[1], tb, 2, b_total);
	EXPECT_INT(conn_attach(&a.conn, loop), 0);
	EXPECT_INT(conn_attach(&b.conn, loop_b), 0);
}

static void
teardown(void)
{
	side_fini(&a);
	side_fini(&b);
	loop_free(loop);
	loop_free(loop_b);
	EXPECT_INT(sim_free(), 0);
}

static const struct sim_link rough = {
	.latency_us = 20000,
	.jitter_us = 5000,
	.bytes_per_s = 2000000,
	.buffer_bytes = 20000,
	.chunk_bytes = 3000,
	.shorts = true,
};

TEST(both_ways_many_seeds)
{
	for (uint64_t seed = 0; seed < 60; seed++) {
		bool tls = seed % 2 == 1;

		setup(seed, &rough, tls, 100000 + seed * 777, 60000);
		a.read_cap = 1 + seed * 311;
		b.read_cap = 1 + seed * 97;
		a.n_pieces = 1 + seed % 8;
		if (!sim_run_until(both_over, NULL, 60000000)) {
			printf("seed %d: stuck\n", (int)seed);
			EXPECT(false);
		}
		EXPECT(!a.failed && !b.failed);
		EXPECT(side_got(&a, 2, 60000));
		EXPECT(side_got(&b, 1, 100000 + seed * 777));
		teardown();
	}
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* No edge follows a write that was refused while there was room: a kernel that lacked memory. */
TEST(refused_for_no_reason)
{
	static const struct sim_link refusing = {
		.latency_us = 1000, .buffer_bytes = 100000, .chunk_bytes = 3000, .refuses = true
	};

	for (uint64_t seed = 1; seed < 20; seed++) {
		setup(seed, &refusing, seed % 2 == 1, 50000, 1000);
		a.read_cap = b.read_cap = 10000;
		a.n_pieces = b.n_pieces = 1;
		EXPECT(sim_run_until(both_over, NULL, 5000000));
		EXPECT(side_got(&a, 2, 1000));
		EXPECT(side_got(&b, 1, 50000));
		teardown();
	}
}

/* A reader that keeps up: room is told by edges, and nobody asks for it. */
TEST(a_refused_send_costs_no_look)
{
	static const struct sim_link full = {
		.latency_us = 1000, .buffer_bytes = 20000, .chunk_bytes = 3000
	};

	for (int tls = 0; tls < 2; tls++) {
		setup(1, &full, tls != 0, 500000, 0);
		a.write_cap = 5000; /* four are taken whole, the fifth is refused */
		EXPECT(sim_run_until(both_over, NULL, 5000000));
		EXPECT(side_got(&b, 1, 500000));
		EXPECT(tls != 0 || sim_refused() > 20);
		EXPECT_INT(sim_looks(), 0);
		teardown();
	}
}

/* A reader that stops: one look, and then the edge is waited for, however long it takes. */
TEST(a_reader_that_stops_costs_one_look)
{
	static const struct sim_link full = {
		.latency_us = 1000, .buffer_bytes = 20000, .chunk_bytes = 3000
	};

	setup(1, &full, false, 500000, 0);
	a.write_cap = 5000;
	sim_freeze(loop_b, true);
	EXPECT(!sim_run_until(never, NULL, 60000000));
	EXPECT_INT(sim_refused(), 1);
	EXPECT_INT(sim_looks(), 1);
	sim_freeze(loop_b, false);
	EXPECT(sim_run_until(both_over, NULL, 5000000));
	EXPECT(side_got(&b, 1, 500000));
	EXPECT_INT(sim_looks(), 1);
	teardown();
}

TEST(bandwidth_and_latency)
{
	struct sim_link link = {
		.latency_us = 50000,
		.bytes_per_s = 1000000,
		.buffer_bytes = 1000000,
		.chunk_bytes = 1500,
	};
	int64_t start;

	setup(1, &link, false, 500000, 0);
	start = sim_now_us();
	EXPECT(sim_run_until(both_over, NULL, 10000000));
	/* 0.5 s on the wire and one way through it. */
	EXPECT(sim_now_us() - start > 549000 && sim_now_us() - start < 560000);
	teardown();
}

static bool
a_failed(void *arg)
{
	(void)arg;
	return a.failed;
}

static bool
a_sent_some(void *arg)
{
	(void)arg;
	return a.tx > 30000;
}

/* A cut wire says nothing; the user timeout of the kernel does. */
TEST(cut_wire)
{
	int64_t start;

	setup(3, &rough, true, 10000000, 0);
	conn_tune(&a.conn, 15000, 0);
	EXPECT(sim_run_until(a_sent_some, NULL, 10000000));
	sim_cut(a.conn.io.fd);
	start = sim_now_us();
	EXPECT(!sim_run_until(a_failed, NULL, 14000000));
	EXPECT(sim_run_until(a_failed, NULL, 2000000));
	EXPECT(sim_now_us() - start < 15100000);
	EXPECT(strstr(a.why, "acknowledge") != NULL);
	EXPECT(!b.failed && !b.eof);
	teardown();
}

TEST(reset_both_ends)
{
	setup(4, &rough, false, 10000000, 10000000);
	EXPECT(sim_run_until(a_sent_some, NULL, 10000000));
	sim_reset(b.conn.io.fd);
	sim_run_until(never, NULL, 100000);
	EXPECT(a.failed && b.failed);
	EXPECT(strstr(a.why, "reset") != NULL);
	teardown();
}

/* A stopped process: its kernel takes a buffer full, the sender waits, nothing is lost. */
TEST(frozen_reader)
{
	uint64_t stuck_at;

	setup(5, &rough, false, 300000, 0);
	EXPECT(sim_run_until(a_sent_some, NULL, 10000000));
	sim_freeze(loop_b, true);
	sim_run_until(never, NULL, 5000000);
	stuck_at = a.tx;
	sim_run_until(never, NULL, 5000000);
	EXPECT_INT(a.tx, stuck_at);
	EXPECT(a.tx <= b.rx + rough.buffer_bytes);
	EXPECT(!a.conn.writable);
	sim_freeze(loop_b, false);
	EXPECT(sim_run_until(both_over, NULL, 10000000));
	EXPECT(side_got(&b, 1, 300000));
	teardown();
}

/* --- listening and dialing --- */

struct server {
	struct loop_io io;
	size_t n_accepted;
	int fd;
	char visitor[ADDR_TEXT_BYTES];
};

static void
on_accept(struct loop_io *io, unsigned events)
{
	struct server *s = list_of(io, struct server, io);
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	(void)events;
	while ((fd = loop_accept(io->fd, &ss, &len)) >= 0) {
		s->n_accepted++;
		s->fd = fd;
		addr_show(&ss, len, s->visitor, sizeof(s->visitor));
	}
	EXPECT_INT(errno, EAGAIN);
}

struct dialled {
	struct dial dial;
	int fd, code;
	bool done;
};

static void
on_dialled(struct dial *d, int fd, int code, const char *why)
{
	struct dialled *x = list_of(d, struct dialled, dial);

	(void)why;
	x->done = true;
	x->fd = fd;
	x->code = code;
}

static bool
is_dialled(void *arg)
{
	return ((struct dialled *)arg)->done;
}

static void
dial(struct resolver *r, const char *to, struct dialled *x)
{
	struct addr addr;

	*x = (struct dialled){ .dial.done = on_dialled };
	EXPECT(addr_parse(slice_str(to), &addr) == NULL);
	dial_start(r, &x->dial, &addr, 1000000);
	EXPECT(!x->done);
	EXPECT(sim_run_until(is_dialled, x, 2000000));
}

TEST(listen_and_dial)
{
	static const char *const where[] = { "*:443", "127.0.0.1:80", "unix:/run/x" };
	static const char *const to[] = { "localhost:443", "127.0.0.1:80", "unix:/run/x" };
	struct resolver *r;
	struct dialled x;
	struct addr addr;

	sim_new(9);
	loop = loop_new();
	r = resolver_new(loop);
	for (int i = 0; i < 3; i++) {
		struct server s = { .io.fn = on_accept };

		dial(r, to[i], &x);
		EXPECT_INT(x.fd, -1);
		EXPECT_INT(x.code, i == 2 ? ENOENT : ECONNREFUSED);
		EXPECT(addr_parse(slice_str(where[i]), &addr) == NULL);
		s.io.fd = addr_listen(&addr, false, NULL);
		EXPECT(s.io.fd >= 0);
		EXPECT_INT(loop_watch(loop, &s.io), 0);
		dial(r, to[i], &x);
		EXPECT(x.fd >= 0);
		EXPECT_INT(s.n_accepted, 1);
		EXPECT(strncmp(s.visitor, i == 2 ? "unix:" : "127.0.0.1:", 5) == 0);
		EXPECT_INT(sim_peer(x.fd), s.fd);
		loop_close(x.fd);
		loop_close(s.fd);
		loop_unwatch(&s.io);
		loop_close(s.io.fd);
	}
	resolver_free(r);
	loop_free(loop);
	EXPECT_INT(sim_free(), 0);
}

TEST(dial_into_silence)
{
	struct resolver *r;
	struct dialled x;
	int64_t start;

	sim_new(10);
	loop = loop_new();
	r = resolver_new(loop);
	sim_connect_mode(-1);
	start = sim_now_us();
	dial(r, "192.0.2.1:80", &x);
	EXPECT_INT(x.code, ETIMEDOUT);
	EXPECT(sim_now_us() - start >= 1000000 && sim_now_us() - start < 1001000);
	sim_connect_mode(ENETUNREACH);
	dial(r, "192.0.2.1:80", &x);
	EXPECT_INT(x.code, ENETUNREACH);
	resolver_free(r);
	loop_free(loop);
	EXPECT_INT(sim_free(), 0);
}

TESTS(TEST_ROW(both_ways_many_seeds) TEST_ROW(refused_for_no_reason)
	TEST_ROW(a_refused_send_costs_no_look) TEST_ROW(a_reader_that_stops_costs_one_look)
	    TEST_ROW(bandwidth_and_latency) TEST_ROW(cut_wire) TEST_ROW(reset_both_ends)
		TEST_ROW(frozen_reader) TEST_ROW(listen_and_dial) TEST_ROW(dial_into_silence))
