/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lobbies of a worker: who has to go when strangers crowd it.  Visitors who are idle make room
 * for new visitors, heads in part for other heads, links without a token for other links; so that
 * what is full is full for who fills it.
 */
#ifndef ADIT_EDGE_CROWD_H
#define ADIT_EDGE_CROWD_H

#include "edge/visitor.h"

void crowd_init(struct worker *w);
void crowd_fini(struct worker *w);
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

/* Lets a link in whose token is not known; false: there is no room. */
bool crowd_link(struct worker *w, struct session *s) must_use;
/* Its token is good: it counts for its account from now on. False: that has too many. */
bool crowd_know_link(struct session *s) must_use;

#endif
