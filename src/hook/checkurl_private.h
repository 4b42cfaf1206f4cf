/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of checkurl: the table of findings, and what is known while a
 * URL is taken apart. */
#ifndef ADIT_HOOK_CHECKURL_PRIVATE_H
#define ADIT_HOOK_CHECKURL_PRIVATE_H

#include "hook/checkurl.h"

/*
 * X(symbol, code, Cloud, Data Center, source, remedy)
 * The severities are O (ok, a hint), W (warning), R (refused).  Remedies are sentences; PUBLISH and
 * WRITE are those that name the command to type, or the URL to use instead.
 * source: the public document that says that Cloud refuses such a URL; NULL: it is what we expect,
 * and is worded so.
 */
#define HOOKS_API CHECKURL_SOURCE_API
#define PUBLISH "publish"
#define WRITE "write"
/* clang-format off */
#define CHECKURL_CODES(X) \
	X(EMPTY, "empty", R, R, NULL, PUBLISH) \
	X(TOO_LONG, "too-long", R, R, NULL, \
	    "Use the short URL that adit prints; put a token into the secret.") \
	X(LONG, "long", W, W, NULL, "Keep the URL below 2000 characters; a token belongs into the " \
	    "secret.") \
	X(CONTROL, "control-character", R, R, NULL, "Type the URL anew instead of pasting it.") \
	X(SPACE_AROUND, "space-around", W, W, NULL, WRITE) \
	X(SPACE, "space", R, R, NULL, "Take the space out; inside a path it is written %20.") \
	X(QUOTES, "quotes", R, R, NULL, WRITE) \
	X(BACKSLASH, "backslash", R, R, NULL, WRITE) \
	X(SCHEME_MISSING, "scheme-missing", R, R, NULL, WRITE) \
	X(SCHEME_SLASHES, "scheme-slashes", R, R, NULL, WRITE) \
	X(SCHEME_UNKNOWN, "scheme-unknown", R, R, NULL, WRITE) \
	X(USERINFO, "userinfo", R, W, NULL, \
	    "Leave name and password out; set a secret at the webhook instead.") \
	X(HOST_MISSING, "host-missing", R, R, HOOKS_API, PUBLISH) \
	X(PLACEHOLDER, "placeholder", R, R, NULL, \
	    "Put your own name there: adit prints it when the tunnel is up.") \
	X(HOST_CHARACTER, "host-character", R, R, HOOKS_API, \
	    "Use letters, digits, '-' and dots in the host.") \
	X(HOST_LABEL, "host-label", R, R, HOOKS_API, \
	    "Put 1 to 63 characters between the dots, no '-' at their ends.") \
	X(HOST_NUMERIC, "host-numeric", R, R, HOOKS_API, \
	    "Check the address: it has four numbers from 0 to 255.") \
	X(HOST_UNDERSCORE, "host-underscore", W, W, NULL, \
	    "Use a name without '_': many programs refuse it in a host.") \
	X(TRAILING_DOT, "trailing-dot", W, W, NULL, WRITE) \
	X(IDN, "idn", W, W, NULL, "Write the name in its ASCII form (xn--...).") \
	X(LOCALHOST, "localhost", R, W, HOOKS_API, PUBLISH) \
	X(SINGLE_LABEL, "single-label", R, W, HOOKS_API, PUBLISH) \
	X(LOCAL_NAME, "local-name", R, W, HOOKS_API, PUBLISH) \
	X(EXAMPLE_NAME, "example-name", W, W, NULL, PUBLISH) \
	X(RESERVED_NAME, "reserved-name", R, R, HOOKS_API, PUBLISH) \
	X(PRIVATE_DNS, "private-dns", R, W, HOOKS_API, PUBLISH) \
	X(RANDOM_NAME, "random-name", W, W, NULL, PUBLISH) \
	X(RELAY, "relay", W, W, NULL, PUBLISH) \
	X(V6_BRACKETS, "ipv6-brackets", R, R, NULL, \
	    "Put the IPv6 address in brackets: https://[2001:...]/.") \
	X(V6_ZONE, "ipv6-zone", R, R, NULL, PUBLISH) \
	X(ADDRESS_SPELLING, "address-spelling", W, W, NULL, \
	    "Write the address as four decimal numbers, or better a name.") \
	X(ADDRESS_LOOPBACK, "address-loopback", R, W, HOOKS_API, PUBLISH) \
	X(ADDRESS_UNSPECIFIED, "address-unspecified", R, R, HOOKS_API, PUBLISH) \
	X(ADDRESS_PRIVATE, "address-private", R, O, HOOKS_API, PUBLISH) \
	X(ADDRESS_LINK_LOCAL, "address-link-local", R, W, HOOKS_API, PUBLISH) \
	X(ADDRESS_CGNAT, "address-cgnat", R, W, HOOKS_API, PUBLISH) \
	X(ADDRESS_ULA, "address-ula", R, O, HOOKS_API, PUBLISH) \
	X(ADDRESS_SITE_LOCAL, "address-site-local", R, W, HOOKS_API, PUBLISH) \
	X(ADDRESS_DOCUMENTATION, "address-documentation", R, R, HOOKS_API, PUBLISH) \
	X(ADDRESS_BENCHMARK, "address-benchmark", R, W, HOOKS_API, PUBLISH) \
	X(ADDRESS_MULTICAST, "address-multicast", R, R, HOOKS_API, PUBLISH) \
	X(ADDRESS_BROADCAST, "address-broadcast", R, R, HOOKS_API, PUBLISH) \
	X(ADDRESS_NAT64, "address-nat64", R, W, NULL, PUBLISH) \
	X(ADDRESS_TUNNEL, "address-tunnel", R, W, NULL, PUBLISH) \
	X(ADDRESS_RESERVED, "address-reserved", R, R, HOOKS_API, PUBLISH) \
	X(ADDRESS_BARE, "address-bare", W, W, NULL, \
	    "Use a name where you have one: an address needs a certificate for it, and addresses change.") \
	X(RESOLVES, "resolves-private", R, W, HOOKS_API, PUBLISH) \
	X(PORT_INVALID, "port-invalid", R, R, NULL, "Use a port from 1 to 65535, or none.") \
	X(PORT_EMPTY, "port-empty", W, W, NULL, WRITE) \
	X(PORT_ODD, "port-odd", W, O, NULL, \
	    "Use 443: firewalls between Bitbucket and you may drop other ports.") \
	X(PORT_SCHEME, "port-scheme", W, W, NULL, \
	    "Use https:// with 443 or http:// with 80, best without a port.") \
	X(HTTP, "http", W, O, NULL, WRITE) \
	X(FRAGMENT, "fragment", R, W, NULL, WRITE) \
	X(SLASH_MISSING, "slash-missing", W, W, NULL, WRITE) \
	X(SLASH_DOUBLED, "slash-doubled", W, W, NULL, WRITE) \
	X(PATH_CASE, "path-case", W, W, NULL, WRITE) \
	X(PATH_DOTS, "path-dots", W, W, NULL, "Write the path that is meant, without '.' and '..'.") \
	X(PATH_ENCODING, "path-encoding", W, W, NULL, "Write '%' and characters outside ASCII as %XX.") \
	X(PATH_MISSING, "path-missing", W, W, NULL, WRITE) \
	X(PATH_OTHER, "path-other", W, W, NULL, WRITE) \
	X(PATH_NO_HOOK, "path-no-hook", W, W, NULL, WRITE) \
	X(SERVER_URL, "server-url", O, W, NULL, \
	    "For Data Center add ?server_url= and the base URL of your Bitbucket.")
/* clang-format on */

enum checkurl_what {
#define X(symbol, ...) CHECKURL_##symbol,
	CHECKURL_CODES(X)
#undef X
};

/* The pieces, slices of the input; host is the canonical one once checkurl_host() was there. */
struct checkurl_parts {
	struct slice authority, host, port, path, query;
	bool has_port, bracketed;
	bool host_bad; /* nothing on the internet can be meant by it */
};

void checkurl_add(struct checkurl *c, enum checkurl_what what, const char *fmt, ...)
    printf_like(3, 4);

/* Scheme, authority and the rest; findings about how they are written. */
void checkurl_split(struct checkurl *c, struct slice url, struct checkurl_parts *ret);
/* Fills c->host, is_address, class. */
void checkurl_host(struct checkurl *c, struct checkurl_parts *parts);
void checkurl_path(struct checkurl *c, const struct checkurl_params *p,
    const struct checkurl_parts *parts);

#endif
