/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which IPv6 address of this machine others should reach it at: the kernel's list, and the choice.
 * Temporary addresses (RFC 8981) are for what goes out, and are gone tomorrow; of the others the one
 * that stays longest is taken.
 */
#ifndef ADIT_AGENT_LINK_NETADDR_H
#define ADIT_AGENT_LINK_NETADDR_H

#include "base/check.h"
#include "base/slice.h"

#include <netinet/in.h>

struct netaddr_choice {
	bool found;
	struct in6_addr address;
	uint32_t preferred_s; /* UINT32_MAX: for ever */
};

/*
 * Takes messages of a dump of addresses (RTM_NEWADDR), as they come in any number of pieces; zeroed
 * at first. inside: addresses of private networks (fc00::/7) will do, too.
 */
void netaddr_take(struct netaddr_choice *c, struct slice messages, bool inside);

/* Asks the kernel. False: it has none that would do. */
bool netaddr_best(struct in6_addr *ret, bool inside) must_use;

/* The first 64 bits of `net`, and the last 64 of `host`. */
struct in6_addr netaddr_join(const struct in6_addr *net, const struct in6_addr *host);
/* Of the same network (/64)? */
bool netaddr_same_net(const struct in6_addr *a, const struct in6_addr *b);

#endif
