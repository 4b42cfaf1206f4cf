/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS records between OpenSSL and the socket, through memory of the thread:
 *
 *	socket --recv, up to 256 KiB--> in  --bio_read--> SSL_read --> caller
 *	caller --> SSL_write --bio_write--> seal --one send for all records--> socket
 *
 * Thread memory is used only inside of a call, so a connection can go on in another
 * thread at any time.  What is left over at the end of a call moves to the connection:
 * ciphertext that the caller's buffer had no room for (`kept`, about one record at
 * most, as no more is asked of the socket than the caller can take), and records that the
 * socket did not take (`out`; the buffer itself changes hands when much is left).
 */
#include "net/conn_private.h"
#include "net/tls_private.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

/* Of a record beside its plaintext, with much to spare: header, tag, content type. */
#define RECORD_EXTRA 64
#define IN_BYTES_MIN (TLS_RECORD_BYTES + 1024)
#define QUOTA_MAX (272 * 1024) /* an output block of a link with all its headers */
#define QUOTA_MIN TLS_RECORD_BYTES
/* Pieces below this are copied together into one record. */
#define SMALL_BYTES 4096
/* Below this a rest is copied, above it the buffer changes hands. */
#define SWAP_BYTES (64 * 1024)
#define MESSAGES_PER_BYTES (1024 * 1024)
/* Receives of a call that yield no plaintext, before others get their turn. */
#define RECEIVES_MAX 4

/* --- entering and leaving --- */

/*
 * Every call begins here and ends in leave(): between them the connection has the thread's
 * memory. cap: plaintext that the caller can take; so much ciphertext is asked for, and no more
 * has to be kept.
 */
static struct tls_memory *
enter(struct conn *c, size_t cap)
{
	struct tls_memory *m = tls_memory_get();
	struct tls *t = c->tls;
	size_t want = cap + cap / TLS_RECORD_BYTES * RECORD_EXTRA + RECORD_EXTRA;

	if (m == NULL) {
		tls_fail(t, "out of memory");
		return NULL;
	}
	if (want < IN_BYTES_MIN)
		want = IN_BYTES_MIN;
	t->want = (uint32_t)(want > TLS_IN_BYTES ? TLS_IN_BYTES : want);
	t->receives = RECEIVES_MAX;
	t->conn = c;
	return m;
}

/* A buffer of full size goes back to the thread, which may have given its own away. */
static void
out_release(struct tls *t)
{
	struct tls_memory *m = tls_memory_have();

	if (m != NULL && m->seal == NULL && t->out_cap == TLS_SEAL_BYTES)
		m->seal = t->out;
	else
		free(t->out);
	t->out = NULL;
	t->out_at = t->out_n = t->out_cap = 0;
}

/* What waits from earlier calls. IO_OK when nothing waits any more. */
static enum io
send_out(struct conn *c)
{
	struct tls *t = c->tls;
	struct iovec iov = { t->out + t->out_at, t->out_n };
	size_t n;
	enum io io = conn_raw_send(c, &iov, 1, &n);

	if (io != IO_OK)
		return io;
	t->out_at += (uint32_t)n;
	t->out_n -= (uint32_t)n;
	if (t->out_n > 0)
		return IO_WAIT;
	out_release(t);
	return IO_OK;
}

/* Behind what waits already: a close_notify, an alert. */
static enum io
append_out(struct tls *t, struct tls_memory *m)
{
	char *p = malloc(t->out_n + m->seal_n);

	if (p == NULL) {
		tls_fail(t, "out of memory");
		return IO_FAIL;
	}
	memcpy(p, t->out + t->out_at, t->out_n);
	memcpy(p + t->out_n, m->seal, m->seal_n);
	free(t->out);
	t->out = p;
	t->out_at = 0;
	t->out_n += (uint32_t)m->seal_n;
	t->out_cap = t->out_n;
	m->seal_n = 0;
	return IO_WAIT;
}

/* What the socket did not take of the thread's buffer becomes the connection's. */
static enum io
keep_rest(struct tls *t, struct tls_memory *m, size_t sent)
{
	size_t rest = m->seal_n - sent;

	m->seal_n = 0;
	if (rest >= SWAP_BYTES) {
		t->out = m->seal;
		t->out_at = (uint32_t)sent;
		t->out_cap = TLS_SEAL_BYTES;
		m->seal = NULL;
	} else {
		t->out = malloc(rest);
		if (t->out == NULL) {
			tls_fail(t, "out of memory");
			return IO_FAIL;
		}
		memcpy(t->out, m->seal + sent, rest);
		t->out_at = 0;
		t->out_cap = (uint32_t)rest;
	}
	t->out_n = (uint32_t)rest;
	return IO_WAIT;
}

/* What was sealed in this call, behind what waits: records must arrive in their order. */
static enum io
send_sealed(struct conn *c, struct tls_memory *m)
{
	struct tls *t = c->tls;
	struct iovec iov = { m->seal, m->seal_n };
	size_t n = 0;
	enum io io;

	if (m->seal_n == 0)
		return t->out_n > 0 ? IO_WAIT : IO_OK;
	if (t->out_n > 0)
		return append_out(t, m);
	io = conn_raw_send(c, &iov, 1, &n);
	if (io == IO_FAIL) {
		m->seal_n = 0;
		return IO_FAIL;
	}
	if (n < m->seal_n)
		return keep_rest(t, m, n);
	m->seal_n = 0;
	return IO_OK;
}

static enum io
keep_received(struct tls *t, struct tls_memory *m)
{
	size_t n = m->in_n;

	m->in_n = 0;
	if (n == 0)
		return IO_OK;
	/* bio_read() asks the socket only after what was kept is used up. */
	check(t->kept_n == 0);
	t->kept = malloc(n);
	if (t->kept == NULL) {
		tls_fail(t, "out of memory");
		return IO_FAIL;
	}
	memcpy(t->kept, m->in + m->in_at, n);
	t->kept_at = 0;
	t->kept_n = (uint32_t)n;
	return IO_OK;
}

static bool
has_buffered(const struct tls *t)
{
	return t->kept_n > 0 || SSL_pending(t->ssl) > 0;
}

/* Gives the thread's memory back. IO_WAIT when sealed bytes wait. */
static enum io
leave(struct conn *c, struct tls_memory *m)
{
	enum io kept = keep_received(c->tls, m), sent = send_sealed(c, m);

	c->tls->conn = NULL;
	c->buffered = has_buffered(c->tls);
	c->waiting = c->tls->out_n;
	return kept == IO_FAIL ? kept : sent;
}

/*
 * After an SSL call that did not succeed: IO_WAIT, IO_EOF, IO_FAIL (with the sentence, or the
 * socket's errno in the connection).
 */
static enum io
judge(struct conn *c, int r)
{
	struct tls *t = c->tls;

	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return IO_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	case SSL_ERROR_SSL:
		tls_fail_openssl(t);
		break;
	case SSL_ERROR_WANT_WRITE:
		tls_fail(t, "the other side does not take what TLS has to answer");
		break;
	default:
		if (!t->fin)
			break;
		if (!t->ready)
			tls_fail(t,
			    "the other side has closed the connection during the TLS handshake");
		else if (t->strict_eof)
			tls_fail(t,
			    "the other side has ended without close_notify: bytes may be missing");
		else
			return IO_EOF;
		break;
	}
	t->failed = true;
	return IO_FAIL;
}

/* A call that moved nothing has stopped to be fair while the socket may hold more:
 * no edge would come. */
static void
ask_again(struct conn *c)
{
	if (c->tls->receives == 0 && c->sock_in)
		conn_again(c, LOOP_IN);
}

/* --- the calls of conn.c --- */

/* A server that ignores ALPN would take a link's frames for HTTP. */
static enum io
finish_handshake(struct tls *t)
{
	if (t->link && !slice_eq(tls_alpn(t), S(TLS_ALPN_LINK))) {
		tls_fail(t, "the server does not speak adit/1: is this the address of an aditd?");
		return IO_FAIL;
	}
	if (t->h2_only && !slice_eq(tls_alpn(t), S(TLS_ALPN_H2))) {
		tls_fail(t, "the server does not speak HTTP/2 here (ALPN h2): write https://");
		return IO_FAIL;
	}
	if (t->challenge_only && !slice_eq(tls_alpn(t), S(TLS_ALPN_CHALLENGE))) {
		tls_fail(t, "the server does not take part in tls-alpn-01 (ALPN acme-tls/1)");
		return IO_FAIL;
	}
	t->ready = true;
	return IO_OK;
}

/* The alert of a handshake that failed is sent, too: it is all that the other side learns. */
static enum io
tls_handshake(struct conn *c)
{
	struct tls *t = c->tls;
	struct tls_memory *m;
	enum io io = IO_OK, sent;
	int r;

	if (t->ready)
		return IO_OK;
	if (t->failed || (m = enter(c, 0)) == NULL)
		return IO_FAIL;
	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		io = finish_handshake(t);
	else
		io = judge(c, r);
	if (io == IO_WAIT)
		ask_again(c);
	sent = leave(c, m); /* of a failure, too: the alert */
	if (sent == IO_FAIL || io == IO_EOF) {
		tls_fail(t, "the connection broke during the TLS handshake");
		io = IO_FAIL;
	}
	return io;
}

static bool
nothing_left(const struct tls *t, const struct tls_memory *m)
{
	return t->kept_n == 0 && m->in_n == 0 && SSL_pending(t->ssl) == 0;
}

/*
 * As many records as there are and fit into the first piece, from one receive. Where some came, an
 * end or a failure behind them is told by the next call.
 */
static enum io
tls_read(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct tls *t = c->tls;
	char *dst = iov->iov_base;
	size_t cap = iov->iov_len;
	struct tls_memory *m;
	size_t n = 0;
	enum io io = t->ready ? IO_OK : tls_handshake(c);

	(void)n_iov;
	if (io != IO_OK)
		return io;
	if (cap == 0)
		return IO_WAIT;
	if (t->failed)
		return IO_FAIL;
	if (!c->sock_in && c->io.loop != NULL && !c->buffered)
		return IO_WAIT;
	if ((m = enter(c, cap)) == NULL)
		return IO_FAIL;
	while (n < cap) {
		int ask = cap - n > INT_MAX ? INT_MAX : (int)(cap - n), r;

		ERR_clear_error();
		r = SSL_read(t->ssl, (char *)dst + n, ask);
		if (r <= 0) {
			io = judge(c, r);
			break;
		}
		n += (size_t)r;
		t->receives = 0; /* what was received now is enough for one call */
		if (nothing_left(t, m))
			break;
	}
	if (io == IO_WAIT && n == 0)
		ask_again(c);
	if (leave(c, m) == IO_FAIL && !c->tx_failed)
		return IO_FAIL;
	*ret_n = n;
	t->rx_bytes += (uint32_t)n;
	if (t->rx_bytes >= MESSAGES_PER_BYTES)
		t->rx_bytes = t->n_messages = 0;
	/* With bytes in hand, the end and the failure are for the next call: both are sticky. */
	return n > 0 ? IO_OK : io;
}

struct sealing {
	struct tls *t;
	struct tls_memory *m;
	size_t staged, taken, left;
};

/* The error of an SSL_write() is a failure always: the BIO never asks to wait. */
static bool
seal(struct sealing *s, const char *p, size_t n)
{
	int r;

	ERR_clear_error();
	r = SSL_write(s->t->ssl, p, (int)n);
	if (r == (int)n)
		return true;
	if (SSL_get_error(s->t->ssl, r) == SSL_ERROR_SSL)
		tls_fail_openssl(s->t);
	else
		tls_fail(s->t, "TLS cannot send any more");
	s->t->failed = true;
	return false;
}

static bool
seal_staged(struct sealing *s)
{
	size_t n = s->staged;

	s->staged = 0;
	return n == 0 || seal(s, s->m->stage, n);
}

/* Takes what the quota allows of a piece. */
static bool
seal_piece(struct sealing *s, const char *p, size_t n)
{
	bool small = n < SMALL_BYTES;

	if (n > s->left)
		n = s->left;
	s->left -= n;
	s->taken += n;
	if (n == 0)
		return true;
	if (!small)
		return seal_staged(s) && seal(s, p, n);
	if (s->staged + n > TLS_RECORD_BYTES && !seal_staged(s))
		return false;
	memcpy(s->m->stage + s->staged, p, n);
	s->staged += n;
	return true;
}

/* A reader that keeps up gets more in one go; of one that does not, less has to be kept for. */
static void
adapt_quota(struct tls *t, bool used_up, enum io sent)
{
	if (sent == IO_WAIT)
		t->quota = t->quota / 2 < QUOTA_MIN ? QUOTA_MIN : t->quota / 2;
	else if (used_up)
		t->quota = t->quota * 2 > QUOTA_MAX ? QUOTA_MAX : t->quota * 2;
}

static enum io
tls_flush(struct conn *c)
{
	enum io io = c->tls->out_n == 0 ? IO_OK : send_out(c);

	c->waiting = c->tls->out_n;
	return io;
}

/*
 * Takes up to the quota: all of what is taken is sealed, and what the socket refuses of it
 * waits in the connection.
 */
static enum io
tls_write(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct tls *t = c->tls;
	struct sealing s = { .t = t };
	enum io io = t->ready ? IO_OK : tls_handshake(c);
	bool good = true;

	if (io == IO_OK && t->out_n > 0)
		io = tls_flush(c);
	if (io == IO_OK && c->io.loop != NULL && !c->sock_out)
		io = IO_WAIT;
	if (io != IO_OK)
		return io;
	if (t->failed || (s.m = enter(c, 0)) == NULL)
		return IO_FAIL;
	s.left = t->quota;
	for (int i = 0; i < n_iov && good && s.left > 0; i++)
		good = seal_piece(&s, iov[i].iov_base, iov[i].iov_len);
	good = good && seal_staged(&s);
	io = leave(c, s.m);
	if (!good || io == IO_FAIL)
		return IO_FAIL;
	adapt_quota(t, s.left == 0, io);
	*ret_n = s.taken;
	return IO_OK;
}

/*
 * An orderly end (RFC 8446 6.1): close_notify for our direction alone. After a failure OpenSSL
 * must not be asked for it.
 */
static void
tls_shut(struct conn *c)
{
	struct tls *t = c->tls;
	struct tls_memory *m;

	if (!t->ready || t->failed || (m = enter(c, 0)) == NULL)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
	(void)leave(c, m);
}

const char *
tls_why(const struct tls *t)
{
	return t->why;
}

const struct conn_ops tls_conn_ops = {
	.handshake = tls_handshake,
	.read = tls_read,
	.write = tls_write,
	.flush = tls_flush,
	.shut = tls_shut,
};
