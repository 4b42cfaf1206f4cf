/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An origin: the local server of a tunnel, and the connections to it.  What is dialled here stands
 * in the agent's own configuration, whatever the edge says (S-13).
 *
 * Connections that have ended an exchange in good order are kept for the next one, the one used
 * last first (LIFO), at most LIMIT_ORIGIN_POOL of them and none idle for longer than
 * LIMIT_ORIGIN_POOL_IDLE_MS.  An idle connection on which anything happens, bytes or an end, is
 * closed: a byte that nobody asked for would be the next answer's beginning (S-08). The kernel is
 * asked once more before one is taken, as the edge that tells of it may be on its way.
 */
#ifndef ADIT_AGENT_SERVE_ORIGIN_H
#define ADIT_AGENT_SERVE_ORIGIN_H

#include "agent/builtin/builtin.h"
#include "agent/core/config.h"
#include "base/slab.h"
#include "net/conn.h"
#include "net/resolve.h"
#include "tunnel/frame.h"
#include "tunnel/opening.h"

/* A request that must not be sent twice is not put on a connection that has been idle for longer:
 * the origin may be about to close it. */
#define ORIGIN_FRESH_US 1000000

/* What the origins of a loop share. */
struct origin_shared {
	struct loop *loop;
	struct resolver *resolver;
	struct slab conns;       /* of struct origin_conn */
	struct builtin *builtin; /* origins that are in the agent; NULL: there are none */
	struct sink sink;
};

struct origin_h2;
struct origin_stream;

struct origin {
	struct origin_shared *shared;
	struct addr tries[2];      /* a bare port is 127.0.0.1 first, then [::1] */
	size_t n_tries, try_first; /* the one that answered last goes first */
	char text[320];            /* "http://127.0.0.1:8080", for people */
	struct slice host;         /* Host to be sent in place of the visitor's; p NULL: keep it */
	char tls_name[256];        /* SNI and the name that the certificate must cover */
	struct tls_client *tls;    /* NULL: plain */
	int proxy_protocol;        /* version of the PROXY header in front, 0: none */
	struct origin_h2 *h2;      /* NULL: it speaks HTTP/1.1 */
	struct builtin_site *site; /* it is in the agent itself; NULL: an address */
	struct list idle;          /* of struct origin_conn, used last first */
	size_t n_idle;
	struct loop_timer expire;
};

struct origin_conn;

struct origin_ops {
	/* Connected (and TLS done): conn may be used from now on. */
	void (*ready)(struct origin_conn *c);
	/* It could not be: c is gone. code: ORIGIN_REFUSED, ORIGIN_SILENT, ORIGIN_TLS, INTERNAL;
	 * why lives during the call. */
	void (*failed)(struct origin_conn *c, enum link_code code, const char *why);
	/* Edges of conn while it is in use. */
	void (*event)(struct origin_conn *c, unsigned events);
};

/* Any of them may be left for GONE: its owner drops it, or its end or failure is seen. */
enum origin_state {
	/* Its addresses are tried one after the other.  The first that accepts leaves it. */
	ORIGIN_DIALLING,
	/* TLS only.  Its end leaves it, or the deadline ends the connection. */
	ORIGIN_HANDSHAKE,
	/* An owner has it, and gets its events.  origin_release() leaves it. */
	ORIGIN_BUSY,
	/* In the pool, without an owner: bytes or an end that come now are nobody's, and end it.
	 * origin_take() leaves it. */
	ORIGIN_IDLE,
	/* Closed; freed at the end of the turn. */
	ORIGIN_GONE,
};

struct origin_conn {
	struct conn conn;
	struct origin *origin;
	const struct origin_ops *ops;
	void *owner;
	bool reused; /* it has served an exchange before */
	/* Of HTTP/2: the stream that it stands for, on a connection with others; else NULL. */
	struct origin_stream *via;
	/* private */
	char *header; /* what goes in front of the first byte, TLS included; malloced, or NULL */
	size_t header_n;
	enum origin_state state;
	size_t n_tried;
	int pair_fd; /* of a site, while DIALLING; -1: there is none */
	struct dial dial;
	struct loop_timer deadline; /* of the handshake */
	struct list node;           /* in origin->idle; of HTTP/2: see origin_h2.h */
	int64_t idle_us;            /* since when */
	struct loop_grave grave;
};

/* --- for origin_h2.c --- */

/* The only writer of a connection's state. */
void origin_move(struct origin_conn *c, enum origin_state to);
/* Tells the owner, who has it no more. */
void origin_fail(struct origin_conn *c, enum link_code code, const char *why);

/* --- */

void origin_shared_init(struct origin_shared *s, struct loop *l, struct resolver *r);
void origin_shared_fini(struct origin_shared *s);

/*
 * From a tunnel's configuration; strings of t must live on.  NULL, or a malloced sentence.  Nothing
 * is dialled yet.
 */
char *origin_init(struct origin *o, struct origin_shared *s,
    const struct config_tunnel *t) must_use;
/* Closes the idle connections; those in use must have been dropped. */
void origin_fini(struct origin *o);

/* An idle connection, or NULL.  safe: the request may be sent twice (idempotent
 * and without a body). */
struct origin_conn *origin_take(struct origin *o, bool safe, const struct origin_ops *ops,
    void *owner);
/*
 * The PROXY header for the visitor of a stream (NULL: for nobody, as with a look whether the origin
 * is there), where the origin wants one; else 0.  A header says who the visitor of the whole
 * connection is, so such connections are never kept for another.  dst: PROXYPROTO_BYTES_MAX.
 */
size_t origin_header(const struct origin *o, const struct opening *visitor, char *dst);
/* A new connection, with a header in front (copied); ops->ready or ops->failed comes later, never
 * from within. NULL: too many, or no memory. */
struct origin_conn *origin_connect(struct origin *o, struct slice header,
    const struct origin_ops *ops, void *owner);
/* The same of a connection that is no more than bytes, also to an origin of HTTP/2. */
struct origin_conn *origin_dial(struct origin *o, struct slice header, const struct origin_ops *ops,
    void *owner);
/* Why its answer will not come, behind IO_FAIL or an end: a row for the edge. */
enum link_code origin_broke(const struct origin_conn *c);
/* The connection itself has ended, and not a stream on it alone. */
bool origin_is_gone(const struct origin_conn *c);
/* The origin has done nothing with the request, whatever it is (RFC 9113 8.7): it may be sent once
 * more on another connection. */
bool origin_refused(const struct origin_conn *c);
/* Back into the pool: the exchange has ended in good order, nothing is left to be read or sent. */
void origin_release(struct origin_conn *c);
/* Closes it, or ends the dialling without a call. */
void origin_drop(struct origin_conn *c);
/* The same; the origin sees a reset, since an end in order would tell it that it has all bytes. */
void origin_abort(struct origin_conn *c);

#endif
