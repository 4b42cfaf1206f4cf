/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection: a stream socket, with TLS over it or not, the same four calls
 * for both: conn_handshake(), conn_read(), conn_write(), conn_shut().  Reading is pulled by the
 * owner; nothing is read that nobody asked for, so not reading is backpressure.
 *
 * TLS is OpenSSL behind a BIO of our own: ciphertext is received up to 256 KiB at once
 * into memory of the thread, records are sealed into memory of the thread and leave
 * many in one call.  What could not be sent or opened yet is kept by the connection
 * (bounded), so that idle connections hold no buffer (SSL_MODE_RELEASE_BUFFERS).
 *
 * A connection can move between loops whole: conn_detach() here, conn_attach() there.
 */
#ifndef ADIT_NET_CONN_H
#define ADIT_NET_CONN_H

#include "net/loop.h"
#include "net/tls.h"

struct conn;

/*
 * What does the work behind the four calls: the socket alone, TLS over it (tls_io.c), or whatever
 * else gives bytes and takes them.  Each is called with a connection that has neither failed nor
 * ended that way, and keeps conn.buffered and conn.waiting.
 */
struct conn_ops {
	/* Goes on with what stands before the first byte. */
	enum io (*handshake)(struct conn *c);
	enum io (*read)(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);
	enum io (*write)(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);
	/* There is room again: sends what waits. IO_OK when nothing waits any more. */
	enum io (*flush)(struct conn *c);
	/* Queues the end of our direction behind what waits, and sends what goes. */
	void (*shut)(struct conn *c);
};

struct conn {
	struct loop_io io;
	/* Called with LOOP_IN / LOOP_OUT edges. The owner remembers what it cannot use now: an
	 * edge is told once. After conn_attach() both are told in the next turn. */
	void (*fn)(struct conn *c, unsigned events);
	const struct conn_ops *ops;
	struct tls *tls;  /* NULL: plain */
	size_t waiting;   /* for ops: bytes that were taken and that the socket has not */
	bool buffered;    /* for ops: bytes are in hand that can be read without the socket */
	bool eof, failed; /* sticky results of reading and writing */
	/*
	 * To look at, kept by conn.c. `readable` goes false only where the socket was seen empty
	 * (EAGAIN, or a short read while the kernel has told of no end) and nothing that was
	 * received waits to be opened or read. `writable` goes false where the socket did not take
	 * all, until an edge. While false, conn_read() and conn_write() give IO_WAIT without a
	 * system call; an edge is certain to come.
	 */
	bool readable, writable;
	bool shut_wanted; /* private: shut down as soon as all is sent */
	bool sock_in, sock_out, rx_failed, tx_failed, shut; /* private */
	int error; /* private: errno of the failure, 0 where the TLS state knows */
};

/* Takes over a non-blocking descriptor; tls may be NULL (and is owned from now on). */
void conn_init(struct conn *c, int fd, struct tls *tls, void (*fn)(struct conn *, unsigned));
/*
 * A connection without a descriptor: ops give and take the bytes, tls is somebody else's and looked at
 * only.  It is closed by conn_leave(), which harms no TLS state; conn_tell() calls fn as an edge
 * would.  An operation that finds nothing, or no room, is told so by conn_dry().
 */
void conn_init_over(struct conn *c, struct loop *l, const struct conn_ops *ops, struct tls *tls,
    void (*fn)(struct conn *, unsigned));
void conn_leave(struct conn *c);
void conn_tell(struct conn *c, unsigned events);
/* Within an operation: these edges have to come before it is asked again. */
void conn_dry(struct conn *c, unsigned events);
/* Plain so far, and nothing was read: it speaks TLS from here on. */
void conn_set_tls(struct conn *c, struct tls *tls);
/* Its fn is called with these events once more in the next turn, as if they had come anew. */
static inline void
conn_again(struct conn *c, unsigned events)
{
	loop_again(&c->io, events);
}
/* Moves a detached connection to another place in memory; src is closed (fd -1) afterwards. */
void conn_move(struct conn *dst, struct conn *src, void (*fn)(struct conn *, unsigned));
/* -1 and errno without memory or descriptors. */
int conn_attach(struct conn *c, struct loop *l) must_use;
void conn_detach(struct conn *c);
/* conn_close() will be seen as a reset. */
void conn_will_reset(struct conn *c);
/* Closes the descriptor and frees the TLS state; what waits is lost. Harmless twice. */
void conn_close(struct conn *c);
static inline bool
conn_is_open(const struct conn *c)
{
	return c->io.fd >= 0;
}

/* Goes on with the TLS handshake. IO_OK when it is done (or there is
 * none), IO_WAIT, IO_FAIL (conn_error()). */
enum io conn_handshake(struct conn *c);

/* Reads up to cap bytes of plaintext, from at most one receive. IO_EOF only after an
 * orderly end (FIN; with TLS close_notify: a FIN without one is IO_FAIL where
 * tls_strict_eof was set, else IO_EOF). */
enum io conn_read(struct conn *c, void *dst, size_t cap, size_t *ret_n);
/* The same into several pieces (at least one), of which TLS fills only the first. */
enum io conn_readv(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);

/*
 * Writes; *ret_n of the bytes were taken. Plain: what the kernel took. TLS: what was sealed,
 * of which up to CONN_SEALED_BYTES may still wait in the connection; as long as something
 * waits, IO_WAIT. *ret_n is 0 unless IO_OK. Small pieces are sealed together. On LOOP_OUT conn.c
 * sends what waits before it calls fn.
 */
#define CONN_SEALED_BYTES (320 * 1024)
enum io conn_write(struct conn *c, const struct iovec *iov, int n_iov, size_t *ret_n);
/* Sealed bytes that wait for the socket. */
static inline size_t
conn_waiting(const struct conn *c)
{
	return c->waiting;
}
/* These, and what the other side's kernel has not acknowledged yet. */
size_t conn_unacked(const struct conn *c);
/* Nothing has come that was not read, neither bytes nor an end: asked of the kernel, as an edge may
 * be on its way. */
bool conn_is_quiet(const struct conn *c);
/* Ends our direction after what waits: close_notify, then FIN. Reading goes on. */
void conn_shut(struct conn *c);
/* The other side takes nothing any more, but what it has sent can still be read. */
static inline bool
conn_is_half_broken(const struct conn *c)
{
	return c->tx_failed && !c->rx_failed && !c->eof;
}
/* One sentence on why IO_FAIL; lives until the next call. */
const char *conn_error(const struct conn *c);

/* Of a connected TCP socket: TCP_NODELAY, TCP_USER_TIMEOUT and TCP_NOTSENT_LOWAT (0 = leave); on
 * loopback no congestion control that paces (BBR halves what goes through there). */
void conn_tune(struct conn *c, int user_timeout_ms, int notsent_lowat_bytes);

#endif
