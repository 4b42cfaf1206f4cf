/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front of a request that came over HTTP/2: a stream that looks like a connection of HTTP/1.1 of
 * which this is the only request.  Its reads give the request's body, in the chunked coding where
 * no length was told, trailers included; what is written to it is an answer in HTTP/1.1, whose
 * head becomes fields, and whose coding is taken off.  So exchange, flow and intake know nothing of it.
 */
#ifndef ADIT_EDGE_VISIT_H2_FRONT_H
#define ADIT_EDGE_VISIT_H2_FRONT_H

#include "edge/visit/exchange.h"
#include "h2/h2.h"

struct h2_visitor;

/* How far the answer is that is written. */
enum h2_coding {
	H2_CODING_HEAD,    /* an interim head, or the final one */
	H2_CODING_BODY,    /* bytes as they are */
	H2_CODING_SIZE,    /* the line with a chunk's size */
	H2_CODING_CHUNK,   /* its bytes */
	H2_CODING_CRLF,    /* behind them */
	H2_CODING_TRAILER, /* lines, the empty one included */
	H2_CODING_OVER,
};

struct h2_front {
	struct front front;
	struct conn conn;
	struct list node; /* in h2_visitor->fronts */
	struct loop_grave grave;
	struct h2_visitor *visitor;
	struct h2_stream *stream; /* NULL: let go */
	struct exchange *x;       /* NULL: over */
	/* private: the answer */
	enum h2_coding coding;
	struct buf part; /* of a head, or of trailers, that came in pieces */
	size_t chunk;    /* bytes to come of it */
	/* private: the request's body as it is read */
	bool chunked;    /* the coding is made here */
	bool told_end;   /* its last chunk was read, or its end */
	size_t in_chunk; /* bytes to come of it */
	char frame[24];  /* of the coding, not read yet: frame_n bytes from frame_at */
	uint8_t frame_at, frame_n;
	size_t trailers_at; /* of stream->trailers */
	bool begun;         /* a chunk was read */
};

/* A head has come (H2_HEAD): the stream gets an owner, or is refused. */
void h2_front_start(struct h2_visitor *v, struct h2_stream *s);
/* What h2_next() says further: H2_BODY, H2_ROOM, H2_RESET. */
void h2_front_event(struct h2_front *f, enum h2_event e);
/* The connection ends: whatever is under way ends without an answer. */
void h2_front_cut(struct h2_front *f);

#endif
