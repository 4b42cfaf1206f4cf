/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the edge over the link that is there, one after another (doc/protocol.txt, section 14): a second one
 * before the answer would end the link.  They keep to a pace that leaves room for other frames.
 */
#ifndef ADIT_AGENT_INSPECT_EDGE_ASK_H
#define ADIT_AGENT_INSPECT_EDGE_ASK_H

#include "agent/link/client.h"

#include <jansson.h>

struct edge_ask {
	/* Called once: answer is borrowed; NULL: there is no link, or it ended, or the edge says nothing. */
	void (*answered)(struct edge_ask *a, json_t *answer);
	/* private */
	struct list node; /* in edge_asks->waiting */
	json_t *request;
};

struct edge_asks {
	struct client *client;
	struct client_ear ear;
	struct loop_timer timer;
	struct list waiting;  /* the first one was sent where `asked` is set and it is no orphan */
	struct uplink *asked; /* the link that owes an answer, NULL: none does */
	bool orphan;          /* to a question that nobody asks any more */
	int64_t asked_us, credit_us;
	json_int_t seq;
};

void edge_asks_begin(struct edge_asks *l, struct client *c);
/* Nobody waits any more: answers are not called. */
void edge_asks_end(struct edge_asks *l);
/* Takes the request. Where there is no link it is answered at the end of the turn. */
void edge_ask(struct edge_asks *l, struct edge_ask *a, json_t *request);
/* Before it was answered: it will not be. */
void edge_ask_leave(struct edge_asks *l, struct edge_ask *a);

#endif
