/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back through the stream of an exchange: the origin's answer, or why there is none. */
#ifndef ADIT_EDGE_VISIT_RESPONSE_H
#define ADIT_EDGE_VISIT_RESPONSE_H

#include "edge/visit/exchange.h"

/* What the flow of an exchange tells. */
extern const struct flow_ops response_ops;
/* Answers with an error, or cuts the connection where an answer has begun. */
void response_fail(struct exchange *x, enum close_code code);

#endif
