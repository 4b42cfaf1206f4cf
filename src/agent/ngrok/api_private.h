/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the API. */
#ifndef ADIT_AGENT_NGROK_API_PRIVATE_H
#define ADIT_AGENT_NGROK_API_PRIVATE_H

#include "agent/ngrok/api.h"
#include "web/reply.h"

/* Tags of rows. */
enum { NGROK_TUNNEL, NGROK_ENDPOINT };

struct ngrok_api *ngrok_api_of(const struct web_request *r);

#endif
