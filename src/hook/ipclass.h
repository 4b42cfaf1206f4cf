/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of address that is: the special-purpose registries of IANA as rows of one table. Used
 * twice: to say why Bitbucket refuses a URL, and as the policy against SSRF (S-12): only
 * IPCLASS_GLOBAL may be dialled for a stranger, judged after the name was resolved and on the very
 * address that is connected to.
 */
#ifndef ADIT_HOOK_IPCLASS_H
#define ADIT_HOOK_IPCLASS_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/socket.h>

/* X(symbol, name, what people call it) */
/* clang-format off */
#define IPCLASSES(X) \
	X(GLOBAL, "global", "a public address") \
	X(LOOPBACK, "loopback", "this very machine") \
	X(UNSPECIFIED, "unspecified", "no address at all") \
	X(PRIVATE, "private", "a private network (RFC 1918)") \
	X(LINK_LOCAL, "link-local", "one cable or Wi-Fi only (link-local)") \
	X(CGNAT, "cgnat", "a provider's shared network (carrier-grade NAT, RFC 6598)") \
	X(ULA, "ula", "a private IPv6 network (unique local, RFC 4193)") \
	X(SITE_LOCAL, "site-local", "a private IPv6 network of an old kind (site-local)") \
	X(DOCUMENTATION, "documentation", "reserved for examples in documentation") \
	X(BENCHMARK, "benchmark", "reserved for benchmarks (RFC 2544)") \
	X(MULTICAST, "multicast", "a multicast group, not one machine") \
	X(BROADCAST, "broadcast", "the broadcast address") \
	X(NAT64, "nat64", "a translated IPv4 address (NAT64)") \
	X(TUNNEL, "tunnel", "an IPv4 address in an IPv6 tunnel (6to4, Teredo)") \
	X(RESERVED, "reserved", "reserved, not routed on the internet")
/* clang-format on */

enum ipclass {
#define X(symbol, ...) IPCLASS_##symbol,
	IPCLASSES(X)
#undef X
};
const char *ipclass_name(enum ipclass c);
const char *ipclass_text(enum ipclass c);

enum ipclass ipclass_v4(uint32_t host_order);
/* 16 bytes in network order. A v4-mapped address has the class of its IPv4 address. */
enum ipclass ipclass_v6(const uint8_t *bytes);
/* AF_INET and AF_INET6; any other family is IPCLASS_RESERVED. */
enum ipclass ipclass_sockaddr(const struct sockaddr *sa, socklen_t len);

/*
 * An IPv4 address in any spelling that inet_aton() and browsers take: 127.1, 0x7f000001,
 * 017700000001, 2130706433, 127.0.0.1. (trailing dot). False when it is not one. *ret_plain: it was
 * written as four decimal numbers.
 */
bool ipclass_parse_v4(struct slice s, uint32_t *ret_host_order, bool *ret_plain) must_use;
/* IPv6 text without brackets and zone (RFC 4291), v4 tail included. */
bool ipclass_parse_v6(struct slice s, uint8_t *ret_bytes) must_use;

#endif
