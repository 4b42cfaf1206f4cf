/* SPDX-License-Identifier: Apache-2.0 */
/* NOTIFY messages and their answers. */
#include "dns/notify.h"

#include "dns/rr.h"

size_t
notify_write(struct notify *n, const struct zone *z, uint16_t id, const struct tsig_key *key,
    int64_t now_s, void *buf)
{
	struct dns_question q = { .type = RR_SOA, .class = RR_CLASS_IN };
	const struct rrset *soa = zone_soa(z);
	struct dnswrite w;
	struct slice rdata = S("");
	size_t at = 0;

	*n = (struct notify){ .id = id };
	dname_set(&n->origin, zone_origin(z));
	dname_set(&q.name, zone_origin(z));
	dnswrite_begin(&w, buf, NOTIFY_BYTES, key == NULL ? 0 : tsig_bytes(key), id,
	    DNS_NOTIFY << 11 | DNS_AA);
	dnswrite_question(&w, &q);
	if (rrset_next(soa, &at, &rdata))
		dnswrite_record(&w, DNS_ANSWER, zone_origin(z), RR_SOA, RR_CLASS_IN, soa->ttl,
		    rdata);
	/* Three names, which share the zone's, and a signature: below 12 + 255 + 2 * 300 + 400. */
	check(!w.full);
	dnswrite_release(&w);
	if (key == NULL)
		return w.n;
	n->talk = (struct tsig_talk){ .key = *key };
	n->sign = true;
	return tsig_sign(&n->talk, &w, now_s) ? w.n : 0;
}

/* The signature of an answer, which must be its last record. */
static bool
is_signed(const struct notify *n, struct dnsread *r, int64_t now_s)
{
	unsigned records =
	    (unsigned)r->counts[DNS_ANSWER] + r->counts[DNS_AUTHORITY] + r->counts[DNS_ADDITIONAL];
	struct tsig_talk talk = n->talk;
	struct dns_record rr = { 0 };
	struct tsig sig;
	bool good;

	for (unsigned i = 0; i < records && !r->failed; i++)
		dnsread_record(r, &rr);
	good = dnsread_done(r) && r->counts[DNS_ADDITIONAL] > 0 && tsig_read(r, &rr, &sig) &&
	       dname_eq(dname_slice(&sig.key), dname_slice(&talk.key.name)) &&
	       tsig_verify(&talk, r->all, &sig, now_s) == TSIG_OK;
	tsig_key_wipe(&talk.key);
	return good;
}

enum notify_reply
notify_judge(const struct notify *n, struct slice message, int64_t now_s)
{
	struct dnsread r;
	struct dns_question q;

	if (!dnsread_begin(&r, message) || r.id != n->id || (r.flags & DNS_QR) == 0 ||
	    dns_opcode(r.flags) != DNS_NOTIFY || r.counts[DNS_QUESTION] > 1)
		return NOTIFY_FOREIGN;
	if (r.counts[DNS_QUESTION] == 1) {
		dnsread_question(&r, &q);
		if (r.failed || !dname_eq(dname_slice(&q.name), dname_slice(&n->origin)))
			return NOTIFY_FOREIGN;
	}
	if (n->sign && !is_signed(n, &r, now_s))
		return NOTIFY_FOREIGN;
	return (r.flags & DNS_RCODE) == RR_NOERROR ? NOTIFY_TAKEN : NOTIFY_REFUSED;
}
