/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange: one request of a visitor and the answer to it, from the first byte of the head to the
 * last of the answer.  It goes in steps (exchange.c): routed to a tunnel, admitted by the policy,
 * then stored, forwarded, or answered by the edge itself.
 */
#ifndef ADIT_EDGE_VISIT_EXCHANGE_H
#define ADIT_EDGE_VISIT_EXCHANGE_H

#include "edge/core/lobby.h"
#include "edge/core/shares.h"
#include "edge/core/tunnel.h"
#include "hook/policy.h"
#include "http/h1.h"
#include "http/rewrite.h"

struct access_wait;
struct intake;
struct visitor;

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
	bool keep_alive;            /* the connection is kept after this exchange */
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

/* The visitor has one from now on. NULL: there are too many. */
struct exchange *exchange_start(struct visitor *v);
/* Harmless where the visitor has none. It is freed at the end of the turn. */
void exchange_end(struct visitor *v);
/* The head is whole; bytes: from its first byte on. Not for VISITOR_FLOW: the
 * request finds its way. */
void exchange_request(struct exchange *x, struct slice bytes);
/* What it waited for has come: goes on from where it waited, with the head that was kept. */
void exchange_admit_again(struct exchange *x);
void exchange_tick(struct exchange *x, int64_t now_us);
/* The header rules of a route's policy, on a head of n bytes that was written to scratch memory. */
size_t exchange_rules(const struct policy_headers *h, char *head, size_t n);
/* What rewrite_to_visitor() is to say for us. */
void exchange_answer(const struct exchange *x, struct rewrite_answer *ret);
/* One line for the log, once. */
void exchange_log(struct exchange *x);

#endif
