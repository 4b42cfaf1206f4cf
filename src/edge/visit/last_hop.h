/* SPDX-License-Identifier: Apache-2.0 */
/* A TRACE or OPTIONS with Max-Forwards: 0 may go no further than this edge, which answers
 * it (RFC 9110 7.6.2). */
#ifndef ADIT_EDGE_VISIT_LAST_HOP_H
#define ADIT_EDGE_VISIT_LAST_HOP_H

#include "edge/visit/exchange.h"

/* True: it was one, and was answered. For a route that is known and lets this visitor in. */
bool last_hop_answer(struct exchange *x, struct slice bytes) must_use;

#endif
