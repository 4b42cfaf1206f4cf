/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the proxy for a host as curl would. */
#include "agent/link/proxy.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>

/* A proxy would connect to itself. */
static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (host[0] == '\0' || strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Address bytes of a numeric host, with or without brackets: their number, or 0 for a name. */
static size_t
numeric(struct slice s, unsigned char dst[16])
{
	char z[64];

	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct slice){ s.p + 1, s.n - 2 };
	if (!slice_z(s, z, sizeof(z)))
		return 0;
	if (inet_pton(AF_INET, z, dst) == 1)
		return 4;
	return inet_pton(AF_INET6, z, dst) == 1 ? 16 : 0;
}

/* net, an address, and host have the first `bits` bits in common; false where either is a name,
 * or one is IPv4 and the other IPv6. */
static bool
same_network(struct slice net, uint64_t bits, const char *host)
{
	unsigned char a[16], b[16];
	size_t n = numeric(net, a);

	if (n == 0 || n != numeric(slice_str(host), b) || bits > 8 * n)
		return false;
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

/* Takes ":port" off the end of *s; false when there is one and it is another port. */
static bool
port_matches(struct slice *s, uint16_t port)
{
	size_t at = slice_find(*s, ':');
	uint64_t v;

	if (s->n > 0 && s->p[0] == '[') {
		size_t end = slice_find(*s, ']');

		at = end != SIZE_MAX && end + 1 < s->n && s->p[end + 1] == ':' ? end + 1 : SIZE_MAX;
	} else if (at != SIZE_MAX && slice_find(slice_from(*s, at + 1), ':') != SIZE_MAX) {
		at = SIZE_MAX; /* an IPv6 address */
	}
	if (at == SIZE_MAX)
		return true;
	if (!slice_u64(slice_from(*s, at + 1), &v) || v != port)
		return false;
	*s = slice_head(*s, at);
	return true;
}

/* One entry of no_proxy, as curl reads it: "*", a network, or a host with ':PORT' or not; a name
 * stands for itself and all below it, with a dot before it or not. */
static bool
entry_matches(struct slice entry, const char *host, uint16_t port)
{
	struct slice h = slice_str(host), rest = entry, net;
	unsigned char bytes[16];
	uint64_t bits;

	if (entry.n == 0)
		return false;
	if (slice_eq(entry, S("*")))
		return true;
	net = slice_cut(&rest, '/');
	if (rest.p != NULL)
		return slice_u64(rest, &bits) && same_network(net, bits, host);
	if (!port_matches(&entry, port))
		return false;
	if (numeric(entry, bytes) > 0)
		return same_network(entry,
		    entry.p[0] == '[' || slice_find(entry, ':') != SIZE_MAX ? 128 : 32, host);
	if (numeric(h, bytes) > 0)
		return false; /* "0.2.7" is no domain of 192.0.2.7 */
	if (slice_starts(entry, S("*.")))
		entry = slice_from(entry, 2);
	else if (slice_starts(entry, S(".")))
		entry = slice_from(entry, 1);
	if (entry.n == 0 || entry.n > h.n || !slice_ieq(entry, slice_from(h, h.n - entry.n)))
		return false;
	return entry.n == h.n || h.p[h.n - entry.n - 1] == '.';
}

bool
proxy_is_exempt(struct slice no_proxy, const char *host, uint16_t port)
{
	while (no_proxy.n > 0) {
		size_t n = 0;

		while (n < no_proxy.n && strchr(", \t", no_proxy.p[n]) == NULL)
			n++;
		if (entry_matches(slice_head(no_proxy, n), host, port))
			return true;
		no_proxy = slice_from(no_proxy, n + 1);
	}
	return false;
}

/* Undoes %41; false for a bad escape, a NUL, or too long. */
static bool
percent_decode(struct slice s, char *dst, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || text_unhex(slice_of(s.p + i + 1, 2), &c, 1) != 1)
				return false;
			i += 2;
		}
		if (c == '\0' || n + 1 >= cap)
			return false;
		check(n <= i); /* an escape is never shorter than what it stands for */
		dst[n++] = c;
	}
	dst[n] = '\0';
	return true;
}

/* What may stand before "://"; the port is that where none is written. */
static const struct {
	const char *prefix;
	enum proxy_kind kind;
	uint16_t port;
} schemes[] = {
	{ "http://", PROXY_CONNECT, 80 },
	{ "socks5h://", PROXY_SOCKS5, 1080 },
	{ "socks5://", PROXY_SOCKS5, 1080 },
	{ "socks://", PROXY_SOCKS5, 1080 },
};

/* host, host:port or unix:path; the port of the scheme where none is written. */
static const char *
parse_address(struct slice s, uint16_t port, struct addr *ret)
{
	char z[300];

	if (slice_ends(s, S("/")))
		s = slice_head(s, s.n - 1);
	if (s.n == 0 || s.n > 260)
		return "it names no host";
	if (slice_starts(s, S("unix:")) ||
	    (slice_find(s, ':') != SIZE_MAX && !slice_ends(s, S("]"))))
		return addr_parse(s, ret);
	snprintf(z, sizeof(z), "%.*s:%u", PS(s), port);
	return addr_parse(slice_str(z), ret);
}

/* What stands there when none of ours did. */
static const char *
bad_scheme(struct slice s)
{
	static const char mark[] = "://";

	if (s.n >= 8 && slice_ieq(slice_head(s, 8), S("https://")))
		return "a proxy that is itself reached by https is not supported, use http:// or "
		       "socks5://";
	for (size_t i = 0; i + 3 <= s.n && s.p[i] != '@' && s.p[i] != '/'; i++)
		if (memcmp(s.p + i, mark, 3) == 0)
			return "a proxy of this kind is not supported, use http:// or socks5://";
	return NULL;
}

const char *
proxy_parse(struct slice s, struct proxy *ret)
{
	struct proxy p = { .kind = PROXY_CONNECT };
	struct slice user, rest;
	uint16_t port = 80;
	size_t at = SIZE_MAX;
	const char *why;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		struct slice prefix = slice_str(schemes[i].prefix);

		if (s.n >= prefix.n && slice_ieq(slice_head(s, prefix.n), prefix)) {
			p.kind = schemes[i].kind;
			port = schemes[i].port;
			s = slice_from(s, prefix.n);
			break;
		}
	}
	why = bad_scheme(s);
	if (why != NULL)
		return why;
	/* The last one: a password may hold '@', though it should be written as
	 * %40 (RFC 3986, 3.2.1). */
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '@')
			at = i;
	if (at != SIZE_MAX) {
		rest = slice_head(s, at);
		user = slice_cut(&rest, ':');
		if (!percent_decode(user, p.user, sizeof(p.user)) ||
		    !percent_decode(rest, p.password, sizeof(p.password)))
			return "its user or password is malformed or too long";
		s = slice_from(s, at + 1);
	}
	why = parse_address(s, port, &p.addr);
	if (why != NULL)
		return why;
	*ret = p;
	return NULL;
}

/* The first variable that is not empty; *ret_name is it, or the last of the names. */
static const char *
first_set(proxy_env_fn *env, const char *const *names, size_t n, const char **ret_name)
{
	for (size_t i = 0; i < n; i++) {
		const char *v = env(names[i]);

		*ret_name = names[i];
		if (v != NULL && v[0] != '\0')
			return v;
	}
	return NULL;
}

const char *
proxy_from_env(proxy_env_fn *env, const char *host, uint16_t port, struct proxy *ret,
    const char **ret_name)
{
	static const char *const vars[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
		"ALL_PROXY" };
	static const char *const exempt[] = { "no_proxy", "NO_PROXY" };
	const char *other, *list = first_set(env, exempt, 2, &other);
	const char *value = first_set(env, vars, 4, ret_name);

	if (value == NULL || is_loopback(host) ||
	    (list != NULL && proxy_is_exempt(slice_str(list), host, port))) {
		*ret = (struct proxy){ .kind = PROXY_NONE };
		return NULL;
	}
	return proxy_parse(slice_trim(slice_str(value)), ret);
}
