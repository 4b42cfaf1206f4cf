/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that come back with time (h2_bucket.h). */
#include "h2/h2_bucket.h"

#define MILLION INT64_C(1000000)

void
h2_bucket_init(struct h2_bucket *b, uint32_t burst, uint32_t rate, int64_t now_us)
{
	*b = (struct h2_bucket){ .burst = burst, .rate = rate, .at_us = now_us };
}

enum h2_level
h2_bucket_take(struct h2_bucket *b, int64_t now_us)
{
	int64_t passed_us = now_us > b->at_us ? now_us - b->at_us : 0;
	int64_t all_u = (int64_t)b->burst * MILLION;

	/* A microsecond forgives rate millionths; so long ago that it could overflow is all. */
	if (passed_us > 3600 * MILLION || passed_us * (int64_t)b->rate >= b->spent_u)
		b->spent_u = 0;
	else
		b->spent_u -= passed_us * (int64_t)b->rate;
	b->at_us = now_us;
	b->spent_u += MILLION;
	if (b->spent_u > all_u) {
		b->spent_u = all_u;
		return H2_EMPTY;
	}
	return b->spent_u > all_u / 4 * 3 ? H2_LOW : H2_ENOUGH;
}
