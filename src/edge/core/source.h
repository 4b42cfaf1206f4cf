/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where connections come from: an IPv4 address, or the /64 of an IPv6 one, since a single
 * customer has that many. A loop counts the connections of each; a table with a lock remembers
 * who sent bad tokens.
 */
#ifndef ADIT_EDGE_CORE_SOURCE_H
#define ADIT_EDGE_CORE_SOURCE_H

#include "base/check.h"
#include "base/map.h"
#include "base/slab.h"

#include <sys/socket.h>

struct source_key {
	unsigned char bytes[16];
};

/* False for Unix sockets, which are not limited. */
bool source_key(const struct sockaddr_storage *ss, struct source_key *ret_key);

/* An address without its port, whole: 16 bytes a visitor in place of the 128 of any address. */
struct source_ip {
	unsigned char bytes[16]; /* IPv4 as v4-mapped IPv6 */
	bool known;              /* false: a Unix socket */
};

void source_ip_of(const struct sockaddr_storage *ss, struct source_ip *ret);
/* AF_INET6, port 0; AF_UNSPEC where none is known. */
void source_ip_sockaddr(const struct source_ip *ip, struct sockaddr_storage *ret);

struct source {
	struct map_node node;
	struct source_key key;
	size_t n;
};

/* Connections by source, of one thread. */
struct sources {
	struct map map;
	struct slab slab;
	size_t n_max; /* of one source */
};

void sources_init(struct sources *s, size_t n_max, size_t sources_max);
void sources_fini(struct sources *s);
/* One more connection; NULL when there are too many. Give it back with sources_put(). */
struct source *sources_take(struct sources *s, const struct source_key *key) must_use;
/* src may be NULL. */
void sources_put(struct sources *s, struct source *src);

/* --- bad tokens: shared by all threads --- */

struct guard;

struct guard *guard_new(void) must_use;
void guard_free(struct guard *g);
/* Milliseconds until this source may try again, 0: now. */
uint32_t guard_wait_ms(struct guard *g, const struct source_key *key, int64_t now_us);
void guard_failed(struct guard *g, const struct source_key *key, int64_t now_us);

#endif
