/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/net/pair.h"

static struct loop *loop;
static struct side a, b;

static void
stop_when_done(struct side *s)
{
	bool a_over = a.failed || (a.eof && a.shut && conn_waiting(&a.conn) == 0);
	bool b_over = b.failed || (b.eof && b.shut && conn_waiting(&b.conn) == 0);

	(void)s;
	if (a_over && b_over)
		loop_stop(loop);
}

static void
setup(int fd[2], bool tls, uint64_t a_total, uint64_t b_total)
{
	struct tls *ta = NULL, *tb = NULL;

	loop = loop_new();
	if (tls) {
		struct tls_server *server = server_of(certs());
		struct tls_client *client = client_of(certs(), false);

		ta = tls_connect(client, "localhost");
		tb = tls_accept(server);
		tls_server_unref(server);
		tls_client_unref(client);
	}
	side_init(&a, fd[0], ta, 1, a_total);
	side_init(&b, fd[1], tb, 2, b_total);
	a.moved = b.moved = stop_when_done;
}

static void
run(void)
{
	EXPECT_INT(conn_attach(&a.conn, loop), 0);
	EXPECT_INT(conn_attach(&b.conn, loop), 0);
	EXPECT(run_until_stopped(loop));
}

static void
teardown(void)
{
	side_fini(&a);
	side_fini(&b);
	loop_free(loop);
}

static void
both_ways(int fd[2], bool tls, uint64_t a_total, uint64_t b_total, size_t read_cap, size_t write_cap,
    size_t n_pieces)
{
	setup(fd, tls, a_total, b_total);
	a.read_cap = b.read_cap = read_cap;
	a.write_cap = b.write_cap = write_cap;
	a.n_pieces = b.n_pieces = n_pieces;
	run();
	EXPECT(!a.failed && !b.failed);
	EXPECT_INT(a.rx, b_total);
	EXPECT_INT(b.rx, a_total);
	EXPECT(side_got(&a, 2, b_total));
	EXPECT(side_got(&b, 1, a_total));
	EXPECT(a.conn.eof && b.conn.eof);
	teardown();
}

TEST(plain_both_ways)
{
	int fd[2];

	unix_pair(fd);
	both_ways(fd, false, 3000000, 2000001, 0, 0, 3);
	tcp_pair(fd);
	set_buffer(fd[0], 4096);
	set_buffer(fd[1], 4096);
	both_ways(fd, false, 1000000, 700001, 1000, 3000, 1);
}

TEST(tls_both_ways)
{
	int fd[2];

	unix_pair(fd);
	both_ways(fd, true, 5000000, 4000001, 0, 0, 1);
	tcp_pair(fd);
	both_ways(fd, true, 5000000, 4000001, 16384, 100000, 5);
}

TEST(tls_tiny_buffers)
{
	int fd[2];

	tcp_pair(fd);
	set_buffer(fd[0], 2048);
	set_buffer(fd[1], 2048);
	both_ways(fd, true, 600000, 500001, 777, 0, 8);
	unix_pair(fd);
	set_buffer(fd[0], 2048);
	set_buffer(fd[1], 2048);
	both_ways(fd, true, 600000, 500001, 0, 5000, 2);
}

TESTS(TEST_ROW(plain_both_ways) TEST_ROW(tls_both_ways) TEST_ROW(tls_tiny_buffers))
