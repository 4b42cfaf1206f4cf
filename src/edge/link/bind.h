/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels of a session come and go.  A tunnel that is up stands in the worker's map and in the
 * directory; the newest link of its account has it, and the older one is told so.
 */
#ifndef ADIT_EDGE_LINK_BIND_H
#define ADIT_EDGE_LINK_BIND_H

#include "edge/link/session.h"

/* Enters a tunnel of the HELLO, whose name or port is claimed; fills in what the WELCOME says of
 * it. policy: what h brings, read; NULL: none. fd: TCP: the listening socket, taken over; else -1. */
void bind_tunnel(struct session *s, struct hello_tunnel *h, struct policy *policy, int fd);
/* Its agent has ended it itself: `adit status` does not call that a fault. */
void bind_stopped(struct session *s, const struct tunnel *t, struct slice why);
/* The agent serves this tunnel no more; what is open of it ends by itself. */
void bind_give_up(struct session *s, int64_t id);
/* Out of map and directory; the agent is not told. */
void bind_retire(struct session *s, struct tunnel *t);
/* This tunnel is not served here any more; text is told to the agent. */
void bind_drop(struct session *s, struct tunnel *t, const char *text);
/* The route of this key is not served by the tunnel that this worker has for it any more,
 * if it has one. */
void bind_fence(struct worker *w, struct slice key);

#endif
