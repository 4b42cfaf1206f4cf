/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the servers that are responsible for a name, and no cache: the resolver is asked only who they
 * are (NS, from the name upwards) and which addresses they have.
 *
 *	CUT -> HOST -> ASK      the zone; addresses of its name servers; the question itself
 */
#ifndef ADIT_EDGE_CORE_DNSASK_H
#define ADIT_EDGE_CORE_DNSASK_H

#include "base/limits.h"
#include "dns/dnsread.h"
#include "net/addr.h"
#include "net/question.h"

/* The resolver, for all questions of an edge. */
struct dnsask_servers {
	char resolver[300]; /* "127.0.0.1:5353", "": the system's */
	unsigned
	    port; /* at which authorities are asked: 53, or the resolver's where that is named */
};

/* addr: of the configuration; host "": the system's. */
void dnsask_servers(struct dnsask_servers *ret, const struct addr *addr);

enum dnsask_stage { DNSASK_OFF, DNSASK_CUT, DNSASK_HOST, DNSASK_ASK };

struct dnsask {
	struct loop *loop;
	const struct dnsask_servers *servers;
	/*
	 * The whole message of the authority, NOERROR or NXDOMAIN; or empty and why, a sentence for
	 * people without its dot. Both are the caller's during the call.
	 */
	void (*done)(struct dnsask *a, struct slice message, const char *why);
	void *owner;
	/* private */
	enum dnsask_stage stage;
	struct question question;
	char name[DNAME_TEXT_BYTES], cut[DNAME_TEXT_BYTES];
	int type;
	char hosts[LIMIT_DOMAIN_SERVERS][DNAME_TEXT_BYTES];
	size_t n_hosts, at_host;
	bool v6; /* AAAA is asked for, since no host has an A record */
	char csv[LIMIT_DOMAIN_SERVERS * 56];
	size_t n_addresses;
	char why[160];
};

/* loop, servers, done and owner are set. */
void dnsask_start(struct dnsask *a, const char *name, int type);
/* No call any more. Harmless when it does not run. */
void dnsask_cancel(struct dnsask *a);

#endif
