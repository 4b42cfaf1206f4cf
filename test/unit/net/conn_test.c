/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/net/pair.h"

#include "net/conn_private.h"
#include "net/tls_private.h"

#include <fcntl.h>
#include <pthread.h>

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
both_ways(int fd[2], bool tls, uint64_t a_total, uint64_t b_total, size_t read_cap,
    size_t write_cap, size_t n_pieces)
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

/* --- ends --- */

static void
answer_after_eof(struct side *s)
{
	if (s->eof && s->hold_shut) {
		s->hold_shut = false;
		s->tx_total = 400000;
		side_write(s);
	}
	stop_when_done(s);
}

/* One direction ends, the other goes on: a request's end is known before its answer. */
static void
half_close(int fd[2], bool tls, bool client_first)
{
	struct side *asks = client_first ? &a : &b, *answers = client_first ? &b : &a;
	uint32_t answer_seed = client_first ? 2 : 1;

	setup(fd, tls, 0, 0);
	asks->tx_total = 5;
	answers->hold_shut = true;
	answers->moved = answer_after_eof;
	run();
	EXPECT(!a.failed && !b.failed);
	EXPECT_INT(answers->rx, 5);
	EXPECT(side_got(asks, answer_seed, 400000));
	EXPECT(asks->conn.eof && answers->conn.eof);
	teardown();
}

TEST(half_close_both_kinds)
{
	for (int i = 0; i < 4; i++) {
		int fd[2];

		tcp_pair(fd);
		half_close(fd, i & 1, i & 2);
		unix_pair(fd);
		half_close(fd, i & 1, i & 2);
	}
}

static void
quiet(struct conn *c, unsigned events)
{
	(void)c;
	(void)events;
}

/* Bytes and FIN are there before the connection is watched: one edge for both. */
TEST(end_together_with_bytes)
{
	for (int tcp = 0; tcp < 2; tcp++) {
		int fd[2];

		(tcp ? tcp_pair : unix_pair)(fd);
		loop = loop_new();
		side_init(&a, fd[0], NULL, 1, 0);
		side_init(&b, -1, NULL, 2, 0);
		b.failed = true;
		a.moved = stop_when_done;
		a.read_cap = tcp ? 0 : 3;
		EXPECT_INT(write(fd[1], "0123456789", 10), 10);
		shutdown(fd[1], SHUT_WR);
		EXPECT_INT(conn_attach(&a.conn, loop), 0);
		EXPECT(run_until_stopped(loop));
		EXPECT(a.eof && !a.failed);
		EXPECT_INT(a.rx, 10);
		teardown();
		close(fd[1]);
	}
}

/* A few turns: all that the kernel has to tell is told. */
static void
settle(void)
{
	struct until u = { .timer = { .fn = until_give_up }, .loop = loop };

	loop_timer_set(loop, &u.timer, 1000);
	loop_run(loop);
	loop_timer_stop(loop, &u.timer);
}

/* A read into pieces fills them in order; full pieces say nothing of the socket being empty. */
TEST(read_into_pieces)
{
	struct conn c;
	char first[4], second[6], rest[8];
	struct iovec iov[] = { { first, sizeof(first) }, { second, sizeof(second) } };
	size_t n;
	int fd[2];

	unix_pair(fd);
	loop = loop_new();
	conn_init(&c, fd[0], NULL, quiet);
	EXPECT_INT(conn_attach(&c, loop), 0);
	settle();
	EXPECT_INT(write(fd[1], "0123456789ab", 12), 12);
	settle();
	EXPECT_INT(conn_readv(&c, iov, 2, &n), IO_OK);
	EXPECT_INT(n, 10);
	EXPECT(memcmp(first, "0123", 4) == 0 && memcmp(second, "456789", 6) == 0);
	EXPECT(c.readable);
	EXPECT_INT(conn_readv(&c, iov, 2, &n), IO_OK);
	EXPECT_INT(n, 2);
	EXPECT(memcmp(first, "ab", 2) == 0);
	EXPECT(!c.readable);
	EXPECT_INT(conn_read(&c, rest, sizeof(rest), &n), IO_WAIT);
	conn_close(&c);
	close(fd[1]);
	loop_free(loop);
}

/* The end comes after bytes whose short read was taken for all there was. */
TEST(end_after_a_short_read)
{
	struct conn c;
	char buf[64];
	size_t n;
	int fd[2];

	unix_pair(fd);
	loop = loop_new();
	conn_init(&c, fd[0], NULL, quiet);
	EXPECT_INT(conn_attach(&c, loop), 0);
	settle();
	EXPECT_INT(write(fd[1], "abc", 3), 3);
	settle();
	EXPECT(c.readable);
	EXPECT_INT(conn_read(&c, buf, sizeof(buf), &n), IO_OK);
	EXPECT_INT(n, 3);
	EXPECT(!c.readable); /* short: nothing more can be there */
	shutdown(fd[1], SHUT_WR);
	settle();
	EXPECT(c.readable);
	EXPECT_INT(conn_read(&c, buf, sizeof(buf), &n), IO_EOF);
	EXPECT_INT(conn_read(&c, buf, sizeof(buf), &n), IO_EOF);
	EXPECT(c.eof && !c.failed);
	conn_close(&c);
	conn_close(&c);
	EXPECT(!conn_is_open(&c));
	close(fd[1]);
	loop_free(loop);
}

TEST(blocked_then_free)
{
	static char big[100000];
	struct iovec iov = { big, sizeof(big) };
	struct conn c;
	size_t n, sent = 0;
	ssize_t got;
	int fd[2];

	unix_pair(fd);
	set_buffer(fd[0], 8192);
	loop = loop_new();
	conn_init(&c, fd[0], NULL, quiet);
	EXPECT_INT(conn_attach(&c, loop), 0);
	settle();
	while (conn_write(&c, &iov, 1, &n) == IO_OK)
		sent += n;
	EXPECT(sent > 0 && !c.writable);
	EXPECT_INT(n, 0);
	settle();
	EXPECT(!c.writable);
	while ((got = recv(fd[1], big, sizeof(big), MSG_DONTWAIT)) > 0)
		sent -= (size_t)got;
	EXPECT_INT(sent, 0);
	settle();
	EXPECT(c.writable);
	EXPECT_INT(conn_write(&c, &iov, 1, &n), IO_OK);
	conn_close(&c);
	close(fd[1]);
	loop_free(loop);
}

/* What arrived before a reset can still be read; the end after it is no orderly one. */
TEST(reset_is_no_end)
{
	struct linger now = { .l_onoff = 1 };
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct conn c;
	char buf[64];
	size_t n;
	int fd[2];

	tcp_pair(fd);
	loop = loop_new();
	conn_init(&c, fd[0], NULL, quiet);
	EXPECT_INT(write(fd[1], "answer", 6), 6);
	setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd[1]);
	while (conn_write(&c, &iov, 1, &n) == IO_OK)
		;
	EXPECT(c.failed);
	EXPECT(strstr(conn_error(&c), "reset") != NULL);
	EXPECT_INT(conn_read(&c, buf, sizeof(buf), &n), IO_OK);
	EXPECT_INT(n, 6);
	EXPECT_INT(conn_read(&c, buf, sizeof(buf), &n), IO_FAIL);
	EXPECT_INT(conn_read(&c, buf, sizeof(buf), &n), IO_FAIL);
	conn_close(&c);
	loop_free(loop);
}

/* --- TLS over the socket --- */

static void
stop_when_up(struct side *s)
{
	(void)s;
	if ((a.up || a.failed) && (b.up || b.failed))
		loop_stop(loop);
}

/* Both handshakes done, nothing sent, both detached: calls go straight to the socket. */
static void
tls_pair_up(int fd[2])
{
	setup(fd, true, 0, 0);
	a.stop_at_up = b.stop_at_up = true;
	a.moved = b.moved = stop_when_up;
	run();
	EXPECT(a.up && b.up);
	conn_detach(&a.conn);
	conn_detach(&b.conn);
}

TEST(fin_without_close_notify)
{
	for (int strict = 0; strict < 2; strict++) {
		char buf[16];
		size_t n;
		int fd[2];

		unix_pair(fd);
		tls_pair_up(fd);
		if (strict)
			tls_strict_eof(a.conn.tls);
		shutdown(fd[1], SHUT_WR);
		EXPECT_INT(conn_read(&a.conn, buf, sizeof(buf), &n), strict ? IO_FAIL : IO_EOF);
		EXPECT_INT(conn_read(&a.conn, buf, sizeof(buf), &n), strict ? IO_FAIL : IO_EOF);
		if (strict)
			EXPECT(strstr(conn_error(&a.conn), "close_notify") != NULL);
		teardown();
	}
}

static int n_records;

static void
count_records(int write_p, int version, int type, const void *buf, size_t n, SSL *ssl, void *arg)
{
	const unsigned char *header = buf;

	(void)version, (void)ssl, (void)arg;
	if (!write_p && type == SSL3_RT_HEADER && n >= 5 && header[0] == SSL3_RT_APPLICATION_DATA)
		n_records++;
}

static void
expect_records(const size_t *pieces, int n_pieces, int records)
{
	static char from[300000], to[300000];
	struct iovec iov[8];
	size_t total = 0, n, got = 0;
	int fd[2];

	unix_pair(fd);
	tls_pair_up(fd);
	(void)conn_read(&a.conn, to, sizeof(to), &n); /* the ticket */
	SSL_set_msg_callback(a.conn.tls->ssl, count_records);
	pattern_fill(7, 0, (unsigned char *)from, sizeof(from));
	for (int i = 0; i < n_pieces; i++) {
		iov[i] = (struct iovec){ from + total, pieces[i] };
		total += pieces[i];
	}
	n_records = 0;
	EXPECT_INT(conn_write(&b.conn, iov, n_pieces, &n), IO_OK);
	EXPECT_INT(n, total);
	while (got < total && conn_read(&a.conn, to + got, sizeof(to) - got, &n) == IO_OK)
		got += n;
	EXPECT_INT(got, total);
	EXPECT(memcmp(from, to, total) == 0);
	EXPECT_INT(n_records, records);
	EXPECT(!a.conn.buffered);
	teardown();
}

TEST(pieces_and_records)
{
	expect_records((const size_t[]){ 200, 800 }, 2, 1);
	expect_records((const size_t[]){ 1, 2, 3, 4095, 5, 6, 7, 8 }, 8, 1);
	expect_records((const size_t[]){ 4095, 4095, 4095, 4095, 5 }, 5, 2);
	expect_records((const size_t[]){ 200, 16384, 30 }, 3, 3);
	expect_records((const size_t[]){ 50000 }, 1, 4);
}

/* Small reads: what was received and not read is ours to tell of, no edge will come for it. */
TEST(buffered_is_readable)
{
	struct iovec iov = { (char[]){ "0123456789" }, 10 };
	char buf[4];
	size_t n;
	int fd[2];

	unix_pair(fd);
	tls_pair_up(fd);
	for (int i = 0; i < 3; i++)
		EXPECT_INT(conn_write(&b.conn, &iov, 1, &n), IO_OK);
	for (int left = 30; left > 0; left -= (int)n) {
		EXPECT_INT(conn_read(&a.conn, buf, sizeof(buf), &n), IO_OK);
		EXPECT_INT(a.conn.buffered, left > (int)n);
		EXPECT(a.conn.readable || left == (int)n);
		if (n == 0)
			break;
	}
	EXPECT_INT(conn_read(&a.conn, buf, sizeof(buf), &n), IO_WAIT);
	teardown();
}

/* A reader that does not read: what waits is bounded, and the bytes are not lost. */
TEST(waiting_is_bounded)
{
	static char big[1000000];
	struct iovec iov = { big, sizeof(big) };
	size_t n, sent = 0, got = 0;
	int fd[2], rounds = 0;

	unix_pair(fd);
	set_buffer(fd[1], 8192);
	tls_pair_up(fd);
	while (conn_write(&b.conn, &iov, 1, &n) == IO_OK)
		sent += n;
	EXPECT(conn_waiting(&b.conn) > 0 && conn_waiting(&b.conn) <= CONN_SEALED_BYTES);
	EXPECT(!b.conn.writable);
	conn_shut(&b.conn);
	while (!a.conn.eof && rounds++ < 10000) {
		enum io io;

		while ((io = conn_read(&a.conn, big, sizeof(big), &n)) == IO_OK)
			got += n;
		if (io != IO_WAIT)
			break;
		/* As the loop would on LOOP_OUT. */
		EXPECT_INT(conn_attach(&b.conn, loop), 0);
		settle();
		conn_detach(&b.conn);
	}
	EXPECT_INT(got, sent);
	EXPECT(a.conn.eof);
	EXPECT_INT(conn_waiting(&b.conn), 0);
	teardown();
}

TEST(writing_after_shut_fails)
{
	struct iovec iov = { (char[]){ "x" }, 1 };
	size_t n;
	int fd[2];

	unix_pair(fd);
	tls_pair_up(fd);
	conn_shut(&b.conn);
	conn_shut(&b.conn);
	EXPECT_INT(conn_write(&b.conn, &iov, 1, &n), IO_FAIL);
	teardown();
}

static bool
send_key_updates(int n, size_t bytes_between)
{
	static char big[100000], drain[100000];
	struct iovec iov = { big, bytes_between };
	size_t wrote, got;
	bool alive = true;

	for (int i = 0; i < n && alive; i++) {
		EXPECT_INT(SSL_key_update(a.conn.tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		EXPECT_INT(conn_write(&a.conn, &iov, 1, &wrote), IO_OK);
		while (conn_read(&b.conn, drain, sizeof(drain), &got) == IO_OK)
			;
		alive = !b.conn.failed;
	}
	return alive;
}

/* Key updates cost us more than the other side: some are fine, a flood is not. */
TEST(key_update_flood)
{
	int fd[2];

	unix_pair(fd);
	tls_pair_up(fd);
	EXPECT(send_key_updates(30, 1));
	EXPECT(!send_key_updates(10, 1));
	EXPECT(strstr(conn_error(&b.conn), "carry nothing") != NULL);
	teardown();
	unix_pair(fd);
	tls_pair_up(fd);
	EXPECT(send_key_updates(200, 65000));
	teardown();
}

/* --- from loop to loop --- */

static struct loop *loops[2];
static struct loop_mail ticket;
static int n_moves;

static void move_on(struct side *s);

static void
on_arrival(struct loop *l, struct loop_mail *m)
{
	(void)m;
	EXPECT_INT(conn_attach(&b.conn, l), 0);
}

/* The server side goes to the other thread after every event, with all that it holds. */
static void
move_on(struct side *s)
{
	struct loop *from = s->conn.io.loop, *to = from == loops[0] ? loops[1] : loops[0];

	if (s->failed || (s->eof && s->shut && conn_waiting(&s->conn) == 0)) {
		loop_stop(from);
		return;
	}
	conn_detach(&s->conn);
	n_moves++;
	ticket.fn = on_arrival;
	loop_post(to, &ticket);
}

static void
on_stop_mail(struct loop *l, struct loop_mail *m)
{
	(void)m;
	loop_stop(l);
}

static void *
run_loop(void *arg)
{
	struct loop *l = arg;
	static struct loop_mail stop[2];
	int other = l == loops[0] ? 1 : 0;

	loop_run(l);
	stop[other].fn = on_stop_mail;
	loop_post(loops[other], &stop[other]);
	return NULL;
}

static void
stop_client(struct side *s)
{
	if (s->failed || (s->eof && s->shut && conn_waiting(&s->conn) == 0))
		loop_stop(loop);
}

TEST(handover_between_threads)
{
	pthread_t thread[2];
	int fd[2];

	unix_pair(fd);
	set_buffer(fd[0], 20000);
	set_buffer(fd[1], 20000);
	setup(fd, true, 3000000, 2000000);
	loops[0] = loop_new();
	loops[1] = loop_new();
	n_moves = 0;
	a.moved = stop_client;
	b.moved = move_on;
	b.read_cap = 5000;
	EXPECT_INT(conn_attach(&a.conn, loop), 0);
	EXPECT_INT(conn_attach(&b.conn, loops[0]), 0);
	for (int i = 0; i < 2; i++)
		EXPECT_INT(pthread_create(&thread[i], NULL, run_loop, loops[i]), 0);
	EXPECT(run_until_stopped(loop));
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	EXPECT(!a.failed && !b.failed);
	EXPECT(side_got(&a, 2, 2000000));
	EXPECT(side_got(&b, 1, 3000000));
	EXPECT(n_moves > 20);
	teardown();
	loop_free(loops[0]);
	loop_free(loops[1]);
}

/* --- an outside judge --- */

static bool
file_holds(const char *path, const char *words)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);

	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	return strstr(text, words) != NULL;
}

TEST(openssl_s_client)
{
	static const char *const words[] = { "Verification: OK", "TLSv1.3", "TLS_AES_",
		"ALPN protocol: http/1.1", "X25519", "Early data was not sent",
		"s_client shall see this" };
	char command[512], path[128];
	struct addr at = { .kind = ADDR_UNIX };
	struct sockaddr_storage ss;
	struct tls_server *server;
	struct iovec iov = { (char[]){ "s_client shall see this\n" }, 24 };
	socklen_t len;
	int listener, fd;
	size_t n;
	FILE *p;

	if (access("/usr/bin/openssl", X_OK) != 0)
		return;
	loop = loop_new();
	snprintf(at.path, sizeof(at.path), "%s/s", certs());
	listener = addr_listen(&at, false, NULL);
	EXPECT(listener >= 0);
	snprintf(path, sizeof(path), "%s/out", certs());
	snprintf(command, sizeof(command),
	    "timeout 20 openssl s_client -unix %s -CAfile %s/ca.pem -verify_return_error "
	    "-servername localhost"
	    " -verify_hostname localhost -alpn http/1.1 -ign_eof </dev/null >%s 2>&1",
	    at.path, certs(), path);
	p = popen(command, "w");
	EXPECT(p != NULL);
	fcntl(listener, F_SETFL, 0); /* waits for s_client */
	fd = loop_accept(listener, &ss, &len);
	server = server_of(certs());
	side_init(&a, fd, tls_accept(server), 1, 0);
	side_init(&b, -1, NULL, 2, 0);
	b.up = true;
	a.stop_at_up = true;
	a.moved = stop_when_up;
	EXPECT_INT(conn_attach(&a.conn, loop), 0);
	EXPECT(run_until_stopped(loop));
	EXPECT(a.up);
	EXPECT_INT(conn_write(&a.conn, &iov, 1, &n), IO_OK);
	conn_shut(&a.conn);
	pclose(p);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!file_holds(path, words[i]))
			printf("     not there: %s\n", words[i]);
		EXPECT(file_holds(path, words[i]));
	}
	loop_close(listener);
	tls_server_unref(server);
	teardown();
}

TESTS(TEST_ROW(plain_both_ways) TEST_ROW(tls_both_ways) TEST_ROW(tls_tiny_buffers)
	TEST_ROW(half_close_both_kinds) TEST_ROW(end_together_with_bytes) TEST_ROW(read_into_pieces)
	    TEST_ROW(end_after_a_short_read) TEST_ROW(blocked_then_free) TEST_ROW(reset_is_no_end)
		TEST_ROW(fin_without_close_notify) TEST_ROW(pieces_and_records)
		    TEST_ROW(buffered_is_readable) TEST_ROW(waiting_is_bounded)
			TEST_ROW(writing_after_shut_fails) TEST_ROW(key_update_flood)
			    TEST_ROW(handover_between_threads) TEST_ROW(openssl_s_client))
