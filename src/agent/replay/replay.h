/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends exchanges again: ones of the capture, byte by byte, and ones that were put together here (compose.h).
 * Each goes to the origin of a tunnel by a stream that the agent opens to itself, so that it meets the
 * same code as what the edge sends, and becomes a row of its own that names its parent. The edge has no
 * part in it.
 *
 *	replay_captured(), replay_composed() -> a batch waits -> one of its requests is sent -> the next ..
 *
 * The requests of a batch go one after the other, batches side by side, LIMIT_REPLAYS_AT_ONCE of them. Bodies
 * are read from the disk as the origin takes them.  What waits when the agent ends is not sent.
 *
 * Of the agent's loop thread.
 */
#ifndef ADIT_AGENT_REPLAY_REPLAY_H
#define ADIT_AGENT_REPLAY_REPLAY_H

#include "agent/link/agent.h"
#include "base/buf.h"

/* X(symbol, status in HTTP, code, sentence, what to do) */
/* clang-format off */
#define REPLAY_RESULTS(X) \
	X(OK, 202, "", "", "") \
	X(NO_EXCHANGE, 404, "no-exchange", "There is no such request.", \
	    "It may be older than what is kept.") \
	X(NOT_KEPT, 404, "not-kept", "Nothing of this request is kept here.", \
	    "Requests are kept while capture is on, and as long as there is room.") \
	X(NOT_EXACT, 409, "not-exact", "Not all bytes of this request are kept, so it cannot be sent as it was.", \
	    "Edit it and send that.") \
	X(SWITCHED, 409, "not-exact", "This request went over to another protocol than HTTP, which cannot be sent again.", "") \
	X(NO_SECRET, 409, "no-secret", "This agent has no secret to sign with for that tunnel.", \
	    "Start the tunnel with --scheme and --secret-file; a secret that the edge alone has is never told to an agent.") \
	X(CANNOT_SIGN, 409, "no-secret", "The tunnel's scheme is signed with a key that the sender alone has.", \
	    "Send it as it was, or without a signature.") \
	X(NO_TARGET, 404, "no-target", "There is no such tunnel of HTTP in this agent.", \
	    "GET /v1/state lists them.") \
	X(BAD_TIMES, 400, "bad-times", "It can be sent 1 to 100 times.", "") \
	X(BAD_REQUEST, 400, "bad-request", "These fields are no request of HTTP.", \
	    "Look at the method, the target and the names and values of the headers.") \
	X(TOO_MANY, 413, "too-many", "More than 1,000 requests would wait to be sent.", \
	    "Wait until those before have gone, or begin with a newer one.") \
	X(STOPPED, 503, "stopped", "The agent is ending.", "") \
	X(NO_MEMORY, 503, "no-memory", "There is no memory for this.", "")
/* clang-format on */

enum replay_result {
#define X(symbol, ...) REPLAY_##symbol,
	REPLAY_RESULTS(X)
#undef X
};

struct replay_word {
	int status;
	const char *code, *text, *todo;
};
extern const struct replay_word replay_words[];

struct replay {
	struct agent_guest guest;
	/* private */
	struct client *client; /* NULL before it begins and after its end */
	struct carrier_shared carriers;
	struct carrier near, far;  /* the two ends of a link inside of this program */
	bool is_open;              /* they are there */
	struct list ready, paused; /* of struct replay_batch: its next request may be sent; later */
	struct list sending;       /* of struct replay_sending */
	size_t n_sending, n_waiting;
	struct loop_task kick;
};

#define REPLAY_WHERE_IT_WENT SIZE_MAX

struct replay_wish {
	size_t tunnel; /* a place of replay_place(), or REPLAY_WHERE_IT_WENT */
	bool sign;     /* with the tunnel's secret and the time of now; else as it was */
	unsigned times;
	bool onward; /* this one and all newer ones of its tunnel that can be sent, in order */
	bool gaps;   /* with the pauses that were between them */
};

/* The rows that will show what is sent. */
struct replay_ids {
	uint64_t list[LIMIT_REPLAYS];
	size_t n;
	size_t n_left_out; /* of onward: newer ones of which not all is kept */
};

void replay_init(struct replay *r);
/* The tunnel's place in the agent's list, by the name that people or programs call it. False: there is none. */
bool replay_place(const struct replay *r, struct slice name, size_t *ret);
enum replay_result replay_captured(struct replay *r, uint64_t id, const struct replay_wish *w,
    struct replay_ids *ret);
/*
 * A head with its empty line (compose.h) and a body, of which a copy is made. parent: 0: none; w->onward and
 * w->gaps are not looked at, w->tunnel is a place.
 */
enum replay_result replay_composed(struct replay *r, uint64_t parent, struct slice head,
    struct slice body, const struct replay_wish *w, struct replay_ids *ret);

#endif
