/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's reads and writes, with TLS and without. */
#include "net/conn.h"

#include "net/conn_private.h"

#include <errno.h>
#include <limits.h>

/* What the owner may look at follows from the socket and from what the TLS layer holds. */
static void
refresh(struct conn *c)
{
	c->readable = c->sock_in || c->buffered;
	c->writable = c->sock_out && c->waiting == 0;
	c->failed = c->rx_failed || c->tx_failed;
}

/* --- the socket --- */

static size_t
total_of(const struct iovec *iov, int n_iov)
{
	size_t total = 0;

	for (int i = 0; i < n_iov; i++)
		total += iov[i].iov_len;
	return total;
}

/*
 * Edges come only to who has emptied the socket.  A short read has, too, and saves the call that
 * would say EAGAIN; but not when an end has been told already: its edge is spent, so the end must
 * be read out now.
 */
enum io
conn_raw_recv(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	bool watched = c->io.loop != NULL;
	size_t cap = total_of(iov, n_iov);
	enum io io;

	if (watched && !c->sock_in)
		return IO_WAIT;
	io = loop_recv(c->io.fd, iov, n_iov, ret_n);
	if (io == IO_OK && *ret_n < cap && watched && !c->io.ended)
		c->sock_in = false;
	else if (io == IO_WAIT && cap > 0)
		c->sock_in = false;
	else if (io == IO_FAIL)
		c->error = errno;
	/* After a reset that writing has met the kernel shows an end in order, which it was not. */
	if (io == IO_EOF && c->tx_failed && c->error != EPIPE)
		return IO_FAIL;
	return io;
}

enum io
conn_raw_send(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	enum io io;

	if (c->io.loop != NULL && !c->sock_out)
		return IO_WAIT;
	if (n_iov > IOV_MAX)
		n_iov = IOV_MAX;
	io = loop_send(c->io.fd, iov, n_iov, ret_n);
	if (io == IO_WAIT)
		loop_refused(&c->io);
	if (io == IO_WAIT || (io == IO_OK && *ret_n < total_of(iov, n_iov)))
		c->sock_out = false;
	if (io == IO_FAIL) {
		c->error = errno;
		c->tx_failed = true;
	}
	return io;
}

/* --- the socket alone --- */

static enum io
plain_handshake(struct conn *c)
{
	(void)c;
	return IO_OK;
}

/* Nothing waits: what the kernel did not take was not taken. */
static enum io
plain_flush(struct conn *c)
{
	check(c->waiting == 0);
	return IO_OK;
}

static void
plain_shut(struct conn *c)
{
	check(c->waiting == 0);
}

static const struct conn_ops plain_ops = {
	.handshake = plain_handshake,
	.read = conn_raw_recv,
	.write = conn_raw_send,
	.flush = plain_flush,
	.shut = plain_shut,
};

/* --- coming and going --- */

static void
finish_shut(struct conn *c)
{
	if (!c->shut_wanted || c->waiting > 0)
		return;
	c->shut_wanted = false;
	loop_shutdown(c->io.fd);
}

static void
on_io(struct loop_io *io, unsigned events)
{
	struct conn *c = list_of(io, struct conn, io);

	if (events & LOOP_IN)
		c->sock_in = true;
	if (events & LOOP_OUT) {
		c->sock_out = true;
		if (c->waiting > 0 && c->ops->flush(c) == IO_WAIT)
			events &= ~(unsigned)LOOP_OUT; /* still not: nothing to tell */
		finish_shut(c);
	}
	refresh(c);
	if (events != 0)
		c->fn(c, events);
}

void
conn_init(struct conn *c, int fd, struct tls *tls, void (*fn)(struct conn *, unsigned))
{
	*c = (struct conn){
		.io = { .fd = fd, .fn = on_io },
		.fn = fn,
		.ops = tls == NULL ? &plain_ops : &tls_conn_ops,
		.tls = tls,
		.sock_in = true,
		.sock_out = true,
		.readable = true,
		.writable = true,
	};
}

void
conn_init_over(struct conn *c, struct loop *l, const struct conn_ops *ops, struct tls *tls,
    void (*fn)(struct conn *, unsigned))
{
	conn_init(c, -1, NULL, fn);
	c->ops = ops;
	c->tls = tls;
	/* For loop_again() alone: nothing is watched. */
	c->io.loop = l;
	list_init(&c->io.again);
	list_init(&c->io.doubted);
}

void
conn_leave(struct conn *c)
{
	check(c->io.fd < 0);
	list_del(&c->io.again);
	c->io.loop = NULL;
	c->tls = NULL;
	conn_init(c, -1, NULL, NULL);
}

void
conn_tell(struct conn *c, unsigned events)
{
	check(c->io.fd < 0 && c->io.loop != NULL);
	on_io(&c->io, events);
}

void
conn_dry(struct conn *c, unsigned events)
{
	check(c->io.fd < 0);
	if (events & LOOP_IN)
		c->sock_in = false;
	if (events & LOOP_OUT)
		c->sock_out = false;
}

void
conn_set_tls(struct conn *c, struct tls *tls)
{
	check(c->tls == NULL && c->ops == &plain_ops);
	c->tls = tls;
	c->ops = tls == NULL ? &plain_ops : &tls_conn_ops;
}

void
conn_move(struct conn *dst, struct conn *src, void (*fn)(struct conn *, unsigned))
{
	check(src->io.loop == NULL);
	*dst = *src;
	dst->fn = fn;
	conn_init(src, -1, NULL, NULL);
}

int
conn_attach(struct conn *c, struct loop *l)
{
	if (loop_watch(l, &c->io) != 0)
		return -1;
	/* The kernel tells what it knows; only we know of bytes that were read before. */
	c->sock_in = c->sock_out = true;
	refresh(c);
	conn_again(c, LOOP_IN | LOOP_OUT);
	return 0;
}

void
conn_detach(struct conn *c)
{
	loop_unwatch(&c->io);
}

void
conn_close(struct conn *c)
{
	loop_unwatch(&c->io);
	if (c->io.fd >= 0)
		loop_close(c->io.fd);
	c->io.fd = -1;
	tls_free(c->tls);
	c->tls = NULL;
	c->ops = &plain_ops;
	c->waiting = 0;
	c->buffered = c->sock_in = c->sock_out = c->readable = c->writable = false;
	c->shut_wanted = false;
}

/* --- the four calls --- */

enum io
conn_handshake(struct conn *c)
{
	enum io io;

	if (c->rx_failed || c->tx_failed)
		return IO_FAIL;
	io = c->ops->handshake(c);
	if (io == IO_FAIL || io == IO_EOF)
		c->rx_failed = c->tx_failed = true;
	refresh(c);
	return io == IO_EOF ? IO_FAIL : io;
}

enum io
conn_read(struct conn *c, void *dst, size_t cap, size_t *ret_n)
{
	struct iovec iov = { dst, cap };

	return conn_readv(c, &iov, 1, ret_n);
}

enum io
conn_readv(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	enum io io;

	*ret_n = 0;
	if (c->eof)
		return IO_EOF;
	if (c->rx_failed)
		return IO_FAIL;
	io = c->ops->read(c, iov, n_iov, ret_n);
	if (io == IO_EOF)
		c->eof = true;
	if (io == IO_FAIL)
		c->rx_failed = true;
	refresh(c);
	return io;
}

enum io
conn_write(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n)
{
	size_t n = 0;
	enum io io;

	*ret_n = 0;
	if (c->tx_failed)
		return IO_FAIL;
	if (c->shut) {
		c->error = EPIPE;
		return IO_FAIL;
	}
	io = c->ops->write(c, iov, n_iov, &n);
	if (io == IO_FAIL)
		c->tx_failed = true;
	if (io == IO_OK)
		*ret_n = n;
	refresh(c);
	return io;
}

size_t
conn_unacked(const struct conn *c)
{
	return conn_waiting(c) + (c->io.fd >= 0 ? loop_unacked(c->io.fd) : 0);
}

bool
conn_is_quiet(const struct conn *c)
{
	return !c->eof && !c->failed && !c->buffered && !loop_can_recv(c->io.fd);
}

void
conn_shut(struct conn *c)
{
	if (c->shut || c->io.fd < 0)
		return;
	c->shut = c->shut_wanted = true;
	if (!c->tx_failed)
		c->ops->shut(c);
	finish_shut(c);
	refresh(c);
}

static const char *
errno_sentence(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case ECONNRESET:
		return "the other side has reset the connection";
	case EPIPE:
		return "the other side does not read any more";
	case ETIMEDOUT:
		return "the other side does not acknowledge bytes any more";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "the other side cannot be reached any more";
	default:
		return strerror(error);
	}
}

const char *
conn_error(const struct conn *c)
{
	const char *why = c->tls == NULL ? NULL : tls_why(c->tls);

	return why != NULL ? why : errno_sentence(c->error);
}

void
conn_will_reset(struct conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->io.fd >= 0)
		(void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void
conn_tune(struct conn *c, int user_timeout_ms, int notsent_lowat_bytes)
{
	loop_tune(c->io.fd, user_timeout_ms, notsent_lowat_bytes);
}
