/* SPDX-License-Identifier: Apache-2.0 */
/* A request that goes through its tunnel now. */
#ifndef ADIT_EDGE_VISIT_FORWARD_H
#define ADIT_EDGE_VISIT_FORWARD_H

#include "edge/visit/exchange.h"

/* Begins a stream of the tunnel, and the flow that carries the request into it; response.h has what
 * comes back. Or answers with an error. */
void forward_start(struct exchange *x, struct tunnel *t, struct slice bytes);
/*
 * The head of the request as it goes into a stream: rewritten, with the rules of the policy (NULL:
 * none).  dst: FLOW_HEAD_SCRATCH_BYTES, which the rewriting may use all of.  0: it does not fit.
 */
size_t forward_head(struct exchange *x, const struct policy *p, struct slice bytes,
    char *dst) must_use;

#endif
