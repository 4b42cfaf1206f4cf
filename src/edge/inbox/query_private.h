/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of query: the way to the store and home (query.c), JSON (query_json.c). */
#ifndef ADIT_EDGE_INBOX_QUERY_PRIVATE_H
#define ADIT_EDGE_INBOX_QUERY_PRIVATE_H

#include "edge/inbox/query.h"
#include "store/inbox.h"

struct query {
	struct inbox_req req;
	struct errand errand;
	struct edge *edge;
	query_done_fn done;
	void *owner;
	const struct query_row *row;
	bool raw, whole, abandoned;
	uint64_t offset;
	char event[256], order_key[256]; /* what req's slices point to */
};

struct query_row {
	const char *op;
	enum inbox_op store_op;
	json_t *(*answer)(struct query *v);
};

/* The request of this name; NULL: there is none. */
const struct query_row *query_find(const char *op);
/* Fills in v->req. NULL, or what is wrong. account: whose inbox it is; NULL: the operator asks. */
const char *query_read(struct query *v, const char *account, json_t *request) must_use;
/* An answer that says no; of the store's result, in the second one. */
json_t *query_refusal(const char *code, const char *what);
json_t *query_store_refusal(const struct inbox_req *req);

#endif
