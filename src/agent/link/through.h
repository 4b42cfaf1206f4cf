/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge's own questions through the tunnels: after the welcome, and again while somebody looks at how the
 * tunnels are (the status screen, a page of the inspector).  Whoever looks calls through_ask() once a second; one
 * question goes at a time, and none where the local server has answered anybody lately.
 */
#ifndef ADIT_AGENT_LINK_THROUGH_H
#define ADIT_AGENT_LINK_THROUGH_H

#include "agent/link/client.h"

/* Asks through one tunnel, where it is time. */
void through_ask(struct client *c);
/* A message of the edge that is of no type of HELLO's: {"type":"probe"}, or something else. */
void through_take(struct client *c, struct slice json);
/* How a question went; code: as of struct screen_probe. */
void through_told(struct client *c, struct agent_tunnel *t, const char *code, unsigned status,
    int64_t us);

#endif
