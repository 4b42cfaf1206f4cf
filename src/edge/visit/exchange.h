/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange: one request of a visitor and the answer to it, from the first byte of the head to the
 * last of the answer.  It goes in steps (exchange.c): routed to a tunnel, admitted by the policy,
 * then stored, forwarded, or answered by the edge itself.
 *
 *	AHEAD -> HEAD --> FLOW -----> SWITCHED             a stream carries it; 101 came back
 *	           |        \-------> ANSWER               an answer of our own waits for the socket
 *	           |----> PASSWORD -> FLOW, INTAKE, ANSWER a hash is computed, perhaps twice
 *	           |----> INTAKE ---> STORE -> ANSWER      a webhook is read whole, then stored
 *	           |----> OWN ------> ASK ---> ANSWER      it is for the edge itself (own_host.h)
 *	           \----> ANSWER                           no tunnel, or not for this visitor
 *
 * From each of them it may end.  HEAD and PASSWORD may lead to MOVED, when the tunnel turns out to
 * be on another worker.
 */
#ifndef ADIT_EDGE_VISIT_EXCHANGE_H
#define ADIT_EDGE_VISIT_EXCHANGE_H

#include "edge/core/lobby.h"
#include "edge/core/shares.h"
#include "edge/core/tunnel.h"
#include "edge/visit/front.h"
#include "edge/visit/visit.h"
#include "hook/policy.h"
#include "http/answer.h"
#include "http/h1.h"
#include "http/trace.h"

struct access_wait;
struct intake;
struct own_ask;

enum exchange_state {
	/* Its head is coming.  The whole head leaves it; the front knows the time. */
	EXCHANGE_HEAD,
	/* `head` holds bytes that were read ahead and that the parser has not seen.  The next turn
	 * of the loop leaves it. */
	EXCHANGE_AHEAD,
	/* The password's thread computes a hash.  Its answer leaves it; no deadline. */
	EXCHANGE_PASSWORD,
	/* The body of a webhook comes.  Its last byte leaves it; the deadline refuses it. */
	EXCHANGE_INTAKE,
	/* The store's thread commits the webhook, and in mode relay the origin may answer it within
	 * LIMIT_RELAY_MS.  What they say leaves it; no deadline. */
	EXCHANGE_STORE,
	/* The body of a request for the edge itself comes.  Its last byte leaves it; the
	 * deadline refuses it. */
	EXCHANGE_OWN,
	/* A function of own_host.h has it.  Its answer leaves it; no deadline. */
	EXCHANGE_ASK,
	/* The request has a stream.  The answer's end leaves it, or an answer of our own;
	 * exchange_tick() knows the times. */
	EXCHANGE_FLOW,
	/* 101 was passed on: bytes go both ways.  Their ends leave it; is_idle() may. */
	EXCHANGE_SWITCHED,
	/* An answer of our own waits for the socket.  Its last byte leaves it;
	 * the deadline cuts it. */
	EXCHANGE_ANSWER,
	/* Another worker has the visitor now.  It ends in this turn. */
	EXCHANGE_MOVED,
};

/* Bytes of HTTP/1.1 with which a body is asked for (RFC 9110 15.2.1). */
#define EXCHANGE_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* How far the request is. */
enum exchange_sent {
	EXCHANGE_COMES,
	EXCHANGE_WHOLE,   /* read to its end; of a flow: in the stream */
	EXCHANGE_ARRIVED, /* with the agent's kernel */
};

enum exchange_probe { EXCHANGE_NO_PROBE, EXCHANGE_PROBE_EDGE, EXCHANGE_PROBE_THROUGH };

struct exchange {
	struct front *front;
	struct worker *worker;
	struct flow flow;
	struct policy *policy;      /* of the route, a reference; NULL: none */
	struct route *route;        /* of its tunnel; NULL: it has found none */
	struct access_wait *access; /* a password is being looked at */
	struct intake *intake;      /* a webhook on its way into the store */
	struct own_ask *own;        /* a request for the edge itself */
	struct buf head;            /* a head that has come in part, or what was read ahead */
	struct buf rest;            /* read behind the request while its answer is awaited */
	struct buf page;            /* what the socket has not taken of our own answer */
	struct loop_grave grave;
	enum exchange_state state;
	enum exchange_sent sent;
	int64_t deadline_us; /* of the state, where it has one */
	int64_t start_us;    /* of the head's last byte */
	int64_t since_us;    /* request sent whole: the answer is awaited since */
	uint64_t sent_mark;  /* carrier_mark() of its end */
	uint32_t silent_ms;  /* how long the origin may be silent */
	size_t unacked;      /* of the visitor's connection while bytes wait, when last looked at */
	int64_t rate_us;     /* body rate: begin of the window that is measured */
	uint64_t rate_bytes;
	uint64_t drained;           /* body bytes read away after the answer */
	uint16_t status;            /* of the answer, 0: none yet */
	uint16_t n_interim;         /* heads of 1xx that came before it */
	enum close_code error;      /* why the answer is ours */
	struct share share;         /* of worker->exchange_shares, once its tunnel is known */
	struct lobby_guest partial; /* while its head has come in part */
	size_t partial_bytes;       /* of it, in worker->visit->partial_bytes */
	bool keep_alive;            /* the connection is kept after this exchange */
	bool continued;             /* 100 was sent */
	bool framed;                /* the answer shows by itself where it ends */
	bool req_head;              /* the method is HEAD */
	bool told;                  /* that it is refused; see refusal.h */
	enum exchange_probe probe;  /* of a doctor: neither counted nor stored (probe.h) */
	struct source_ip client;    /* known: whom a trusted proxy has named (client.h) */
	/* From here on exchange_start() sets what is read: most of it is not, of most requests. */
	struct h1 req, res;
	char id[17];
	char name[DIRECTORY_KEY_BYTES];
	char host[256];                /* canonical */
	char accept[80];               /* cut; for pages of our own */
	char method[24], path[160];    /* for the log; cut, without the query */
	char referer[128], agent[128]; /* the same, for the combined format alone; cut */
	char trace[TRACE_ID_BYTES];    /* the same; "": it belongs to no trace */
};

/* What of it comes zeroed. */
#define EXCHANGE_ZEROED_BYTES offsetof(struct exchange, req)

/* NULL: there are too many. */
struct exchange *exchange_start(struct front *f) must_use;
/* Whatever is under way for it goes on without it.  It is freed at the end of the turn. */
void exchange_end(struct exchange *x);
/* The one writer of its state; it sets the deadline that goes with it. */
void exchange_move(struct exchange *x, enum exchange_state to);
/* The head is whole; bytes: from its first byte on. The request finds its way. */
void exchange_request(struct exchange *x, struct slice bytes);
/* What it waited for has come: goes on from where it waited, with the head that was kept. */
void exchange_admit_again(struct exchange *x);
/* Between the whole head and its end: the connection's edges, and once about every second. */
void exchange_conn_event(struct exchange *x, unsigned events);
void exchange_tick(struct exchange *x, int64_t now_us);

/* It is between the whole head and its end: the states that the front hands events and time to. */
static inline bool
exchange_is_busy(const struct exchange *x)
{
	return x->state != EXCHANGE_HEAD && x->state != EXCHANGE_AHEAD &&
	       x->state != EXCHANGE_MOVED;
}

/* It has a stream. */
static inline bool
exchange_flows(const struct exchange *x)
{
	return x->state == EXCHANGE_FLOW || x->state == EXCHANGE_SWITCHED;
}

/* It asks for another protocol, which it may get. */
static inline bool
exchange_upgrades(const struct exchange *x)
{
	return (x->req.head.flags & H1_UPGRADE) != 0;
}

/* To whom an answer goes, as things stand: x->keep_alive is to be decided before. */
void exchange_answer_to(const struct exchange *x, struct answer_to *ret);
/* Writes the head of any answer: what all have is added, and a route's rules are applied to what its
 * origin says.  The size; 0: it does not fit. */
size_t exchange_write_head(const struct exchange *x, struct answer *a, const struct answer_to *to,
    char *dst, size_t cap) must_use;

#endif
