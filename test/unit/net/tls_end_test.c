/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_end.h"

#include "unit/net/pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* A client in memory, the connection in which its TLS ends, and the server behind its socket. */
static struct {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	struct conn end;
	int server;
	size_t cut; /* of each write */
	bool ended; /* IO_EOF was read */
} world;

static void
begin(size_t cut)
{
	struct tls_server *s = server_of(certs());
	int fd[2];

	unix_pair(fd);
	world.server = fd[1];
	world.cut = cut;
	world.ended = false;
	conn_init(&world.end, fd[0], NULL, NULL);
	EXPECT_INT(tls_end_at(&world.end, tls_accept(s)), 0);
	tls_server_unref(s);
	world.ctx = SSL_CTX_new(TLS_client_method());
	world.ssl = SSL_new(world.ctx);
	world.in = BIO_new(BIO_s_mem());
	world.out = BIO_new(BIO_s_mem());
	SSL_set_bio(world.ssl, world.in, world.out);
	SSL_set_connect_state(world.ssl);
	EXPECT_INT(SSL_set_tlsext_host_name(world.ssl, "localhost"), 1);
}

static void
over(void)
{
	conn_close(&world.end);
	if (world.server >= 0)
		close(world.server);
	SSL_free(world.ssl);
	SSL_CTX_free(world.ctx);
}

/* The client's records go in, in small pieces; false: not all of them are taken yet. */
static bool
to_end(void)
{
	char *p;
	size_t left = (size_t)BIO_get_mem_data(world.out, &p);
	char piece[20000];

	while (left > 0) {
		size_t n = left < world.cut ? left : world.cut, took = 0;

		EXPECT(n <= sizeof(piece));
		memcpy(piece, p, n);
		if (conn_write(&world.end, &(struct iovec){ piece, n }, 1, &took) != IO_OK)
			return false;
		EXPECT_INT(BIO_read(world.out, piece, (int)took), (int)took);
		left = (size_t)BIO_get_mem_data(world.out, &p);
	}
	return true;
}

static void
from_end(void)
{
	char piece[20000];
	size_t n;
	enum io io;

	while ((io = conn_read(&world.end, piece, world.cut, &n)) == IO_OK)
		EXPECT_INT(BIO_write(world.in, piece, (int)n), (int)n);
	world.ended = io == IO_EOF;
}

static int
shake(void)
{
	int r = 0;

	for (int i = 0; i < 20 && r != 1; i++) {
		ERR_clear_error();
		r = SSL_do_handshake(world.ssl);
		(void)to_end();
		from_end();
	}
	return r;
}

TEST(bytes_pass_both_ways)
{
	static const size_t cuts[] = { 1, 7, 500, 20000 };
	char got[64];

	for (size_t i = 0; i < 4; i++) {
		begin(cuts[i]);
		EXPECT_INT(conn_handshake(&world.end), IO_WAIT);
		EXPECT_INT(shake(), 1);
		EXPECT_INT(conn_handshake(&world.end), IO_OK);
		EXPECT_INT(SSL_write(world.ssl, "question", 8), 8);
		EXPECT(to_end());
		EXPECT_INT(read(world.server, got, sizeof(got)), 8);
		EXPECT(memcmp(got, "question", 8) == 0);
		EXPECT_INT(write(world.server, "an answer", 9), 9);
		from_end();
		EXPECT_INT(SSL_read(world.ssl, got, sizeof(got)), 9);
		EXPECT(memcmp(got, "an answer", 9) == 0);
		over();
	}
}

/* Each direction ends for itself. */
TEST(ends_are_passed_on)
{
	char got[64];

	begin(20000);
	EXPECT_INT(shake(), 1);
	EXPECT_INT(SSL_write(world.ssl, "last", 4), 4);
	EXPECT_INT(SSL_shutdown(world.ssl), 0);
	EXPECT(to_end());
	EXPECT_INT(read(world.server, got, sizeof(got)), 4);
	EXPECT_INT(read(world.server, got, sizeof(got)), 0);
	EXPECT_INT(write(world.server, "more", 4), 4);
	from_end();
	EXPECT(!world.ended);
	EXPECT_INT(SSL_read(world.ssl, got, sizeof(got)), 4);
	shutdown(world.server, SHUT_WR);
	from_end();
	EXPECT(world.ended && !tls_end_failed(&world.end));
	EXPECT_INT(SSL_read(world.ssl, got, sizeof(got)), 0);
	EXPECT_INT(SSL_get_error(world.ssl, 0), SSL_ERROR_ZERO_RETURN);
	over();
	/* An end without close_notify is one, too: what it means, HTTP knows. */
	begin(20000);
	EXPECT_INT(shake(), 1);
	conn_shut(&world.end);
	EXPECT_INT(read(world.server, got, sizeof(got)), 0);
	over();
}

/* A server that does not read stops its client, and loses nothing. */
TEST(a_full_socket_is_waited_for)
{
	static char block[16384];
	uint64_t sent = 0, got = 0;
	char in[50000];
	ssize_t n;

	begin(20000);
	EXPECT_INT(shake(), 1);
	for (int i = 0; i < 4000; i++) {
		pattern_fill(7, sent, (unsigned char *)block, sizeof(block));
		EXPECT_INT(SSL_write(world.ssl, block, sizeof(block)), sizeof(block));
		sent += sizeof(block);
		if (!to_end())
			break;
	}
	EXPECT(conn_waiting(&world.end) > 0 && conn_waiting(&world.end) <= 16384);
	while (got < sent && ((n = read(world.server, in, sizeof(in))) > 0 || errno == EAGAIN)) {
		for (ssize_t i = 0; i < n; i++)
			EXPECT_INT((unsigned char)in[i], pattern_at(7, got + (uint64_t)i));
		got += n > 0 ? (uint64_t)n : 0;
		(void)to_end();
		/* What waits goes with the next write, as with the socket's next edge. */
		if (BIO_ctrl_pending(world.out) == 0 && conn_waiting(&world.end) > 0)
			(void)conn_write(&world.end, &(struct iovec){ in, 0 }, 1, &(size_t){ 0 });
	}
	EXPECT_INT(got, sent);
	over();
}

/* The alert comes out, and then an end; what the client still sends is dropped. */
TEST(failures_are_told_by_an_alert)
{
	char got[64] = "\x16\x03\x01\0\5hello";
	size_t n = 0;

	begin(20000);
	EXPECT_INT(conn_write(&world.end, &(struct iovec){ got, 10 }, 1, &n), IO_OK);
	EXPECT(tls_end_failed(&world.end) && n == 10);
	EXPECT_INT(conn_handshake(&world.end), IO_WAIT);
	EXPECT_INT(conn_read(&world.end, got, sizeof(got), &n), IO_OK);
	EXPECT(n == 7 && got[0] == 21 && got[5] == 2);
	EXPECT_INT(conn_read(&world.end, got, sizeof(got), &n), IO_EOF);
	EXPECT_INT(conn_write(&world.end, &(struct iovec){ got, 5 }, 1, &n), IO_OK);
	EXPECT_INT(n, 5);
	over();
	/* A record that somebody has changed on its way. */
	begin(20000);
	EXPECT_INT(shake(), 1);
	EXPECT_INT(SSL_write(world.ssl, "secret", 6), 6);
	n = (size_t)BIO_read(world.out, got, sizeof(got));
	got[n - 1] ^= 1;
	EXPECT_INT(conn_write(&world.end, &(struct iovec){ got, n }, 1, &n), IO_OK);
	EXPECT(tls_end_failed(&world.end));
	EXPECT_INT(read(world.server, got, sizeof(got)), -1);
	from_end();
	EXPECT(world.ended);
	over();
}

/* The server has gone: what is written fails, as on its socket. */
TEST(a_server_that_has_gone)
{
	size_t n;

	begin(20000);
	EXPECT_INT(shake(), 1);
	close(world.server);
	world.server = -1;
	EXPECT_INT(SSL_write(world.ssl, "question", 8), 8);
	EXPECT(!to_end());
	EXPECT(world.end.failed);
	EXPECT_INT(conn_write(&world.end, &(struct iovec){ (char[]){ "x" }, 1 }, 1, &n), IO_FAIL);
	over();
}

TESTS(TEST_ROW(bytes_pass_both_ways) TEST_ROW(ends_are_passed_on)
	TEST_ROW(a_full_socket_is_waited_for) TEST_ROW(failures_are_told_by_an_alert)
	    TEST_ROW(a_server_that_has_gone))
