/* SPDX-License-Identifier: Apache-2.0 */
/* Answers questions about the inbox: one JSON object in, one out. */
#include "edge/inbox/query_private.h"

#include "edge/core/activity.h"

#include <stdio.h>
#include <stdlib.h>

/* The store is done with it. */
static void
query_free(struct query *v)
{
	inbox_req_fini(&v->req);
	free(v);
}

static void
on_answer(struct errand *e)
{
	struct query *v = list_of(e, struct query, errand);
	json_t *answer;

	if (v->req.result == STORE_OK)
		activity_moved(v->edge, NULL, &v->req);
	if (!v->abandoned) {
		answer =
		    v->req.result != STORE_OK ? query_store_refusal(&v->req) : v->row->answer(v);
		v->done(v->owner, answer);
	}
	query_free(v);
}

/* The store cannot be stopped: its answer frees the query. */
void
query_abandon(struct query *v)
{
	if (v != NULL)
		v->abandoned = true;
}

struct query *
query_ask(struct edge *e, struct errands *home, const char *account, const char *op,
    json_t *request, query_done_fn done, void *owner)
{
	const struct query_row *row = query_find(op);
	struct query *v = row == NULL ? NULL : calloc(1, sizeof(*v));
	const char *why;

	if (v == NULL) {
		done(owner, row == NULL ? query_refusal("unknown-op",
					      "there is no such request of the inbox")
					: query_refusal("memory", "out of memory"));
		return NULL;
	}
	*v = (struct query){ .edge = e, .done = done, .owner = owner, .row = row };
	v->req.op = row->store_op;
	why = query_read(v, account, request);
	if (why != NULL) {
		query_free(v);
		done(owner, query_refusal("bad-request", why));
		return NULL;
	}
	errand_inbox(&v->errand, home, e->store, &v->req, on_answer);
	return v;
}
