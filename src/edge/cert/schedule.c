/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate is next, and whether its CA may be asked for it now. */
#include "edge/cert/cert_private.h"

#include "base/rand.h"

#include <stdlib.h>

#define LOOK_S 60 /* the longest between two looks: the wall clock may have been set */

/* New certificates of a registered domain; there are as many as there are domains. */
struct domain_bucket {
	struct domain_bucket *next;
	struct plan_bucket bucket;
	char domain[];
};

void
certs_kick(struct certs *all)
{
	if (all->started && !all->stopped)
		loop_timer_set(all->home.loop, &all->tick, 1000);
}

/* --- buckets --- */

/* NULL without memory: then nothing is counted, and the CA says so if it was too much. */
static struct plan_bucket *
bucket_of(struct certs *all, const char *name)
{
	struct slice domain = plan_registered(slice_str(name));
	struct domain_bucket *b = all->domains;

	while (b != NULL && !slice_eq(slice_str(b->domain), domain))
		b = b->next;
	if (b == NULL && (b = calloc(1, sizeof(*b) + domain.n + 1)) != NULL) {
		memcpy(b->domain, domain.p, domain.n);
		b->next = all->domains;
		all->domains = b;
	}
	return b == NULL ? NULL : &b->bucket;
}

void
certs_forget_domains(struct certs *all)
{
	struct domain_bucket *b;

	while ((b = all->domains) != NULL) {
		all->domains = b->next;
		free(b);
	}
}

/* A new one counts for its domain; a renewal does not (same names, or ARI). */
static bool
is_fresh(const struct cert *c)
{
	return c->row.live.chain == NULL;
}

void
certs_charge(struct certs *all, const struct cert *c)
{
	struct plan_bucket *b = bucket_of(all, c->row.names[0]);
	int64_t at_s = c->row.orders_s[0];

	if (b != NULL && is_fresh(c) && at_s != 0)
		plan_bucket_take(b, &plan_rate_domain, at_s);
}

/* Seconds until the CA may be asked for it. Who wants one now (forced) has looked at that himself. */
static int64_t
wait_s(struct cert *c, int64_t now_s)
{
	bool now = c->row.forced && c->row.failures == 0;
	int64_t w = now ? 0 : plan_same_wait_s(c->row.orders_s, ROW_ORDERS, now_s), d;
	struct plan_bucket *b = is_fresh(c) ? bucket_of(c->all, c->row.names[0]) : NULL;

	d = b == NULL ? 0 : plan_bucket_wait_s(b, &plan_rate_domain, now_s);
	return d > w ? d : w;
}

/* --- what is next --- */

int64_t
cert_due_s(const struct cert *c)
{
	struct plan_life l = cert_life(c);
	int64_t due_s, gap_s = c->row.orders_s[0] + LIMIT_ACME_ORDER_GAP_S;

	if (!cert_is_wanted(c))
		return INT64_MAX;
	due_s = c->row.forced || c->row.pending.text != NULL ? 0 : plan_renewal_s(&l);
	if (c->row.next_s > due_s)
		due_s = c->row.next_s;
	/* An order that is stored is gone on with; another one waits a minute. */
	if (c->row.orders_s[0] != 0 && c->row.pending.text == NULL && gap_s > due_s)
		due_s = gap_s;
	return due_s;
}

/* The one whose time came first, or NULL; and when there will be one, by *ret_next_s. */
static struct cert *
next_order(struct certs *all, int64_t now_s, int64_t *ret_next_s)
{
	int64_t best_s = INT64_MAX;
	struct cert *best = NULL;

	for (struct cert *c = all->first; c != NULL; c = c->next) {
		int64_t due_s =
		    c->state == CERT_RESTS && !keep_is_busy(&c->keep) ? cert_due_s(c) : INT64_MAX;
		int64_t may_s =
		    due_s > now_s || c->row.pending.text != NULL ? due_s : now_s + wait_s(c, now_s);

		if (may_s > now_s && may_s < *ret_next_s)
			*ret_next_s = may_s;
		if (may_s > now_s || due_s >= best_s)
			continue;
		best_s = due_s;
		best = c;
	}
	return best;
}

/* Its bucket is taken from where an order is new; one that goes on has been counted. */
static void
take(struct certs *all, struct cert *c, int64_t now_s)
{
	struct plan_bucket *b = is_fresh(c) ? bucket_of(all, c->row.names[0]) : NULL;

	if (b != NULL && c->row.pending.text == NULL)
		plan_bucket_take(b, &plan_rate_domain, now_s);
}

static void
begin_orders(struct certs *all, int64_t now_s, int64_t *ret_next_s)
{
	while (all->n_orders < LIMIT_CERT_ORDERS) {
		struct cert *c = next_order(all, now_s, ret_next_s);
		bool fresh = c != NULL && c->row.pending.text == NULL;

		if (c == NULL)
			return;
		if (!cert_order(c)) {
			/* It has moved, or its CA is busy with another kind of request: later. */
			if (c->state == CERT_RESTS && now_s + 1 < *ret_next_s)
				*ret_next_s = now_s + 1;
			return;
		}
		if (fresh)
			take(all, c, now_s);
	}
}

static bool
may_be_asked(const struct cert *c)
{
	return c->state == CERT_RESTS && !keep_is_busy(&c->keep) && c->row.live.chain != NULL &&
	       c->row.live.facts.id[0] != '\0' && cert_is_wanted(c);
}

static void
begin_asks(struct certs *all, int64_t now_s, int64_t *ret_next_s)
{
	for (struct cert *c = all->first; c != NULL; c = c->next) {
		if (!may_be_asked(c))
			continue;
		if (c->ask_s <= now_s && all->n_asks < LIMIT_CERT_ORDERS)
			cert_ask(c);
		else if (c->ask_s < *ret_next_s)
			*ret_next_s = c->ask_s > now_s ? c->ask_s : now_s + 1;
	}
}

/* What nobody wants any more is served to its end, and kept a month for whoever changes his mind. */
static void
discard_old(struct certs *all, int64_t now_s)
{
	for (struct cert *c = all->first; c != NULL; c = c->next) {
		int64_t end_s = c->row.live.chain == NULL
				    ? now_s
				    : c->row.live.facts.not_after_s + LIMIT_CERT_KEEP_S;

		if (c->state == CERT_RESTS && end_s <= now_s && !cert_is_wanted(c)) {
			certs_unwant(all, c->row.names[0]);
			return; /* one a look: it may be freed */
		}
	}
}

void
certs_on_tick(struct loop_timer *t)
{
	struct certs *all = list_of(t, struct certs, tick);
	int64_t now_s = certs_now_s(), next_s = now_s + LOOK_S;

	check(all->started && !all->stopped);
	jobs_go_on(all);
	begin_orders(all, now_s, &next_s);
	begin_asks(all, now_s, &next_s);
	discard_old(all, now_s);
	notice_look(all->notice);
	loop_timer_set(all->home.loop, t, (next_s > now_s ? next_s - now_s : 1) * 1000000);
}
