/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone: names with their sets of records, found by hash; what the last changes were, for IXFR; a
 * picture of it all, for AXFR. One thread owns a zone with all that hangs on it.
 *
 * Both ways in which an edge serves DNS are zones: with its origin at _acme-challenge.DOMAIN only
 * the answers to challenges are ours, with its origin at DOMAIN everything below is.
 *
 * A name exists when it has records or a name below it does (an empty non-terminal, RFC 8020).
 * Where one exists, no wildcard stands for it any more (RFC 4592 2.2.1): publishing
 * _acme-challenge.foo takes foo away from "*", so whoever serves tunnels by a wildcard gives each
 * known name its own records.
 */
#ifndef ADIT_DNS_ZONE_H
#define ADIT_DNS_ZONE_H

#include "dns/dname.h"
#include "dns/rrset.h"

struct zone;
struct zone_node;

/* What makes the SOA record (RFC 1035 3.3.13); all times in seconds. */
struct zone_times {
	uint32_t refresh, retry, expire;
	uint32_t minimum; /* of negative answers (RFC 2308 4) */
	uint32_t ttl;     /* of the record itself */
};

/*
 * A zone with its SOA alone. `name_server` and `mailbox` stand in the SOA; the NS records come by
 * a change like all others. NULL without memory.
 */
struct zone *zone_new(struct slice origin, struct slice name_server, struct slice mailbox,
    const struct zone_times *times, uint32_t serial) must_use;
/* No change may be open. Pictures and transfers outlive it. Harmless with NULL. */
void zone_free(struct zone *z);

struct slice zone_origin(const struct zone *z); /* in lower case */
uint32_t zone_serial(const struct zone *z);
struct rrset *zone_soa(const struct zone *z);
/* Is serial a newer than b (RFC 1982 3.2)? Of two that are 2^31 apart, neither is. */
bool zone_serial_newer(uint32_t a, uint32_t b);

bool zone_is_open(const struct zone *z); /* a change of it is under way */

struct zone_figures {
	size_t names; /* that exist, those without records of their own too */
	size_t sets, records;
	size_t bytes;         /* of the heap, for names and sets */
	size_t journal_bytes; /* and for what the journal alone holds */
	size_t editions;      /* changes that IXFR can tell */
};
void zone_figures(const struct zone *z, struct zone_figures *ret);

enum zone_found {
	ZONE_NAME,    /* the name exists, perhaps without any records */
	ZONE_WILD,    /* it does not, and a wildcard stands for it */
	ZONE_CUT,     /* it is a delegation, or below one: only `node` has to say something */
	ZONE_NOTHING, /* nothing is there */
};

struct zone_hit {
	enum zone_found found;
	bool exact;                   /* the name itself exists */
	const struct zone_node *node; /* whose records answer; NULL with ZONE_NOTHING */
};

/* RFC 1034 4.3.2 as RFC 4592 3.3.1 has it. `name` is the zone's origin or below it. */
void zone_find(const struct zone *z, struct slice name, struct zone_hit *ret);
/* That very name, below a delegation too, where its addresses are glue. NULL: it does not exist. */
const struct zone_node *zone_node_of(const struct zone *z, struct slice name);
struct slice zone_name(const struct zone_node *node); /* in lower case */
/* NULL: none of that type. */
const struct rrset *zone_set(const struct zone_node *node, uint16_t type);
/* The first of all sets, go on with rrset->next; NULL: an empty non-terminal. */
const struct rrset *zone_sets(const struct zone_node *node);

/* All sets of a zone at one serial. As long as it is held, it does not change. */
struct zone_image {
	uint32_t refs, serial;
	struct rrset *soa;
	size_t n;
	struct rrset *sets[]; /* but for the SOA */
};

/* Shared by all who ask at the same serial. NULL without memory. */
struct zone_image *zone_image_ref(struct zone *z) must_use;
void zone_image_unref(struct zone_image *image);

/* One change of the zone: pairs of what was and what is, the SOA's first. */
struct zone_edition {
	struct zone_edition *next; /* the one that followed; not held */
	uint32_t refs, from, to;   /* serials */
	size_t n, bytes;
	struct zone_pair {
		struct rrset *was, *is; /* one of them may be NULL */
	} pairs[];
};

/*
 * The change that began at this serial, from where ->next leads to now; NULL: not known any more.
 */
struct zone_edition *zone_edition_since(const struct zone *z, uint32_t serial);
struct zone_edition *zone_edition_ref(struct zone_edition *e);
void zone_edition_unref(struct zone_edition *e);

#endif
