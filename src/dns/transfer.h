/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone on its way to a secondary, one message after another: whole (AXFR, RFC 5936), or as what
 * has changed since the serial that the secondary has (IXFR, RFC 1995).
 *
 *	AXFR	SOA, all sets, SOA
 *	IXFR	SOA, for each change: (old SOA, what went, new SOA, what came), SOA
 *	either	SOA alone, where the secondary has that serial or a newer one
 *
 * It holds what it sends, so the zone may change meanwhile, or go.
 */
#ifndef ADIT_DNS_TRANSFER_H
#define ADIT_DNS_TRANSFER_H

#include "dns/tsig.h"
#include "dns/zone.h"

struct transfer;

/* What was asked, and who may see what. */
struct transfer_request {
	uint16_t id, flags; /* of the answers' headers */
	struct dns_question question;
	bool incremental;             /* IXFR */
	uint32_t serial;              /* that the secondary has */
	const struct tsig_talk *talk; /* copied; NULL: not signed */
	/*
	 * NULL: all. Else asked for each name but the origin's SOA; as long as the transfer lives.
	 */
	bool (*may_see)(void *arg, struct slice key, struct slice name);
	void *arg;
};

/* NULL without memory. */
struct transfer *transfer_new(struct zone *z, const struct transfer_request *request) must_use;
/* Harmless with NULL. */
void transfer_free(struct transfer *t);

enum transfer_step {
	TRANSFER_MORE, /* a message has been written; there is more */
	TRANSFER_LAST, /* the last one */
	TRANSFER_FAIL, /* it cannot go on: close the connection */
};

/*
 * Writes the next message into buf: cap >= TRANSFER_BYTES_MIN, so that any record fits. Call it
 * until LAST or FAIL. Each message is signed where the request was.
 */
#define TRANSFER_BYTES_MIN 18432
enum transfer_step transfer_next(struct transfer *t, void *buf, size_t cap, int64_t now_s,
    size_t *ret_n) must_use;

#endif
