/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the edge's own, put into a change of a zone. */
#ifndef ADIT_EDGE_DNS_DNS_PUT_H
#define ADIT_EDGE_DNS_DNS_PUT_H

#include "dns/change.h"
#include "edge/core/settings_dns.h"

/* Of addresses, in seconds: the edge's own, which hardly ever change; those of a name of its own. */
#define DNS_EDGE_TTL 300
#define DNS_NAME_TTL 60

/* The bytes of an address, 4 or 16, and its type (A, AAAA). */
size_t dns_put_rdata(const struct addr *a, unsigned char dst[16], uint16_t *ret_type);
/* The edge's addresses at a name. False without memory. */
bool dns_put_addresses(struct change *c, struct slice name, const struct settings_dns *d) must_use;

/*
 * The value of a CAA record (RFC 8659 4.2): a CA by its domain. account_uri: "" any account of it;
 * else that one alone, and by the ways that this edge has (RFC 8657).
 */
#define DNS_CAA_BYTES 480
void dns_put_caa_value(const char *ca, const char *account_uri, char dst[DNS_CAA_BYTES]);

#endif
