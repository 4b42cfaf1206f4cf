/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the tunnel of a name or port, and begins streams to its agent. */
#include "edge/core/tunnel.h"

struct tunnel *
tunnel_entered(struct worker *w, struct slice key)
{
	struct map_node *node;

	for (node = map_first(&w->tunnels, map_hash(key)); node != NULL;
	     node = map_next_same(node)) {
		struct tunnel *t = map_of(node, struct tunnel, by_key);

		if (!slice_eq(slice_str(t->route->key), key))
			continue;
		check(t->up && t->worker == w); /* who goes down leaves the map at once */
		return t;
	}
	return NULL;
}

bool
tunnel_serves(const struct tunnel *t)
{
	return route_serves(t->route, t->generation);
}

struct tunnel *
tunnel_find(struct worker *w, struct slice key)
{
	struct tunnel *t = tunnel_entered(w, key);

	return t != NULL && tunnel_serves(t) ? t : NULL;
}

uint32_t
tunnel_silent_ms(const struct tunnel *t)
{
	int64_t all = t->worker->settings->limits.origin_silent_ms;

	return t->origin_silent_ms != 0 ? t->origin_silent_ms : (uint32_t)all;
}

enum close_code
tunnel_begin(struct tunnel *t, struct flow *f, struct conn *conn, const struct flow_ops *ops,
    void *owner)
{
	const struct link *link = &t->carrier->link;
	struct stream *s;

	check(t->up); /* whoever keeps a tunnel is told when it goes down */
	s = stream_open(&t->carrier->link, NULL);
	flow_init(f, t->carrier, conn, ops, owner);
	if (s == NULL)
		return link->goaway_sent || link->goaway_received ? CLOSE_AGENT_AWAY
								  : CLOSE_TOO_MANY_STREAMS;
	flow_bind(f, s);
	return CLOSE_OK;
}

int
tunnel_send_head(struct tunnel *t, struct flow *f, struct opening *o, struct slice head)
{
	char *room = t->worker->opening;
	size_t n;

	check(f->stream != NULL && f->carrier == t->carrier); /* tunnel_begin() was right */
	o->tunnel = t->id;
	if (o->kind == OPENING_HTTP)
		o->origin_silent_ms = tunnel_silent_ms(t);
	n = opening_encode(o, room, sizeof(t->worker->opening));
	return n == 0 ? -1 : flow_send_head(f, slice_of(room, n), head);
}
