/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the edge's activity: rows for whoever looks at this agent. */
#include "agent/link/uplink_activity.h"

#include "agent/capture/capture.h"
#include "tunnel/activity.h"

/* By enum activity_state; NONE is a refusal's. */
static const enum row_state states[] = {
	[ACTIVITY_STATE_NONE] = ROW_REFUSED,
	[ACTIVITY_STATE_QUEUED] = ROW_QUEUED,
	[ACTIVITY_STATE_LEASED] = ROW_SENDING,
	[ACTIVITY_STATE_RETRYING] = ROW_RETRYING,
	[ACTIVITY_STATE_DELIVERED] = ROW_DELIVERED,
	[ACTIVITY_STATE_PARKED] = ROW_PARKED,
	[ACTIVITY_STATE_DEAD] = ROW_DEAD,
	[ACTIVITY_STATE_DROPPED] = ROW_DROPPED,
};

/* "192.0.2.1" of "192.0.2.1:4711"; what has no port is as it is. */
static struct slice
address_of(const char *peer)
{
	const char *colon = strrchr(peer, ':');

	if (colon == NULL || strncmp(peer, "unix:", 5) == 0)
		return slice_str(peer);
	return slice_of(peer, (size_t)(colon - peer));
}

/* A webhook that came a second time is a request that the origin never sees: it must not change the
 * row of the first one. */
static void
list(struct capture *c, size_t tunnel, const struct activity_row *r)
{
	bool again = r->what == ACTIVITY_STORED && strcmp(r->code, "duplicate") == 0;
	bool refused = r->what == ACTIVITY_REFUSED || again;
	struct edge_row e = { .tunnel = tunnel,
		.at_ms = r->at_ms,
		.took_us = r->took_us,
		.delivery = refused ? 0 : r->id,
		.bytes = r->bytes,
		.attempt = r->attempt,
		.status = r->status,
		.state = refused ? ROW_REFUSED : states[r->state],
		.request_id = slice_str(r->request),
		.code = slice_str(r->code),
		.method = slice_str(r->method),
		.target = slice_str(r->path),
		.event = slice_str(r->event),
		.repository = slice_str(r->repository),
		.branch = slice_str(r->branch),
		.provider = slice_str(r->provider),
		.client = address_of(r->peer) };
	uint8_t verdict = VERDICT_NONE;

	if (row_verdict_of(slice_str(activity_verdict_word(r->verdict)), &verdict))
		e.verdict = (enum row_verdict)verdict;
	/* A delivery whose state the edge did not say. */
	if (!refused && r->state == ACTIVITY_STATE_NONE)
		return;
	capture_edge_row(c, &e);
}

static void
take_row(struct client *c, const struct activity_row *r)
{
	const struct agent_tunnel *t = serve_find(c->serve, r->tunnel);

	if (t == NULL)
		return;
	if (c->serve->capture != NULL)
		list(c->serve->capture, (size_t)(t - c->serve->tunnels), r);
	screen_activity(c->screen, t->label, r);
}

static void
take_inbox(struct client *c, const struct activity_inbox *f)
{
	const struct agent_tunnel *t = serve_find(c->serve, f->tunnel);

	if (t == NULL)
		return;
	if (c->serve->capture != NULL)
		rows_inbox(capture_rows(c->serve->capture), (size_t)(t - c->serve->tunnels),
		    f->queued, f->parked, f->oldest_ms);
	screen_inbox(c->screen, t->label, f);
}

void
uplink_activity(struct uplink *s, struct slice json)
{
	struct client *c = s->client;
	struct activity_reader reader;
	struct activity_row row;
	struct activity_inbox inbox;

	/* It was asked for, and the edge sends no more than some a second. */
	link_forgive(&s->carrier.link);
	if (!activity_begin(&reader, json))
		return;
	screen_activity_lost(c->screen, reader.lost);
	while (activity_next_row(&reader, &row))
		take_row(c, &row);
	while (activity_next_inbox(&reader, &inbox))
		take_inbox(c, &inbox);
	activity_end(&reader);
}
