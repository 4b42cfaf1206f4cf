/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address of this machine the edge sees over one family of the internet's: a short TLS
 * connection of its own, as a visitor, for /checkip.  The link shows the edge one address alone.
 */
#ifndef ADIT_AGENT_LINK_EDGE_SEEN_H
#define ADIT_AGENT_LINK_EDGE_SEEN_H

#include "agent/link/edge_dial.h"

struct edge_seen {
	/* address "": that family does not lead to the edge, or the edge does not say. Never from
	 * within edge_seen_start(). ticket: proves to the edge that it has seen it. */
	void (*done)(struct edge_seen *s, const char *address, const char *ticket);
	void *owner;
	int family; /* AF_INET or AF_INET6 */
	/* private */
	struct loop *loop;
	struct edge_dial dial;
	bool inited;
	struct conn conn;
	struct loop_timer timer;
	char got[2048];
	size_t n;
};

/* done, owner and family are set. One attempt; harmless while one is under way. */
void edge_seen_start(struct edge_seen *s, struct loop *l, struct resolver *r, const char *edge,
    const char *ca);
/* No call any more. Harmless when nothing is under way. */
void edge_seen_stop(struct edge_seen *s);

#endif
