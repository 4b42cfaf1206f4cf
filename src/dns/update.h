/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UPDATE (RFC 2136): prerequisites, permission, then the changes, all or nothing. The changes end
 * up in an open change of the zone; whoever wants them stored first stores them (change_next())
 * and commits then.
 *
 *	zone		one question: the origin, SOA, class of the zone
 *	prerequisite	records of class ANY, NONE or the zone's: what must be so, or must not
 *	update		records of class ANY, NONE or the zone's: delete sets, delete records, add
 */
#ifndef ADIT_DNS_UPDATE_H
#define ADIT_DNS_UPDATE_H

#include "dns/change.h"
#include "dns/dnsread.h"

/*
 * Carries prerequisites and changes out on `c`. `r` stands behind the zone section. may: one call
 * for each name and type that is to be changed, RR_ANY for all sets of a name. RR_NOERROR, or the
 * rcode of a refusal; then `c` is to be cancelled.
 */
unsigned update_apply(struct change *c, struct slice origin, struct dnsread *r,
    bool (*may)(void *arg, struct slice name, uint16_t type), void *arg) must_use;

#endif
