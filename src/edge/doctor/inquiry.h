/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to one name server, waited for: what the doctor of the edge asks others, and itself
 * from outside. Answers are read by the library dns and believed as far as their id and question go.
 */
#ifndef ADIT_EDGE_DOCTOR_INQUIRY_H
#define ADIT_EDGE_DOCTOR_INQUIRY_H

#include "base/check.h"
#include "dns/dnsread.h"

#include <sys/socket.h>

#define INQUIRY_MS 2000 /* for one try; UDP has two */

enum inquiry_end {
	INQUIRY_ANSWERED,
	INQUIRY_SILENT,  /* nothing came */
	INQUIRY_REFUSED, /* nobody listens there, or no way leads there */
};

struct inquiry {
	enum inquiry_end end;
	unsigned rcode;
	uint16_t flags;
	/* Private. */
	size_t n;
	unsigned char bytes[DNS_MESSAGE_BYTES];
};

/*
 * Asks `server` (with its port). `recursive`: a resolver, which asks others for us. What is cut over
 * UDP is asked again over TCP.
 */
enum inquiry_end inquiry_ask(struct inquiry *q, const struct sockaddr_storage *server,
    const char *name, uint16_t type, bool recursive, bool tcp);

/* Walks the records of an answer: zero `at` first. False at the end. */
struct inquiry_at {
	struct dnsread r;
	unsigned section, i;
	bool begun;
};
bool inquiry_next(const struct inquiry *q, struct inquiry_at *at, enum dns_section *ret_section,
    struct dns_record *ret);
/* The name that the RDATA of NS or CNAME is, as text; "" where it is none. */
void inquiry_target(const struct inquiry *q, const struct inquiry_at *at,
    const struct dns_record *rr, char *dst, size_t cap);

#endif
