/* SPDX-License-Identifier: Apache-2.0 */
/* One line at the start; then a letter to each worker, which comes back as a mark (supervisor.h). */
#include "edge/daemon/supervisor.h"

#include "edge/daemon/privilege.h"
#include "net/watchdog.h"

#include <stdio.h>
#include <stdlib.h>

struct beat {
	struct loop_mail mail;
	_Atomic bool answered; /* the letter is ours again */
};

struct supervisor {
	struct watchdog watchdog;
	struct edge *edge;
	struct beat of[]; /* one for each worker */
};

/* On the worker's thread. */
static void
on_mail(struct loop *l, struct loop_mail *m)
{
	(void)l;
	atomic_store_explicit(&list_of(m, struct beat, mail)->answered, true, memory_order_release);
}

/* A letter that is still on its way is not sent once more: its worker hangs, or is slow. */
static bool
all_well(struct watchdog *w)
{
	struct supervisor *b = list_of(w, struct supervisor, watchdog);
	bool all = true;

	for (unsigned i = 0; i < b->edge->n_workers; i++)
		all = atomic_load_explicit(&b->of[i].answered, memory_order_acquire) && all;
	for (unsigned i = 0; all && i < b->edge->n_workers; i++) {
		atomic_store_explicit(&b->of[i].answered, false, memory_order_relaxed);
		loop_post(b->edge->workers[i]->loop, &b->of[i].mail);
	}
	return all;
}

struct supervisor *
supervisor_start(struct edge *e, unsigned https_port)
{
	struct supervisor *b = calloc(1, sizeof(*b) + e->n_workers * sizeof(b->of[0]));
	char text[512];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=serves %s on port %u, with %u threads",
	    e->domain, https_port, e->n_workers);
	privilege_notify(text);

	if (b == NULL)
		return NULL;
	b->edge = e;
	b->watchdog.well = all_well;
	for (unsigned i = 0; i < e->n_workers; i++) {
		b->of[i].mail.fn = on_mail;
		atomic_init(&b->of[i].answered, true); /* the first sign comes at once */
	}
	watchdog_start(&b->watchdog, e->main_loop);
	return b;
}

void
supervisor_stop(struct supervisor *b)
{
	if (b != NULL)
		watchdog_stop(&b->watchdog);
}

void
supervisor_free(struct supervisor *b)
{
	free(b);
}
