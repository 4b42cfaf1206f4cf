/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of IANA's special-purpose addresses. */
#include "hook/ipclass.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct {
	const char *name, *text;
} classes[] = {
#define X(symbol, name, text) [IPCLASS_##symbol] = { name, text },
	IPCLASSES(X)
#undef X
};

const char *
ipclass_name(enum ipclass c)
{
	check((size_t)c < sizeof(classes) / sizeof(*classes));
	return classes[c].name;
}

const char *
ipclass_text(enum ipclass c)
{
	check((size_t)c < sizeof(classes) / sizeof(*classes));
	return classes[c].text;
}

/* --- the registries; the first row that fits counts, so exceptions stand before what they are
 * taken from --- */

#define V4(a, b, c, d)                                                                             \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* IANA IPv4 Special-Purpose Address Registry, and multicast. */
static const struct {
	uint32_t net;
	unsigned bits;
	enum ipclass class;
} v4[] = {
	{ V4(0, 0, 0, 0), 32, IPCLASS_UNSPECIFIED },
	{ V4(0, 0, 0, 0), 8,
	    IPCLASS_RESERVED }, /* "this network": Linux takes 0.0.0.0/8 for itself */
	{ V4(10, 0, 0, 0), 8, IPCLASS_PRIVATE },
	{ V4(100, 64, 0, 0), 10, IPCLASS_CGNAT },
	{ V4(127, 0, 0, 0), 8, IPCLASS_LOOPBACK },
	{ V4(169, 254, 0, 0), 16, IPCLASS_LINK_LOCAL },
	{ V4(172, 16, 0, 0), 12, IPCLASS_PRIVATE },
	{ V4(192, 0, 0, 0), 24, IPCLASS_RESERVED }, /* IETF protocol assignments */
	{ V4(192, 0, 2, 0), 24, IPCLASS_DOCUMENTATION },
	{ V4(192, 88, 99, 0), 24, IPCLASS_RESERVED }, /* 6to4 relays, RFC 7526 */
	{ V4(192, 168, 0, 0), 16, IPCLASS_PRIVATE },
	{ V4(198, 18, 0, 0), 15, IPCLASS_BENCHMARK },
	{ V4(198, 51, 100, 0), 24, IPCLASS_DOCUMENTATION },
	{ V4(203, 0, 113, 0), 24, IPCLASS_DOCUMENTATION },
	{ V4(224, 0, 0, 0), 4, IPCLASS_MULTICAST },
	{ V4(255, 255, 255, 255), 32, IPCLASS_BROADCAST },
	{ V4(240, 0, 0, 0), 4, IPCLASS_RESERVED },
};

/* IANA IPv6 Special-Purpose Address Registry; v4-mapped is judged by its IPv4 address before. */
static const struct {
	uint8_t net[16];
	unsigned bits;
	enum ipclass class;
} v6[] = {
	{ { 0 }, 128, IPCLASS_UNSPECIFIED }, { { [15] = 1 }, 128, IPCLASS_LOOPBACK },
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, IPCLASS_NAT64 },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, IPCLASS_NAT64 }, /* RFC 8215 */
	{ { 0x20, 0x01, 0x00, 0x00 }, 32, IPCLASS_TUNNEL },            /* Teredo */
	{ { 0x20, 0x01, 0x00, 0x02 }, 48, IPCLASS_BENCHMARK },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, IPCLASS_DOCUMENTATION },
	{ { 0x20, 0x01 }, 23, IPCLASS_RESERVED },      /* IETF protocol assignments, ORCHID */
	{ { 0x20, 0x02 }, 16, IPCLASS_TUNNEL },        /* 6to4 */
	{ { 0x3f, 0xff }, 20, IPCLASS_DOCUMENTATION }, /* RFC 9637 */
	{ { 0x20 }, 3, IPCLASS_GLOBAL }, { { 0xfc }, 7, IPCLASS_ULA },
	{ { 0xfe, 0x80 }, 10, IPCLASS_LINK_LOCAL }, { { 0xfe, 0xc0 }, 10, IPCLASS_SITE_LOCAL },
	{ { 0xff }, 8, IPCLASS_MULTICAST },
	{ { 0 }, 0, IPCLASS_RESERVED }, /* everything else: discard 100::/64, v4-compatible, SIIT,
					   not allocated */
};

/*
 * Rows are few and this is asked once a connection: a walk is fast enough. What is in no row is
 * a public address; of IPv6 only 2000::/3 is.
 */
enum ipclass
ipclass_v4(uint32_t host_order)
{
	for (size_t i = 0; i < sizeof(v4) / sizeof(*v4); i++) {
		check(0 < v4[i].bits && v4[i].bits <= 32); /* a shift by 32 is undefined */
		if ((host_order ^ v4[i].net) >> (32 - v4[i].bits) == 0)
			return v4[i].class;
	}
	return IPCLASS_GLOBAL;
}

static bool
in_net(const uint8_t *bytes, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	check(bits <= 128);
	return memcmp(bytes, net, whole) == 0 &&
	       (rest == 0 || (bytes[whole] ^ net[whole]) >> (8 - rest) == 0);
}

/* v4-mapped first: to the kernel ::ffff:127.0.0.1 is 127.0.0.1, and so it must be to us. */
enum ipclass
ipclass_v6(const uint8_t *bytes)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	if (memcmp(bytes, mapped, 12) == 0)
		return ipclass_v4(V4(bytes[12], bytes[13], bytes[14], bytes[15]));
	for (size_t i = 0; i < sizeof(v6) / sizeof(*v6); i++) {
		if (in_net(bytes, v6[i].net, v6[i].bits))
			return v6[i].class;
	}
	return IPCLASS_RESERVED;
}

/* A length that is too short for its family is no address. */
enum ipclass
ipclass_sockaddr(const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, sa, sizeof(in));
		return ipclass_v4(ntohl(in.sin_addr.s_addr));
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, sa, sizeof(in6));
		return ipclass_v6(in6.sin6_addr.s6_addr);
	}
	return IPCLASS_RESERVED;
}

/* --- spellings --- */

/* Decimal, 0 octal, 0x hexadecimal; at most 32 bits. *ret_plain is cleared for
 * anything but plain decimal. */
static bool
v4_number(struct slice s, uint64_t *ret, bool *ret_plain)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (s.n > 1 && s.p[0] == '0') {
		bool hex = s.p[1] == 'x' || s.p[1] == 'X';

		base = hex ? 16 : 8;
		s = slice_from(s, hex ? 2 : 1);
		*ret_plain = false;
		/* "0x" alone is a zero for some and an error for others; take it for what it means
		 * to the former */
	} else if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i] | 0x20;
		unsigned d = s.p[i] >= '0' && s.p[i] <= '9' ? (unsigned)(s.p[i] - '0')
			     : c >= 'a' && c <= 'f'         ? (unsigned)(c - 'a' + 10)
							    : 16;

		if (d >= base || v > UINT32_MAX)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return v <= UINT32_MAX;
}

/*
 * As inet_aton(3) reads it: one to four parts, of which the last fills all bytes that are left.
 * *ret_host_order is in the order of this machine.
 */
bool
ipclass_parse_v4(struct slice s, uint32_t *ret_host_order, bool *ret_plain)
{
	uint64_t parts[4], last;
	bool plain = true;
	uint32_t v = 0;
	size_t n = 0;

	if (s.n > 1 && s.p[s.n - 1] == '.') {
		s.n--;
		plain = false;
	}
	if (s.n == 0)
		return false;
	while (s.p != NULL) {
		if (n == 4 || !v4_number(slice_cut(&s, '.'), &parts[n++], &plain))
			return false;
	}
	check(0 < n && n <= 4); /* there was a byte, so there is a part */
	last = parts[n - 1];
	if (n < 4)
		plain = false;
	for (size_t i = 0; i + 1 < n; i++) {
		if (parts[i] > 255)
			return false;
		v |= (uint32_t)parts[i] << (24 - 8 * i);
	}
	/* The last part fills what is left. */
	if (last >= 1ull << (8 * (5 - n)))
		return false;
	*ret_host_order = v | (uint32_t)last;
	*ret_plain = plain;
	return true;
}

/* Zones (%eth0) are the caller's: they mean something on one machine alone. */
bool
ipclass_parse_v6(struct slice s, uint8_t *ret_bytes)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in6_addr a;

	if (!slice_z(s, text, sizeof(text)) || inet_pton(AF_INET6, text, &a) != 1)
		return false;
	memcpy(ret_bytes, a.s6_addr, 16);
	return true;
}
