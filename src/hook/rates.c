/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets, and a table of them by address (rates.h). */
#include "hook/rates.h"

#include "base/limits.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows that an address may lie in. More cost more to look at; fewer are easier to push
 * others out of.
 */
#define WAYS 4

struct rates_row {
	unsigned char key[RATES_KEY_BYTES];
	struct rates_bucket bucket;
};

bool
rates_is_sane(double rate)
{
	return rate == 0 || (rate >= 1.0 / LIMIT_RATE_SECONDS && rate <= LIMIT_RATE_REQUESTS);
}

/* No product here leaves int64_t: rates and bursts are bounded where they come from. */
bool
rates_take(struct rates_bucket *b, double rate, double burst, int64_t now_us, int64_t *ret_wait_us)
{
	int64_t one, deep;

	check(rate > 0 && rates_is_sane(rate)); /* who has no rate has no bucket */
	/* one: how long the bucket takes to fill by one; deep: from empty to full. Both in us. */
	one = (int64_t)(1e6 / rate);
	deep = (int64_t)((burst < 1 ? 1 : burst) * 1e6 / rate);
	/* It was full for a while: what ran over is gone. */
	if (b->full_us < now_us)
		b->full_us = now_us;
	if (b->full_us + one > now_us + deep) {
		*ret_wait_us = b->full_us + one - deep - now_us;
		return false;
	}
	b->full_us += one;
	return true;
}

void
rates_give(struct rates_bucket *b, double rate)
{
	check(rate > 0 && rates_is_sane(rate));
	b->full_us -= (int64_t)(1e6 / rate);
}

void
rates_fini(struct rates *r)
{
	free(r->rows);
	r->rows = NULL;
}

/* Sets of WAYS rows; in a full set the one that is full again first is given up. */
struct rates_bucket *
rates_of(struct rates *r, const unsigned char key[RATES_KEY_BYTES])
{
	uint64_t h = map_hash(slice_of(key, RATES_KEY_BYTES));
	struct rates_row *set, *oldest;

	/* The hash is keyed: nobody can choose addresses that push a certain one out of its set. */
	if (r->rows == NULL)
		r->rows = calloc(LIMIT_RATE_SOURCES, sizeof(*r->rows));
	if (r->rows == NULL)
		return NULL;
	set = oldest = &r->rows[h % (LIMIT_RATE_SOURCES / WAYS) * WAYS];
	check(set + WAYS <= r->rows + LIMIT_RATE_SOURCES); /* sets divide the table */
	for (int i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, key, RATES_KEY_BYTES) == 0)
			return &set[i].bucket;
		if (set[i].bucket.full_us < oldest->bucket.full_us)
			oldest = &set[i];
	}
	memcpy(oldest->key, key, RATES_KEY_BYTES);
	oldest->bucket = (struct rates_bucket){ 0 };
	return &oldest->bucket;
}
