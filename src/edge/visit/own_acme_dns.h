/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of own_host.h for the acme-dns API (edge/ddns/acme_dns.h). */
#ifndef ADIT_EDGE_VISIT_OWN_ACME_DNS_H
#define ADIT_EDGE_VISIT_OWN_ACME_DNS_H

#include "edge/visit/own_host.h"

/* POST /register. */
void own_acme_dns_register(struct own_ask *a);
/* POST /update with X-Api-User: without it, it is one of own_ddns.h. */
void own_acme_dns_update(struct own_ask *a);

#endif
