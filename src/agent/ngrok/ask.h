/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body of POST /api/tunnels or /api/endpoints asks for, as a tunnel of ours.  Keys that nobody
 * knows are passed over, as wrappers send some; one that would guard a tunnel, and cannot be kept, is refused.
 */
#ifndef ADIT_AGENT_NGROK_ASK_H
#define ADIT_AGENT_NGROK_ASK_H

#include "agent/core/config.h"

#include <jansson.h>

#define NGROK_NAME_BYTES 128

struct ngrok_ask {
	char name[NGROK_NAME_BYTES];
	struct config_tunnel tunnel; /* config_tunnel_fini() in either case */
	char why[256];               /* after a failure: a sentence */
};

/* body: an object, or NULL. */
bool ngrok_ask_tunnel(const json_t *body, struct ngrok_ask *ret) must_use;
bool ngrok_ask_endpoint(const json_t *body, struct ngrok_ask *ret) must_use;

#endif
