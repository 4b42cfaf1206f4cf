/* SPDX-License-Identifier: Apache-2.0 */
/* Host names to addresses through c-ares, on a loop. Private to the dialer (resolve.c). */
#ifndef ADIT_NET_LOOKUP_H
#define ADIT_NET_LOOKUP_H

#include "net/loop.h"

struct lookups;

/* One question: the addresses of one family. */
struct lookup {
	/* n addresses without ports, or code (ENOENT, ETIMEDOUT, ...) and a sentence. May
	 * come from within lookup_start(). */
	void (*done)(struct lookup *q, const struct sockaddr_storage *addrs, size_t n, int code,
	    const char *why);
	struct lookup_private *private; /* NULL while not running */
};

/* c-ares is set up with the first question. NULL without memory. */
struct lookups *lookups_new(struct loop *l) must_use;
/* Running lookups end without a call. */
void lookups_free(struct lookups *ls);
/* "host:port,..." to ask instead of the name servers of the system; must live as long as ls. */
void lookups_servers(struct lookups *ls, const char *csv);
/* family: AF_INET or AF_INET6. */
void lookup_start(struct lookups *ls, struct lookup *q, const char *host, int family);
/* No call any more. Harmless when not running. */
void lookup_cancel(struct lookup *q);

#endif
