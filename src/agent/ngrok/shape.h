/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of the API: members in the order in which others write them, as scripts grep for them. */
#ifndef ADIT_AGENT_NGROK_SHAPE_H
#define ADIT_AGENT_NGROK_SHAPE_H

#include "agent/ngrok/api.h"

#include <jansson.h>

/* NULL without memory, each of them; web_json() answers that. */
json_t *shape_tunnel(const struct ngrok_api *api, const struct agent_tunnel *t);
json_t *shape_endpoint(const struct ngrok_api *api, const struct agent_tunnel *t);
json_t *shape_status(const struct ngrok_api *api);
json_t *shape_links(void);
/* err: "" for none. */
json_t *shape_error(int error_code, int status, const char *msg, const char *err);

#endif
