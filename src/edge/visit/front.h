/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exchange needs of whoever brings it.  The front reads heads and knows what becomes of its
 * connection; from a whole head to the last byte of the answer the exchange works on `conn`, and
 * nothing in it knows which version of HTTP the visitor speaks.  visitor.c is the front of HTTP/1.1,
 * h2_front.c that of HTTP/2.
 */
#ifndef ADIT_EDGE_VISIT_FRONT_H
#define ADIT_EDGE_VISIT_FRONT_H

#include "edge/core/source.h"
#include "edge/core/worker.h"
#include "net/conn.h"

struct front;

/* How the answer ends that is not whole, or that nobody is to get any more. */
enum front_end {
	FRONT_FIN,   /* what was written arrives, then an end in order */
	FRONT_CLOSE, /* at once; what was written may arrive */
	FRONT_RESET, /* so that nobody takes what was written for all */
};

/* Each of them ends the exchange: it is not to be touched any more. */
struct front_ops {
	/* The answer is with the connection.  read_ahead: what was read behind the head and was not
	 * used; it may lie in a buffer of the exchange. */
	void (*answered)(struct front *f, struct slice read_ahead);
	void (*cut)(struct front *f, enum front_end how);
	/* The tunnel is on another worker: there the request begins anew.  bytes: all that was read
	 * of it, from the first byte of the head on. */
	void (*hand_over)(struct front *f, struct worker *to, struct slice bytes);
};

struct front {
	const struct front_ops *ops;
	struct worker *worker;
	struct conn *conn;     /* of the exchange that is under way */
	struct source *source; /* whom it counts for; NULL: an address that is not counted */
	struct source_ip ip;   /* of whoever is connected, or whom PROXY has named */
	uint8_t major;         /* version of HTTP that he speaks: 1 or 2 */
	bool trusted;          /* a proxy whose forwarding fields are kept */
	char peer[PEER_TEXT_BYTES], local[PEER_TEXT_BYTES];
};

static inline void
front_answered(struct front *f, struct slice read_ahead)
{
	f->ops->answered(f, read_ahead);
}

static inline void
front_cut(struct front *f, enum front_end how)
{
	f->ops->cut(f, how);
}

static inline void
front_hand_over(struct front *f, struct worker *to, struct slice bytes)
{
	f->ops->hand_over(f, to, bytes);
}

/* The TLS of the visitor's connection, NULL: plain. */
static inline const struct tls *
front_tls(const struct front *f)
{
	return f->conn->tls;
}

/* The name that he asked for in his handshake; "": none, or no TLS. */
static inline const char *
front_sni(const struct front *f)
{
	return front_tls(f) == NULL ? "" : tls_sni(front_tls(f));
}

#endif
