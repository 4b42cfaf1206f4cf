/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses between two attempts to reach the edge. */
#include "agent/link/retry.h"

#include "base/check.h"
#include "base/limits.h"

_Static_assert(LIMIT_RETRY_MS_MAX <= RETRY_FLOOR_MS_MAX,
    "a pause of ours is no longer than the edge's");

int64_t
retry_pause_ms(struct retry *r, uint32_t floor_ms, uint64_t random)
{
	uint64_t low = LIMIT_RETRY_MS_MIN, high = LIMIT_RETRY_MS_MIN;

	r->n_failed++;
	for (unsigned i = 0; i < r->n_failed && high < LIMIT_RETRY_MS_MAX; i++)
		high *= 2;
	if (high > LIMIT_RETRY_MS_MAX)
		high = LIMIT_RETRY_MS_MAX;
	if (floor_ms > 0) {
		low = floor_ms < RETRY_FLOOR_MS_MAX ? floor_ms : RETRY_FLOOR_MS_MAX;
		high = low + LIMIT_RETRY_MS_MIN;
	}
	check(low <= high && high <= RETRY_FLOOR_MS_MAX + LIMIT_RETRY_MS_MIN);
	return (int64_t)(low + random % (high - low + 1));
}

void
retry_lived(struct retry *r, int64_t lived_us)
{
	check(lived_us >= 0);
	if (lived_us >= (int64_t)LIMIT_STABLE_MS * 1000)
		r->n_failed = 0;
}
