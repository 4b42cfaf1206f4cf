/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange: the request's head comes by the stream, is parsed by the same strict parser as
 * at the edge, and is written anew for the origin; the answer likewise the other way (S-08).
 * Bodies pass through the flow.
 *
 *	                     _________  once more, on a fresh connection
 *	                    v         \
 *	HEAD -> READ -> DIALLING -> SENT -> BODY -> (LINGER) -> DEAD
 *	           \_________________^ \
 *	           an idle connection   \-> SWITCHED -> (HALF) -> DEAD
 */
#ifndef ADIT_AGENT_SERVE_HTTP_STREAM_H
#define ADIT_AGENT_SERVE_HTTP_STREAM_H

#include "agent/serve/serve.h"

enum http_stream_state {
	/* The edge sends the request's head.  Its last byte leaves it. */
	HTTP_STREAM_HEAD,
	/* The head is whole.  What shows whether a body follows leaves it: the next byte, or the
	 * end; where the head says so itself, nothing is waited for. */
	HTTP_STREAM_READ,
	/* The head is ready, the connection is not; the body's bytes are held.  The origin's
	 * connection leaves it, or its failure ends the stream. */
	HTTP_STREAM_DIALLING,
	/* The request is on its way.  The answer's head leaves it; serve's timer ends the stream of
	 * an origin that is silent. */
	HTTP_STREAM_SENT,
	/* The answer's head was passed on, its body follows.  The ends of both bodies end it. */
	HTTP_STREAM_BODY,
	/* The answer is over, the request is not.  The edge ends the stream, or serve's timer. */
	HTTP_STREAM_LINGER,
	/* The answer was 101: from here on both talk as they like.  The end of the origin's
	 * direction leaves it; where the visitor's has ended before, that ends the stream. */
	HTTP_STREAM_SWITCHED,
	/* The same, and the origin has ended its direction.  The visitor's end ends the stream. */
	HTTP_STREAM_HALF,
	/* The stream is gone; freed at the end of the turn. */
	HTTP_STREAM_DEAD,
};

struct http_stream {
	struct serve *serve;
	struct agent_tunnel *tunnel;
	struct flow flow;
	struct origin_conn *conn;
	enum http_stream_state state;
	/* Of the request. safe: idempotent (RFC 9110, 9.2.2); retried: sent once more already. */
	bool safe, has_body, upgrade, head_request, retried;
	bool body_told; /* by the opening: it need not be waited for */
	enum flow_framing framing;
	uint64_t length;
	char *head;       /* a block of serve->heads: the origin's head, while it may be needed */
	size_t head_n;    /* its bytes */
	size_t head_sent; /* of an upgrade's head, which is written here and not by the flow */
	bool out_done;    /* the origin has all of it */
	/* Of the answer. write_broken: the origin takes no more of the request. */
	bool keep_alive, write_broken;
	unsigned n_interim; /* heads of 1xx so far */
	char *gather;       /* a block of serve->heads: a head that came in pieces */
	size_t gather_n;
	struct h1 h1;        /* of the request's head, then of the answer */
	struct list waiting; /* in serve->waiting */
	int64_t opened_us;
	uint32_t silent_ms;   /* how long the origin may be silent once it has the request */
	size_t unacked;       /* of its connection, when last looked at */
	struct slice proxied; /* the PROXY header for this visitor, malloced; none: .p NULL */
	/* for the screen; empty unless it wants requests */
	char request_id[40], method[16], path[96];
	unsigned status;
	bool probe;      /* the edge's own request: nobody's visit */
	bool counted;    /* the capture knows of it */
	struct tap *tap; /* NULL: it keeps nothing of it */
	struct loop_grave grave;
};

/* -1 without memory; the stream is the caller's then. */
int http_stream_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t, const struct opening *o) must_use;
/* The timer of serve: ends exchanges whose origin is silent, or whose end the edge has left open,
 * for too long. */
void http_stream_sweep(struct loop_timer *t);

/* --- for http_request.c and http_response.c --- */

/* A head for the capture, where it wants one; see tap_head(). */
static inline void
http_stream_tap(struct http_stream *x, enum tap_side side, enum tap_form form,
    const struct h1_head *h, struct slice bytes)
{
	if (x->tap != NULL)
		tap_head(x->tap, side, form, h, bytes);
}

/* The only writer of an exchange's state. */
void http_stream_move(struct http_stream *x, enum http_stream_state to);
/* Ends stream, connection and exchange; code: what the edge is told where the stream has not ended
 * in order. Harmless twice. */
void http_stream_end(struct http_stream *x, enum link_code code);

#endif
