/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of the link: it is dialled, says HELLO with every tunnel that is wanted, is
 * dialled again whenever it ends, and told to stop in order.
 *
 *	OFF -> DIALLING -> GREETING -> UP        client_start(); the link works
 *	          ^  \________|________/
 *	          |           v                  any failure
 *	          \------- WAITING               until the next attempt
 *
 *	DIALLING, GREETING, UP, WAITING -> STOPPING -> OVER      client_stop()
 *
 * Where no stream is open, every state goes to OVER at once.
 *
 * Tunnels come and go while the link is up (client_bind.c).  An edge that does not know that gets a
 * new link with the new set, UP -> GREETING, while the older one serves until the welcome.
 *
 * New streams come on one link at a time (session).  A link that the edge said GOAWAY on goes on
 * with its streams (draining) while the next one is dialled.
 *
 * Nothing is closed in the middle of a carrier's work: an end is decided on, and carried out at the
 * end of the turn.
 */
#ifndef ADIT_AGENT_LINK_CLIENT_H
#define ADIT_AGENT_LINK_CLIENT_H

#include "agent/link/edge_dial.h"
#include "agent/link/retry.h"
#include "agent/cert/own_certs.h"
#include "agent/serve/serve.h"
#include "agent/link/netwatch.h"

enum client_state {
	/* Not started.  client_start() leaves it. */
	CLIENT_OFF,
	/* edge_dial connects.  Its connection, or its failure, leaves it. */
	CLIENT_DIALLING,
	/* HELLO is sent.  The edge's welcome leaves it; the timer closes a link that is silent. */
	CLIENT_GREETING,
	/* The edge has welcomed this agent.  The end of the link leaves it. */
	CLIENT_UP,
	/* A pause after a failure.  The timer leaves it. */
	CLIENT_WAITING,
	/* No link is dialled any more, open streams may end.  The last of them, or
	 * the sweep, leaves it. */
	CLIENT_STOPPING,
	/* The caller was told; nothing follows. */
	CLIENT_OVER,
};

struct client;
struct uplink;

/* Somebody who listens, from client_listen() to client_unlisten(). */
struct client_ear {
	void (*heard)(struct client_ear *e, struct client *c, struct slice json);
	struct list node; /* private */
};

struct client {
	struct loop *loop;
	struct serve *serve;
	struct screen *screen;
	struct own_certs *certs; /* of tunnels whose TLS ends here; NULL: there are none */
	const char *token;       /* owned by the caller */
	bool once; /* `adit login`: end after the first welcome, or the first failure */
	/* It goes on without tunnels: some will come (client_added()). */
	bool stays;
	/* The edge has answered for a tunnel, or a newer agent has it; t NULL: a link is up. */
	void (*moved)(struct client *c, struct agent_tunnel *t, void *owner);
	void *moved_owner;
	/*
	 * `adit inbox`, with once: the link goes on after the welcome.  `adit ddns`, without: and is
	 * dialled again when it ends.  Called with each message
	 * that is not about tunnels, with an empty one behind each welcome; client_say() answers, client_later()
	 * asks for an empty one, client_finish() ends.
	 */
	void (*talk)(struct client *c, struct slice json, void *owner);
	void *talk_owner;
	/* Of struct client_ear: they hear, beside what the client does with it itself, each message that
	 * is not about its tunnels. */
	struct list ears;
	/* Called once, at the end of a turn, when everything is closed. */
	void (*over)(struct client *c, int exit_code);
	/* private */
	enum client_state state;
	struct carrier_shared carriers;
	struct edge_dial dial;
	struct uplink *session; /* the newest link, NULL while there is none */
	struct list draining;   /* older ones that finish their streams */
	size_t n_draining;
	uint64_t n_links;         /* that came up since the start */
	struct loop_timer timer;  /* of the state */
	struct loop_timer probed; /* what the edge's probes found is due */
	struct loop_timer probe;  /* an answer to a probe of the link is due */
	int64_t probe_us;         /* when it was sent: any byte since then is an answer */
	struct loop_timer sweep;  /* of draining links, and of stopping */
	int64_t stop_us;          /* when to stop waiting for streams */
	struct loop_task end;     /* queued: the end is decided on */
	struct retry retry;
	uint32_t floor_ms; /* the pause that the edge asked for, 0: none; good for one */
	bool at_once;      /* the next attempt needs no pause */
	int exit_code;
	bool binding;           /* a "bind" is not answered yet */
	bool relinking;         /* UP: another link is dialled, with another set of tunnels */
	struct loop_timer sync; /* what the edge knows of tunnels is to be mended */
	int64_t sync_us;        /* when the next message about tunnels is due by its pace */
	struct domain_asks {
		size_t tunnel, at; /* the next one: index, and place in its text */
		bool told;         /* people have seen them all */
	} domains;
	/* The edge's own questions through the tunnels (through.h). */
	struct through {
		int64_t asked_us; /* when one was wanted last, on the loop's clock; 0: never */
		size_t next;      /* the tunnel that is asked next */
		/* Of the newest question that the local server has answered; at_ms, wall clock, 0: there is none. */
		unsigned status;
		int64_t us, at_ms;
	} through;
	int64_t moved_ms; /* wall clock: since then the link is up, or is not */
	/* Of HELLO: the machine, for people; this process, so that the edge knows which of two
	 * agents of an account is the newer one, whichever of their links comes back last. */
	char host[64], instance[21];
	int64_t born_us;    /* on the clock that goes on while the machine sleeps */
	char account[64];   /* as the edge called it in the last welcome, "": none yet */
	char why[256];      /* the last failure */
	struct hello hello; /* the message being read or written */
};

/* The caller has set loop, serve, screen, token, once, over. NULL, or a malloced sentence. */
char *client_init(struct client *c, struct resolver *r, const char *edge, const char *ca) must_use;
/* After over() was called, or before client_start(). */
void client_fini(struct client *c);
void client_start(struct client *c);
/* First call: GOAWAY, open streams may finish for a while; second call: at once. */
void client_stop(struct client *c);
/* In talk(): a message to the edge, which is lost where the link has gone; an empty message to
 * talk() after us; the end. */
void client_say(struct client *c, struct slice json);
void client_later(struct client *c, int64_t us);
void client_finish(struct client *c, int exit_code);
/* After client_init(). */
void client_listen(struct client *c, struct client_ear *e);
/* Harmless where it does not listen (but was zeroed). */
void client_unlisten(struct client_ear *e);
/* A tunnel stands in serve now, in WANTED: the edge is asked for it, at once where a link is up. */
void client_added(struct client *c);
/* It is REMOVED from now on: the edge is told, streams of it end by themselves. */
void client_removed(struct client *c, struct agent_tunnel *t);
/* The way to the edge may have changed: an open link must answer at once, a pause ends now. */
void client_check_link(struct client *c, const char *why);

#endif
