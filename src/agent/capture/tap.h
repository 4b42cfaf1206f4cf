/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What serves exchanges tells the capture of each: heads, pieces of bodies, the end. Everything is
 * copied, nothing waits, nothing fails: what cannot be kept is missing, and the row says so.
 *
 *	tap_begin() -> tap_head() .. tap_body() .. tap_trailers() .. -> tap_end()
 *
 * Of the agent's loop thread alone.
 */
#ifndef ADIT_AGENT_CAPTURE_TAP_H
#define ADIT_AGENT_CAPTURE_TAP_H

#include "agent/capture/row.h"
#include "http/h1.h"

struct capture;
struct tap;

enum tap_side { TAP_REQUEST, TAP_RESPONSE };
/* A head as it came, and as it was written anew. */
enum tap_form { TAP_RECEIVED, TAP_SENT };

struct tap_opening {
	size_t tunnel; /* index in the agent's list */
	enum row_kind
	    kind; /* HTTP or BYTES; what an exchange turns out to be is found by its heads */
	struct slice request_id;
	struct slice visitor; /* "192.0.2.1:4711", "[::1]:4711", "unix:" */
	uint64_t parent;      /* the row that is sent again, 0: none */
	bool imported;        /* from a file: it never passed through here */
	uint64_t id;          /* the row of capture_promise() that it takes over, 0: none */
};

/* NULL: of this one nothing is kept but that it is counted (or there is no memory). */
struct tap *tap_begin(struct capture *c, const struct tap_opening *o);
/* Its row's id, 0 until the request's head was told (a byte stream: never 0). */
uint64_t tap_id(const struct tap *t);
/*
 * A whole head with its empty line; bytes may go on behind it.  h: RECEIVED, as it was parsed from
 * them; SENT: NULL, and nothing follows.  Interim answers are told like the final one, before it.
 */
void tap_head(struct tap *t, enum tap_side side, enum tap_form form, const struct h1_head *h,
    struct slice bytes);
/* Body bytes without the transfer coding, as they pass; behind a switch of protocols each side's. */
void tap_body(struct tap *t, enum tap_side side, struct slice bytes);
/* Lines "name: value\r\n". */
void tap_trailers(struct tap *t, enum tap_side side, struct slice lines);
/*
 * status: the origin's, 0: there was no answer. code: "ok", or the link code's name. tx, rx: body
 * bytes in all, also of what was not kept.  t is gone.
 */
void tap_end(struct tap *t, unsigned status, struct slice code, int64_t took_us, uint64_t tx_bytes,
    uint64_t rx_bytes);
/* The end of an exchange whose tap_begin() gave NULL. */
void tap_uncounted(struct capture *c, size_t tunnel, int64_t took_us, bool failed);

#endif
