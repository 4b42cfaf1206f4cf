/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the engine. */
#ifndef ADIT_AGENT_REPLAY_REPLAY_PRIVATE_H
#define ADIT_AGENT_REPLAY_REPLAY_PRIVATE_H

#include "agent/capture/exchange.h"
#include "agent/replay/replay.h"

/* Of what the capture has of a head. */
#define REPLAY_HEAD_BYTES (2 * SERVE_HEAD_BYTES)

/* A request that was put together: of a batch. */
struct replay_message {
	struct slice head, body; /* one block of memory, malloced: head.p */
};

struct replay_job {
	uint64_t row;     /* the new one */
	uint64_t source;  /* what is sent again; composed: what it was made of, or 0 */
	int64_t pause_us; /* before it */
};

/* Requests that go one after the other. In one of the engine's lists, or one of them is being sent. */
struct replay_batch {
	struct replay *replay;
	struct list node;
	struct loop_timer timer; /* of a pause */
	size_t tunnel;
	bool sign;
	struct replay_message message; /* .head.n 0: the sources themselves */
	size_t n, at;
	struct replay_job jobs[];
};

/* One request on its way. */
struct replay_sending {
	struct replay_batch *batch;
	struct replay *replay;
	struct list node; /* in replay->sending */
	struct flow flow;
	struct conn conn; /* what the flow reads the body from */
	bool over;
	struct captured *source; /* NULL: the batch's message */
	uint64_t at, total;      /* of the body */
	uint64_t row, parent;
	char request_id[33];
	struct loop_grave grave;
};

/* --- replay.c --- */
/* The request of a batch is over: the next one. */
void replay_next(struct replay_batch *b);

/* --- replay_send.c --- */
/* Sends the batch's next request. NULL, or why not, as a word for its row. */
const char *replay_send(struct replay_batch *b, const struct replay_job *job);
/* Ends what is being sent, and the link. */
void replay_close(struct replay *r);
/* As serve.ours. */
void replay_tell_tap(void *owner, struct tap_opening *o);

/* --- replay_sign.c --- */
/* OK, NO_SECRET or CANNOT_SIGN. */
enum replay_result replay_can_sign(const struct agent_tunnel *t);
/*
 * The head with a signature of now over the body in the place of its own, or behind its fields. False: it
 * could not be signed.
 */
bool replay_sign(const struct agent_tunnel *t, struct slice head, struct slice body,
    struct slice id, struct buf *out);

#endif
