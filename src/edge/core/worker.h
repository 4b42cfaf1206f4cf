/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread with its loop, its links, and the visitors of the tunnels of those
 * links. Workers share nothing but struct edge; what belongs on another worker is sent there
 * as mail (struct arrival).
 */
#ifndef ADIT_EDGE_CORE_WORKER_H
#define ADIT_EDGE_CORE_WORKER_H

#include "base/buf.h"
#include "base/limits.h"
#include "edge/core/counters.h"
#include "edge/core/edge.h"
#include "edge/core/errand.h"
#include "edge/core/listener.h"
#include "net/conn.h"
#include "relay/carrier.h"

#include <pthread.h>

#define PEER_TEXT_BYTES 56 /* "[v6 address]:port" */

/*
 * An order that was lost would leave a fenced link or a revoked token at work.  So each has a bit,
 * which needs no memory; where one has a text and there is no memory for it, its bit stands for
 * every text.  Those that come together are obeyed from the lowest bit up.
 */
enum worker_order {
	WORKER_SETTINGS = 1, /* next_settings */
	WORKER_REVOKE = 2,   /* whose token is good logs in again */
	WORKER_FENCE = 4,    /* tunnels whose route a newer link serves, or none */
	WORKER_KICK = 8,     /* couriers look into the inbox */
	WORKER_SHED = 16,    /* descriptors are short: some who are idle go */
	WORKER_DRAIN = 32,   /* no new visitors; GOAWAY to every link; what is under way goes on;
				edge->worker_idle tells the end */
	WORKER_STOP = 64,
	/* Never without a text, so it has no bit: an operator who is short of memory asks again. */
	WORKER_DISCONNECT = 128, /* the link of a tunnel ends; its agent may come back */
};

struct arrival;
struct worker;

/* What the rooms above do.  It is given to a worker at its birth (dispatch.h), since a worker knows
 * none of them. */
struct worker_calls {
	/* A connection has come, which is to be taken over; the arrival is freed behind it. */
	void (*arrived)(struct worker *w, struct arrival *a);
	/* Looks at deadlines, four times a second for as long as it returns true. */
	bool (*tick)(struct worker *w, int64_t now_us);
	/* text: whom the order is about; NULL: everybody. Not for WORKER_SETTINGS. */
	void (*obey)(struct worker *w, enum worker_order order, const char *text);
};

/* What each room has on one worker. */
struct visit;
struct tcp;
struct links;

struct worker {
	struct edge *edge;
	unsigned index;
	pthread_t thread;
	bool started;
	struct loop *loop;
	struct settings *settings;              /* this worker's reference */
	struct settings *_Atomic next_settings; /* those that it is told to use */
	_Atomic unsigned orders; /* enum worker_order, given by other threads and not done yet */
	struct loop_mail orders_mail;
	struct carrier_shared shared;
	const struct worker_calls *calls;
	struct listener http;   /* plain HTTP */
	struct map tunnels;     /* struct tunnel by key: those of this worker's links */
	struct sources sources; /* visitors by address */
	struct visit *visit;
	struct tcp *tcp;
	struct links *links;
	struct loop_timer tick;                /* looks after deadlines */
	char opening[LIMIT_OPENING_BYTES + 2]; /* for writing one */
	uint64_t id_state;                     /* of request ids */
	struct errands errands;                /* questions of this worker that are under way */
	bool ticking, draining, stopping, told_idle;
	struct worker_counters counters;
};

/* What a connection is that comes to a worker. */
enum arrival_kind {
	ARRIVAL_VISITOR,
	ARRIVAL_LINK,
	/* A visitor whose TLS passes through: nothing was read of it, and bytes are the server name
	 * that he asks for, a blank, and the protocols that he offers. */
	ARRIVAL_TLS,
};

/* A connection on its way to a worker, with what was read of it. */
struct arrival {
	struct loop_mail mail;
	struct worker *worker;
	struct conn conn; /* detached, handshake done */
	struct sockaddr_storage ss;
	char peer[PEER_TEXT_BYTES], local[PEER_TEXT_BYTES];
	enum arrival_kind kind;
	size_t n;
	char bytes[];
};

/* Makes a worker without rooms; its thread starts with worker_start(). NULL and errno. */
struct worker *worker_new(struct edge *e, unsigned index, struct settings *s,
    const struct worker_calls *calls) must_use;
int worker_start(struct worker *w) must_use;
/* Cuts everything; the thread ends; then worker_free(). From the main thread. */
void worker_stop(struct worker *w);
void worker_free(struct worker *w);

/* --- from any thread --- */

/* Takes over conn (moved). -1 without memory: conn stays the caller's. bytes are copied. */
int worker_send(struct worker *w, struct conn *conn, const struct sockaddr_storage *ss,
    const char *peer, const char *local, enum arrival_kind kind, struct slice bytes) must_use;
/* The worker with the fewest links gets the next. */
struct worker *worker_for_link(struct edge *e);
void worker_order(struct worker *w, enum worker_order order);
void worker_use_settings(struct worker *w, struct settings *s);
/* Ends the links that logged in with this token. */
void worker_revoke(struct worker *w, const char *token_id);
/* The route is served by a newer link, or is released: the tunnel that this worker has
 * for it is over. */
void worker_fence(struct worker *w, const char *key);
/* The link that serves the route ends. Lost without memory: whoever asked sees it still up. */
void worker_disconnect(struct worker *w, const char *key);

/* Couriers look into the inbox; account "": all. */
void worker_kick_couriers(struct worker *w, const char *account);

/* --- on the worker's thread --- */

/* 16 hexadecimal digits and NUL. */
void worker_request_id(struct worker *w, char dst[17]);
/* There is somebody whose deadlines are to be looked at. */
void worker_tick(struct worker *w);
/* Looks at the part of a list of n_all that it is time for, in one tick: each one comes by
 * about once a second. */
void worker_walk(struct list *l, uint64_t n_all, void (*look)(struct list *node, int64_t now_us),
    int64_t now_us);
/* Called when something under way has ended. */
void worker_check_idle(struct worker *w);

#endif
