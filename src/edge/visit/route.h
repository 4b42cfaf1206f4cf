/* SPDX-License-Identifier: Apache-2.0 */
/* Routing: from the head of a request to the tunnel that serves it. */
#ifndef ADIT_EDGE_VISIT_ROUTE_H
#define ADIT_EDGE_VISIT_ROUTE_H

#include "edge/visit/exchange.h"

/* Fills in x->host. CLOSE_OK, or what is wrong with this request whatever its name. */
enum close_code route_look(struct exchange *x, struct slice bytes) must_use;
/* Fills in x->name. CLOSE_OK and the tunnel; CLOSE_OK and *ret_to: it is on that worker; else why
 * there is none. */
enum close_code route_find(struct exchange *x, struct tunnel **ret_tunnel,
    struct worker **ret_to) must_use;
/* The visitors of x->name have their TLS with its agent. t, code: as route_find() has found. */
bool route_is_tls(const struct exchange *x, const struct tunnel *t, enum close_code code) must_use;

#endif
