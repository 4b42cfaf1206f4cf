/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of a zone: staged step by step, seen by nobody, then carried out as a whole with the
 * next serial, or not at all. One is open at a time: who wants to store a change before it is seen
 * holds it open meanwhile, and whoever comes next waits.
 *
 * The rules of RFC 2136 3.4.2 and RFC 2181 hold for every step: a CNAME stands alone, a set has
 * one TTL, the SOA is the zone's own affair.
 */
#ifndef ADIT_DNS_CHANGE_H
#define ADIT_DNS_CHANGE_H

#include "dns/zone.h"

struct change;

enum change_result {
	CHANGE_OK,      /* it is staged, or was so already */
	CHANGE_OUTSIDE, /* the name is not in the zone */
	CHANGE_TYPE,    /* no zone holds that type there: meta types, SOA, NS at a wildcard */
	CHANGE_RDATA,   /* not the shape of its type */
	CHANGE_CNAME,   /* a CNAME beside other records */
	CHANGE_LARGE,   /* the set would pass LIMIT_DNS_SET_BYTES */
	CHANGE_NOMEM,
};

/* NULL: another one is open, or no memory. */
struct change *change_begin(struct zone *z) must_use;

/*
 * rdata: uncompressed; names in it in any case. A CNAME takes the place of another one. After a
 * result other than OK the change is as it was before the step.
 */
enum change_result change_add(struct change *c, struct slice name, uint16_t type, uint32_t ttl,
    struct slice rdata) must_use;
/* What is not there is deleted already. CHANGE_TYPE: the SOA, and the last NS of the origin. */
enum change_result change_del(struct change *c, struct slice name, uint16_t type,
    struct slice rdata) must_use;
enum change_result change_del_set(struct change *c, struct slice name, uint16_t type) must_use;
/* All sets of a name; of the origin all but SOA and NS. */
enum change_result change_del_name(struct change *c, struct slice name) must_use;

/* As it would be after the change. NULL: none. Both may be given any name. */
const struct rrset *change_set(const struct change *c, struct slice name, uint16_t type);
bool change_has_name(const struct change *c, struct slice name); /* has any records */

/* Walks what is staged: start with *at = NULL. `was` and `is` may be NULL, and may be equal. */
struct change_row;
bool change_next(const struct change *c, const struct change_row **at, struct slice *ret_name,
    const struct rrset **ret_was, const struct rrset **ret_is);

enum change_end {
	CHANGE_MADE,  /* carried out, with a new serial */
	CHANGE_NONE,  /* all was so already; the serial is the old one */
	CHANGE_FULL,  /* the zone would pass LIMIT_DNS_NAMES */
	CHANGE_UNABLE /* no memory */
};

/* Ends it, well or not; after the last two the zone is as it was. */
enum change_end change_commit(struct change *c) must_use;
/* Harmless with NULL. */
void change_cancel(struct change *c);

#endif
