/* SPDX-License-Identifier: Apache-2.0 */
/* What zone.c, rrset.c and change.c know of each other. */
#ifndef ADIT_DNS_ZONE_PRIVATE_H
#define ADIT_DNS_ZONE_PRIVATE_H

#include "base/map.h"
#include "dns/zone.h"

struct change_row;

/*
 * A name. In the zone's map while it exists there (`linked`); held by its sets too, which may live
 * longer than it is linked. `parent` counts only while linked.
 */
struct zone_node {
	struct map_node map_node;
	struct zone_node *parent; /* NULL at the origin */
	struct rrset *sets;
	struct change_row *rows; /* what the open change does to it */
	uint32_t refs, children;
	bool linked;
	bool has_wild;        /* there is a name "*" right below */
	bool cut;             /* a delegation: has NS, and is not the origin */
	uint8_t labels, n;    /* n: bytes of the name */
	unsigned char name[]; /* in lower case */
};

struct zone {
	struct map nodes;
	struct zone_node *apex;
	uint32_t serial;
	unsigned deepest; /* labels of the longest name that there ever was */
	size_t n_sets, n_records, n_cuts, bytes;
	struct zone_edition *oldest, *newest; /* the journal */
	size_t n_editions, n_journal_sets, journal_bytes;
	struct zone_image *image; /* of this serial, when somebody wanted one */
	struct change *open;
};

/* What malloc() takes for so many bytes: its own word before them, in steps of 16. */
static inline size_t
zone_heap_bytes(size_t n)
{
	return (n + 8 + 15) & ~(size_t)15;
}

static inline struct slice
zone_node_name(const struct zone_node *node)
{
	return (struct slice){ (const char *)node->name, node->n };
}

/* In lower case; not linked, one reference. NULL without memory. */
struct zone_node *zone_node_new(struct slice name) must_use;
struct zone_node *zone_node_ref(struct zone_node *node);
void zone_node_unref(struct zone_node *node);
/* In one of our maps of nodes; `lower` in lower case. */
struct zone_node *zone_node_in(const struct map *nodes, struct slice lower);

/* The parent is linked already. Takes over the caller's reference. */
void zone_link(struct zone *z, struct zone_node *node, struct zone_node *parent);
/* Unlinks a name that has become empty, and its parents that have become so by that. */
void zone_prune(struct zone *z, struct zone_node *node);
/* Puts `is` (or NULL) into the place of `was` (or NULL), whose reference becomes the caller's. */
void zone_swap(struct zone *z, struct zone_node *node, struct rrset *was, struct rrset *is);
/*
 * Takes over the edition; forgets older ones, or all, where there are too many
 * (LIMIT_DNS_JOURNAL).
 */
void zone_publish(struct zone *z, struct zone_edition *e);

/* The zone's SOA as of `serial`; NULL without memory. */
struct rrset *zone_next_soa(const struct zone *z, uint32_t serial) must_use;

#endif
