/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous host lookups through c-ares on a loop, and dialing: IPv6 and IPv4 in turn. */
#ifndef ADIT_NET_RESOLVE_H
#define ADIT_NET_RESOLVE_H

#include "net/addr.h"
#include "net/loop.h"

struct resolver;

struct resolver *resolver_new(struct loop *l) must_use;
/* Running dials end without a call. */
void resolver_free(struct resolver *r);
/* "host:port,..." to ask instead of the name servers of the system; must live as long as r. */
void resolver_servers(struct resolver *r, const char *csv);

/*
 * Connects to an address, numeric or by name: every address in turn (IPv6 first, a second
 * attempt beside a slow one after 250 ms: RFC 8305), until one is connected or all failed or
 * timeout_us has passed. done() gets the connected descriptor, not watched by any loop, or -1 and
 * why: a sentence like "connection refused" that lives during the call, and errno-like code
 * (ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENOENT for a name that does not exist, ...).
 * done() is never called from within dial_start().
 */
struct dial {
	void (*done)(struct dial *d, int fd, int code, const char *why);
	int family;                   /* AF_INET or AF_INET6: that one alone; 0: both */
	struct dial_private *private; /* NULL while not running */
};
void dial_start(struct resolver *r, struct dial *d, const struct addr *a, int64_t timeout_us);
/* No call any more. Harmless when not running. */
void dial_cancel(struct dial *d);

#endif
