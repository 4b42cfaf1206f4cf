/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream begins with: a list of tag (1), length (1), value. Unknown tags
 * are skipped, a known one twice is an error.
 */
#ifndef ADIT_TUNNEL_OPENING_H
#define ADIT_TUNNEL_OPENING_H

#include "base/check.h"
#include "base/slice.h"

enum opening_kind { OPENING_HTTP = 1, OPENING_BYTES = 2 };

struct opening {
	uint16_t tunnel; /* number that the agent gave the tunnel in its HELLO */
	enum opening_kind kind;
	struct slice request_id;  /* text, 1 to 36 bytes */
	struct slice visitor;     /* "192.0.2.1:4711", "[::1]:4711" or "unix:" */
	struct slice local;       /* the edge's address that the visitor reached */
	struct slice tls_version; /* "" for plain */
	struct slice sni, alpn;
	uint32_t origin_silent_ms; /* wait for the origin's response head; 0: not told */
	bool
	    body; /* a body follows the head, though that has no length: it need not be waited for */
};

/* Bytes with the 2-byte length before them, 0 when it does not fit. */
size_t opening_encode(const struct opening *o, char *dst, size_t cap) must_use;
/* s: without the 2-byte length, as in LINK_OPENED. Slices point into s. */
bool opening_decode(struct slice s, struct opening *ret) must_use;

#endif
