/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API that programs for another agent speak, at /api/ of the web server: tunnels and endpoints that
 * are opened, listed and ended, and the status.  Shapes, codes and texts are those that such programs
 * look at (doc/from-ngrok.md).  A tunnel is answered when the edge has answered for it.
 */
#ifndef ADIT_AGENT_NGROK_API_H
#define ADIT_AGENT_NGROK_API_H

#include "agent/inspect/web.h"
#include "agent/replay/replay.h"

/* What is said where a program wants to know whom it talks to. */
#define NGROK_VERSION "3.39.0-adit" ADIT_VERSION

struct ngrok_wait;

struct ngrok_api {
	struct agent_guest guest; /* behind the web server's */
	/* The link is up, or a tunnel has moved; NULL: nobody writes lines of it. t NULL: the link. */
	void (*told)(struct ngrok_api *api, const struct agent_tunnel *t);
	/* private */
	struct replay *replay; /* the caller's */
	struct client *client; /* NULL before it begins and after its end */
	struct list waits;     /* of struct ngrok_wait: answers that the edge owes */
};

/* Rows for inspect_web_add(); how: of config_web.api, as it is decided. */
void ngrok_api_init(struct ngrok_api *api, struct replay *replay, bool by_token,
    struct inspect_part *ret_part);
/* What a tunnel is called in this API. */
const char *ngrok_api_name(const struct agent_tunnel *t);
/* "http://localhost:8080": its origin as people write it. dst: 330 bytes. */
void ngrok_api_address(const struct agent_tunnel *t, char *dst);

#endif
