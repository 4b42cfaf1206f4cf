/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visitor: one HTTP/1.1 connection from the public side.  While it is idle it is this struct and
 *its socket; parsers and buffers are in struct exchange, which it has only from the first byte of a
 *request to the last of the answer.
 *
 *	HEAD ---> FLOW ----> HEAD        the request goes through a stream, the answer comes back
 *	  |        |  \----> DRAIN ----> HEAD     the answer was early: the rest of the body is read
 *away |        |  \----> LINGER ---> DEAD     ours was the last byte: FIN, then read until theirs
 *	  |--------+--> ANSWER --> HEAD, DRAIN or LINGER       a page of our own waits for the
 *socket
 *	  |--> WAIT --> HEAD                                   a password is being looked at
 *	  \--> INTAKE --> STORE --> ANSWER ...                 a webhook is read whole, then stored
 *
 * Every state may go to DEAD.  A visitor whose tunnel is on another worker is moved there from
 *HEAD, whole.
 */
#ifndef ADIT_EDGE_VISIT_VISITOR_H
#define ADIT_EDGE_VISIT_VISITOR_H

#include "edge/core/tunnel.h"
#include "edge/visit/visit.h"
#include "hook/policy.h"
#include "http/h1.h"
#include "http/rewrite.h"
#include "relay/flow.h"

enum visitor_state {
	VISITOR_HEAD,
	VISITOR_FLOW,
	VISITOR_WAIT,
	VISITOR_INTAKE,
	VISITOR_STORE,
	VISITOR_ANSWER,
	VISITOR_DRAIN,
	VISITOR_LINGER,
	VISITOR_DEAD,
};

struct access_wait;
struct exchange;
struct intake;

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

enum exchange_probe { EXCHANGE_NO_PROBE, EXCHANGE_PROBE_EDGE, EXCHANGE_PROBE_THROUGH };

struct exchange {
	struct visitor *visitor;
	struct worker *worker;
	struct flow flow;
	struct h1 req, res;
	struct policy *policy;      /* of the route, a reference; NULL: none */
	struct access_wait *access; /* a password is being looked at */
	struct intake *intake;      /* a webhook on its way into the store */
	struct buf head;            /* a head that has come in part, or what was read ahead */
	struct buf rest;            /* read behind the request while its answer is awaited */
	struct buf page;            /* what the socket has not taken of our own answer */
	struct loop_grave grave;
	int64_t start_us;   /* of the head's last byte */
	int64_t since_us;   /* request sent whole: the answer is awaited since */
	uint64_t sent_mark; /* carrier_mark() of its end */
	uint32_t silent_ms; /* how long the origin may be silent */
	size_t unacked;     /* of the visitor's connection while bytes wait, when last looked at */
	int64_t rate_us;    /* body rate: begin of the window that is measured */
	uint64_t rate_bytes;
	uint64_t drained;           /* body bytes read away after the answer */
	uint16_t status;            /* of the answer, 0: none yet */
	enum close_code error;      /* why the answer is ours */
	struct share share;         /* of worker->exchange_shares, once its tunnel is known */
	struct lobby_guest partial; /* while its head has come in part */
	size_t partial_bytes;       /* of it, in worker->visit->partial_bytes */
	bool unread;                /* `head` holds bytes that the parser has not seen */
	bool flowing;               /* the flow was set up */
	bool in_over, out_over;     /* request sent whole; answer delivered whole */
	bool arrived;               /* the request is with the agent's kernel */
	bool keep;                  /* the connection is kept after this exchange */
	bool upgrade, switched;     /* asked for; 101 was passed on */
	bool continued;             /* 100 was sent */
	bool framed;                /* the answer shows by itself where it ends */
	bool req_head;              /* the method is HEAD */
	bool logged;
	enum exchange_probe probe; /* of a doctor: neither counted nor stored (probe.h) */
	bool told;                 /* a trusted proxy has named the visitor: client.h */
	unsigned char client[16];  /* what it has named */
	char id[17];
	char name[DIRECTORY_KEY_BYTES];
	char host[256];             /* canonical */
	char accept[80];            /* cut; for pages of our own */
	char method[24], path[160]; /* for the log; cut, without the query */
};

/* Takes over the connection of an arrival, with what was read of it. */
void visitor_start(struct worker *w, struct arrival *a);
/* Cuts the connection: without mercy, or only when nothing is under way. */
void visitor_close(struct visitor *v);
void visitor_close_idle(struct visitor *v);
/* Called about once a second for each visitor. */
void visitor_tick(struct visitor *v, int64_t now_us);

/* --- between visitor.c, exchange.c, reply.c and answer.c --- */

void visitor_move(struct visitor *v, enum visitor_state to);
/* The tunnel is there: sends the visitor with all that was read. */
void visitor_hand_over(struct visitor *v, struct worker *to, struct slice bytes);
/* The answer is with the socket: reads away `rest_of_body`, goes on or ends, as the exchange says.
 */
void visitor_answered(struct visitor *v, struct slice read_ahead);
/* FIN now, then wait for theirs. */
void visitor_linger(struct visitor *v);

/* The head is whole; bytes: from its first byte on. Not for VISITOR_FLOW: the request finds its
 * way. */
void exchange_request(struct exchange *x, struct slice bytes);
/* What it waited for has come: goes on from where it waited, with the head that was kept. */
void exchange_admit_again(struct exchange *x);
void exchange_tick(struct exchange *x, int64_t now_us);
/* The header rules of a route's policy, on a head of n bytes that was written to scratch memory. */
size_t exchange_rules(const struct policy_headers *h, char *head, size_t n);
/* What rewrite_request() is to say of the visitor. */
void exchange_forward(const struct exchange *x, struct slice bytes, struct rewrite_forward *ret);
/* What rewrite_to_visitor() is to say for us. */
void exchange_answer(const struct exchange *x, struct rewrite_answer *ret);
/* One line for the log, once. */
void exchange_log(struct exchange *x);

/* What the flow of an exchange tells. */
extern const struct flow_ops reply_ops;
/* Answers with an error, or cuts the connection where an answer has begun. */
void reply_fail(struct exchange *x, enum close_code code);

/*
 * Answers with a page of our own, after ending the flow.  read_ahead: what was read behind the head
 * and not given to the flow.  Where an answer has begun already, the connection is cut instead.
 */
void answer_error(struct exchange *x, enum close_code code, struct slice read_ahead);
/* An answer of our own that is no page: fields are whole lines; type may be empty. */
void answer_own(struct exchange *x, int status, const char *fields, struct slice type,
    struct slice body, struct slice read_ahead);
/*
 * Mode relay: writes the origin's answer to a delivery, every field as in an answer that comes
 * through a stream, for answer_send().  head: as it came out of the stream.  False: it cannot be
 * passed on.
 */
bool answer_write_relayed(struct exchange *x, struct slice head, struct slice body,
    uint64_t delivery) must_use;
void answer_send(struct exchange *x, struct slice read_ahead);
/* 308 to the same target on https:// */
void answer_redirect(struct exchange *x, struct slice path, struct slice query,
    struct slice read_ahead);
/* The socket takes bytes again. */
void answer_writable(struct visitor *v);

#endif
