/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA asks for by HTTP before it signs a certificate of the edge (RFC 8555 8.3): the same on every
 * host, without TLS and with it, before anything is routed or redirected.
 */
#ifndef ADIT_EDGE_VISIT_CHALLENGE_ANSWER_H
#define ADIT_EDGE_VISIT_CHALLENGE_ANSWER_H

#include "edge/visit/exchange.h"

/*
 * True: the request is answered. Only a token that stands on the board is ours; any other request goes on
 * to its tunnel, which may get certificates of its own.  bytes: from the first byte of the head on.
 */
bool challenge_answer(struct exchange *x, struct slice bytes) must_use;

#endif
