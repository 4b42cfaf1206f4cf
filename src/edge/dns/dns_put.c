/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the edge's own (dns_put.h). */
#include "edge/dns/dns_put.h"

#include "dns/rr.h"

#include <netinet/in.h>
#include <stdio.h>

size_t
dns_put_rdata(const struct addr *a, unsigned char dst[16], uint16_t *ret_type)
{
	struct sockaddr_storage ss;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	socklen_t len;

	check(addr_sockaddr(a, true, &ss, &len) == 0); /* numeric: settings have judged it */
	if (ss.ss_family == AF_INET) {
		memcpy(&in, &ss, sizeof(in));
		memcpy(dst, &in.sin_addr, 4);
		*ret_type = RR_A;
		return 4;
	}
	memcpy(&in6, &ss, sizeof(in6));
	memcpy(dst, &in6.sin6_addr, 16);
	*ret_type = RR_AAAA;
	return 16;
}

bool
dns_put_addresses(struct change *c, struct slice name, const struct settings_dns *d)
{
	for (size_t i = 0; i < d->n_addresses; i++) {
		unsigned char rdata[16];
		uint16_t type;
		size_t n = dns_put_rdata(&d->addresses[i], rdata, &type);

		if (change_add(c, name, type, DNS_EDGE_TTL, slice_of(rdata, n)) != CHANGE_OK)
			return false;
	}
	return true;
}

void
dns_put_caa_value(const char *ca, const char *account_uri, char dst[DNS_CAA_BYTES])
{
	int n;

	if (account_uri[0] == '\0') {
		snprintf(dst, DNS_CAA_BYTES, "%s", ca);
		return;
	}
	n = snprintf(dst, DNS_CAA_BYTES,
	    "%s; accounturi=%s; validationmethods=dns-01,tls-alpn-01,http-01", ca, account_uri);
	/* Of a URI that is too long half would forbid everything. */
	if (n >= DNS_CAA_BYTES)
		snprintf(dst, DNS_CAA_BYTES, "%s", ca);
}
