/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange in the log, and what it has moved in the counters. */
#ifndef ADIT_EDGE_VISIT_EXCHANGE_LOG_H
#define ADIT_EDGE_VISIT_EXCHANGE_LOG_H

#include "edge/visit/exchange.h"

/* What the line needs of the head, whose buffer goes. */
void exchange_log_keep(struct exchange *x, struct slice bytes);
/* Once, at its end. */
void exchange_log(const struct exchange *x);

#endif
