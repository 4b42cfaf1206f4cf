/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row: what one exchange, or one thing that the edge did without the origin, is in lists. Rows
 * are kept by rows.h; this is what they say.
 */
#ifndef ADIT_AGENT_CAPTURE_ROW_H
#define ADIT_AGENT_CAPTURE_ROW_H

#include "base/check.h"
#include "base/slice.h"

/* X(symbol, word in JSON and filters) */
#define ROW_STATES(X)                                                                              \
	X(OPEN, "open")         /* passed through: it runs */                                      \
	X(ANSWERED, "answered") /* the origin answered */                                          \
	X(FAILED, "failed")     /* it did not: code says why */                                    \
	X(REFUSED, "refused")   /* by the edge; the origin never saw it */                         \
	X(QUEUED, "queued")     /* from here on a stored webhook, as the edge says or as its */    \
	X(SENDING, "sending")   /* attempt shows */                                                \
	X(RETRYING, "retrying")                                                                    \
	X(DELIVERED, "delivered")                                                                  \
	X(PARKED, "parked")                                                                        \
	X(DROPPED, "dropped")                                                                      \
	X(DEAD, "dead")                                                                            \
	X(REPLAY, "replay") /* it was sent again from here: parent says of what */

enum row_state {
#define X(symbol, word) ROW_##symbol,
	ROW_STATES(X)
#undef X
};

/* Of a signature, as the edge found it. */
#define ROW_VERDICTS(X)                                                                            \
	X(NONE, "none")                                                                            \
	X(UNCHECKED, "unchecked")                                                                  \
	X(OK, "ok")                                                                                \
	X(WRONG, "wrong")                                                                          \
	X(MISSING, "missing")                                                                      \
	X(ALTERED, "altered")                                                                      \
	X(CLOCK, "clock")

enum row_verdict {
#define X(symbol, word) VERDICT_##symbol,
	ROW_VERDICTS(X)
#undef X
};

#define ROW_KINDS(X)                                                                               \
	X(HTTP, "http")                                                                            \
	X(WEBSOCKET, "websocket") /* or another protocol that an exchange was switched to */       \
	X(GRPC, "grpc")                                                                            \
	X(SSE, "sse")                                                                              \
	X(BYTES, "bytes") /* a byte stream: a row, and nothing of what passed */

enum row_kind {
#define X(symbol, word) ROW_KIND_##symbol,
	ROW_KINDS(X)
#undef X
};

enum row_flag {
	ROW_CUT_SIZE = 1 << 0,   /* a body was longer than is kept */
	ROW_CUT_DISK = 1 << 1,   /* the writer did not keep up: what follows of a body is missing */
	ROW_CUT_RATE = 1 << 2,   /* too much passed in that second: heads were kept, no bodies */
	ROW_SAMPLED = 1 << 3,    /* others of that second have no row */
	ROW_HEADS_ONLY = 1 << 4, /* inspect: heads */
	ROW_PINNED = 1 << 5,
	ROW_IMPORTED = 1 << 6, /* from a file: it never passed through here */
	ROW_UNKEPT = 1 << 7,   /* nothing of it is on the disk: inspect: off, or capture is off */
	ROW_BLANKED = 1 << 8,  /* a field is not on the disk (never_store): no exact replay */
};

/* Text is borrowed: of the index, until the caller returns to the loop. */
struct capture_row {
	uint64_t id;                 /* of the exchange: grows, over restarts, too */
	uint64_t changed;            /* number of its last change, grows over all rows */
	int64_t begun_ms;            /* wall clock */
	int64_t took_us;             /* -1: it runs */
	uint64_t delivery;           /* number in the edge's inbox, 0: none */
	uint64_t parent;             /* id of the row that this one replays, 0: none */
	uint64_t tx_bytes, rx_bytes; /* body of the request, of the response */
	uint64_t at;      /* where its last record is on the disk (segment.h), 0: nowhere */
	uint32_t attempt; /* of the delivery, 0: none yet */
	uint16_t status;  /* of the answer, 0: none */
	uint16_t flags;   /* enum row_flag */
	uint8_t state;    /* enum row_state */
	uint8_t kind;     /* enum row_kind */
	uint8_t verdict;  /* enum row_verdict */
	uint8_t tunnel;   /* index in the agent's list; ROW_NO_TUNNEL: of another agent */
	struct slice method;
	struct slice target; /* path and query as they came: redact.h before anybody sees it */
	struct slice host;
	struct slice event, repository, branch, provider; /* of a webhook; "" where not known */
	struct slice code;                                /* adit-error or link code; "" none */
	struct slice request_id, client;                  /* client: address without its port */
	struct slice name;                                /* of the tunnel */
};
#define ROW_NO_TUNNEL 255

/* The words of the tables above. */
const char *row_state_word(uint8_t state);
const char *row_verdict_word(uint8_t verdict);
const char *row_kind_word(uint8_t kind);
/* False where there is no such word. */
bool row_state_of(struct slice word, uint8_t *ret);
bool row_verdict_of(struct slice word, uint8_t *ret);

#endif
