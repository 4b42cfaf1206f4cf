/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow couples one stream of a carrier with one connection for the time of an exchange or of a byte stream.  The
 * same code serves both ends: at the edge the connection is the visitor's, at the agent the origin's.
 *
 *	inlet:  connection -> stream   (edge: request body; agent: response body)
 *	outlet: stream -> connection   (edge: response body; agent: request body)
 *
 * Heads are the owner's affair: it parses and writes them, then starts inlet and outlet with the framing that the
 * body has on the connection.  On the stream a body has no framing: its end is the FIN.
 *
 * Backpressure: the inlet reads from the connection only when the link grants space (straight into the frame where
 * framing allows); the outlet gives credit back only for bytes that the connection took.
 *
 * Owners are called from flow_ops, never in the middle of a flow's own work; they may end the flow in any call.
 */
#ifndef ADIT_RELAY_FLOW_H
#define ADIT_RELAY_FLOW_H

#include "base/bufq.h"
#include "http/h1.h"
#include "relay/carrier.h"

struct flow;

struct flow_ops {
	/*
	 * Bytes of the stream before flow_outlet() was called: the head of a message. Returns how many were used up; the
	 * rest comes again, together with what follows, once flow_outlet() was called or more bytes came. All bytes that were not used are kept by the flow.
	 * `fin`: nothing follows.
	 */
	size_t (*head)(struct flow *f, struct slice bytes, bool fin);
	/* The message from the connection has gone into the stream whole, FIN included. */
	void (*inlet_done)(struct flow *f);
	/* The stream has ended and all of it was taken by the connection. */
	void (*outlet_done)(struct flow *f);
	/* RST came or the link died: code of enum link_code. The stream is gone already. */
	void (*reset)(struct flow *f, uint32_t code);
	/* The connection broke, ended too early, or its message was malformed (bad != CLOSE_OK). */
	void (*conn_broken)(struct flow *f, enum close_code bad);
	/* While inlet is not started: LOOP_IN edges of the connection (the owner reads heads itself). May be NULL. */
	void (*conn_readable)(struct flow *f);
};

enum flow_framing {
	FLOW_IDLE,    /* not started, or done */
	FLOW_NONE,    /* no body: the end comes at once */
	FLOW_LENGTH,  /* so many bytes, no more and no fewer */
	FLOW_CHUNKED, /* chunked coding on the connection */
	FLOW_RAW,     /* all bytes until EOF / FIN; outlet: FIN shuts the connection's writing side */
	FLOW_CLOSE,   /* outlet: as RAW, for a message that ends with the connection (owner closes it) */
};

struct flow {
	struct conn *conn;
	struct carrier *carrier;
	struct stream *stream; /* NULL when none or gone */
	const struct flow_ops *ops;
	void *owner;
	enum flow_framing in_framing, out_framing;
	uint64_t rx_bytes, tx_bytes; /* body bytes from and to the connection, for logs */
	int64_t active_us;           /* when a byte last moved, for idle timers */
	/* private */
	struct h1 *in_h1;            /* the parser that read the head, for its body state; FLOW_LENGTH, FLOW_CHUNKED */
	struct bufq in_early;        /* body bytes that were read together with the head */
	struct bufq out;             /* stream bytes that wait for the connection; at most the stream's window */
	uint64_t out_left;           /* FLOW_LENGTH */
	bool out_fin, in_eof, told;
	struct iovec pieces[16];     /* consecutive DATA of this turn, written together */
	int n_pieces;
};

/* conn may be NULL until flow_conn(): the agent is still dialling; stream bytes wait (within the window). */
void flow_init(struct flow *f, struct carrier *c, struct conn *conn, const struct flow_ops *ops, void *owner);
void flow_conn(struct flow *f, struct conn *conn);
/* Couples with a stream: new (edge: stream_open) or opened by the other side. */
void flow_bind(struct flow *f, struct stream *s);

/*
 * Sends `opening` (with its length; empty when the stream is open already) and `head`: at once where the link has room, else when its turn
 * comes (kept until then). -1 without memory.
 */
int flow_send_head(struct flow *f, struct slice opening, struct slice head) must_use;
/* Starts the inlet; `early` are bytes already read behind the head (not more than one scratch). h1: needed for LENGTH and CHUNKED, must live on. */
int flow_inlet(struct flow *f, enum flow_framing framing, struct h1 *h1, struct slice early) must_use;
/* What was read behind the end of an inlet's message (the next, pipelined request): taken over by the owner; returns the bytes copied. */
size_t flow_take_rest(struct flow *f, char *dst, size_t cap);
/* Writes `head` to the connection and starts the outlet. */
int flow_outlet(struct flow *f, enum flow_framing framing, uint64_t length, struct slice head) must_use;

/* The owner forwards the connection's edges while the flow lives. */
void flow_conn_event(struct flow *f, unsigned events);
/* Uncouples: resets the stream with `code` unless both directions have ended; the connection stays the owner's. */
void flow_end(struct flow *f, enum link_code code);
static inline bool
flow_is_done(const struct flow *f)
{
	return f->stream == NULL;
}

#endif
