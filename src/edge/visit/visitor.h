/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visitor: one HTTP/1.1 connection from the public side.  While it is idle it is this struct and
 * its socket; parsers and buffers are in struct exchange, which it has only from the first byte of
 * a request to the last of the answer.
 *
 *	HEAD ---> FLOW ----> HEAD                    the request goes through a stream, the answer comes
 *	  |         |                                back
 *	  |         |------> DRAIN ---> HEAD         the answer was early: the rest of the body is read
 *	  |         |                                away
 *	  |         |------> LINGER --> DEAD         ours was the last byte: FIN, then read until theirs
 *	  |         v
 *	  |------> ANSWER -> HEAD, DRAIN or LINGER   a page of our own waits for the socket
 *	  |------> WAIT ---> HEAD                    a password is being looked at
 *	  \------> INTAKE -> STORE ---> ANSWER ...   a webhook is read whole, then stored
 *
 * Every state may go to DEAD.  A visitor whose tunnel is on another worker is moved
 * there from HEAD, whole.
 */
#ifndef ADIT_EDGE_VISIT_VISITOR_H
#define ADIT_EDGE_VISIT_VISITOR_H

#include "edge/visit/exchange.h"
#include "edge/visit/visit.h"

enum visitor_state {
	/* Idle, or a head is coming.  The whole head leaves it; the deadline ends it. */
	VISITOR_HEAD,
	/* The request has a stream.  The answer's end leaves it; exchange_tick() knows the times. */
	VISITOR_FLOW,
	/* The password's thread computes a hash.  Its answer leads back to HEAD; no deadline. */
	VISITOR_WAIT,
	/* The body of a webhook comes.  Its last byte leaves it; the deadline cuts it. */
	VISITOR_INTAKE,
	/* The store's thread commits the webhook, and in mode relay the origin may answer it within
	 * LIMIT_RELAY_MS.  What they say leaves it; no deadline. */
	VISITOR_STORE,
	/* An answer of our own waits for the socket.  Its last byte leaves it;
	 * the deadline cuts it. */
	VISITOR_ANSWER,
	/* The answer is out, the request's body is not in.  Its last byte leaves it;
	 * the deadline cuts it. */
	VISITOR_DRAIN,
	/* FIN was sent.  The client's FIN closes the connection, or LIMIT_LINGER_MS does. */
	VISITOR_LINGER,
	/* Closed; freed at the end of the turn. */
	VISITOR_DEAD,
};

struct visitor {
	struct conn conn;
	struct worker *worker;
	struct list node;   /* in worker->visit->list */
	struct exchange *x; /* NULL while idle */
	struct source *source;
	struct lobby_guest guest;
	int64_t moved_us;    /* into its state */
	int64_t deadline_us; /* of the state, looked at by the worker's tick */
	struct loop_grave grave;
	enum visitor_state state;
	bool trusted; /* a proxy whose forwarding fields are kept */
	bool used;    /* a request was answered */
	char peer[PEER_TEXT_BYTES], local[PEER_TEXT_BYTES];
};

/* Takes over the connection of an arrival, with what was read of it. */
void visitor_start(struct worker *w, struct arrival *a);
/* Cuts the connection: without mercy, or only when nothing is under way. */
void visitor_close(struct visitor *v);
void visitor_close_idle(struct visitor *v);
/* Called about once a second for each visitor. */
void visitor_tick(struct visitor *v, int64_t now_us);

/* --- for the exchange --- */

void visitor_move(struct visitor *v, enum visitor_state to);
/* The tunnel is there: sends the visitor with all that was read. */
void visitor_hand_over(struct visitor *v, struct worker *to, struct slice bytes);
/* The answer is with the socket: reads away `rest_of_body`, goes on or ends,
 * as the exchange says. */
void visitor_answered(struct visitor *v, struct slice read_ahead);
/* FIN now, then wait for theirs. */
void visitor_linger(struct visitor *v);

#endif
