/* SPDX-License-Identifier: Apache-2.0 */
/* The agent as a running program: one loop, the client, its tunnels, signals. */
#ifndef ADIT_AGENT_LINK_AGENT_H
#define ADIT_AGENT_LINK_AGENT_H

#include "agent/core/login.h"
#include "agent/link/client.h"

/* Who else lives on the agent's loop and sees its client: the screen of a terminal. */
struct agent_guest {
	/* All is there, nothing is dialled yet. NULL, or a malloced sentence. */
	char *(*begin)(struct agent_guest *g, struct client *c);
	/* The links are closed: what it has on the loop ends in this turn. After begin() alone. */
	void (*end)(struct agent_guest *g, int exit_code);
};

/* What to run; everything is the caller's and must live on. */
struct agent_params {
	const char *edge, *ca, *token;
	const struct config_tunnel *tunnels;
	size_t n_tunnels;
	const struct config_inspect *inspect; /* what is kept on the disk; NULL: nothing */
	const struct config_acme *acme;       /* where some tunnels are of tls_at_agent */
	struct sink_rules **sink;             /* taken over; NULL: none */
	struct screen *screen; /* who is told of events; NULL: what fails is told at the end */
	void (*talk)(struct client *c, struct slice json, void *owner); /* see struct client */
	/* NULL: nobody is told. The way to the edge may have changed; all ends, and so must what
	 * was set on the loop. */
	void (*changed)(void *owner);
	void (*ended)(void *owner);
	void *talk_owner;
	struct agent_guest *const *guests; /* they begin in this order, and end in it */
	size_t n_guests;
	bool once;  /* `adit login`: one welcome, no tunnels */
	bool stays; /* it goes on without tunnels: others will be added */
};

/* --- while it runs, on its loop, for a guest; c: the client that it was given --- */

/*
 * One tunnel more: in WANTED, and asked for as soon as there is a link (client->moved tells what
 * came of it).  t: its strings are taken over in any case.  title: what programs call it.
 * NULL, or a malloced sentence.
 */
char *agent_tunnel_add(struct client *c, struct config_tunnel *t, const char *title,
    struct agent_tunnel **ret) must_use;
/* No new streams of it from now on; its place is another's when those that are open have ended.
 * False: a tunnel whose TLS ends here ends with the agent alone. */
bool agent_tunnel_remove(struct client *c, struct agent_tunnel *t);

/*
 * Runs until a signal, a final refusal or a takeover; enum exit_code. Events go to the
 * screen, mistakes in the parameters to standard error.  ret_account: 64 bytes for the
 * account's name after `once`, or NULL.
 */
int agent_run(const struct agent_params *p, char *ret_account);

/*
 * One link without tunnels, with the edge and the token of l, for questions and
 * answers: see struct client for talk. Nothing is printed but what talk prints, and why
 * it failed. enum exit_code.
 */
int agent_talk(const struct login *l,
    void (*talk)(struct client *c, struct slice json, void *owner), void *owner);

#endif
