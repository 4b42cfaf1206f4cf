/* SPDX-License-Identifier: Apache-2.0 */
/* Counts requests by status and time, without a lock and without a loop over the buckets. */
#include "edge/core/tally.h"

#include "edge/core/counters.h"

#define MS(n) ((n)*INT64_C(1000))
const int64_t tally_bounds_us[TALLY_BOUNDS] = { MS(1), MS(2), MS(4), MS(8), MS(16), MS(32), MS(64),
	MS(128), MS(256), MS(512), MS(1024), MS(2048), MS(4096), MS(8192), MS(16384), MS(32768),
	MS(65536) };

/* The lowest bound that is not below; a bound itself belongs to its own bucket ("le"). */
static unsigned
bucket_of(int64_t us)
{
	uint64_t ms = ((uint64_t)us + 999) / 1000; /* rounded up: 1.001 ms is above 1 ms */
	unsigned at = ms <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(ms - 1);

	return at < TALLY_BOUNDS ? at : TALLY_BOUNDS;
}

void
tally_add(struct tally *f, unsigned status, int64_t took_us, int64_t now_ms)
{
	/* An origin may answer 999 (RFC 9110 15: such an answer reads as 5xx). */
	unsigned class = status < 600 ? status / 100 : 5;

	check(took_us >= 0); /* the loop's clock never goes back */
	counter_add(&f->by_class[class], 1);
	atomic_store_explicit(&f->last_ms, now_ms, memory_order_relaxed);
	if (status == 101)
		return;
	counter_add(&f->took[bucket_of(took_us)], 1);
	counter_add(&f->took_us, (uint64_t)took_us);
}

static uint64_t
read_one(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void
tally_sum(const struct tally *f, struct tally_sum *sum)
{
	int64_t last_ms = atomic_load_explicit(&f->last_ms, memory_order_relaxed);

	for (size_t i = 0; i < TALLY_CLASSES; i++)
		sum->by_class[i] += read_one(&f->by_class[i]);
	for (size_t i = 0; i <= TALLY_BOUNDS; i++)
		sum->took[i] += read_one(&f->took[i]);
	sum->took_us += read_one(&f->took_us);
	if (last_ms > sum->last_ms)
		sum->last_ms = last_ms;
}

uint64_t
tally_requests(const struct tally_sum *sum)
{
	uint64_t n = 0;

	for (size_t i = 0; i < TALLY_CLASSES; i++)
		n += sum->by_class[i];
	return n;
}

int64_t
tally_quantile_us(const struct tally_sum *sum, double share)
{
	uint64_t n = 0, so_far = 0;

	check(share > 0 && share < 1);
	for (size_t i = 0; i <= TALLY_BOUNDS; i++)
		n += sum->took[i];
	if (n == 0)
		return 0;
	for (size_t i = 0; i < TALLY_BOUNDS; i++) {
		so_far += sum->took[i];
		if ((double)so_far >= share * (double)n)
			return tally_bounds_us[i];
	}
	return tally_bounds_us[TALLY_BOUNDS - 1];
}
