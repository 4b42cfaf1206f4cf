/* SPDX-License-Identifier: Apache-2.0 */
/* A request taken apart: what authority.c decides about. */
#ifndef ADIT_DNS_REQUEST_H
#define ADIT_DNS_REQUEST_H

#include "dns/tsig.h"

struct request {
	struct dnsread r; /* behind the question */
	unsigned opcode;
	struct dns_question question;
	bool has_edns, dnssec_ok, has_tsig, has_serial;
	uint8_t edns_version;
	uint16_t udp_bytes; /* that the asker takes, 512 without EDNS */
	struct tsig tsig;
	uint32_t serial; /* of an IXFR: what the asker has */
};

enum request_kind {
	REQUEST_DROP, /* no request, or too short */
	REQUEST_GOOD,
	REQUEST_FORMERR, /* its header can be answered, and no more */
	REQUEST_NOTIMP,
};

/* Slices into the message. */
enum request_kind request_read(struct request *rq, struct slice message) must_use;

#endif
