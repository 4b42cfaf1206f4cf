/* SPDX-License-Identifier: Apache-2.0 */
/* UPDATE's sections, judged and carried out in the order of RFC 2136 3. */
#include "dns/update.h"

#include "base/limits.h"
#include "dns/rr.h"

struct update {
	struct change *c;
	struct slice origin;
	struct dnsread prerequisites; /* where that section begins */
	bool (*may)(void *arg, struct slice name, uint16_t type);
	void *arg;
};

/* RDATA in canonical form. */
struct rdata {
	unsigned char p[LIMIT_DNS_SET_BYTES];
	struct slice s;
};

/* A record's RDATA; false: another shape than its type's, or too much of it. */
static bool
read_rdata(const struct dnsread *r, const struct dns_record *rr, struct rdata *ret)
{
	ptrdiff_t n = dnsread_rdata(r, rr, ret->p, sizeof(ret->p));

	ret->s = slice_of(ret->p, n < 0 ? 0 : (size_t)n);
	return n >= 0;
}

/* --- prerequisites (3.2) --- */

static bool
same_set(const struct dns_record *a, const struct dns_record *b)
{
	return b->class == RR_CLASS_IN && a->type == b->type &&
	       dname_eq(dname_slice(&a->owner), dname_slice(&b->owner));
}

/*
 * "That set with those records": this record is in the zone's set, and the section has as many of
 * them. Each record asks for itself, so the section is read again for each:
 * LIMIT_DNS_UPDATE_RECORDS squared.
 */
static unsigned
judge_value(const struct update *u, const struct dnsread *r, const struct dns_record *rr)
{
	const struct rrset *s = change_set(u->c, dname_slice(&rr->owner), rr->type);
	struct dnsread again = u->prerequisites;
	struct rdata rdata, copy;
	unsigned n = 0, same = 0;

	if (rr->type == RR_ANY || !read_rdata(r, rr, &rdata))
		return RR_FORMERR;
	if (s == NULL || !rrset_has(s, rdata.s))
		return RR_NXRRSET;
	for (unsigned i = 0; i < again.counts[DNS_ANSWER]; i++) {
		struct dns_record other;

		dnsread_record(&again, &other);
		if (same_set(rr, &other)) {
			n++;
			same += read_rdata(r, &other, &copy) && slice_eq(copy.s, rdata.s);
		}
	}
	if (same != 1)
		return RR_FORMERR; /* a set has a record once */
	return n == s->n ? RR_NOERROR : RR_NXRRSET;
}

static unsigned
judge(const struct update *u, const struct dnsread *r, const struct dns_record *rr)
{
	struct slice name = dname_slice(&rr->owner);
	bool any = rr->type == RR_ANY, there;

	if (rr->ttl != 0 || (rr->class != RR_CLASS_IN && rr->rdata.n > 0))
		return RR_FORMERR;
	if (!dname_in(name, u->origin))
		return RR_NOTZONE;
	if (rr->class == RR_CLASS_IN)
		return judge_value(u, r, rr);
	if (!any && !rr_is_data(rr->type))
		return RR_FORMERR;
	there = any ? change_has_name(u->c, name) : change_set(u->c, name, rr->type) != NULL;
	if (rr->class == RR_CLASS_ANY)
		return there ? RR_NOERROR : any ? RR_NXDOMAIN : RR_NXRRSET;
	if (rr->class == RR_CLASS_NONE)
		return !there ? RR_NOERROR : any ? RR_YXDOMAIN : RR_YXRRSET;
	return RR_FORMERR;
}

/* --- changes (3.3, 3.4) --- */

/* May such a record stand in the section (3.4.1)? */
static unsigned
prescan(const struct update *u, const struct dnsread *r, const struct dns_record *rr)
{
	bool data = rr_is_data(rr->type);
	struct rdata rdata;
	struct dname lower;

	if (!dname_in(dname_slice(&rr->owner), u->origin))
		return RR_NOTZONE;
	switch (rr->class) {
	case RR_CLASS_IN:
		if (!data || rr->ttl > INT32_MAX || !read_rdata(r, rr, &rdata))
			return RR_FORMERR;
		break;
	case RR_CLASS_ANY:
		if (rr->ttl != 0 || rr->rdata.n > 0 || (!data && rr->type != RR_ANY))
			return RR_FORMERR;
		break;
	case RR_CLASS_NONE:
		if (rr->ttl != 0 || !data)
			return RR_FORMERR;
		break;
	default:
		return RR_FORMERR;
	}
	dname_set_lower(&lower, dname_slice(&rr->owner));
	return u->may(u->arg, dname_slice(&lower), rr->type) ? RR_NOERROR : RR_REFUSED;
}

static enum change_result
step(struct change *c, const struct dnsread *r, const struct dns_record *rr)
{
	struct slice name = dname_slice(&rr->owner);
	struct rdata rdata;

	if (rr->class == RR_CLASS_ANY)
		return rr->type == RR_ANY ? change_del_name(c, name)
					  : change_del_set(c, name, rr->type);
	if (!read_rdata(r, rr, &rdata))
		return CHANGE_OK; /* to be deleted, and of no shape that could be there */
	return rr->class == RR_CLASS_NONE ? change_del(c, name, rr->type, rdata.s)
					  : change_add(c, name, rr->type, rr->ttl, rdata.s);
}

static unsigned
change(const struct update *u, const struct dnsread *r, const struct dns_record *rr)
{
	switch (step(u->c, r, rr)) {
	case CHANGE_OK:
	case CHANGE_CNAME: /* beside others, or they beside it: passed over (3.4.2.2) */
	case CHANGE_TYPE:  /* so are SOA, and the last NS of the origin (3.4.2.3, 3.4.2.4) */
		return RR_NOERROR;
	case CHANGE_OUTSIDE:
		return RR_NOTZONE;
	case CHANGE_RDATA:
		return RR_FORMERR;
	case CHANGE_LARGE:
		return RR_REFUSED;
	case CHANGE_NOMEM:
		break;
	}
	return RR_SERVFAIL;
}

typedef unsigned (*each_fn)(const struct update *u, const struct dnsread *r,
    const struct dns_record *rr);

/* The section's records one after another, up to the first that is refused. */
static unsigned
each(const struct update *u, struct dnsread *r, unsigned n, each_fn fn)
{
	unsigned rcode = RR_NOERROR;

	while (n-- > 0 && rcode == RR_NOERROR) {
		struct dns_record rr;

		dnsread_record(r, &rr);
		rcode = r->failed ? RR_FORMERR : fn(u, r, &rr);
	}
	return rcode;
}

unsigned
update_apply(struct change *c, struct slice origin, struct dnsread *r,
    bool (*may)(void *arg, struct slice name, uint16_t type), void *arg)
{
	const struct update u = { c, origin, *r, may, arg };
	struct dnsread changes;
	unsigned rcode;

	if (r->counts[DNS_ANSWER] + r->counts[DNS_AUTHORITY] > LIMIT_DNS_UPDATE_RECORDS)
		return RR_REFUSED;
	rcode = each(&u, r, r->counts[DNS_ANSWER], judge);
	changes = *r;
	if (rcode == RR_NOERROR)
		rcode = each(&u, r, r->counts[DNS_AUTHORITY], prescan);
	if (rcode == RR_NOERROR)
		rcode = each(&u, &changes, r->counts[DNS_AUTHORITY], change);
	return rcode;
}
