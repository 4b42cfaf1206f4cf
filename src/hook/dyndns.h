/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An update of dynamic DNS as routers and update programs send it (the dyndns2 protocol): which names,
 * which addresses, and the words of the answer.  No I/O: a query and the sender's address in.
 *
 *	hostname=home.example.org,nas.example.org     at most DYNDNS_HOSTS
 *	myip=203.0.113.9,2001:db8::9                  either family, or both; also myipv4=, ip=
 *	myipv6=2001:db8::9                            also ipv6=
 *	ip6lanprefix=2001:db8:0:1::/64 iid=::1:2:3:4  the address of a machine behind the router
 *	offline=yes                                   no address at all
 *
 * A value that says nothing (empty, 0.0.0.0, "::", a placeholder that the router has not filled in)
 * stands for the address that the request came from; "preserve" leaves a family as it is, "no"
 * removes it.  An address that nobody on the internet can reach is never taken, unless it is
 * said that names are for such addresses.
 */
#ifndef ADIT_HOOK_DYNDNS_H
#define ADIT_HOOK_DYNDNS_H

#include "base/check.h"
#include "base/slice.h"

#include <sys/socket.h>

#define DYNDNS_HOSTS 20
#define DYNDNS_HOST_BYTES 256
#define DYNDNS_ANSWER_BYTES 128 /* a line of the answer */

enum dyndns_wish {
	DYNDNS_LEAVE,  /* as it is */
	DYNDNS_SOURCE, /* the address that the request came from, if it is of this family */
	DYNDNS_SET,
	DYNDNS_REMOVE,
	DYNDNS_UNFIT, /* an address was named that nobody can reach */
};

struct dyndns_family {
	enum dyndns_wish wish;
	unsigned char bytes[16]; /* SET: 4 or 16 of them, in network order */
};

struct dyndns {
	bool inside; /* addresses of private networks are wanted, too: an edge within a company */
	/* As they were written, lower case; "": it was too long, or no text. */
	char hosts[DYNDNS_HOSTS][DYNDNS_HOST_BYTES];
	size_t n_hosts; /* DYNDNS_HOSTS + 1: there are more */
	struct dyndns_family v4, v6;
};

/* Parameters of a query, or of a form behind it; the later one counts. inside: see struct dyndns. */
void dyndns_read(struct dyndns *d, bool inside, struct slice query, struct slice form);

/*
 * What is to become of each family: LEAVE, SET or REMOVE is left.  `source`: whom the request came
 * from, AF_UNSPEC where that is not known.  False: there is no address to set.
 */
bool dyndns_settle(struct dyndns *d, const struct sockaddr_storage *source) must_use;

/* The addresses that are set, "192.0.2.1,2001:db8::1"; "" for none. */
void dyndns_addresses(const struct dyndns *d, char dst[DYNDNS_ANSWER_BYTES]);

/* X(symbol, word, HTTP status): what is answered, a line for each name. */
/* clang-format off */
#define DYNDNS_CODES(X) \
	X(GOOD, "good", 200) \
	X(NOCHG, "nochg", 200) \
	X(BADAUTH, "badauth", 401) \
	X(NOHOST, "nohost", 200)     /* nobody has this name */ \
	X(NOT_YOURS, "!yours", 200)  /* another account has it, or the token is not for it */ \
	X(NOTFQDN, "notfqdn", 200)   /* it is none, or there is none */ \
	X(NUMHOST, "numhost", 200)   /* more than DYNDNS_HOSTS */ \
	X(BADAGENT, "badagent", 200) /* no User-Agent */ \
	X(ABUSE, "abuse", 200)       /* it changes too often */ \
	X(DNSERR, "dnserr", 200)     /* no address to set, or no zone to set it in */ \
	X(LATER, "911", 200)         /* our store failed; we start, or stop */
/* clang-format on */

enum dyndns_code {
#define X(symbol, ...) DYNDNS_##symbol,
	DYNDNS_CODES(X)
#undef X
};

const char *dyndns_word(enum dyndns_code c);
int dyndns_status(enum dyndns_code c);
/* A line of the answer with its end; addresses: of dyndns_addresses(). */
size_t dyndns_line(enum dyndns_code c, const char *addresses, char dst[DYNDNS_ANSWER_BYTES + 16]);

#endif
