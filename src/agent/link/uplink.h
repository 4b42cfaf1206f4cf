/* SPDX-License-Identifier: Apache-2.0 */
/* One link of the client, from its HELLO to its end. */
#ifndef ADIT_AGENT_LINK_UPLINK_H
#define ADIT_AGENT_LINK_UPLINK_H

#include "agent/link/client.h"

/* Lives until its carrier has closed; then it is buried. */
struct uplink {
	struct carrier carrier;
	struct client *client;
	struct list node;    /* in client->draining */
	int64_t up_us;       /* welcome came, 0: not yet */
	int64_t draining_us; /* since when */
	bool binds;          /* its edge understands bind and unbind */
	bool held;           /* drained, but it serves until the next link is welcomed */
	struct loop_grave grave;
};

/* Takes the connection over, makes it the client's session and says HELLO. NULL: no memory, or no
 * descriptor; the connection is the caller's. */
struct uplink *uplink_open(struct client *c, struct conn *conn) must_use;

/* Puts the tunnel into a HELLO, or a "bind". -1 without memory: the message must not be sent. */
int uplink_ask(struct hello *h, struct agent_tunnel *t) must_use;

/* --- what client_links.c does when a link speaks --- */

/* The welcome came: tunnels are up or refused. */
void client_welcomed(struct client *c, struct uplink *s);
/* The edge refuses this agent as a whole. */
void client_refused(struct client *c, const char *code, const char *text, uint32_t retry_ms);
/* What the edge's probe found is told to people; NULL: it did not say in time. */
void uplink_tell_probed(struct client *c, struct agent_tunnel *t, const struct hello *h);
/* Something waits at the edge for this tunnel, whose origin did not answer. */
void client_waiting(struct client *c, struct agent_tunnel *t, bool waits);
/* A tunnel was taken over by a newer agent. */
void client_replaced(struct client *c, struct agent_tunnel *t, const char *text);
/* The edge opens no more streams on it. code: of enum link_code, or one that is not known here. */
void client_goaway(struct client *c, struct uplink *s, uint32_t code, uint32_t retry_ms);
/* The link is closed; s is buried by uplink.c. */
void client_lost(struct client *c, struct uplink *s, const char *why);

#endif
