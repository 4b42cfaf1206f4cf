/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to an origin that speaks HTTP/2: a stream each, on trunks (trunk.h) that they share.
 *
 * An exchange sees no difference: it is given an origin_conn whose bytes are made here.  What it
 * writes, a request of HTTP/1.1, is read by the same parser as everywhere and becomes a stream; what
 * it reads is the stream's answer as HTTP/1.1.
 *
 *	exchange --origin_connect()--> waiting --a trunk has room--> on the trunk --drop--> gone
 *
 * As many streams run on a trunk as the origin allows, and LIMIT_ORIGIN_H2_STREAMS at most; then
 * another one is dialled, up to LIMIT_ORIGIN_H2_CONNS.  Behind that they wait.
 */
#ifndef ADIT_AGENT_SERVE_ORIGIN_H2_H
#define ADIT_AGENT_SERVE_ORIGIN_H2_H

#include "agent/serve/origin.h"
#include "h2/h2_client.h"
#include "http/h1.h"

struct trunk;

/* Of an origin. */
struct origin_h2 {
	struct origin *origin;
	struct list trunks;  /* that are dialled, or take streams */
	struct list waiting; /* of origin_conn.node: DIALLING */
	struct list gone;    /* trunks that end, while their streams are still being read */
	size_t n_trunks, n_waiting;
	size_t streams_max;     /* of a trunk, as the origin said last */
	struct loop_task serve; /* gives trunks to those that wait */
};

/* What an origin_conn stands for: via. */
struct origin_stream {
	struct origin_conn *conn;
	struct trunk *trunk;             /* NULL while it waits */
	struct h2_client_stream *stream; /* NULL until the head is whole */
	struct list node;                /* in trunk->streams */
	struct h1 request;               /* what the exchange writes */
	struct buf head, trailers;
	bool taken;   /* the request is whole */
	bool refused; /* the trunk went before the head was whole */
};

/* NULL without memory. */
struct origin_h2 *origin_h2_new(struct origin *o) must_use;
/* Ends its trunks at once.  Those in use must have been dropped.  Harmless with NULL. */
void origin_h2_free(struct origin_h2 *p);

/* As origin_take() and origin_connect(). */
struct origin_conn *origin_h2_take(struct origin_h2 *p, const struct origin_ops *ops, void *owner);
struct origin_conn *origin_h2_connect(struct origin_h2 *p, const struct origin_ops *ops,
    void *owner);
/* The exchange lets go, whatever the state. */
void origin_h2_leave(struct origin_conn *c);
/* In the grave.  Harmless with NULL. */
void origin_h2_free_stream(struct origin_stream *v);
enum link_code origin_h2_broke(const struct origin_conn *c);
bool origin_h2_refused(const struct origin_conn *c);
bool origin_h2_is_gone(const struct origin_conn *c);

/* --- by trunks --- */

/* It takes streams now, or more of them. */
void origin_h2_more(struct origin_h2 *p);
/* It could not be: those that wait fail, unless another one may still take them. */
void origin_h2_failed(struct origin_h2 *p, enum link_code code, const char *why);

#endif
