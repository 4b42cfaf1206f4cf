/* SPDX-License-Identifier: Apache-2.0 */
/* Which tunnels are meant to be off, since their agents were stopped in order: over a restart
 * of the edge, too. */
#ifndef ADIT_EDGE_CORE_STOPPED_H
#define ADIT_EDGE_CORE_STOPPED_H

#include "edge/core/edge.h"

/* The agent that serves the route with this generation stops in order, or has come.  The store is
 * told of news; nobody waits for it. */
void stopped_tell(struct edge *e, struct route *route, uint64_t generation, bool stopped);

#endif
