/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All records of one name and type (RFC 2181 5): never changed once it is made, and counted, so
 * that zone, journal and transfers under way hold the same one. A change makes a new set.
 */
#ifndef ADIT_DNS_RRSET_H
#define ADIT_DNS_RRSET_H

#include "base/check.h"
#include "base/slice.h"

struct zone_node;

struct rrset {
	struct rrset *next;     /* of the same name, while it is in its zone */
	struct zone_node *node; /* whose it is; held */
	uint32_t refs, ttl;     /* seconds */
	uint16_t type, n;       /* records, at least one */
	uint32_t bytes;         /* of rdata */
	unsigned char rdata[];  /* of each record its length in 2 bytes, then its canonical RDATA */
};

struct rrset *rrset_ref(struct rrset *s);
/* Harmless with NULL. */
void rrset_unref(struct rrset *s);
/* In lower case; as long as the set lives. */
struct slice rrset_owner(const struct rrset *s);
/* Walks the records: start with *at = 0; false at the end. */
bool rrset_next(const struct rrset *s, size_t *at, struct slice *ret_rdata);
bool rrset_has(const struct rrset *s, struct slice rdata);
/* Same TTL, same records in whatever order. NULL equals NULL alone. */
bool rrset_eq(const struct rrset *a, const struct rrset *b);
/* `old` (or NULL) and one more record, all with this TTL. One reference; NULL: no memory. */
struct rrset *rrset_with(struct zone_node *node, uint16_t type, uint32_t ttl,
    const struct rrset *old, struct slice rdata) must_use;
/* `old`, which has more than one record, without this one, which it has. */
struct rrset *rrset_without(const struct rrset *old, struct slice rdata) must_use;
/* What it takes of the heap. */
size_t rrset_cost(const struct rrset *s);

#endif
