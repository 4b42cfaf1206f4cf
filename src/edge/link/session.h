/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: one agent's link at the edge.  HELLO, login and claims through the store, then the
 * tunnels stand in the worker's map and in the directory until the link ends, a newer agent of the
 * account takes a tunnel over, or the token is revoked or expires.
 */
#ifndef ADIT_EDGE_LINK_SESSION_H
#define ADIT_EDGE_LINK_SESSION_H

#include "edge/core/lobby.h"
#include "edge/core/tunnel.h"
#include "edge/core/worker.h"
#include "hook/policy.h"
#include "tunnel/hello.h"

#include <jansson.h>

struct activity;
struct ddns_message;
struct domain_ask;
struct session_login;
struct query;
struct status_query;

/*
 *	HELLO -> LOGIN -> CLAIM -> UP -> LEAVING -> OVER
 *
 * Every state but OVER may go to OVER, when the carrier says that the link is closed.
 */
enum session_state {
	/* Waits for the agent's HELLO.  login_hello() leaves it; the timer refuses a slow agent. */
	SESSION_HELLO,
	/* The store looks at the token.  Its answer leaves it, or refuses the agent. */
	SESSION_LOGIN,
	/* The store looks at names and ports.  The last of its answers leaves it. */
	SESSION_CLAIM,
	/* Tunnels are served.  session_leave() leaves it: the agent goes, the edge stops, the token
	 * ends, or newer links serve all of its tunnels. */
	SESSION_UP,
	/* GOAWAY was said; streams that are open may end.  The timer, or the
	 * agent, closes the link. */
	SESSION_LEAVING,
	/* The link is closed.  The session is freed at the end of the turn, or, where the store
	 * still works for its login, by the store's last answer. */
	SESSION_OVER,
};

struct session {
	struct carrier carrier;
	struct worker *worker;
	struct list node; /* in worker->links->list */
	enum session_state state;
	struct directory_link self;
	struct source_key source;
	bool has_source;
	struct source_ip ip;               /* of whoever is connected, or whom PROXY has named */
	struct lobby_guest unknown, known; /* until the token was looked at, and since */
	char peer[PEER_TEXT_BYTES];
	char account[64], token_id[24];
	char program[64];    /* "adit/0.1.0" */
	struct query *query; /* the store looks something of the inbox up for it */
	uint64_t query_seq;
	bool view_page;                  /* it is one of a list */
	bool view_stat;                  /* the same: it is "stat" */
	struct release_message *release; /* a name that is being given up */
	struct ddns_message *ddns;       /* a name whose addresses are being set */
	struct list two_ways;            /* names that it speaks for (ddns_left.h) */
	struct session_login *login;     /* until UP, or the store has answered */
	struct status_query *status;     /* a question that is being answered */
	struct domain_ask *domain;       /* a question about own domains, under way */
	json_t *domain_request;          /* its op and name; NULL: none is */
	struct activity *activity;       /* its agent watches; NULL: it does not */
	/* Of the HELLO, and those that came later, which are few or none; both malloced. */
	struct tunnel *tunnels, *later;
	size_t n_first;          /* of the HELLO */
	size_t n_tunnels, n_up;  /* places in use of both, and tunnels that are served */
	bool probes, binds;      /* what its agent wants, and what it understands */
	int64_t expires_ms;      /* of the token, wall clock; 0: never */
	struct loop_timer timer; /* HELLO; the token's end; leaving */
	bool replaced;           /* leaves because others serve all its tunnels: no hurry */
	struct loop_grave grave;
};

/* Takes over the connection of an arrival (frees nothing of it). */
void session_start(struct worker *w, struct arrival *a);
/* The one writer of the state, once the session is born. */
void session_move(struct session *s, enum session_state to);
/* The link ends with its token: to be called once it is up. */
void session_watch_token(struct session *s);
/* Place i of n_tunnels, or the next one; what stands there may be down. */
struct tunnel *session_tunnel(struct session *s, size_t i);
/* GOAWAY with a pause to wait before the agent comes back. */
void session_leave(struct session *s, enum link_code code, const char *why);
void session_close(struct session *s, enum link_code code, const char *why);

#endif
