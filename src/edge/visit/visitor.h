/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visitor: one connection from the public side, and with HTTP/1.1 the front of its exchanges.  While it
 * is idle it is this struct and its socket; parsers and buffers are in struct exchange, which it has
 * only from the first byte of a request to the last of the answer.
 *
 *	HEAD ---> BUSY ---> HEAD                the exchange is at work; its answer was delivered
 *	            |-----> DRAIN ---> HEAD     the answer was early: the rest of the body is read away
 *	   \        \-----> LINGER --> DEAD     ours was the last byte: FIN, then read until theirs
 *	    \-----> H2 ------/                 his TLS has agreed on HTTP/2
 *
 * Every state may go to DEAD.  A visitor whose tunnel is on another worker is moved there whole.
 */
#ifndef ADIT_EDGE_VISIT_VISITOR_H
#define ADIT_EDGE_VISIT_VISITOR_H

#include "edge/visit/exchange.h"
#include "edge/visit/visit.h"

struct h2_visitor;

enum visitor_state {
	/* Idle, or a head is coming.  The whole head leaves it; the deadline ends it. */
	VISITOR_HEAD,
	/* The exchange has the connection.  The end of its answer leaves it; it knows the times. */
	VISITOR_BUSY,
	/* The answer is out, the request's body is not in.  Its last byte leaves it;
	 * the deadline cuts it. */
	VISITOR_DRAIN,
	/* He speaks HTTP/2, and h2_visitor.h has the connection. The end of it leaves it. */
	VISITOR_H2,
	/* FIN was sent.  The client's FIN closes the connection, or LIMIT_LINGER_MS does. */
	VISITOR_LINGER,
	/* Closed; freed at the end of the turn. */
	VISITOR_DEAD,
};

struct visitor {
	struct front front;
	struct conn conn;
	struct list node;   /* in worker->visit->list */
	struct exchange *x; /* NULL while idle */
	struct h2_visitor *h2;
	struct lobby_guest guest;
	int64_t moved_us;    /* into its state */
	int64_t deadline_us; /* of the state, looked at by the worker's tick */
	struct loop_grave grave;
	enum visitor_state state;
	bool used; /* a request was answered */
};

/* Takes over the connection of an arrival, with what was read of it. */
void visitor_start(struct worker *w, struct arrival *a);
/* Cuts the connection: without mercy, or only when nothing is under way. */
void visitor_close(struct visitor *v);
void visitor_close_idle(struct visitor *v);
/* Ours was the last byte. */
void visitor_linger(struct visitor *v);
/* Called about once a second for each visitor. */
void visitor_tick(struct visitor *v, int64_t now_us);

/* Of visit->lobby: he waits for a request, or for the other side's end. */
bool visitor_is_idle(const struct lobby_guest *g);

#endif
