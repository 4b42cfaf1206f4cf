/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the link protocol (doc/protocol.txt): 8 bytes in network order, then the payload.
 *
 *	 0              23 24  27 28  31 32                            63
 *	+-----------------+------+------+-------------------------------+
 *	| payload length  | type | flags|            stream             |
 *	+-----------------+------+------+-------------------------------+
 */
#ifndef ADIT_TUNNEL_FRAME_H
#define ADIT_TUNNEL_FRAME_H

#include "base/slice.h"

#define FRAME_HEADER_BYTES 8

enum frame_type {
	FRAME_DATA = 0,    /* bytes of a stream; with SYN what FRAME_SYN_BYTES says before them */
	FRAME_RST = 1,     /* 4 bytes: code; ends both directions of a stream */
	FRAME_WINDOW = 2,  /* 4 bytes: credit granted anew, in bytes */
	FRAME_PING = 3,    /* 8 opaque bytes; flag ACK: the answer with the same bytes; stream 0 */
	FRAME_GOAWAY = 4,  /* last stream 4, code 4, retry-after ms 4; stream 0 */
	FRAME_CONTROL = 5, /* a JSON object (hello.h); stream 0 */
	/* lines "Name: value CRLF", with FIN: the end of a message; only to who understands it */
	FRAME_TRAILERS = 6,
};

enum frame_flag { FRAME_SYN = 1, FRAME_FIN = 2, FRAME_ACK = 1 };

/*
 * A SYN's payload: credit that the opener takes for granted (4), credit that it
 * grants (4), length of the opening (2), opening, data.
 */
#define FRAME_SYN_BYTES 8

struct frame {
	uint32_t length; /* 24 bits */
	uint8_t type, flags;
	uint32_t stream;
};

static inline uint32_t
frame_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static inline void
frame_put_u32(char *p, uint32_t v)
{
	p[0] = (char)(v >> 24);
	p[1] = (char)(v >> 16);
	p[2] = (char)(v >> 8);
	p[3] = (char)v;
}

/* p has FRAME_HEADER_BYTES. Any 8 bytes decode; the link judges them. */
void frame_decode(const char *p, struct frame *ret_frame);
void frame_encode(const struct frame *f, char *p);

/* X(symbol, value, name, meaning) */
#define LINK_CODES(X)                                                                              \
	X(OK, 0, "ok", "orderly end")                                                              \
	X(PROTOCOL, 1, "protocol", "a frame that the protocol does not allow")                     \
	X(FLOW, 2, "flow", "more bytes than credit was given for")                                 \
	X(TOO_MANY, 3, "too-many", "more streams than the other side takes")                       \
	X(SILENT, 4, "silent", "nothing was heard for too long")                                   \
	X(REPLACED, 5, "replaced", "a newer link of the same owner has taken over")                \
	X(REVOKED, 6, "revoked", "the token was revoked")                                          \
	X(SHUTDOWN, 7, "shutdown", "the other side is stopping; come back after retry-after")      \
	X(BUSY, 8, "busy", "overload; come back after retry-after")                                \
	X(CANCELLED, 9, "cancelled", "the visitor has gone")                                       \
	X(ORIGIN_REFUSED, 10, "origin-refused", "the origin did not accept the connection")        \
	X(ORIGIN_SILENT, 11, "origin-silent", "the origin did not answer in time")                 \
	X(ORIGIN_BROKE, 12, "origin-broke", "the origin closed before its answer was whole")       \
	X(ORIGIN_TLS, 13, "origin-tls", "the origin's certificate or handshake failed")            \
	X(NO_TUNNEL, 14, "no-tunnel", "the agent does not know this tunnel")                       \
	X(INTERNAL, 15, "internal", "out of memory or a fault of the sender")                      \
	X(ORIGIN_BAD_HEAD, 16, "origin-bad-response",                                              \
	    "the head of the origin's answer is no HTTP")                                          \
	X(ORIGIN_LARGE_HEAD, 17, "origin-large-head", "that head has too many fields or bytes")

enum link_code {
#define X(symbol, value, ...) LINK_CODE_##symbol = (value),
	LINK_CODES(X)
#undef X
};
/* "unknown" for a number that is not in the table. */
const char *link_code_name(uint32_t code);

#endif
