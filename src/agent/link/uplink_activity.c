/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the edge's activity: rows for whoever looks at this agent. */
#include "agent/link/uplink_activity.h"

#include "tunnel/activity.h"

void
uplink_activity(struct uplink *s, struct slice json)
{
	struct client *c = s->client;
	struct activity_reader reader;
	struct activity_row row;
	struct activity_inbox inbox;
	const struct agent_tunnel *t;

	/* It was asked for, and the edge sends no more than some a second. */
	link_forgive(&s->carrier.link);
	if (!activity_begin(&reader, json))
		return;
	screen_activity_lost(c->screen, reader.lost);
	while (activity_next_row(&reader, &row))
		if ((t = serve_find(c->serve, row.tunnel)) != NULL)
			screen_activity(c->screen, t->label, &row);
	while (activity_next_inbox(&reader, &inbox))
		if ((t = serve_find(c->serve, inbox.tunnel)) != NULL)
			screen_inbox(c->screen, t->label, &inbox);
	activity_end(&reader);
}
