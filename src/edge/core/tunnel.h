/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tunnel as everybody but its link sees it: a route that is served here, and a carrier on which
 * streams to its agent begin.  Whose link the carrier belongs to, nobody above needs to know.
 *
 * Tunnels belong to the worker of their link.  They are made, entered into the worker's map and
 * taken out of it by the link alone (session.h).
 */
#ifndef ADIT_EDGE_CORE_TUNNEL_H
#define ADIT_EDGE_CORE_TUNNEL_H

#include "edge/core/worker.h"
#include "http/close.h"
#include "relay/flow.h"
#include "tunnel/hello.h"
#include "tunnel/opening.h"

struct activity;
struct courier;
struct policy;
struct tcp_port;
struct session;

struct tunnel {
	struct map_node by_key; /* in worker->tunnels while it is up */
	struct worker *worker;
	struct carrier *carrier; /* leads to its agent */
	struct session *session; /* who brought it: for the link alone */
	const char *account;
	uint64_t generation;       /* of the link */
	struct route *route;       /* in the directory */
	struct tcp_port *port;     /* TCP: its listener */
	struct policy *policy;     /* NULL: none */
	struct courier *courier;   /* delivers what is stored for it; NULL: nothing to deliver */
	struct activity *activity; /* its agent watches what happens to it; NULL: it does not */
	uint16_t id;
	enum tunnel_kind kind;
	uint32_t origin_silent_ms; /* as its agent wants it, 0: as the edge's settings say */
	bool up;
	bool asked, probing; /* the edge's own request was sent; its outcome is not there yet */
};

/* The tunnel of this worker that serves the key now, or NULL. */
struct tunnel *tunnel_find(struct worker *w, struct slice key);
/* The one that stands in the worker's map, whether a newer link has its route or not. */
struct tunnel *tunnel_entered(struct worker *w, struct slice key);
/* Does the route still belong to this tunnel's link? */
bool tunnel_serves(const struct tunnel *t);
/* How long the origin of this tunnel may be silent once it has a request. */
uint32_t tunnel_silent_ms(const struct tunnel *t);

/*
 * Couples the flow with a new stream to the tunnel's agent.  conn: as flow_init() has it.  CLOSE_OK,
 * or why there is no stream; flow_end() is right in both cases.
 */
enum close_code tunnel_begin(struct tunnel *t, struct flow *f, struct conn *conn,
    const struct flow_ops *ops, void *owner) must_use;
/* Sends the opening, filled in with what is known of the tunnel, and the head. -1 without memory. */
int tunnel_send_head(struct tunnel *t, struct flow *f, struct opening *o,
    struct slice head) must_use;

#endif
