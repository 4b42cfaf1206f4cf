/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DNS says of a name, for people: every address, how long it may be kept, and why there is
 * none.  Waited for, as check-url and doctor have nothing else to do; dialling is net/resolve.h.
 */
#ifndef ADIT_NET_DNS_QUERY_H
#define ADIT_NET_DNS_QUERY_H

#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>
#include <sys/socket.h>

enum dns_query_result {
	DNS_QUERY_FOUND,
	DNS_QUERY_NONE,   /* there is no such name, or it has no address */
	DNS_QUERY_FAILED, /* the name server cannot tell: SERVFAIL, refused, bogus signatures */
	DNS_QUERY_LATE,   /* no name server answered */
};

struct dns_query_answer {
	enum dns_query_result result;
	char why[96]; /* "NXDOMAIN", "no answer of a name server" */
	size_t n;
	struct sockaddr_storage addrs[LIMIT_DIAL_ADDRESSES]; /* without ports */
	int ttl; /* s, the shortest; 0 where it is not known (hosts file, a number) */
};

/*
 * Looks a name up, or takes a number as it is; A and AAAA are asked for together.  servers:
 * "host:port,..." to ask in place of the system's and of the hosts file, or NULL.  Waits, for
 * timeout_ms at most.  *ret says how it ended; result is DNS_QUERY_FOUND exactly where n > 0.
 */
void dns_query(const char *host, const char *servers, int64_t timeout_ms,
    struct dns_query_answer *ret);
/* Who may give out certificates for a host (RFC 8659). */
struct dns_query_caa {
	bool forbidden; /* a record says who may, and the issuer that was asked for is not there */
	char domain[256];  /* that has the records: the host, or what stands above it */
	char allowed[160]; /* "a.example, b.example"; "" nobody */
	/* What all "issue" records say, a line each, as far as they fit: parameters of an issuer, too. */
	char issue[2048];
};
/* issuer: "letsencrypt.org". timeout_ms: for the whole climb. Where DNS does not
 * tell, nothing is forbidden. */
void dns_query_caa(const char *host, const char *servers, const char *issuer, int64_t timeout_ms,
    struct dns_query_caa *ret);
/* The address without its port. */
void dns_query_text(const struct sockaddr_storage *ss, char *dst, size_t cap);
/* Both have an address in common. */
bool dns_query_meet(const struct dns_query_answer *a, const struct dns_query_answer *b);

#endif
