/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own domains of adit.yml (domains: of a tunnel): each time a link is up, the edge is asked for
 * them, one after another, and people are told what it says.  An edge that does not know the
 * question says nothing, and no second one is asked.
 */
#ifndef ADIT_AGENT_LINK_DOMAIN_ASKS_H
#define ADIT_AGENT_LINK_DOMAIN_ASKS_H

#include "agent/link/client.h"

/* The link is up: the first of them. */
void domain_asks_begin(struct client *c);
/* A message of the edge that is of no type of HELLO's: an answer, or something else. */
void domain_asks_take(struct client *c, struct slice json);

#endif
