/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching the edge: name, proxy where the environment names one, TLS with
 * the edge's certificate verified. */
#ifndef ADIT_AGENT_LINK_EDGE_DIAL_H
#define ADIT_AGENT_LINK_EDGE_DIAL_H

#include "agent/link/proxy_talk.h"
#include "net/conn.h"
#include "net/resolve.h"

/* Any of them but OFF may be left for OFF: a failure calls done(), edge_dial_cancel() does not. */
enum edge_dial_state {
	/* Nothing is under way.  edge_dial_start() leaves it. */
	EDGE_DIAL_OFF,
	/* The edge's name is looked up, or the proxy's, and connected to.  The socket leaves it. */
	EDGE_DIAL_CONNECT,
	/* The proxy is asked to connect to the edge.  Its answer leaves it, or the deadline. */
	EDGE_DIAL_PROXY,
	/* Handshake with the edge.  Its end leaves it, or the deadline. */
	EDGE_DIAL_TLS,
};

struct edge_dial {
	/*
	 * conn: through TLS, detached, to be taken over within the call (carrier_init, or
	 * conn_close); or NULL and why: a sentence that lives during the call.  Never
	 * called from within edge_dial_start().
	 */
	void (*done)(struct edge_dial *d, struct conn *conn, const char *why);
	struct loop *loop;
	struct resolver *resolver;
	struct tls_client *tls;
	struct addr edge;
	int family;         /* AF_INET or AF_INET6: that one alone; 0: both */
	char tls_name[256]; /* SNI, and the name that the edge's certificate must cover */
	/* private */
	enum edge_dial_state state;
	struct dial dial;
	struct conn conn;
	struct loop_timer deadline; /* of proxy and handshake together; connecting has its own */
	struct proxy proxy;         /* kind PROXY_NONE: the edge is reached directly */
	struct proxy_talk talk;
	char why[256];
};

/*
 * edge: https://HOST[:PORT], HOST[:PORT] or unix:PATH; port 443 where none is given.  ca_path: PEM,
 * NULL: the system's.  link: it speaks as an agent, else as a visitor.  The variables that name a proxy are
 * read now.  NULL, or a malloced sentence.
 */
char *edge_dial_init(struct edge_dial *d, struct loop *l, struct resolver *r, const char *edge,
    const char *ca_path, bool link) must_use;
void edge_dial_fini(struct edge_dial *d);
/* One attempt; in OFF only. */
void edge_dial_start(struct edge_dial *d);
/* No call any more. Harmless when not running. */
void edge_dial_cancel(struct edge_dial *d);

#endif
