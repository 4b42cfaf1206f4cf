/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inbox as people see it: a request is one JSON object and so is its answer, small enough for a
 * CONTROL frame; long lists and large bodies come in pieces.  The control socket asks as the
 * operator, a link for its account alone.
 *
 *	list    filter, limit                        -> rows, newest first
 *	export  filter, limit (1)                    -> rows, oldest first
 *	show    id                                   -> row, attempts
 *	bytes   id, offset, raw                      -> base64 of head and body, head_bytes, total
 *	replay  id or filter, to                     -> changed, id of the copy
 *	drop    id or filter                         -> changed
 *	stat    tunnel                               -> states, oldest_ms
 *
 * filter: account (operator), tunnel, event, repository, states, since_ms, until_ms; with
 * "more":true the same request with "cursor" of the answer goes on.  Without "raw":true values of
 * fields that are credentials are hidden.
 */
#ifndef ADIT_EDGE_INBOX_QUERY_H
#define ADIT_EDGE_INBOX_QUERY_H

#include "edge/core/edge.h"
#include "edge/core/errand.h"

#include <jansson.h>

struct query;

/* Takes over the answer. */
typedef void (*query_done_fn)(void *owner, json_t *answer);

/*
 * home: of the loop that asks.  account: NULL for the operator.  done() is called once, on that
 * loop, or never after query_abandon().  NULL: it was called already.
 */
struct query *query_ask(struct edge *e, struct errands *home, const char *account, const char *op,
    json_t *request, query_done_fn done, void *owner);
void query_abandon(struct query *v);

/* A member of a request as text: "" when it is absent.  False: it does not fit, or is none. */
bool query_text(json_t *request, const char *key, char *dst, size_t cap) must_use;

#endif
