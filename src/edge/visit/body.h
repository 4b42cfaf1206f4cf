/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests that the edge reads itself: webhooks, and what is said to its own host. */
#ifndef ADIT_EDGE_VISIT_BODY_H
#define ADIT_EDGE_VISIT_BODY_H

#include "edge/visit/exchange.h"

/* What has come of it, in the loop's scratch; false: nothing now, or the visitor has gone, and then
 * the exchange is over. */
bool body_read(struct exchange *x, struct slice *ret) must_use;

#endif
