/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has to go when strangers crowd a worker.  Visitors who are idle make room for new visitors,
 * heads in part for other heads; so that what is full is full for who fills it.
 */
#ifndef ADIT_EDGE_VISIT_CROWD_H
#define ADIT_EDGE_VISIT_CROWD_H

#include "edge/visit/visitor.h"

/* Of visit->lobby: he waits for a request, or for the other side's end. */
bool crowd_is_idle(const struct lobby_guest *g);
/* Descriptors are short: some visitors who are idle go. */
void crowd_shed(struct worker *w);

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
