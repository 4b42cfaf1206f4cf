/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activity: what the edge did for a link's tunnels that the agent cannot see by itself, told to an
 * agent whose HELLO has "watch":true.  One CONTROL message has rows and figures:
 *
 *	{"type":"activity","lost":12,
 *	 "rows":[{"tunnel":1,"what":"refused","at_ms":1700000000000,"took_us":900,"status":401,...}],
 *	 "inbox":[{"tunnel":1,"queued":3,"parked":1,"dead":0,"oldest_ms":1700000000000}]}
 *
 * Members that say nothing (0, "", none) are left out; unknown ones are passed over.
 */
#ifndef ADIT_TUNNEL_ACTIVITY_H
#define ADIT_TUNNEL_ACTIVITY_H

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"

/* X(symbol, word): what happened. */
#define ACTIVITY_WHATS(X)                                                                          \
	X(REFUSED, "refused") /* the edge answered a request itself */                             \
	X(STORED, "stored")   /* a webhook, or it was known already (code "duplicate") */          \
	X(STATE, "state")     /* a stored one has another state */

enum activity_what {
#define X(symbol, word) ACTIVITY_##symbol,
	ACTIVITY_WHATS(X)
#undef X
};

/* Of a delivery. */
#define ACTIVITY_STATES(X)                                                                         \
	X(NONE, "")                                                                                \
	X(QUEUED, "queued")                                                                        \
	X(LEASED, "leased")     /* attempt says which one is on its way */                         \
	X(RETRYING, "retrying") /* attempt failed, the next one is at due_ms */                    \
	X(DELIVERED, "delivered")                                                                  \
	X(PARKED, "parked")                                                                        \
	X(DEAD, "dead")                                                                            \
	X(DROPPED, "dropped")

enum activity_state {
#define X(symbol, word) ACTIVITY_STATE_##symbol,
	ACTIVITY_STATES(X)
#undef X
};

/* Of a signature. */
#define ACTIVITY_VERDICTS(X)                                                                       \
	X(NONE, "none")           /* it did not come so far */                                     \
	X(UNCHECKED, "unchecked") /* the route checks none */                                      \
	X(OK, "ok")                                                                                \
	X(WRONG, "wrong")     /* another secret, as a rule */                                      \
	X(MISSING, "missing") /* no header */                                                      \
	X(ALTERED, "altered") /* something changed the body on its way */                          \
	X(CLOCK, "clock")     /* its time is too far from ours */

enum activity_verdict {
#define X(symbol, word) ACTIVITY_VERDICT_##symbol,
	ACTIVITY_VERDICTS(X)
#undef X
};

/* Texts are valid UTF-8 without control characters, and cut. */
struct activity_row {
	uint16_t tunnel; /* the id of the HELLO */
	enum activity_what what;
	enum activity_state state;
	enum activity_verdict verdict;
	uint64_t id;      /* delivery, 0: none */
	int64_t at_ms;    /* wall clock */
	int64_t took_us;  /* -1: not known */
	int64_t due_ms;   /* wall clock, 0: none */
	uint16_t status;  /* of the answer, 0: none */
	uint32_t attempt; /* 0: none */
	uint64_t bytes;   /* of the request's body */
	char request[40]; /* request id, as in adit-request-id */
	char code[48];    /* as in adit-error; of an attempt as in the inbox */
	char policy[24];  /* member of the tunnel's policy that decided */
	char method[24], provider[24], peer[56], event[64];
	char path[160]; /* without the query, which may hold secrets */
	char repository[160], branch[160], text[320];
};

struct activity_inbox {
	uint16_t tunnel;
	uint64_t queued; /* not finished: waits, or is on its way */
	uint64_t parked, dead;
	int64_t oldest_ms; /* receipt of the oldest one that is not finished, 0: there is none */
};

/* Text of anybody's into a member of these: cut between characters, and harmless. */
void activity_text(char *dst, size_t cap, struct slice s);

const char *activity_what_word(enum activity_what what);
const char *activity_state_word(enum activity_state state);
const char *activity_verdict_word(enum activity_verdict verdict);

/* --- writing --- */

/* One element of "rows", of "inbox". */
void activity_put_row(struct buf *out, const struct activity_row *r);
void activity_put_inbox(struct buf *out, const struct activity_inbox *f);
/* A whole message of such elements with commas between them; either may be empty. */
void activity_put(struct buf *out, uint64_t lost, struct slice rows, struct slice inbox);

/* --- reading --- */

struct activity_reader {
	uint64_t lost; /* rows that found no room before these */
	/* private */
	void *root;
	size_t row, figure;
};

/* False: it is no such message; then nothing is to be ended. */
bool activity_begin(struct activity_reader *r, struct slice json) must_use;
/* False at the end. What is malformed is passed over: it is for people, and for no decision. */
bool activity_next_row(struct activity_reader *r, struct activity_row *ret) must_use;
bool activity_next_inbox(struct activity_reader *r, struct activity_inbox *ret) must_use;
void activity_end(struct activity_reader *r);

#endif
