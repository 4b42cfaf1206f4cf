/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store keeps, for each name, the policy of the link that served it last: it is what holds after
 * a restart, before any agent is back.  A policy is stored before its tunnel is up; but a tunnel may
 * not come up after that (a newer agent serves the name, the link is lost), and the commits of two
 * links may come in another order than their tunnels.  Then what is served is stored again.
 */
#ifndef ADIT_EDGE_LINK_STORED_POLICY_H
#define ADIT_EDGE_LINK_STORED_POLICY_H

#include "edge/core/worker.h"

/* It is decided whether a link serves this name, whose policy it has stored. */
void stored_policy_look(struct worker *w, const char *name);

#endif
