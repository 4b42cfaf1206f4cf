/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels as operators see them: those that are up, and those that once were. */
#include "edge/control/control_private.h"

#include "base/limits.h"
#include "edge/core/worker.h"
#include "edge/inbox/query.h"

#include <stdio.h>

/* A route as it was under the directory's lock. */
struct tunnel_row {
	char key[DIRECTORY_KEY_BYTES], account[64], who[sizeof(((struct directory_link *)0)->who)];
	const char *state;
	int64_t since_ms;
	struct tally_sum tally;
};

/* The first rows behind `after`, in the order of their keys. */
struct tunnel_page {
	const char *after, *account; /* account "": all */
	struct tunnel_row *rows;     /* LIMIT_TUNNELS_SHOWN */
	size_t n;
	bool more;
};

const char *
control_tunnel_state(const struct route *r)
{
	if (!route_serves(r, 0))
		return "up";
	if (r->tombstone)
		return "released";
	if (r->disabled)
		return "disabled";
	if (r->stopped)
		return "stopped";
	/* Who has not come since the edge was started is not missed yet. */
	return atomic_load(&r->tally) != NULL ? "away" : "unused";
}

static void
copy_row(struct tunnel_row *row, const struct route *r)
{
	const struct tally *tally = atomic_load(&r->tally);

	*row = (struct tunnel_row){ .state = control_tunnel_state(r), .since_ms = r->since_ms };
	memcpy(row->key, r->key, sizeof(row->key));
	memcpy(row->account, r->account, sizeof(row->account));
	memcpy(row->who, r->link.who, sizeof(row->who));
	if (tally != NULL)
		tally_sum(tally, &row->tally);
}

/* Under the directory's lock. Where the page is full, its last row makes room for an earlier one. */
static bool
take_row(const struct route *r, void *arg)
{
	struct tunnel_page *p = arg;
	size_t at = p->n;

	if (strcmp(r->key, p->after) <= 0 ||
	    (p->account[0] != '\0' && strcmp(r->account, p->account) != 0))
		return true;
	while (at > 0 && strcmp(r->key, p->rows[at - 1].key) < 0)
		at--;
	p->more = p->more || p->n == LIMIT_TUNNELS_SHOWN;
	if (at == LIMIT_TUNNELS_SHOWN)
		return true;
	if (p->n < LIMIT_TUNNELS_SHOWN)
		p->n++;
	memmove(&p->rows[at + 1], &p->rows[at], (p->n - at - 1) * sizeof(*p->rows));
	copy_row(&p->rows[at], r);
	return true;
}

static json_t *
row_json(const struct tunnel_row *row)
{
	const struct tally_sum *t = &row->tally;

	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
	    row->key, "account", row->account, "state", row->state, "since_ms",
	    (json_int_t)row->since_ms, "who", row->who, "requests", (json_int_t)tally_requests(t),
	    "failed", (json_int_t)t->by_class[5], "refused", (json_int_t)t->by_class[4], "p50_us",
	    (json_int_t)tally_quantile_us(t, 0.5), "p99_us", (json_int_t)tally_quantile_us(t, 0.99),
	    "last_ms", (json_int_t)t->last_ms);
}

void
control_tunnel_list(struct asker *c, json_t *request)
{
	char after[DIRECTORY_KEY_BYTES], account[64];
	struct tunnel_page p = { .after = after, .account = account };
	json_t *rows = json_array();

	if (!query_text(request, "name", after, sizeof(after)) ||
	    !query_text(request, "account", account, sizeof(account))) {
		json_decref(rows);
		control_refuse(c, "bad-request", "a member is too long or of the wrong type");
		return;
	}
	p.rows = calloc(LIMIT_TUNNELS_SHOWN, sizeof(*p.rows));
	if (p.rows == NULL) {
		json_decref(rows);
		control_refuse(c, "memory", "out of memory");
		return;
	}
	directory_each(c->control->edge->directory, take_row, &p);
	for (size_t i = 0; i < p.n; i++)
		json_array_append_new(rows, row_json(&p.rows[i]));
	free(p.rows);
	control_answer(c, json_pack("{s:b, s:o, s:b}", "ok", 1, "rows", rows, "more", p.more));
}

/* Its agent comes back at once, as after a lost line, unless it is told to stop. */
void
control_tunnel_disconnect(struct asker *c, json_t *request)
{
	char name[DIRECTORY_KEY_BYTES];
	struct edge *e = c->control->edge;
	unsigned at;

	if (!query_text(request, "name", name, sizeof(name)) || name[0] == '\0') {
		control_refuse(c, "bad-request", "\"name\" names the tunnel");
		return;
	}
	if (directory_find(e->directory, slice_str(name), &at) != DIRECTORY_UP) {
		control_refuse(c, "none", "no agent serves this tunnel now; see aditd tunnel list");
		return;
	}
	worker_disconnect(edge_worker(e, at), name);
	control_answer(c, json_pack("{s:b}", "ok", 1));
}
