/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier: one link on one connection of one loop: what edge and agent both do to keep it going.
 * It reads (bounded per turn), feeds the link, hands stream events to their flows, flushes all
 * frames once at the end of the turn, keeps the liveness timer.  The program on top gets calls for
 * what is policy.
 */
#ifndef ADIT_RELAY_CARRIER_H
#define ADIT_RELAY_CARRIER_H

#include "net/conn.h"
#include "tunnel/link.h"

struct carrier;
struct flow;

struct carrier_ops {
	/* Agent: a stream was opened by the edge. Give it a flow (flow_bind) or
	 * call stream_reset() and stream_free(). */
	void (*opened)(struct carrier *c, struct stream *s, struct slice opening);
	void (*control)(struct carrier *c, struct slice json);
	void (*goaway)(struct carrier *c, uint32_t code, uint32_t retry_ms);
	/* The link is over: all its flows were told before (flow_ops.broken). The carrier may be
	 * buried now; it has closed its connection. */
	void (*closed)(struct carrier *c, uint32_t code, const char *why);
};

struct carrier {
	struct conn conn;
	struct link link;
	struct loop *loop;
	const struct carrier_ops *ops;
	void *owner;
	bool dead;
	bool trailers;     /* set by the owner: the other side understands TRAILERS frames */
	int64_t rtt_us;    /* of the last PONG, 0 = unknown */
	uint64_t tx_bytes; /* given to the connection */
	/* private */
	struct carrier_shared *shared;
	struct loop_task flush;
	struct loop_timer tick;
	bool feeding;         /* pieces may point into shared->rx */
	struct list gathered; /* flows whose pieces of this feed are written together at its end */
	struct flow *headed;  /* the one of them whose head lies in shared->head */
};

/* Per loop: the slab of streams and the pool of output blocks that its carriers share. */
struct carrier_shared {
	struct slab streams;
	struct pool out_blocks;
	char *rx;   /* plaintext that is being fed; carriers of a loop never nest */
	char *head; /* flow_head_scratch() */
};
/* -1 without memory. */
int carrier_shared_init(struct carrier_shared *s, size_t links_max) must_use;
void carrier_shared_fini(struct carrier_shared *s);

/* The connection has done its handshake, is detached and becomes the carrier's (moved: do not use
 * it any more). -1 and errno. */
int carrier_init(struct carrier *c, struct loop *l, struct carrier_shared *shared,
    struct conn *conn, enum link_side side, const struct carrier_ops *ops, void *owner) must_use;
/* Something was put into the link's output or a stream wants: flush at the end of this turn. */
void carrier_kick(struct carrier *c);
void carrier_control(struct carrier *c, struct slice json);
/* Says GOAWAY and goes on with open streams. */
void carrier_goaway(struct carrier *c, enum link_code code, uint32_t retry_ms);
/*
 * Where the bytes end that were put into the link until now; and whether the other side's kernel
 * has acknowledged all before such a mark: what is sent is not yet there on a slow line.
 */
uint64_t carrier_mark(const struct carrier *c);
bool carrier_has_arrived(const struct carrier *c, uint64_t mark);
/* Ends the link now: says GOAWAY as far as the socket takes it, tells every
 * flow, closes, calls ops->closed. */
void carrier_close(struct carrier *c, enum link_code code, const char *why);

#endif
