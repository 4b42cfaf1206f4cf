/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this room: two ends of a stream on one loop, each sending a pattern and hashing
 * what comes. */
#ifndef ADIT_TEST_NET_PAIR_H
#define ADIT_TEST_NET_PAIR_H

#include "unit.h"

#include "net/addr.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIR_GIVE_UP_US (30 * 1000000)

/* The byte at an offset of a stream: cheap, and different under every seed. */
static inline unsigned char
pattern_at(uint32_t seed, uint64_t at)
{
	uint64_t v = (at / 61 + seed) * 0x9E3779B97F4A7C15u;

	return (unsigned char)((v >> 32) + at % 61);
}

static inline void
pattern_fill(uint32_t seed, uint64_t at, unsigned char *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = pattern_at(seed, at + i);
}

struct digest {
	unsigned char sha[32];
};

static inline struct digest
pattern_digest(uint32_t seed, uint64_t total)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char block[4096];
	struct digest d = { 0 };

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	for (uint64_t at = 0; at < total;) {
		size_t n = total - at < sizeof(block) ? (size_t)(total - at) : sizeof(block);

		pattern_fill(seed, at, block, n);
		EVP_DigestUpdate(md, block, n);
		at += n;
	}
	EVP_DigestFinal_ex(md, d.sha, NULL);
	EVP_MD_CTX_free(md);
	return d;
}

struct side {
	struct conn conn;
	uint32_t seed;         /* of what it sends */
	uint64_t tx_total, tx; /* sends so much, then shuts */
	uint64_t rx;
	size_t read_cap, write_cap, n_pieces; /* per call */
	EVP_MD_CTX *md;
	bool hold_shut; /* does not end its direction by itself */
	bool up, shut, eof, failed, stop_at_up;
	char why[256];
	void (*moved)(struct side *s); /* after each event, may be NULL */
};

static inline void
side_fail(struct side *s)
{
	s->failed = true;
	snprintf(s->why, sizeof(s->why), "%s", conn_error(&s->conn));
}

static inline void
side_read(struct side *s)
{
	char buf[70000];
	size_t n, cap = s->read_cap == 0 || s->read_cap > sizeof(buf) ? sizeof(buf) : s->read_cap;

	for (;;) {
		switch (conn_read(&s->conn, buf, cap, &n)) {
		case IO_OK:
			s->rx += n;
			EVP_DigestUpdate(s->md, buf, n);
			continue;
		case IO_WAIT:
			return;
		case IO_EOF:
			s->eof = true;
			return;
		case IO_FAIL:
			side_fail(s);
			return;
		}
	}
}

static inline void
side_write(struct side *s)
{
	static _Thread_local unsigned char buf[300000];
	size_t cap = s->write_cap == 0 || s->write_cap > sizeof(buf) ? sizeof(buf) : s->write_cap;

	while (s->tx < s->tx_total) {
		size_t n = s->tx_total - s->tx < cap ? (size_t)(s->tx_total - s->tx) : cap, took;
		struct iovec iov[8];
		int n_iov = s->n_pieces == 0 ? 1 : (int)s->n_pieces;
		enum io io;

		pattern_fill(s->seed, s->tx, buf, n);
		for (int i = 0; i < n_iov; i++) {
			size_t from = n * (size_t)i / (size_t)n_iov,
			       to = n * (size_t)(i + 1) / (size_t)n_iov;

			iov[i] = (struct iovec){ buf + from, to - from };
		}
		io = conn_write(&s->conn, iov, n_iov, &took);
		if (io == IO_FAIL)
			side_fail(s);
		if (io != IO_OK)
			return;
		s->tx += took;
	}
	if (!s->shut && !s->hold_shut) {
		s->shut = true;
		conn_shut(&s->conn);
	}
}

static inline void
side_on_io(struct conn *c, unsigned events)
{
	struct side *s = list_of(c, struct side, conn);

	if (!s->up && !s->failed) {
		enum io io = conn_handshake(c);

		if (io == IO_FAIL)
			side_fail(s);
		if (io == IO_OK) {
			s->up = true;
			events = LOOP_IN | LOOP_OUT;
		}
	}
	if (s->up && !s->failed && !s->stop_at_up) {
		if (events & LOOP_IN && !s->eof)
			side_read(s);
		if (events & LOOP_OUT && !s->failed)
			side_write(s);
	}
	if (s->moved != NULL)
		s->moved(s);
}

static inline void
side_init(struct side *s, int fd, struct tls *tls, uint32_t seed, uint64_t tx_total)
{
	*s = (struct side){ .seed = seed, .tx_total = tx_total };
	s->md = EVP_MD_CTX_new();
	EVP_DigestInit_ex(s->md, EVP_sha256(), NULL);
	conn_init(&s->conn, fd, tls, side_on_io);
}

static inline void
side_fini(struct side *s)
{
	conn_close(&s->conn);
	EVP_MD_CTX_free(s->md);
}

/* Ends the digest. */
static inline bool
side_got(struct side *s, uint32_t seed, uint64_t total)
{
	struct digest want = pattern_digest(seed, total), got = { 0 };

	EVP_DigestFinal_ex(s->md, got.sha, NULL);
	return s->rx == total && memcmp(&got, &want, sizeof(got)) == 0;
}

/* --- running a loop until a condition, never for ever --- */

struct until {
	struct loop_timer timer;
	struct loop *loop;
	bool gave_up;
};

static inline void
until_give_up(struct loop_timer *t)
{
	struct until *u = list_of(t, struct until, timer);

	u->gave_up = true;
	loop_stop(u->loop);
}

/* False when nothing stopped the loop in time. */
static inline bool
run_until_stopped(struct loop *l)
{
	struct until u = { .timer = { .fn = until_give_up }, .loop = l };

	loop_timer_set(l, &u.timer, PAIR_GIVE_UP_US);
	loop_run(l);
	loop_timer_stop(l, &u.timer);
	return !u.gave_up;
}

/* --- descriptors --- */

/* Of what is sent; a receive window below a segment would make TCP itself wait for its persist
 * timer. */
static inline void
set_buffer(int fd, int bytes)
{
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static inline void
unix_pair(int fd[2])
{
	EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

static inline void
tcp_pair(int fd[2])
{
	struct addr a, bound;
	struct sockaddr_storage ss;
	socklen_t len;
	int listener;

	EXPECT(addr_parse(S("127.0.0.1:0"), &a) == NULL);
	listener = addr_listen(&a, false, &bound);
	EXPECT(listener >= 0);
	EXPECT_INT(addr_sockaddr(&bound, false, &ss, &len), 0);
	fd[0] = loop_connect((struct sockaddr *)&ss, len);
	EXPECT(fd[0] >= 0);
	/* The handshake of loopback is over when connect() returns. */
	fd[1] = loop_accept(listener, &ss, &len);
	EXPECT(fd[1] >= 0);
	loop_close(listener);
}

/* --- certificates --- */

static inline void
remove_dir(const char *dir)
{
	static const char *const files[] = { "ca.pem", "ca.key", "cert.pem", "key.pem", "s",
		"out" };
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* A directory with a CA and a certificate for these names. */
static inline void
make_certs(char *dir, const char *const *names, size_t n)
{
	char *error;

	strcpy(dir, "/tmp/adit-net-XXXXXX");
	EXPECT(mkdtemp(dir) != NULL);
	error = tls_make_dev_certs(dir, names, n);
	if (error != NULL)
		printf("%s\n", error);
	EXPECT(error == NULL);
	free(error);
}

static char certs_dir[64];

static inline void
remove_certs(void)
{
	remove_dir(certs_dir);
}

static inline const char *
certs(void)
{
	static const char *const names[] = { "localhost", "*.example.test", "127.0.0.1", "::1" };

	if (certs_dir[0] == '\0') {
		make_certs(certs_dir, names, sizeof(names) / sizeof(*names));
		atexit(remove_certs);
	}
	return certs_dir;
}

static inline struct tls_server *
server_of(const char *dir)
{
	char cert[96], key[96], *error = NULL;
	struct tls_cert_files f = { cert, key };
	struct tls_server *s;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	s = tls_server_new(&f, 1, &error);
	EXPECT(s != NULL);
	return s;
}

/* ca_dir NULL: does not verify. */
static inline struct tls_client *
client_of(const char *ca_dir, bool link)
{
	char ca[96], *error = NULL;
	struct tls_client_params p = { .ca_path = ca, .verify = ca_dir != NULL, .link = link };
	struct tls_client *c;

	snprintf(ca, sizeof(ca), "%s/ca.pem", ca_dir == NULL ? "" : ca_dir);
	c = tls_client_new(&p, &error);
	EXPECT(c != NULL);
	return c;
}

#endif
