/* SPDX-License-Identifier: Apache-2.0 */
/* All visitors of a worker's TCP tunnels together: how they grow old, and go. */
#include "edge/tcp/tcp.h"

#include "edge/tcp/tcp_pipe.h"

#include <stdlib.h>

static void
look_at(struct list *node, int64_t now_us)
{
	tcp_pipe_tick(list_of(node, struct tcp_pipe, node), now_us);
}

bool
tcp_tick(struct worker *w, int64_t now_us)
{
	worker_walk(&w->tcp->list, w->counters.tcp, look_at, now_us);
	return !list_empty(&w->tcp->list);
}

/* Also of a worker that never got this room: a start that failed. */
void
tcp_cut(struct worker *w)
{
	struct tcp *t = w->tcp;

	while (t != NULL && !list_empty(&t->list))
		tcp_pipe_close(list_of(t->list.next, struct tcp_pipe, node));
}

struct tcp *
tcp_new(const struct settings *s)
{
	struct tcp *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	slab_init(&t->pipes, sizeof(struct tcp_pipe), (size_t)s->limits.visitors);
	list_init(&t->list);
	shares_init(&t->shares, (size_t)s->limits.visitors, 0);
	return t;
}

void
tcp_free(struct tcp *t)
{
	if (t == NULL)
		return;
	check(list_empty(&t->list)); /* tcp_cut() was called */
	slab_fini(&t->pipes);
	shares_fini(&t->shares);
	free(t);
}
