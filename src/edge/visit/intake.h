/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intake: a request to a route in mode store or relay.  Its body is read whole
 * (bounded), its signature checked, handshakes are answered on the spot, and it is answered
 * 202 after, and only after, the store has it on the disk.  In mode relay the origin gets
 * LIMIT_RELAY_MS to answer itself.
 */
#ifndef ADIT_EDGE_VISIT_INTAKE_H
#define ADIT_EDGE_VISIT_INTAKE_H

#include "edge/visit/exchange.h"
#include "hook/policy.h"

/* The head of x was judged; bytes: from its first byte on. account: of the route. */
void intake_start(struct exchange *x, struct policy *policy, const char *account,
    struct slice bytes);
/* EXCHANGE_INTAKE: the connection has more of the body, or an end. */
void intake_readable(struct exchange *x);
/* EXCHANGE_INTAKE: the body has not come in time. */
void intake_late(struct exchange *x);
/* The exchange ends: whatever is under way goes on without it. */
void intake_abandon(struct exchange *x);

#endif
