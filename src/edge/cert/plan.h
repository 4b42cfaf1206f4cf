/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decided about a certificate, without I/O and without a clock: when it is renewed, how a
 * name is proven, which CA is asked, and how much is asked of it.  Seconds since 1970.
 *
 * The limits of Let's Encrypt are buckets that fill up again one by one; ours are smaller ones of the
 * same shape, so that no sequence of orders that passes them reaches one of theirs:
 *
 *	                       theirs            ours
 *	orders of an account   300, +1 / 36 s    LIMIT_CERT_ORDERS_BURST, +1 / LIMIT_CERT_ORDER_S
 *	new ones of a domain   50, +1 / 202 min  LIMIT_CERT_DOMAIN, +1 / LIMIT_CERT_DOMAIN_S
 *	of one set of names    5, +1 / 34 h      LIMIT_CERT_SAME, +1 / LIMIT_CERT_SAME_S
 */
#ifndef ADIT_EDGE_CERT_PLAN_H
#define ADIT_EDGE_CERT_PLAN_H

#include "acme/acme.h"

/* --- buckets --- */

/* Zeroed: full. */
struct plan_bucket {
	int64_t full_s; /* when it will be full again */
};
struct plan_rate {
	int64_t burst, period_s; /* so many at once, and one more each period */
};

extern const struct plan_rate plan_rate_orders, plan_rate_domain, plan_rate_same;

/* Seconds until one may be taken; 0: now. */
int64_t plan_bucket_wait_s(const struct plan_bucket *b, const struct plan_rate *r, int64_t now_s);
/* Also where it is empty: what was ordered was ordered. */
void plan_bucket_take(struct plan_bucket *b, const struct plan_rate *r, int64_t now_s);
/* The bucket of one set of names, by its last orders, newest first, 0: there was none. Seconds, as above. */
int64_t plan_same_wait_s(const int64_t *orders_s, size_t n, int64_t now_s);
/*
 * Whose bucket a name takes from: the registered domain, as far as it can be told without the list of
 * public suffixes.  Under-estimates for suffixes of three labels, where too much is counted together.
 */
struct slice plan_registered(struct slice name);

/* --- when --- */

/* Of a certificate that is served; not_after_s 0: there is none. */
struct plan_life {
	int64_t not_before_s, not_after_s;
	const struct renewal_window *window; /* NULL: its CA said nothing of it */
	uint64_t random;                     /* chosen once for this certificate */
};

/* When it is to be renewed, 0: at once, there is none. */
int64_t plan_renewal_s(const struct plan_life *l);
/*
 * When the next attempt is made after so many failures in a row.  A name that a CA could not verify by
 * several ways has cost several of the failures that it allows an hour: then the pause is 10 minutes at least.
 */
int64_t plan_retry_s(const struct acme_failure *f, unsigned failures, const struct plan_life *l,
    unsigned n_ways, int64_t now_s, uint64_t random);
/* After a question for the CA's window: twice a day, or sooner where it asks for that. */
int64_t plan_ask_s(int64_t ask_again_s, int64_t now_s, uint64_t random);

/* --- how --- */

/* What this edge can do. */
struct plan_ways {
	bool dns;        /* our own name server answers for the challenge's name */
	bool alpn, http; /* https and http listen on ports of their own */
	unsigned
	    allowed; /* CHALLENGE_CAN(); 0: all; a standing record counts only when it is named here */
};

/* CHALLENGE_CAN() of those that prove the name here. */
unsigned plan_can(const struct ident *id, const struct plan_ways *w);

/* --- whom --- */

/* Which of the CAs is asked: the next one when the one before has failed (not our names) for so long. */
size_t plan_ca(size_t n_cas, size_t at, int64_t down_since_s, int64_t now_s);

#endif
