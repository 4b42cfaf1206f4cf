/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of plain bytes: a connection of its own to the origin, both directions end
 * on their own (half-close).  Where the tunnel's TLS ends here, the stream carries it, and the connection
 * what is inside of it. */
#ifndef ADIT_AGENT_SERVE_BYTE_STREAM_H
#define ADIT_AGENT_SERVE_BYTE_STREAM_H

#include "agent/serve/serve.h"

enum byte_stream_state {
	/* The origin's connection is made; the stream's bytes are held.  It leaves it when it is
	 * there; its failure ends the stream. */
	BYTE_STREAM_DIALLING,
	/* Bytes pass both ways.  The first direction that ends leaves it. */
	BYTE_STREAM_OPEN,
	/* One direction has ended in order.  The other one's end leaves it. */
	BYTE_STREAM_HALF,
	/* The stream is gone; freed at the end of the turn.  Each of them may be left for it. */
	BYTE_STREAM_DEAD,
};

/* Of serve->bytes; buried once DEAD. */
struct byte_stream {
	struct serve *serve;
	struct agent_tunnel *tunnel;
	struct flow flow;
	struct origin_conn *conn; /* NULL when DEAD */
	enum byte_stream_state state;
	struct tls_here *here; /* NULL: bytes pass as they are */
	bool counted;          /* the capture knows of it */
	struct tap *tap;       /* NULL: it has no row */
	int64_t opened_us;
	struct loop_timer deadline; /* of the handshake */
	struct loop_grave grave;
};

/* -1 without memory; the stream is the caller's then. */
int byte_stream_open(struct serve *s, struct carrier *c, struct stream *stream,
    struct agent_tunnel *t, const struct opening *o) must_use;

#endif
