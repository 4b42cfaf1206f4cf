/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own domains: host names of other people's zones that lead to tunnels of this edge, as visitors and
 * handshakes look for them.  Which of them are proven is edge/domain's to know, which writes this
 * table.  Thread-safe; a host that is below the edge's own domain is never looked for here, and
 * while there are no own domains looking costs one load.
 *
 * The default is the tunnel that visitors reach who come by an address of the edge: what
 * default_tunnel: names, or, where the edge has no domain, the one that was there first.
 */
#ifndef ADIT_EDGE_CORE_OWN_DOMAIN_H
#define ADIT_EDGE_CORE_OWN_DOMAIN_H

#include "edge/core/edge.h"

struct own_domains;

/* NULL without memory. */
struct own_domains *own_domains_new(void) must_use;
void own_domains_free(struct own_domains *t);

/*
 * host (canonical) leads to the tunnel of this key while it is the account's; suspended: visitors are
 * told why it does not.  False: no memory, and what was there stays.
 */
bool own_domain_set(struct own_domains *t, struct slice host, const char *account, const char *key,
    bool suspended) must_use;
void own_domain_drop(struct own_domains *t, struct slice host);
/* Handshakes for it are answered, or not. Nothing where it is not there. */
void own_domain_certified(struct own_domains *t, struct slice host, bool certified);
/* True also of hosts that are none. */
bool own_domain_is_certified(const struct edge *e, struct slice host);

/* Calls fn for each host that leads to the tunnel of this key while it is the account's, under the
 * lock (no calls into the table). */
void own_domain_each(const struct edge *e, const char *key, const char *account,
    void (*fn)(void *arg, const char *host, bool suspended, bool certified), void *arg);

/* A canonical host that is an address. */
bool own_domain_is_address(struct slice host);
/* "" takes it away. */
void own_domain_set_default(struct own_domains *t, const char *key);
/* Where the edge has no domain: true when the tunnel is the default, which it becomes where there is
 * none, or where the old one was given up. */
bool own_domain_claim_default(const struct edge *e, const char *key) must_use;

enum own_domain_found {
	OWN_DOMAIN_UNKNOWN,
	OWN_DOMAIN_SUSPENDED,
	OWN_DOMAIN_KNOWN, /* the directory says whether the tunnel is up, away or released */
};
/* key: filled in where it is known. */
enum own_domain_found own_domain_find(const struct edge *e, struct slice host,
    char key[DIRECTORY_KEY_BYTES]);
/* The tunnel's name that a canonical host leads to, as a part of itself or as an own domain; empty:
 * none. key: room for it. */
struct slice own_domain_tunnel(const struct edge *e, struct slice host,
    char key[DIRECTORY_KEY_BYTES]);

#endif
