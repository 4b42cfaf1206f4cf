/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a router sends, no address is set that nobody can reach, and names stay in their room. */
#include "hook/dyndns.h"
#include "hook/ipclass.h"
#include "fuzz/must.h"

#include <netinet/in.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_storage ss = { 0 };
	struct slice query, form;
	struct dyndns d;
	char addresses[DYNDNS_ANSWER_BYTES];
	uint32_t v4;

	if (n >= 16) {
		memcpy(&in6.sin6_addr, data + n - 16, 16);
		memcpy(&ss, &in6, sizeof(in6));
	}
	form = slice_of(data, n);
	query = slice_cut(&form, '\n');
	dyndns_read(&d, false, query, form);
	MUST(d.n_hosts <= DYNDNS_HOSTS + 1);
	for (size_t i = 0; i < d.n_hosts && i < DYNDNS_HOSTS; i++)
		MUST(memchr(d.hosts[i], '\0', sizeof(d.hosts[i])) != NULL);
	if (!dyndns_settle(&d, &ss))
		MUST(d.v4.wish == DYNDNS_LEAVE && d.v6.wish == DYNDNS_LEAVE);
	memcpy(&v4, d.v4.bytes, 4);
	MUST(d.v4.wish != DYNDNS_SET || ipclass_v4(ntohl(v4)) == IPCLASS_GLOBAL);
	MUST(d.v6.wish != DYNDNS_SET || ipclass_v6(d.v6.bytes) == IPCLASS_GLOBAL);
	MUST(d.v4.wish != DYNDNS_UNFIT && d.v6.wish != DYNDNS_UNFIT);
	dyndns_addresses(&d, addresses);
	return 0;
}
