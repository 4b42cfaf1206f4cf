/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trunk: one HTTP/2 connection to an origin, and the streams of many exchanges on it.  It dials,
 * feeds the session, tells the streams, and writes all frames of a turn at its end.
 *
 *	DIALLING -> GREETING -> UP -> GOING -> GONE
 *
 * It asks the origin for nothing while all is well: servers of gRPC end a connection that PINGs
 * them for no reason.  Only where a stream was given up unanswered, and nothing else came since,
 * one PING says whether there is anybody.
 */
#ifndef ADIT_AGENT_SERVE_TRUNK_H
#define ADIT_AGENT_SERVE_TRUNK_H

#include "agent/serve/origin_h2.h"

enum trunk_state {
	/* The connection is made.  It leaves it when it is there; its failure ends the trunk. */
	TRUNK_DIALLING,
	/* The preface is out.  The origin's SETTINGS leave it; the timer ends it. */
	TRUNK_GREETING,
	/* It takes streams.  GOAWAY leaves it, of either side, or the end of the connection. */
	TRUNK_UP,
	/* Streams that run end in order.  The last one's end leaves it; the timer, where an origin
	 * that has no stream any more does not even take our GOAWAY. */
	TRUNK_GOING,
	/* The connection is closed.  Freed when no exchange reads from it any more. */
	TRUNK_GONE,
};

struct trunk {
	struct origin_h2 *pool;
	struct origin_conn *raw; /* NULL when GONE */
	struct h2_client *h2;    /* NULL while DIALLING */
	enum trunk_state state;
	struct list node;    /* in pool->trunks, or pool->gone */
	struct list streams; /* of origin_stream.node */
	size_t n_streams;    /* of them */
	size_t n_promised;   /* of these, whose head is not whole yet */
	struct loop_task flush;
	struct loop_timer timer; /* GREETING: SETTINGS; UP: idle, or the PING's answer; GOING */
	int64_t heard_us, idle_us;
	char *out; /* frames that the connection has not taken: malloced while there are any */
	size_t out_from, out_to;
	bool served;  /* it has taken a stream */
	bool telling; /* streams are told: whoever leaves is not the last */
	struct loop_grave grave;
};

/* NULL: too many connections, or no memory. */
struct trunk *trunk_new(struct origin_h2 *p) must_use;
/* How many more streams it takes now. */
size_t trunk_slots(const struct trunk *t) must_use;
/* A stream is promised a slot. */
void trunk_join(struct trunk *t, struct origin_stream *v);
/* Its exchange lets go. */
void trunk_leave(struct trunk *t, struct origin_stream *v);
/* Something is to be sent, or read further. */
void trunk_kick(struct trunk *t);
/* At once, whoever is on it. */
void trunk_close(struct trunk *t);

#endif
