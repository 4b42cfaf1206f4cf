/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow couples one stream of a carrier with one connection for the time of an exchange or of a
 * byte stream.  The same code serves both ends: at the edge the connection is the visitor's, at
 * the agent the origin's.
 *
 *	inlet:  connection -> stream   (edge: request body; agent: response body)
 *	outlet: stream -> connection   (edge: response body; agent: request body)
 *
 * Heads are the owner's affair: it parses and writes them, then starts inlet and outlet with
 * the framing that the body has on the connection.  On the stream a body has no framing: its
 * end is the FIN.
 *
 * Backpressure: the inlet reads from the connection only when the link grants space
 * (straight into the frame where framing allows); the outlet gives credit back only for
 * bytes that the connection took.
 *
 * Owners are called from flow_ops, never in the middle of a flow's own work; they may end the
 * flow in any call.
 */
#ifndef ADIT_RELAY_FLOW_H
#define ADIT_RELAY_FLOW_H

#include "base/buf.h"
#include "base/bufq.h"
#include "http/h1.h"
#include "http/trailer.h"
#include "relay/carrier.h"

struct flow;

struct flow_ops {
	/*
	 * Bytes of the stream before flow_outlet() was called: the head of a message, or the
	 * part of it that has come. Returns how many were used up: 0 to see the same bytes again
	 * with more behind them; an interim head's length after flow_write(); the final head's
	 * length after flow_outlet() or, where the connection is not there yet, after
	 * flow_hold(). `fin`: nothing follows. Must not use loop_scratch(); flow_head_scratch()
	 * is for writing heads into.
	 */
	size_t (*head)(struct flow *f, struct slice bytes, bool fin);
	/* The message from the connection has gone into the stream whole, FIN included. */
	void (*inlet_done)(struct flow *f);
	/* The stream has ended and all of it was taken by the connection. */
	void (*outlet_done)(struct flow *f);
	/* RST came, the link died, or the stream's body was not as long as promised: code of enum
	 * link_code. The stream is gone already. */
	void (*reset)(struct flow *f, uint32_t code);
	/* The connection broke or ended too early (CLOSE_OK), or its message was malformed (a row
	 * of the close table). */
	void (*conn_broken)(struct flow *f, enum close_code bad);
	/* While no inlet runs: LOOP_IN edges of the connection (the owner reads heads
	 * itself). May be NULL. */
	void (*conn_readable)(struct flow *f);
};

/* What a tee sees of a message. */
enum flow_tee {
	FLOW_TEE_IN,  /* bytes of the body that came from the connection */
	FLOW_TEE_OUT, /* bytes of the body that go to the connection */
	FLOW_TEE_IN_TRAILERS,
	FLOW_TEE_OUT_TRAILERS, /* lines that stand behind the body */
};

enum flow_framing {
	FLOW_IDLE,    /* not started, or done */
	FLOW_NONE,    /* no body: the end comes at once */
	FLOW_LENGTH,  /* so many bytes, no more and no fewer */
	FLOW_CHUNKED, /* chunked coding on the connection */
	FLOW_RAW,   /* all bytes until EOF / FIN; outlet: FIN shuts the connection's writing side */
	FLOW_CLOSE, /* outlet: as RAW, but the owner closes the connection behind the message */
};

struct flow {
	struct conn *conn;
	struct carrier *carrier; /* NULL after the link died while the last bytes still drained */
	struct stream *stream;   /* NULL when none or gone */
	const struct flow_ops *ops;
	void *owner;
	enum flow_framing in_framing, out_framing;
	uint64_t rx_bytes, tx_bytes; /* body bytes from and to the connection, for logs */
	int64_t active_us;           /* when a byte last moved, for idle timers */
	/* Set by the owner after flow_init(), if at all: trailers that do not pass; they live as long. */
	struct trailer_drop in_drop, out_drop;
	/*
	 * Set by the owner after flow_init(), if at all: sees what passes, without any coding of the
	 * connection, and copies what it wants of it. It must not touch the flow.
	 */
	void (*tee)(struct flow *f, enum flow_tee what, struct slice bytes);
	/* private */
	struct loop *loop;
	bool ended; /* flow_end() was called, by the owner or after a reset: no calls any more */
	/* private: inlet */
	struct h1 *in_h1;       /* the parser that read the head, for its body state */
	struct bufq in_early;   /* stream bytes that wait for a grant: opening, head, what was read
				 with the head */
	struct bufq in_rest;    /* what was read behind the end of the message */
	size_t opening_n;       /* bytes of in_early that are the opening */
	bool in_end;            /* the end of the message is in in_early, or was reached */
	struct buf in_trailers; /* what came behind a chunked body: goes out with the FIN */
	bool in_over;           /* the FIN was committed */
	enum close_code
	    in_bad; /* the message turned out malformed: told after what was good of it */
	/* private: outlet */
	struct bufq out;      /* wire bytes that wait for the connection; stream bytes while held */
	struct buf head_part; /* a head that came in pieces */
	uint64_t out_left;    /* FLOW_LENGTH: bytes to come */
	struct slice out_trailers; /* what is written behind a chunked body; malloced, or NULL */
	size_t out_uneaten;        /* stream bytes that wait: credit not yet returned */
	bool held, out_fin, out_over;
	struct slice literal;    /* head that goes out before the pieces */
	struct slice pieces[16]; /* consecutive DATA of this turn, written together */
	int n_pieces;
	struct list gathered; /* in the carrier's list while pieces wait */
};

/* conn may be NULL until flow_conn(): the agent is still dialling. */
void flow_init(struct flow *f, struct carrier *c, struct conn *conn, const struct flow_ops *ops,
    void *owner);
void flow_conn(struct flow *f, struct conn *conn);
/* Couples with a stream: a new one (edge: stream_open) or one that the other
 * side opened (agent: carrier_ops.opened). */
void flow_bind(struct flow *f, struct stream *s);

/*
 * Sends a head into the stream when its turn comes, at the end of this loop turn as a rule.
 * opening: with its length (opening_encode); empty when the stream is open already. Copies both. -1
 * without memory: flow_end() it.
 */
int flow_send_head(struct flow *f, struct slice opening, struct slice head) must_use;
/*
 * Starts the inlet: `early` are bytes already read behind the head (copied). h1 is the parser that
 * read the head; needed for LENGTH and CHUNKED, must live until inlet_done. FLOW_NONE sends the
 * FIN with the head. A malformed early body is reported by conn_broken at the end of this turn...
 * or -1 without memory.
 */
int flow_inlet(struct flow *f, enum flow_framing framing, struct h1 *h1,
    struct slice early) must_use;
/* Trailers of our own for an inlet that has begun and not ended; lines "name: value\r\n". -1 without memory. */
int flow_inlet_trailers(struct flow *f, struct slice lines) must_use;
/* What was read behind the end of the inlet's message (the next, pipelined request): moved to dst,
 * returns the bytes. */
size_t flow_take_rest(struct flow *f, char *dst, size_t cap);
static inline size_t
flow_rest(const struct flow *f)
{
	return f->in_rest.n;
}

/* Memory of this loop for writing one head into, valid until ops->head() returns or, outside of it,
 * until flow_outlet()/flow_write()/flow_send_head() returned. */
#define FLOW_HEAD_SCRATCH_BYTES (2 * LIMIT_HEAD_BYTES)
char *flow_head_scratch(struct flow *f);
/* In ops->head, with its fin: trailers have come, and are written behind a chunked body alone. */
static inline bool
flow_has_trailers(const struct flow *f)
{
	return f->out_trailers.n > 0;
}
/* In ops->head: the final head was used, the connection is not there yet: keep the body's bytes
 * (within the window) until flow_outlet(). */
void flow_hold(struct flow *f);
/* Writes bytes of our own to the connection now: an interim head, 100 Continue. -1: no memory or
 * too much waits. */
int flow_write(struct flow *f, struct slice bytes) must_use;
/* Writes `head` to the connection and starts the outlet. length: FLOW_LENGTH. Trouble
 * is told through ops. */
void flow_outlet(struct flow *f, enum flow_framing framing, uint64_t length, struct slice head);

/* The owner forwards the connection's edges while the flow lives. */
void flow_conn_event(struct flow *f, unsigned events);
/* Uncouples: resets the stream with `code` unless both directions have ended; the connection stays
 * the owner's. No calls afterwards. Harmless twice. */
void flow_end(struct flow *f, enum link_code code);
/* What it means that the stream of a flow was reset with this code, or was lost with its link. */
enum close_code flow_close_code(const struct flow *f, uint32_t code);

#endif
