/* SPDX-License-Identifier: Apache-2.0 */
/* All visitors of a worker together: how they come, grow old, and go. */
#include "edge/visit/visit.h"

#include "edge/visit/h2_visitor.h"
#include "edge/visit/visitor.h"

#include <stdlib.h>

/* Those that made room are freed at the end of the turn. */
#define SLACK 1024

/* Descriptors that are freed at a time. */
#define SHED 64

void
visit_arrived(struct worker *w, struct arrival *a)
{
	visitor_start(w, a);
}

static void
look_at(struct list *node, int64_t now_us)
{
	visitor_tick(list_of(node, struct visitor, node), now_us);
}

bool
visit_tick(struct worker *w, int64_t now_us)
{
	worker_walk(&w->visit->list, w->counters.visitors, look_at, now_us);
	return !list_empty(&w->visit->list);
}

void
visit_drain(struct worker *w)
{
	LIST_EACH(it, &w->visit->list)
		visitor_close_idle(list_of(it, struct visitor, node));
}

void
visit_cut(struct worker *w)
{
	struct visit *v = w->visit;

	while (v != NULL && !list_empty(&v->list))
		visitor_close(list_of(v->list.next, struct visitor, node));
}

void
visit_shed(struct worker *w)
{
	int64_t now = loop_now_us(w->loop);
	struct lobby_guest *g;

	for (int i = 0; i < SHED && (g = lobby_victim(&w->visit->lobby)) != NULL; i++) {
		struct visitor *v = list_of(g, struct visitor, guest);

		/*
		 * Whoever would have to go has only just come: cut now, he would come
		 * again, and nobody would be served.
		 */
		if (now - v->moved_us < LISTENER_FRESH_US)
			return;
		visitor_close(v);
	}
}

/* A quarter of the visitors may be idle at any time, and make room for others. */
static size_t
exchanges_max(size_t visitors)
{
	size_t busy = visitors - visitors / 4;

	return busy < LIMIT_EXCHANGES ? busy : LIMIT_EXCHANGES;
}

/*
 * NULL without memory. All ceilings are of these settings, and stay until the edge
 * is started anew.
 */
struct visit *
visit_new(const struct settings *s)
{
	struct visit *v = calloc(1, sizeof(*v));
	size_t n_max = (size_t)s->limits.visitors;

	if (v == NULL || (v->h2_room = malloc(H2_ROOM_BYTES)) == NULL) {
		free(v);
		return NULL;
	}
	slab_init(&v->visitors, sizeof(struct visitor), n_max + SLACK);
	slab_init(&v->h2_fronts, sizeof(struct h2_front), LIMIT_EXCHANGES);
	slab_init(&v->exchanges, sizeof(struct exchange), LIMIT_EXCHANGES);
	slab_zeroes(&v->exchanges, EXCHANGE_ZEROED_BYTES);
	list_init(&v->list);
	lobby_init(&v->lobby, n_max, 0, visitor_is_idle);
	lobby_init(&v->partials, LIMIT_PARTIAL_HEADS, 0, NULL);
	lobby_init(&v->callers, LIMIT_OWN_BODIES, 0, NULL);
	lobby_init(&v->h2_memory, LIMIT_H2_BYTES / 1024, 0, NULL);
	shares_init(&v->exchange_shares, exchanges_max(n_max), 0);
	shares_init(&v->intake_shares, LIMIT_INTAKE_BYTES / 1024, LIMIT_INTAKE_BYTES_SHARE / 1024);
	buf_init(&v->page, VISIT_PAGE_BYTES);
	return v;
}

void
visit_free(struct visit *v)
{
	if (v == NULL)
		return;
	check(list_empty(&v->list) && v->partial_bytes == 0); /* visit_cut() was called */
	buf_fini(&v->page);
	slab_fini(&v->visitors);
	slab_fini(&v->h2_fronts);
	free(v->h2_room);
	slab_fini(&v->exchanges);
	lobby_fini(&v->lobby);
	lobby_fini(&v->partials);
	lobby_fini(&v->h2_memory);
	lobby_fini(&v->callers);
	shares_fini(&v->exchange_shares);
	shares_fini(&v->intake_shares);
	free(v);
}
