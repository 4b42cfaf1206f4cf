/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together what the agent's web server answers. */
#include "agent/command/web_side.h"

void
web_side_init(struct web_side *s, const char *address, const struct config_web *config,
    enum config_web_api usual, const char *edge)
{
	enum config_web_api how =
	    config->api == CONFIG_API_DEFAULT ? usual : (enum config_web_api)config->api;
	struct inspect_part part;

	s->n_guests = 0;
	replay_init(&s->replay);
	s->guests[s->n_guests++] = &s->replay.guest;
	inspect_web_init(&s->web, config, address, &web_inspector);
	if (!inspect_web_wanted(&s->web))
		return;
	s->guests[s->n_guests++] = &s->web.guest;
	inspector_init(&s->inspector, edge, &s->replay, &part);
	inspect_web_add(&s->web, &part);
	s->guests[s->n_guests++] = &s->inspector.guest;
	if (how == CONFIG_API_OFF)
		return;
	/* Whoever cannot be told from other users has to show the token. */
	ngrok_api_init(&s->api, &s->replay,
	    how != CONFIG_API_OPEN || !inspect_web_is_local(&s->web), &part);
	inspect_web_add(&s->web, &part);
	s->guests[s->n_guests++] = &s->api.guest;
}
