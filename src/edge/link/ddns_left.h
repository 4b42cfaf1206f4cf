/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of two ways (adit ddns --or-tunnel) whose agent has gone: nobody knows any more whether their
 * port answers, so after a while they lead to the edge, where a tunnel or the inbox takes over.  An agent
 * that comes back meanwhile, by whichever worker, speaks for its names again.
 */
#ifndef ADIT_EDGE_LINK_DDNS_LEFT_H
#define ADIT_EDGE_LINK_DDNS_LEFT_H

#include "edge/core/worker.h"

struct session;

/* The agent of this session speaks for the name from now on. Without memory nobody watches over it. */
void ddns_left_speak(struct session *s, const char *name);
/* The session is over: the time of its names begins. */
void ddns_left_begin(struct session *s);
/* The worker stops: names stay as they are. */
void ddns_left_cut(struct worker *w);

#endif
