/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a message (RFC 1035 4.1) from front to end. The failure is sticky: read everything, test
 * once. Nothing is allocated and nothing is read behind the message, whatever its lengths say.
 *
 *	 0              15 16             31
 *	+-----------------+-----------------+
 *	|       id        |      flags      |
 *	+-----------------+-----------------+
 *	| QDCOUNT (zone)  | ANCOUNT (prereq)|	in brackets: of an UPDATE (RFC 2136 2.2)
 *	+-----------------+-----------------+
 *	| NSCOUNT (update)|     ARCOUNT     |
 *	+-----------------+-----------------+
 *	| question, answer, authority, additional
 *
 * A pointer of a compressed name must lead to before the place that it was reached from, so a loop
 * cannot be written (RFC 1035 4.1.4); and a name has as many pointers as labels at most.
 */
#ifndef ADIT_DNS_DNSREAD_H
#define ADIT_DNS_DNSREAD_H

#include "dns/dname.h"

#define DNS_HEADER_BYTES 12
#define DNS_MESSAGE_BYTES                                                                          \
	65535 /* a message over TCP has its length in two bytes (RFC 1035 4.2.2) */

enum dns_flag {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_AD = 0x0020,
	DNS_CD = 0x0010,
	DNS_RCODE = 0x000f,
};

enum dns_opcode { DNS_QUERY = 0, DNS_NOTIFY = 4, DNS_UPDATE = 5 };

static inline unsigned
dns_opcode(uint16_t flags)
{
	return ((unsigned)flags & DNS_OPCODE) >> 11;
}

enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dnsread {
	struct slice all;
	size_t at;
	bool failed;
	uint16_t id, flags, counts[DNS_SECTIONS];
};

struct dns_question {
	struct dname name; /* in the case that was asked in */
	uint16_t type, class;
};

struct dns_record {
	struct dname owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t at; /* where its owner begins in the message */
	size_t rdata_at;
	struct slice rdata; /* as it stands there, names perhaps compressed */
};

/* False: shorter than a header, which nobody can answer. The message must stay while it is read. */
bool dnsread_begin(struct dnsread *r, struct slice message) must_use;
/* A name of the question must not be compressed: there is nothing before it. */
void dnsread_question(struct dnsread *r, struct dns_question *ret);
void dnsread_record(struct dnsread *r, struct dns_record *ret);
/*
 * A record's RDATA, judged by its type's shape, in canonical form (rr.h): its bytes in dst, or -1
 * where the shape is another one or `cap` is too small. Does not move the reader.
 */
ptrdiff_t dnsread_rdata(const struct dnsread *r, const struct dns_record *rr, unsigned char *dst,
    size_t cap) must_use;
/* All was well, and nothing is left. */
bool dnsread_done(const struct dnsread *r);

#endif
