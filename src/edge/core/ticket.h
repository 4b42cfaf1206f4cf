/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets: what the doctor shows so that its request is known as its own.  The edge gives one for a
 * name over the link of the name's account; for a minute it is good for this name alone, on every
 * worker, until the edge is started anew.
 */
#ifndef ADIT_EDGE_CORE_TICKET_H
#define ADIT_EDGE_CORE_TICKET_H

#include "edge/core/edge.h"

/* 16 digits of when it ends, 32 of a MAC (HMAC-SHA256, cut), NUL. */
#define TICKET_TEXT_BYTES 49

/* "" where libcrypto fails: nobody takes it for one. */
void ticket_make(const struct edge *e, const char *name, char dst[TICKET_TEXT_BYTES]);
bool ticket_is_good(const struct edge *e, const char *name, struct slice ticket) must_use;

#endif
