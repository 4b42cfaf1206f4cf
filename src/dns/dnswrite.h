/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a message into the caller's buffer; allocates nothing. What does not fit is sticky
 * (`full`), as in base/wire.h: write an RRset, test once, and take it back as a whole where it did
 * not fit.
 *
 * Names are compressed against those that were written before. A small table remembers where the
 * suffixes stand, by hash and without chains: what falls out of it only costs bytes.
 */
#ifndef ADIT_DNS_DNSWRITE_H
#define ADIT_DNS_DNSWRITE_H

#include "dns/dnsread.h"

#define DNSWRITE_SLOTS 128

struct dnswrite {
	unsigned char *p;
	size_t n, cap; /* cap: what may be used now; the rest is kept for OPT and TSIG */
	size_t reserved;
	bool full;
	uint16_t slots[DNSWRITE_SLOTS]; /* where a suffix stands, 0: none */
};

/* Where to go back to. */
struct dnswrite_mark {
	size_t n;
	uint16_t counts[DNS_SECTIONS];
};

/*
 * Begins with a header whose counts are 0. cap >= DNS_HEADER_BYTES, <= DNS_MESSAGE_BYTES.
 * `reserved` of it are kept back until dnswrite_release().
 */
void dnswrite_begin(struct dnswrite *w, void *buf, size_t cap, size_t reserved, uint16_t id,
    uint16_t flags);
void dnswrite_release(struct dnswrite *w);

uint16_t dnswrite_flags(const struct dnswrite *w);
void dnswrite_set_flags(struct dnswrite *w, uint16_t flags);
void dnswrite_set_rcode(struct dnswrite *w, unsigned rcode);

/* The name's bytes as they are, case and all. */
void dnswrite_question(struct dnswrite *w, const struct dns_question *q);
/* rdata: canonical (rr.h). Names in it are compressed where the type allows that. */
void dnswrite_record(struct dnswrite *w, enum dns_section section, struct slice owner,
    uint16_t type, uint16_t class, uint32_t ttl, struct slice rdata);
/*
 * The OPT record of an answer (RFC 6891 6.1.3): our buffer, version 0, the upper bits of `rcode`.
 */
#define DNSWRITE_OPT_BYTES 11
void dnswrite_opt(struct dnswrite *w, uint16_t udp_bytes, unsigned rcode, bool dnssec_ok);

struct dnswrite_mark dnswrite_mark(const struct dnswrite *w);
/* Forgets what was written since, and that it did not fit. */
void dnswrite_back(struct dnswrite *w, const struct dnswrite_mark *m);

#endif
