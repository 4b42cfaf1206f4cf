/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of own_host.h for dynamic DNS. */
#ifndef ADIT_EDGE_VISIT_OWN_DDNS_H
#define ADIT_EDGE_VISIT_OWN_DDNS_H

#include "edge/visit/own_host.h"

/* GET and POST /nic/update, /v3/update, /update: the dyndns2 protocol (hook/dyndns.h). */
void own_ddns_update(struct own_ask *a);
/* Nobody on the way reads it: it came by TLS, or the operator allows plain HTTP. */
bool own_is_private(const struct own_ask *a) must_use;

#endif
