/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of the edge's own that goes the way of any other: through the tunnel, to the local
 * server and back.  It is what stands behind every "online": HEAD / with a User-Agent of its own,
 * past the route's policy, neither counted nor stored.  Any answer will do.
 */
#ifndef ADIT_EDGE_LINK_HEALTH_H
#define ADIT_EDGE_LINK_HEALTH_H

#include "edge/link/session.h"
#include "relay/flow.h"

struct health {
	/* Called once, on the tunnel's worker, also when the link is going down; t
	 * is freed behind it. */
	void (*done)(struct health *t);
	void *owner;
	/* the outcome */
	const char *code; /* "ok", or the name of a row of the close table */
	uint16_t status;  /* of the answer, 0: none */
	int64_t us;       /* until then */
	/* private */
	struct loop *loop;
	int64_t start_us;
	struct flow flow;
	struct h1 res;
	struct loop_timer timer;
	struct loop_grave grave;
};

/* An HTTP tunnel that is up. False: no memory, or too many streams; done() is not called. */
bool health_start(struct tunnel *tunnel, void (*done)(struct health *t), void *owner) must_use;
/* After a welcome or a bound: probes what was promised one; the agent is told each outcome. */
void health_session(struct session *s);

#endif
