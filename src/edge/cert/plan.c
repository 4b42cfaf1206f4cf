/* SPDX-License-Identifier: Apache-2.0 */
/* When, how, of whom, and how much: the decisions about certificates. */
#include "edge/cert/plan.h"

#define DAY_S 86400

/* --- buckets --- */

const struct plan_rate plan_rate_orders = { LIMIT_CERT_ORDERS_BURST, LIMIT_CERT_ORDER_S };
const struct plan_rate plan_rate_domain = { LIMIT_CERT_DOMAIN, LIMIT_CERT_DOMAIN_S };
const struct plan_rate plan_rate_same = { LIMIT_CERT_SAME, LIMIT_CERT_SAME_S };

/* One number is enough: how far in the future the bucket is full says how much of it is gone. */
int64_t
plan_bucket_wait_s(const struct plan_bucket *b, const struct plan_rate *r, int64_t now_s)
{
	int64_t may_s = b->full_s - (r->burst - 1) * r->period_s;

	check(r->burst > 0 && r->period_s > 0);
	return may_s > now_s ? may_s - now_s : 0;
}

void
plan_bucket_take(struct plan_bucket *b, const struct plan_rate *r, int64_t now_s)
{
	b->full_s = (b->full_s > now_s ? b->full_s : now_s) + r->period_s;
}

int64_t
plan_same_wait_s(const int64_t *orders_s, size_t n, int64_t now_s)
{
	struct plan_bucket b = { 0 };

	check((int64_t)n >= plan_rate_same.burst); /* fewer could not tell */
	for (size_t i = n; i > 0; i--)
		if (orders_s[i - 1] != 0)
			plan_bucket_take(&b, &plan_rate_same, orders_s[i - 1]);
	return plan_bucket_wait_s(&b, &plan_rate_same, now_s);
}

/*
 * Two labels; three where the last one is of a country and the one before is short, as in "co.uk".
 * With too many labels less is counted together than the CA does, so in doubt it is fewer.
 */
struct slice
plan_registered(struct slice name)
{
	size_t dots[3], n = 0;

	for (size_t i = name.n; i > 0 && n < 3; i--)
		if (name.p[i - 1] == '.')
			dots[n++] = i;
	if (n < 2)
		return name;
	if (n == 3 && name.n - dots[0] == 2 && dots[0] - 1 - dots[1] <= 3)
		return slice_from(name, dots[2]);
	if (n == 2 && name.n - dots[0] == 2 && dots[0] - 1 - dots[1] <= 3)
		return name;
	return slice_from(name, dots[1]);
}

/* --- when --- */

int64_t
plan_renewal_s(const struct plan_life *l)
{
	if (l->not_after_s == 0)
		return 0;
	return renewal_at_s(l->not_before_s, l->not_after_s, l->window, l->random);
}

int64_t
plan_retry_s(const struct acme_failure *f, unsigned failures, const struct plan_life *l,
    unsigned n_ways, int64_t now_s, uint64_t random)
{
	/* Without a certificate there is no life to be short: a day is the longest pause. */
	int64_t life_s = l->not_after_s != 0 ? l->not_after_s - l->not_before_s : 30 * DAY_S;
	int64_t at_s;

	check(failures > 0);
	if (f->blame == ACME_UNPROVEN && n_ways > 1)
		failures++;
	at_s = now_s + renewal_pause_s(failures, life_s, random);
	return f->retry_at_s > at_s ? f->retry_at_s : at_s;
}

/* Spread over a sixth, so that certificates of one day do not ask in one second for ever. */
int64_t
plan_ask_s(int64_t ask_again_s, int64_t now_s, uint64_t random)
{
	int64_t pause_s = ask_again_s < LIMIT_CERT_ASK_S ? ask_again_s : LIMIT_CERT_ASK_S;

	check(pause_s > 0);
	return now_s + pause_s + (int64_t)(random % (uint64_t)(pause_s / 6 + 1));
}

/* --- how --- */

unsigned
plan_can(const struct ident *id, const struct plan_ways *w)
{
	unsigned can = (w->dns ? CHALLENGE_CAN(CHALLENGE_DNS) : 0) |
		       (w->alpn ? CHALLENGE_CAN(CHALLENGE_ALPN) : 0) |
		       (w->http ? CHALLENGE_CAN(CHALLENGE_HTTP) : 0);

	if (w->allowed != 0)
		can = (can | CHALLENGE_CAN(CHALLENGE_PERSIST)) & w->allowed;
	return can & challenge_possible(id);
}

/* --- whom --- */

size_t
plan_ca(size_t n_cas, size_t at, int64_t down_since_s, int64_t now_s)
{
	check(n_cas > 0);
	if (at >= n_cas)
		at = 0; /* the configuration has become shorter */
	if (down_since_s == 0 || now_s - down_since_s < LIMIT_CERT_DOWN_S)
		return at;
	return (at + 1) % n_cas;
}
