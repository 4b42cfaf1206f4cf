/* SPDX-License-Identifier: Apache-2.0 */
/* From a question and zones to the sections of an answer. */
#include "dns/zones.h"

#include "base/wire.h"
#include "dns/rr.h"

#define EXTRAS 32 /* names whose addresses go into one answer */

bool
zones_add(struct zones *zones, struct zone *z)
{
	if (zones->n == LIMIT_DNS_ZONES || zones_at(zones, zone_origin(z)) != NULL)
		return false;
	zones->of[zones->n++] = z;
	return true;
}

void
zones_del(struct zones *zones, const struct zone *z)
{
	for (size_t i = 0; i < zones->n; i++) {
		if (zones->of[i] == z) {
			zones->of[i] = zones->of[--zones->n];
			return;
		}
	}
}

struct zone *
zones_at(const struct zones *zones, struct slice origin)
{
	for (size_t i = 0; i < zones->n; i++)
		if (dname_eq(zone_origin(zones->of[i]), origin))
			return zones->of[i];
	return NULL;
}

struct zone *
zones_for(const struct zones *zones, struct slice name, uint16_t type)
{
	struct zone *best = NULL, *itself = NULL;

	for (size_t i = 0; i < zones->n; i++) {
		struct slice origin = zone_origin(zones->of[i]);

		if (!dname_in(name, origin))
			continue;
		if (type == RR_DS && origin.n == name.n)
			itself = zones->of[i];
		else if (best == NULL || origin.n > zone_origin(best).n)
			best = zones->of[i];
	}
	return best != NULL ? best : itself;
}

/* --- sets --- */

/* What an answer has come to. */
struct answering {
	const struct zone *zone;
	struct dnswrite *w;
	struct slice about;
	const struct zone_node *extras[EXTRAS];
	size_t n_extras;
};

/* The whole set, or nothing of it. */
static bool
put_set(struct dnswrite *w, enum dns_section section, struct slice owner, const struct rrset *s,
    uint32_t ttl)
{
	struct dnswrite_mark m = dnswrite_mark(w);
	struct slice rdata;

	for (size_t at = 0; rrset_next(s, &at, &rdata) && !w->full;)
		dnswrite_record(w, section, owner, s->type, RR_CLASS_IN, ttl, rdata);
	if (!w->full)
		return true;
	dnswrite_back(w, &m);
	return false;
}

static void
set_flag(struct dnswrite *w, enum dns_flag flag)
{
	dnswrite_set_flags(w, (uint16_t)(dnswrite_flags(w) | flag));
}

static void
put_needed(struct answering *a, enum dns_section section, struct slice owner, const struct rrset *s)
{
	if (!put_set(a->w, section, owner, s, s->ttl))
		set_flag(a->w, DNS_TC);
}

/* The SOA of a negative answer: its TTL says how long that holds (RFC 2308 3, 5). */
static void
put_soa(struct answering *a)
{
	const struct rrset *soa = zone_soa(a->zone);
	struct wire_in minimum = wire_in(slice_of(soa->rdata + soa->bytes - 4, 4));
	uint32_t ttl = (uint32_t)wire_uint(&minimum, 4);

	if (soa->ttl < ttl)
		ttl = soa->ttl;
	if (!put_set(a->w, DNS_AUTHORITY, rrset_owner(soa), soa, ttl))
		set_flag(a->w, DNS_TC);
}

/* --- addresses of the names in an answer --- */

/* False: they do not fit. */
static bool
put_addresses(struct answering *a, struct slice name, const struct zone_node *node)
{
	static const uint16_t types[] = { RR_A, RR_AAAA };

	for (size_t i = 0; i < a->n_extras; i++)
		if (a->extras[i] == node)
			return true;
	if (a->n_extras == EXTRAS)
		return false;
	a->extras[a->n_extras++] = node;
	for (size_t i = 0; i < 2; i++) {
		const struct rrset *s = zone_set(node, types[i]);

		if (s != NULL && !put_set(a->w, DNS_ADDITIONAL, name, s, s->ttl))
			return false;
	}
	return true;
}

/* Whose addresses a name has: below a delegation too, or a wildcard's. NULL: we have none. */
static const struct zone_node *
node_of_server(const struct answering *a, struct slice name)
{
	const struct zone_node *node = zone_node_of(a->zone, name);
	struct zone_hit hit;

	if (node != NULL || !dname_in(name, zone_origin(a->zone)))
		return node;
	zone_find(a->zone, name, &hit);
	return hit.found == ZONE_WILD ? hit.node : NULL;
}

/* Of servers below the delegation nobody else knows them: they are needed (RFC 9471). */
static void
put_glue(struct answering *a, const struct rrset *ns)
{
	struct slice target;

	for (size_t at = 0; rrset_next(ns, &at, &target);) {
		const struct zone_node *node = node_of_server(a, target);

		if (node != NULL && !put_addresses(a, target, node) &&
		    dname_in(target, rrset_owner(ns)))
			set_flag(a->w, DNS_TC);
	}
}

/*
 * The addresses of the zone's own servers, asked for by NS: as far as they fit (RFC 1035 3.3.11).
 */
static void
put_extras(struct answering *a, const struct rrset *ns)
{
	struct slice target;

	for (size_t at = 0; rrset_next(ns, &at, &target);) {
		const struct zone_node *node = node_of_server(a, target);

		if (node != NULL && !put_addresses(a, target, node))
			return;
	}
}

/* --- the way of a question --- */

/* RFC 8482 4.1: one of its sets, and a small one. */
static const struct rrset *
smallest(const struct zone_node *node)
{
	const struct rrset *best = zone_sets(node);

	for (const struct rrset *s = best; s != NULL; s = s->next)
		if (s->bytes < best->bytes)
			best = s;
	return best;
}

static void
refer(struct answering *a, const struct zone_node *cut)
{
	const struct rrset *ns = zone_set(cut, RR_NS);

	check(ns != NULL);
	put_needed(a, DNS_AUTHORITY, rrset_owner(ns), ns);
	put_glue(a, ns);
}

enum step { STEP_DONE, STEP_NXDOMAIN, STEP_ON };

/* One name: answers it, or writes its CNAME and gives where that leads. */
static enum step
answer_name(struct answering *a, struct slice name, uint16_t type, bool first,
    struct slice *ret_target)
{
	struct zone_hit hit;
	const struct rrset *s;
	size_t at = 0;

	zone_find(a->zone, name, &hit);
	a->about = hit.node == NULL ? zone_origin(a->zone) : zone_name(hit.node);
	if (hit.found == ZONE_CUT && !(hit.exact && type == RR_DS)) {
		if (!first) /* about the name that was asked for, we do know (RFC 1034 6.2.7) */
			set_flag(a->w, DNS_AA);
		refer(a, hit.node);
		return STEP_DONE;
	}
	set_flag(a->w, DNS_AA);
	if (hit.found == ZONE_NOTHING) {
		put_soa(a);
		return STEP_NXDOMAIN;
	}
	s = type == RR_ANY ? smallest(hit.node) : zone_set(hit.node, type);
	if (s != NULL) {
		put_needed(a, DNS_ANSWER, name, s);
		if (type == RR_NS)
			put_extras(a, s);
		return STEP_DONE;
	}
	if ((s = zone_set(hit.node, RR_CNAME)) == NULL) {
		put_soa(a);
		return STEP_DONE;
	}
	put_needed(a, DNS_ANSWER, name, s);
	return rrset_next(s, &at, ret_target) ? STEP_ON : STEP_DONE;
}

static unsigned
follow(struct answering *a, const struct zones *zones, const struct dns_question *q)
{
	struct slice been[LIMIT_DNS_CNAMES], name = dname_slice(&q->name), target;

	for (size_t n = 0; n < LIMIT_DNS_CNAMES; n++) {
		enum step step = answer_name(a, name, q->type, n == 0, &target);

		if (step != STEP_ON)
			return step == STEP_NXDOMAIN ? RR_NXDOMAIN : RR_NOERROR;
		been[n] = name;
		for (size_t i = 0; i <= n; i++)
			if (dname_eq(been[i], target))
				return RR_NOERROR; /* in a circle */
		if ((dnswrite_flags(a->w) & DNS_TC) != 0 ||
		    (a->zone = zones_for(zones, target, q->type)) == NULL)
			return RR_NOERROR;
		name = target;
	}
	return RR_NOERROR;
}

unsigned
zones_answer(const struct zones *zones, const struct dns_question *q, struct dnswrite *w,
    struct slice *ret_about)
{
	struct answering a = { .zone = zones_for(zones, dname_slice(&q->name), q->type), .w = w };
	unsigned rcode = RR_REFUSED;

	if (a.zone != NULL && q->class == RR_CLASS_IN)
		rcode = follow(&a, zones, q);
	*ret_about = a.about;
	return rcode;
}
