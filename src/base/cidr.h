/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of addresses: CIDR blocks of IPv4 and IPv6 (RFC 4632, RFC 4291).  IPv4 is kept as
 * v4-mapped IPv6, so that a visitor is the same by whichever socket it came.
 */
#ifndef ADIT_BASE_CIDR_H
#define ADIT_BASE_CIDR_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/socket.h>

struct cidr {
	unsigned char address[16];
	unsigned bits; /* of the 128 */
};

struct cidr_set {
	struct cidr *blocks;
	size_t n;
};

/* "192.0.2.0/24", "192.0.2.1", "2001:db8::/32"; bits set behind the prefix are refused. NULL, or
 * the reason in one sentence. */
const char *cidr_parse(struct slice s, struct cidr *ret) must_use;
/* NULL, or the reason; the set grows by one. */
const char *cidr_set_add(struct cidr_set *set, struct slice s) must_use;
void cidr_set_fini(struct cidr_set *set);
/* The same blocks in the same order. */
bool cidr_set_same(const struct cidr_set *a, const struct cidr_set *b);
/* False for anything but IPv4 and IPv6 (a Unix socket is in no set). */
bool cidr_set_has(const struct cidr_set *set, const struct sockaddr_storage *ss);

#endif
