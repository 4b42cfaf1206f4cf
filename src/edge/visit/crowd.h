/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has to go when strangers crowd a worker: heads in part make room for other heads, exchanges
 * for those of others, idle visitors for new ones; so that what is full is full for who fills it.
 */
#ifndef ADIT_EDGE_VISIT_CROWD_H
#define ADIT_EDGE_VISIT_CROWD_H

#include "edge/visit/exchange.h"

struct visitor;

/* Lets a visitor in; false: there is no room. key NULL: he has no address. */
bool crowd_visitor(struct worker *w, struct visitor *v, const struct source_key *key) must_use;

/* The head of an exchange has come in part; false: there is no room. */
bool crowd_partial(struct exchange *x) must_use;
/* The same after its bytes were kept; false: it was this one that had to go. */
bool crowd_partial_bytes(struct exchange *x) must_use;
/* It is whole, or over. */
void crowd_no_partial(struct exchange *x);

/* An exchange for a tunnel of this account, or "", takes its share; false: there is no room. */
bool crowd_exchange(struct exchange *x, const char *account) must_use;

#endif
