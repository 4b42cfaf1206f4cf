/* SPDX-License-Identifier: Apache-2.0 */
/* The agent as a running program: one loop, the client, its tunnels, signals. */
#ifndef ADIT_AGENT_LINK_AGENT_H
#define ADIT_AGENT_LINK_AGENT_H

#include "agent/core/login.h"
#include "agent/link/client.h"

/* What to run; everything is the caller's and must live on. */
struct agent_params {
	const char *edge, *ca, *token;
	const struct config_tunnel *tunnels;
	size_t n_tunnels;
	const struct config_acme *acme; /* where some tunnels are of tls_at_agent */
	bool json, requests;            /* events as JSON; an event for each request */
	void (*talk)(struct client *c, struct slice json, void *owner); /* see struct client */
	/* NULL: nobody is told. The way to the edge may have changed; all ends, and so must what
	 * was set on the loop. */
	void (*changed)(void *owner);
	void (*ended)(void *owner);
	void *talk_owner;
	bool once; /* `adit login`: one welcome, no tunnels */
};

/*
 * Runs until a signal, a final refusal or a takeover; enum exit_code. Messages go to standard
 * output (events) and standard error (mistakes in the parameters).  ret_account: 64 bytes for the
 * account's name after `once`, or NULL.
 */
int agent_run(const struct agent_params *p, char *ret_account);

/*
 * One link without tunnels, with the edge and the token of l, for questions and
 * answers: see struct client for talk. Nothing is printed but what talk prints, and why
 * it failed. enum exit_code.
 */
int agent_talk(const struct login *l, bool json,
    void (*talk)(struct client *c, struct slice json, void *owner), void *owner);

#endif
