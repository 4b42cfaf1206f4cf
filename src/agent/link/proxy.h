/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out through a company's proxy: which one the environment names for a host (as curl reads
 * it: https_proxy, then all_proxy, except what no_proxy lists).
 */
#ifndef ADIT_AGENT_LINK_PROXY_H
#define ADIT_AGENT_LINK_PROXY_H

#include "net/addr.h"

enum proxy_kind { PROXY_NONE, PROXY_CONNECT, PROXY_SOCKS5 };

struct proxy {
	enum proxy_kind kind;
	struct addr addr;
	char user[256], password[256]; /* decoded; "" when none */
};

/* getenv, or a test's own. */
typedef const char *proxy_env_fn(const char *name);

/*
 * The proxy for host:port, kind PROXY_NONE when it is reached directly: no variable, listed in
 * no_proxy, or this machine ("localhost", loopback addresses).  NULL, or a sentence on what is
 * wrong with the variable *ret_name; secrets are not in it.
 */
const char *proxy_from_env(proxy_env_fn *env, const char *host, uint16_t port,
    struct proxy *ret_proxy, const char **ret_name) must_use;
/* A proxy as it stands in a variable:
 * [http://|socks5://|socks5h://|socks://][user[:password]@]host[:port] */
const char *proxy_parse(struct slice s, struct proxy *ret_proxy) must_use;
/* True when the list (commas or spaces) names the host: "*", a name, ".suffix", an address, a
 * network a.b.c.d/n, each with ":port" or not. */
bool proxy_is_exempt(struct slice no_proxy, const char *host, uint16_t port) must_use;

#endif
