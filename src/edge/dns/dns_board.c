/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes that CAs want to see, from the board into the zone: whoever puts one up waits until it is
 * answered (board_told()), and then calls the CA.
 */
#include "base/log.h"
#include "edge/dns/name_server_private.h"

#include <stdio.h>
#include <stdlib.h>

/* What the board has, while it is read under its lock. */
struct board_reading {
	struct name_server *ns;
	struct dns_note *notes;
	size_t n;
};

static void
take(void *arg, const char *where, const char *text)
{
	struct board_reading *r = arg;
	struct dns_note *note = &r->notes[r->n];

	/* Of a name that is not ours: who put it up finds that nobody answers with it. */
	if (r->n == LIMIT_BOARD_NOTES || strlen(text) >= sizeof(note->text) ||
	    !dname_parse(slice_str(where), &note->where) ||
	    !dname_in(dname_slice(&note->where), zone_origin(r->ns->zone)))
		return;
	snprintf(note->text, sizeof(note->text), "%s", text);
	r->n++;
}

/* Names of both lists: what went, and what came. */
static bool
render(struct name_server *ns, const struct board_reading *r)
{
	struct change *c = change_begin(ns->zone);
	struct dns_note *old = ns->notes;
	size_t n_old = ns->n_notes, n = 0;
	struct dname *names = calloc(n_old + r->n + 1, sizeof(*names));
	bool good = c != NULL && names != NULL;

	for (size_t i = 0; good && i < n_old; i++)
		names[n++] = old[i].where;
	for (size_t i = 0; good && i < r->n; i++)
		names[n++] = r->notes[i].where;
	ns->notes = r->notes;
	ns->n_notes = r->n;
	good = good && dns_render(ns, c, names, n);
	if (good)
		good = dns_render_commit(ns, c);
	else
		change_cancel(c);
	free(names);
	if (good) {
		free(old);
		return true;
	}
	ns->notes = old;
	ns->n_notes = n_old;
	return false;
}

void
dns_board_take(struct name_server *ns)
{
	struct board_reading r = { .ns = ns };
	uint64_t version;

	ns->board_waits = ns->work.state != DNS_WORK_FREE;
	if (ns->board_waits || ns->stopping)
		return;
	r.notes = calloc(LIMIT_BOARD_NOTES + 1, sizeof(*r.notes));
	if (r.notes == NULL)
		return;
	version = board_each_dns(ns->edge->board, take, &r);
	if (render(ns, &r)) {
		board_told(ns->edge->board, version);
		return;
	}
	log_event(LOG_ERROR, "dns-notes", LOG_Z("why", "no memory, or the zone is full"));
	free(r.notes);
}

static void
on_mail(struct loop *loop, struct loop_mail *m)
{
	struct name_server *ns = list_of(m, struct name_server, board_mail);

	check(ns->loop == loop);
	/* Before it reads: what changes from now on posts anew. */
	atomic_store(&ns->board_told, false);
	dns_board_take(ns);
}

/* On any thread. */
static void
on_changed(void *arg)
{
	struct name_server *ns = arg;

	if (!atomic_exchange(&ns->board_told, true))
		loop_post(ns->loop, &ns->board_mail);
}

void
dns_board_init(struct name_server *ns)
{
	ns->board_mail.fn = on_mail;
	if (ns->edge->board != NULL)
		board_watch(ns->edge->board, on_changed, ns);
}

void
dns_board_fini(struct name_server *ns)
{
	if (ns->edge->board != NULL)
		board_watch(ns->edge->board, NULL, NULL);
	free(ns->notes);
}
