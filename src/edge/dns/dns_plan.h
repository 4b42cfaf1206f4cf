/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records the DNS provider of the domain needs, so that tunnels are found and a CA finds this
 * name server: made of the configuration alone, for people (a zone file, and a table for web forms)
 * and for scripts.
 */
#ifndef ADIT_EDGE_DNS_DNS_PLAN_H
#define ADIT_EDGE_DNS_DNS_PLAN_H

#include "base/buf.h"
#include "edge/core/settings.h"

#define DNS_PLAN_RECORDS 128

struct dns_plan_record {
	char name[300]; /* without a dot at the end */
	const char *type;
	uint32_t ttl;
	char value[512]; /* as in a zone file; of NS with a dot at the end */
	const char *why; /* what it is for, a few words */
};

struct dns_plan {
	char zone[300]; /* that this edge answers for */
	bool whole;     /* mode zone */
	size_t n;
	struct dns_plan_record records[DNS_PLAN_RECORDS];
};

/*
 * account_uri: the account at the CA (RFC 8657), "" as long as there is none. NULL and *ret_error, a
 * malloced sentence, where the configuration does not tell enough.
 */
struct dns_plan *dns_plan_new(const struct settings *s, const char *account_uri,
    char **ret_error) must_use;
void dns_plan_free(struct dns_plan *p);
/* The line of the zone file. */
void dns_plan_line(const struct dns_plan_record *r, struct buf *b);
void dns_plan_text(const struct dns_plan *p, const char *file, struct buf *b);
void dns_plan_json(const struct dns_plan *p, struct buf *b);

#endif
