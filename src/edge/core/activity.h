/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activity for one link whose agent watches: rows of what its tunnels' visitors were refused, what
 * was stored and what became of it, and the inbox's figures (tunnel/activity.h).
 *
 * It lives on the worker of its link, as the tunnels do.  Bounded: rows wait for their message, a
 * few messages a second leave; what finds no room is counted and lost.  A refusal makes room for a
 * delivery, and not the other way.  Links that do not watch have none, and cost nothing.
 */
#ifndef ADIT_EDGE_CORE_ACTIVITY_H
#define ADIT_EDGE_CORE_ACTIVITY_H

#include "edge/core/tunnel.h"
#include "tunnel/activity.h"

struct activity;

/* NULL without memory. */
struct activity *activity_new(struct carrier *c, struct worker *w, const char *account) must_use;
/* A tunnel of the link is up: what is in its inbox is told, now and when it changes. */
void activity_add(struct activity *a, struct tunnel *t);
/* It is up no more. */
void activity_drop(struct activity *a, const struct tunnel *t);
/* The link is over. Frees itself, when the store has answered. NULL: nothing. */
void activity_close(struct activity *a);

/* Room for one row of a refusal; else it counts as lost, and need not be made. */
bool activity_has_room(struct activity *a) must_use;
/* The tunnel's id, and the time where there is none, are filled in. t: its link watches. */
void activity_take(struct tunnel *t, struct activity_row *r);

/* For whichever link serves the route now, on whichever worker it is. w: where we are, NULL: on the
 * main loop. Nobody watches: nothing. */
void activity_tell(struct edge *e, struct worker *w, const char *key, const struct activity_row *r);
/* Deliveries that people, or newer ones, have moved. */
void activity_moved(struct edge *e, struct worker *w, const struct inbox_req *req);

#endif
