/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at an origin that was not there, while the edge has something for it: a connection every
 * few seconds, with TLS where it speaks TLS, and no request.  One that stays for a while means that
 * the origin is back.
 *
 * It is looked at only where its connection failed, or ended without an answer, when it was last
 * wanted: an origin that accepts and is silent would look well and be no better.
 */
#ifndef ADIT_AGENT_SERVE_LOOK_H
#define ADIT_AGENT_SERVE_LOOK_H

#include "agent/serve/origin.h"

/* Any of them may be left for OFF: look_stop(). */
enum look_state {
	/* Nobody wants to know.  look_wanted() leaves it. */
	LOOK_OFF,
	/* Between two looks.  The timer leaves it. */
	LOOK_PAUSE,
	/* It is connected to.  The connection leaves it, or its failure. */
	LOOK_DIAL,
	/* The connection is there and is watched.  The timer leaves it: it has stayed, or not. */
	LOOK_STAY,
};

struct look {
	/* It is back: told once, until the edge asks again. */
	void (*back)(struct look *l);
	void *owner;
	bool down; /* set by who wanted the origin last and found it so */
	/* private */
	enum look_state state;
	struct origin *origin;
	struct origin_conn *conn; /* of DIAL and STAY, NULL otherwise */
	struct loop_timer timer;  /* of PAUSE and STAY */
	int64_t pause_ms;         /* 0: it has not failed again */
};

/* The edge says that something waits for this origin, or that nothing does any more. Asking again
 * after back() means that it was not: the pauses double. */
void look_wanted(struct look *l, struct origin *o, bool waits);
/* The link has gone, or the program ends. */
void look_stop(struct look *l);

#endif
