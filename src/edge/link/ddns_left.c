/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for agents that have gone, and turns their names of two ways to the edge. */
#include "edge/link/ddns_left.h"

#include "base/log.h"
#include "edge/ddns/ddns.h"
#include "edge/link/links.h"
#include "edge/link/session.h"

#include <stdio.h>
#include <stdlib.h>

struct ddns_left {
	struct list node; /* of its session, then in worker->links->left */
	struct worker *worker;
	char name[64], account[64];
	uint64_t turn; /* of ddns_speak() */
	struct loop_timer timer;
	struct ddns_set set;
};

static void
on_set(struct ddns_set *set)
{
	struct ddns_left *l = list_of(set, struct ddns_left, set);

	check(list_empty(&l->node));
	free(l);
}

static void
on_time(struct loop_timer *t)
{
	struct ddns_left *l = list_of(t, struct ddns_left, timer);
	struct worker *w = l->worker;
	struct dyndns_family none = { .wish = DYNDNS_REMOVE };

	list_del(&l->node);
	if (!ddns_speaks(w->edge->ddns, l->name, l->turn) ||
	    !directory_owns(w->edge->directory, slice_str(l->name), slice_str(l->account))) {
		free(l);
		return;
	}
	log_event(LOG_INFO, "ddns", LOG_Z("name", l->name), LOG_Z("account", l->account),
	    LOG_Z("why", "its agent has gone: it leads to the edge"));
	ddns_set_start(&l->set, w->edge, &w->errands, l->name, l->account, &none, &none, on_set);
}

static struct ddns_left *
left_of(struct list *node)
{
	return list_of(node, struct ddns_left, node);
}

void
ddns_left_speak(struct session *s, const char *name)
{
	struct ddns_left *l = NULL;

	LIST_EACH(it, &s->two_ways)
		if (strcmp(left_of(it)->name, name) == 0)
			l = left_of(it);
	if (l == NULL) {
		l = calloc(1, sizeof(*l));
		if (l == NULL)
			return;
		l->worker = s->worker;
		l->timer.fn = on_time;
		snprintf(l->name, sizeof(l->name), "%s", name);
		memcpy(l->account, s->account, sizeof(l->account));
		list_push(&s->two_ways, &l->node);
	}
	l->turn = ddns_speak(s->worker->edge->ddns, name);
}

void
ddns_left_begin(struct session *s)
{
	while (!list_empty(&s->two_ways)) {
		struct ddns_left *l = left_of(list_pop(&s->two_ways));

		list_push(&s->worker->links->left, &l->node);
		loop_timer_set(s->worker->loop, &l->timer, (int64_t)LIMIT_DDNS_LEFT_MS * 1000);
	}
}

void
ddns_left_cut(struct worker *w)
{
	while (w->links != NULL && !list_empty(&w->links->left)) {
		struct ddns_left *l = left_of(list_pop(&w->links->left));

		loop_timer_stop(w->loop, &l->timer);
		free(l);
	}
}
