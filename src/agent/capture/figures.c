/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of tunnels, and how long their exchanges took: two spans of five minutes each. */
#include "agent/capture/figures.h"

#include "base/limits.h"

#include <stdlib.h>

#define SPAN_US 300000000

int
figures_init(struct figures *f)
{
	f->tunnels = calloc(LIMIT_AGENT_TUNNELS, sizeof(*f->tunnels));
	return f->tunnels == NULL ? -1 : 0;
}

void
figures_fini(struct figures *f)
{
	free(f->tunnels);
	f->tunnels = NULL;
}

static struct figures_tunnel *
of(const struct figures *f, size_t tunnel)
{
	check(tunnel < LIMIT_AGENT_TUNNELS);
	return &f->tunnels[tunnel];
}

void
figures_anew(struct figures *f, size_t tunnel)
{
	*of(f, tunnel) = (struct figures_tunnel){ 0 };
}

void
figures_begun(struct figures *f, size_t tunnel, bool listed)
{
	struct tunnel_figures *c = &of(f, tunnel)->counts;

	c->requests++;
	c->open++;
	if (!listed)
		c->unlisted++;
}

static size_t
bucket_of(int64_t took_us)
{
	uint64_t v = took_us < 0 ? 0 : (uint64_t)took_us;
	size_t e;

	if (v >> 40 != 0)
		v = ((uint64_t)1 << 40) - 1;
	if (v < 8)
		return (size_t)v;
	e = 63 - (size_t)__builtin_clzll(v);
	return (e - 2) * 8 + (size_t)(v >> (e - 3) & 7);
}

static int64_t
middle_of(size_t bucket)
{
	size_t e = bucket / 8 + 2;

	if (bucket < 16)
		return (int64_t)bucket;
	return ((int64_t)(8 + bucket % 8) << (e - 3)) + ((int64_t)1 << (e - 3)) / 2;
}

/* Begins new spans as often as five minutes have passed; two of them have none of the old ones. */
static void
turn_over(struct figures_tunnel *t, int64_t now_us)
{
	if (now_us - t->span_us < SPAN_US)
		return;
	if (now_us - t->span_us < 2 * (int64_t)SPAN_US)
		memcpy(t->took[1], t->took[0], sizeof(t->took[0]));
	else
		memset(t->took[1], 0, sizeof(t->took[1]));
	memset(t->took[0], 0, sizeof(t->took[0]));
	t->span_us = now_us;
}

void
figures_ended(struct figures *f, size_t tunnel, int64_t took_us, bool failed, int64_t now_us)
{
	struct figures_tunnel *t = of(f, tunnel);

	check(t->counts.open > 0);
	t->counts.open--;
	if (failed)
		t->counts.failed++;
	turn_over(t, now_us);
	t->took[0][bucket_of(took_us)]++;
}

void
figures_refused(struct figures *f, size_t tunnel)
{
	of(f, tunnel)->counts.refused++;
}

void
figures_inbox(struct figures *f, size_t tunnel, uint64_t wait, uint64_t parked, int64_t oldest_ms)
{
	struct tunnel_figures *c = &of(f, tunnel)->counts;

	c->wait = wait;
	c->parked = parked;
	c->oldest_ms = oldest_ms;
}

/* The middle of the bucket in which the exchange stands that so many thousandths are faster than. */
static int64_t
percentile(const struct figures_tunnel *t, uint64_t total, uint64_t thousandths)
{
	uint64_t want = (total * thousandths + 999) / 1000, seen = 0;

	for (size_t i = 0; i < FIGURES_BUCKETS; i++) {
		seen += (uint64_t)t->took[0][i] + t->took[1][i];
		if (seen >= want)
			return middle_of(i);
	}
	return 0;
}

void
figures_of(const struct figures *f, size_t tunnel, int64_t now_us, struct tunnel_figures *ret)
{
	struct figures_tunnel t = *of(f, tunnel);
	uint64_t total = 0;

	turn_over(&t, now_us);
	for (size_t i = 0; i < FIGURES_BUCKETS; i++)
		total += (uint64_t)t.took[0][i] + t.took[1][i];
	*ret = t.counts;
	if (total == 0)
		return;
	ret->p50_us = percentile(&t, total, 500);
	ret->p90_us = percentile(&t, total, 900);
	ret->p99_us = percentile(&t, total, 990);
}
