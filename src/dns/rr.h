/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the DNS, and what the RDATA of each known type looks like. The rows feed the reader
 * (which names in RDATA may be compressed), the writer (which may be on their way out), and the
 * judge of what a zone takes.
 *
 * RDATA that this room keeps is canonical: no compression, its names in lower case (RFC 4034 6.2),
 * so that two records are the same when their bytes are (RFC 2136 1.1.1).
 */
#ifndef ADIT_DNS_RR_H
#define ADIT_DNS_RR_H

#include "base/check.h"
#include "base/slice.h"

/* What stands behind the fixed bytes and names. */
enum rr_tail {
	RR_TAIL_NONE,
	RR_TAIL_ANY,  /* bytes without a shape */
	RR_TAIL_TEXT, /* one or more strings of 0 to 255 bytes */
	RR_TAIL_CAA,  /* flags, a tag after its length, the value (RFC 8659 4.1) */
};

/* clang-format off */
/*
 * X(symbol, number, bytes before, names, bytes after, compressed, tail): RFC 1035 3.3 unless named
 */
#define RR_TYPES(X)                                                                                \
	X(A,       1, 4, 0,  0, false, NONE)                                                       \
	X(NS,      2, 0, 1,  0, true,  NONE)                                                       \
	X(CNAME,   5, 0, 1,  0, true,  NONE)                                                       \
	X(SOA,     6, 0, 2, 20, true,  NONE)                                                       \
	X(PTR,    12, 0, 1,  0, true,  NONE)                                                       \
	X(MX,     15, 2, 1,  0, true,  NONE)                                                       \
	X(TXT,    16, 0, 0,  0, false, TEXT)                                                       \
	X(AAAA,   28, 16, 0, 0, false, NONE) /* RFC 3596 */                                        \
	X(SRV,    33, 6, 1,  0, false, NONE) /* RFC 2782 */                                        \
	X(DNAME,  39, 0, 1,  0, false, NONE) /* RFC 6672 */                                        \
	X(OPT,    41, 0, 0,  0, false, ANY)  /* RFC 6891 */                                        \
	X(DS,     43, 4, 0,  0, false, ANY)  /* RFC 4034 */                                        \
	X(DHCID,  49, 3, 0,  0, false, ANY)  /* RFC 4701 */                                        \
	X(TSIG,  250, 0, 1,  0, false, ANY)  /* RFC 8945 */                                        \
	X(CAA,   257, 0, 0,  0, false, CAA)  /* RFC 8659 */
/* clang-format on */

enum rr_type {
#define X(symbol, number, ...) RR_##symbol = number,
	RR_TYPES(X)
#undef X
	/* Of questions alone. */
	RR_IXFR = 251,
	RR_AXFR = 252,
	RR_ANY = 255,
};

enum rr_class { RR_CLASS_IN = 1, RR_CLASS_NONE = 254, RR_CLASS_ANY = 255 };

/* RFC 1035 4.1.1, 2136 2.2, 8945 3, 6891 9. */
enum rr_rcode {
	RR_NOERROR = 0,
	RR_FORMERR = 1,
	RR_SERVFAIL = 2,
	RR_NXDOMAIN = 3,
	RR_NOTIMP = 4,
	RR_REFUSED = 5,
	RR_YXDOMAIN = 6,
	RR_YXRRSET = 7,
	RR_NXRRSET = 8,
	RR_NOTAUTH = 9,
	RR_NOTZONE = 10,
	RR_BADVERS = 16, /* needs an OPT */
};

/* Fixed bytes, then names, then fixed bytes, then the tail. */
struct rr_shape {
	uint16_t type;
	uint8_t before, names, after;
	bool compressed; /* the names may be, on the wire (RFC 3597 4) */
	enum rr_tail tail;
};

/* Of a type that is not in the table: bytes without a shape (RFC 3597). Never NULL. */
const struct rr_shape *rr_shape(uint16_t type);
/* Whether bytes have the shape of the tail. */
bool rr_tail_ok(enum rr_tail tail, struct slice s);
/*
 * May a zone hold records of it? Not: what lives in questions and messages alone (RFC 6895 3.1),
 * and what would have to be obeyed and is not (DNAME).
 */
bool rr_is_data(uint16_t type);

#endif
