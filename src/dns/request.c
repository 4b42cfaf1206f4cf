/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a request apart and refuses what is out of shape. */
#include "dns/request.h"

#include "base/wire.h"
#include "dns/rr.h"

#define UDP_BYTES_PLAIN 512 /* RFC 1035 2.3.4 */

/* RFC 6891 6.1: at the root, once, its options well-formed; they are not looked at. */
static bool
take_opt(struct request *rq, const struct dns_record *rr)
{
	struct wire_in in = wire_in(rr->rdata);

	if (rq->has_edns || rr->owner.n != 1)
		return false;
	while (in.left.n > 0 && !in.failed) {
		wire_uint(&in, 2);
		wire_vec(&in, 2);
	}
	rq->has_edns = true;
	rq->edns_version = (uint8_t)(rr->ttl >> 16);
	rq->dnssec_ok = (rr->ttl & 0x8000) != 0;
	if (rr->class > UDP_BYTES_PLAIN) /* less counts as that (6.2.3) */
		rq->udp_bytes = rr->class;
	return !in.failed;
}

/* The serial in the SOA of an IXFR (RFC 1995 3). */
static bool
take_serial(struct request *rq, const struct dns_record *rr)
{
	unsigned char rdata[2 * DNAME_BYTES + 20];
	ptrdiff_t n;

	if (rr->type != RR_SOA || (n = dnsread_rdata(&rq->r, rr, rdata, sizeof(rdata))) < 0)
		return false;
	for (int i = 0; i < 4; i++)
		rq->serial = rq->serial << 8 | rdata[n - 20 + i];
	rq->has_serial = true;
	return true;
}

/* How many records of a section may be there; NOTIFY and UPDATE have their own sense for them. */
static bool
counts_fit(const struct request *rq)
{
	unsigned authority = rq->question.type == RR_IXFR;

	return rq->opcode != DNS_QUERY ||
	       (rq->r.counts[DNS_ANSWER] == 0 && rq->r.counts[DNS_AUTHORITY] == authority);
}

static bool
take_additional(struct request *rq, struct dnsread *r, bool last)
{
	struct dns_record rr;

	dnsread_record(r, &rr);
	if (r->failed)
		return false;
	if (rr.type == RR_OPT)
		return take_opt(rq, &rr);
	if (rr.type == RR_TSIG) {
		rq->has_tsig = true;
		return last && tsig_read(r, &rr, &rq->tsig); /* last of all (RFC 8945 5.1) */
	}
	return true;
}

/* Walks all records once: their shape, and what concerns the message as a whole. */
static bool
take_records(struct request *rq)
{
	struct dnsread r = rq->r;
	unsigned n = (unsigned)r.counts[DNS_ANSWER] + r.counts[DNS_AUTHORITY];

	if (!counts_fit(rq))
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct dns_record rr;

		dnsread_record(&r, &rr);
		if (r.failed || rr.type == RR_OPT || rr.type == RR_TSIG)
			return false;
		if (rq->opcode == DNS_QUERY && !take_serial(rq, &rr))
			return false;
	}
	for (unsigned i = r.counts[DNS_ADDITIONAL]; i > 0; i--)
		if (!take_additional(rq, &r, i == 1))
			return false;
	return dnsread_done(&r);
}

enum request_kind
request_read(struct request *rq, struct slice message)
{
	*rq = (struct request){ .udp_bytes = UDP_BYTES_PLAIN };
	if (!dnsread_begin(&rq->r, message) || (rq->r.flags & DNS_QR) != 0)
		return REQUEST_DROP;
	rq->opcode = dns_opcode(rq->r.flags);
	if (rq->opcode != DNS_QUERY && rq->opcode != DNS_NOTIFY && rq->opcode != DNS_UPDATE)
		return REQUEST_NOTIMP;
	if (rq->r.counts[DNS_QUESTION] != 1)
		return REQUEST_FORMERR;
	dnsread_question(&rq->r, &rq->question);
	if (rq->r.failed || !take_records(rq))
		return REQUEST_FORMERR;
	return REQUEST_GOOD;
}
