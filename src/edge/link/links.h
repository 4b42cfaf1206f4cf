/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links of a worker: who they are together, and what the worker's dispatcher has
 * to say to them.
 */
#ifndef ADIT_EDGE_LINK_LINKS_H
#define ADIT_EDGE_LINK_LINKS_H

#include "edge/core/lobby.h"
#include "edge/core/worker.h"

struct session;

struct links {
	struct slab sessions;
	struct list list;     /* of sessions */
	struct list left;     /* names whose agents have gone (ddns_left.h) */
	struct lobby unknown; /* whose token has not been looked at */
	struct lobby known;   /* by account, which stands for the address */
};

struct links *links_new(void) must_use;
void links_free(struct links *l);

/* Takes over the connection of an arrival. */
void links_arrived(struct worker *w, struct arrival *a);
/* GOAWAY to each of them: the edge is stopping. */
void links_leave(struct worker *w);
/* All are closed now. */
void links_cut(struct worker *w);
/* Ends those that logged in with this token; NULL: all of them log in again. */
/* The link of the tunnel of this key, if it is here, ends by an operator's wish. */
void links_disconnect(struct worker *w, const char *key);
void links_revoke(struct worker *w, const char *token_id);
/* The route of this key, or of every key (NULL), may be served by a newer link now, or be
 * released: then the tunnel that this worker has for it is over. */
void links_fence(struct worker *w, const char *key);

/* Lets a link in whose token is not known; false: there is no room. */
bool links_let_in(struct worker *w, struct session *s) must_use;
/* Its token is good: it counts for its account from now on. False: that has too many. */
bool links_know(struct session *s) must_use;

#endif
