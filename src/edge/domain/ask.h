/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question about own domains, from any loop, and its answer: one JSON object each.
 *
 *	add     name, tunnel             -> domain, when its DNS was looked at
 *	list    after                    -> rows, more
 *	remove  name                     -> ok, when the store has it
 *
 * {"ok":true,...} or {"ok":false,"code":...,"text":...}; text is a sentence for people.
 */
#ifndef ADIT_EDGE_DOMAIN_ASK_H
#define ADIT_EDGE_DOMAIN_ASK_H

#include "edge/core/edge.h"
#include "edge/core/errand.h"

#include <jansson.h>

struct domain_ask;

/* Takes over the answer. */
typedef void (*domain_done_fn)(void *owner, json_t *answer);

/*
 * home: of the loop that asks.  account: NULL for the operator.  done() is called once, on that
 * loop, or never after domain_abandon().  NULL: it was called already.
 */
struct domain_ask *domain_ask(struct edge *e, struct errands *home, const char *account,
    const char *op, const json_t *request, domain_done_fn done, void *owner);
/* What was asked is done all the same. NULL is harmless. */
void domain_abandon(struct domain_ask *a);

#endif
