/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What zones say to a question: RFC 1034 4.3.2 with wildcards (RFC 4592), delegations and their
 * glue (RFC 9471), negative answers (RFC 2308), and one set for ANY (RFC 8482). Answers are as
 * small as they may be: no NS beside what was asked for, no addresses but of name servers.
 */
#ifndef ADIT_DNS_ZONES_H
#define ADIT_DNS_ZONES_H

#include "base/limits.h"
#include "dns/dnswrite.h"
#include "dns/zone.h"

/* The zones of a server; it does not own them. */
struct zones {
	size_t n;
	struct zone *of[LIMIT_DNS_ZONES];
};

/* False: there is no room, or one of that origin is there. */
bool zones_add(struct zones *zones, struct zone *z) must_use;
void zones_del(struct zones *zones, const struct zone *z);
/* With that very origin; NULL: none. */
struct zone *zones_at(const struct zones *zones, struct slice origin);
/* The one that answers for a name: of DS it is the one above (RFC 4035 3.1.4.1). NULL: none. */
struct zone *zones_for(const struct zones *zones, struct slice name, uint16_t type);

/*
 * Writes the sections behind the question, and AA and TC, and returns the rcode. What does not fit
 * is left out whole, with TC where it was needed. *ret_about: the name in the zone that says so (a
 * wildcard, a delegation, the origin where nothing is), empty where none does; until it changes.
 */
unsigned zones_answer(const struct zones *zones, const struct dns_question *q, struct dnswrite *w,
    struct slice *ret_about);

#endif
