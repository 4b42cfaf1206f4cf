/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /api/requests/http: what has passed through, from the agent's capture.  Heads and bodies are whole
 * there, credentials too, as programs that ask this API send them again; who may ask is the same as for
 * all of the API.
 */
#ifndef ADIT_AGENT_NGROK_REQUESTS_H
#define ADIT_AGENT_NGROK_REQUESTS_H

#include "web/router.h"

/* Handlers of rows whose owner is a struct ngrok_api. */
void ngrok_requests_list(struct web_request *r);
void ngrok_requests_one(struct web_request *r);
void ngrok_requests_clear(struct web_request *r);
void ngrok_requests_replay(struct web_request *r);

#endif
