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

struct look {
	/* It is back: told once, until the edge asks again. */
	void (*back)(struct look *l);
	void *owner;
	bool down; /* set by who wanted the origin last and found it so */
	/* private */
	bool looking;
	struct origin *origin;
	struct origin_conn *conn; /* that is being made, or watched; NULL between two */
	struct loop_timer timer;  /* the next one; the end of the watch */
	int64_t pause_ms;         /* 0: it has not failed again */
};

/* The edge says that something waits for this origin, or that nothing does any more. Asking again
 * after back() means that it was not: the pauses double. */
void look_wanted(struct look *l, struct origin *o, bool waits);
/* The link has gone, or the program ends. */
void look_stop(struct look *l);

#endif
