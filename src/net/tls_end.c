/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of a connection whose calls speak TLS, and whose socket does not. */
#include "net/tls_end.h"

#include "base/limits.h"
#include "net/conn_private.h"
#include "net/tls_private.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>

/* Ciphertext that is taken at a time: what it opens to may have to wait for the socket. */
#define TAKE_BYTES TLS_RECORD_BYTES

static size_t
sealed_bytes(const struct tls *t)
{
	return BIO_ctrl_pending(SSL_get_wbio(t->ssl));
}

/* What is sealed by itself, a flight or an alert, comes in no answer to a read: it is told. */
static void
tell_sealed(struct conn *c)
{
	c->buffered = sealed_bytes(c->tls) > 0;
	if (c->io.loop != NULL && (c->buffered || c->tls->failed))
		conn_again(c, LOOP_IN);
}

static void
fail(struct conn *c, int r)
{
	struct tls *t = c->tls;

	if (SSL_get_error(t->ssl, r) == SSL_ERROR_SSL)
		tls_fail_openssl(t);
	else
		tls_fail(t, "TLS cannot go on");
}

/* --- to the socket --- */

static enum io
send_kept(struct conn *c)
{
	struct tls *t = c->tls;
	struct iovec iov = { t->out + t->out_at, t->out_n };
	size_t n;
	enum io io = t->out_n == 0 ? IO_OK : conn_raw_send(c, &iov, 1, &n);

	if (io != IO_OK || t->out_n == 0)
		return io;
	t->out_at += (uint32_t)n;
	t->out_n -= (uint32_t)n;
	if (t->out_n > 0)
		return IO_WAIT;
	free(t->out);
	t->out = NULL;
	return IO_OK;
}

/* Sends what was opened; what the socket does not take is kept, one record at most. */
static enum io
send_opened(struct conn *c, const char *p, size_t n)
{
	struct tls *t = c->tls;
	struct iovec iov = { (void *)(uintptr_t)p, n };
	size_t sent = 0;

	check(t->out_n == 0);
	if (conn_raw_send(c, &iov, 1, &sent) == IO_FAIL)
		return IO_FAIL;
	if (sent == n)
		return IO_OK;
	t->out = malloc(n - sent);
	if (t->out == NULL) {
		tls_fail(t, "out of memory");
		return IO_FAIL;
	}
	memcpy(t->out, p + sent, n - sent);
	t->out_at = 0;
	t->out_n = (uint32_t)(n - sent);
	return IO_OK;
}

/* 1: r bytes were opened; 0: no whole record is there, or no more will come. */
static int
open_one(struct conn *c, char *dst)
{
	struct tls *t = c->tls;
	int r;

	ERR_clear_error();
	if (!t->ready) {
		r = SSL_do_handshake(t->ssl);
		if (r == 1) {
			t->ready = true;
			if (c->io.loop != NULL) /* the socket may have had bytes all the time */
				conn_again(c, LOOP_IN);
		}
	}
	r = !t->ready ? r : SSL_read(t->ssl, dst, TLS_RECORD_BYTES);
	if (r > 0)
		return r;
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN:
		t->fin = true;
		break;
	default:
		fail(c, r);
		break;
	}
	return 0;
}

/* Opens what has come until the socket takes no more. */
static enum io
open_all(struct conn *c)
{
	struct tls *t = c->tls;
	struct tls_memory *m = tls_memory_get();
	enum io io = IO_OK;

	if (m == NULL)
		tls_fail(t, "out of memory");
	while (io == IO_OK && t->out_n == 0 && !t->failed && !t->fin) {
		int n = open_one(c, m->stage);

		if (n == 0)
			break;
		t->rx_bytes += (uint32_t)n;
		if (t->rx_bytes >= 1 << 20) /* as tls_io.c counts what carries nothing */
			t->rx_bytes = t->n_messages = 0;
		io = send_opened(c, m->stage, (size_t)n);
	}
	c->waiting = t->out_n;
	/* close_notify: the server behind the socket is to know that all has come. */
	if (t->fin && t->out_n == 0)
		loop_shutdown(c->io.fd);
	tell_sealed(c);
	return io;
}

static enum io
end_flush(struct conn *c)
{
	enum io io = send_kept(c);

	c->waiting = c->tls->out_n;
	if (io == IO_OK)
		io = open_all(c);
	return io == IO_OK && c->waiting > 0 ? IO_WAIT : io;
}

/* --- the calls of conn.c --- */

/* A failure is no end yet: its alert is to be read. */
static enum io
end_handshake(struct conn *c)
{
	return c->tls->ready ? IO_OK : IO_WAIT;
}

/* All that is given is taken as long as nothing waits; it stays in OpenSSL's memory until it is opened. */
static enum io
end_write(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct tls *t = c->tls;
	size_t n = 0;

	if (t->out_n > 0 && end_flush(c) == IO_FAIL)
		return IO_FAIL;
	if (t->out_n > 0)
		return IO_WAIT;
	for (int i = 0; i < n_iov && n < TAKE_BYTES; i++) {
		size_t part = iov[i].iov_len < TAKE_BYTES - n ? iov[i].iov_len : TAKE_BYTES - n;

		if (part > 0 && !t->failed && !t->fin &&
		    BIO_write(SSL_get_rbio(t->ssl), iov[i].iov_base, (int)part) != (int)part)
			tls_fail(t, "out of memory");
		n += part;
	}
	*ret_n = n;
	return t->failed || t->fin ? IO_OK : open_all(c);
}

/* One record of what the socket has; its end becomes a close_notify. */
static enum io
seal_one(struct conn *c)
{
	struct tls *t = c->tls;
	struct tls_memory *m = tls_memory_get();
	struct iovec iov = { NULL, TLS_RECORD_BYTES };
	enum io io;
	size_t n;
	int r = 1;

	if (m == NULL) {
		tls_fail(t, "out of memory");
		return IO_FAIL;
	}
	iov.iov_base = m->stage;
	io = conn_raw_recv(c, &iov, 1, &n);
	ERR_clear_error();
	if (io == IO_OK) {
		r = SSL_write(t->ssl, m->stage, (int)n);
	} else if (io == IO_EOF) {
		t->ended = true;
		(void)SSL_shutdown(t->ssl); /* 0: theirs has not come; that is no failure */
		ERR_clear_error();
		io = IO_OK;
	}
	if (io == IO_OK && r <= 0)
		fail(c, r);
	return io;
}

static size_t
take_sealed(struct tls *t, const struct iovec *iov, int n_iov)
{
	size_t n = 0;

	for (int i = 0; i < n_iov && sealed_bytes(t) > 0; i++) {
		int cap = iov[i].iov_len > INT_MAX ? INT_MAX : (int)iov[i].iov_len;
		int r = cap == 0 ? 0 : BIO_read(SSL_get_wbio(t->ssl), iov[i].iov_base, cap);

		n += r > 0 ? (size_t)r : 0;
	}
	return n;
}

static enum io
end_read(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	struct tls *t = c->tls;
	enum io io = IO_WAIT;

	if (sealed_bytes(t) == 0 && t->ready && !t->failed && !t->ended) {
		io = seal_one(c);
		if (io == IO_FAIL)
			return IO_FAIL;
	}
	*ret_n = take_sealed(t, iov, n_iov);
	c->buffered = sealed_bytes(t) > 0;
	if (*ret_n > 0)
		return IO_OK;
	return t->failed || t->ended ? IO_EOF : IO_WAIT;
}

/* The socket's end follows what waits (conn.c), and nothing is left unopened when nothing waits. */
static void
end_shut(struct conn *c)
{
	check(c->tls != NULL);
}

static const struct conn_ops end_ops = {
	.handshake = end_handshake,
	.read = end_read,
	.write = end_write,
	.flush = end_flush,
	.shut = end_shut,
};

int
tls_end_at(struct conn *c, struct tls *t)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	check(c->tls == NULL && t != NULL);
	if (in == NULL || out == NULL) {
		BIO_free(in);
		BIO_free(out);
		tls_free(t);
		return -1;
	}
	SSL_set_bio(t->ssl, in, out);
	conn_set_tls(c, t);
	c->ops = &end_ops;
	return 0;
}

bool
tls_end_failed(const struct conn *c)
{
	return c->ops == &end_ops && c->tls->failed;
}
