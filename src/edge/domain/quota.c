/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the new own domains of the last hour. */
#include "edge/domain/quota.h"

#include <string.h>

#define HOUR_MS (3600 * INT64_C(1000))

/* A clock that was set back makes nobody wait for longer than an hour. */
static bool
is_recent(int64_t at_ms, int64_t now_ms)
{
	return at_ms != 0 && now_ms - at_ms < HOUR_MS && at_ms <= now_ms;
}

bool
quota_take(struct quota *q, const char *account, int64_t now_ms, int64_t *ret_wait_ms)
{
	size_t cap = sizeof(q->last) / sizeof(*q->last), n = 0;

	/* From the newest to the oldest: the one that makes room is the fifth of this account. */
	for (size_t i = 0; i < cap; i++) {
		size_t at = (q->at + cap - 1 - i) % cap;

		if (!is_recent(q->last[at].at_ms, now_ms) ||
		    strcmp(q->last[at].account, account) != 0)
			continue;
		if (++n == LIMIT_DOMAINS_NEW_PER_ACCOUNT) {
			*ret_wait_ms = HOUR_MS - (now_ms - q->last[at].at_ms);
			return false;
		}
	}
	if (is_recent(q->last[q->at].at_ms, now_ms)) {
		*ret_wait_ms = HOUR_MS - (now_ms - q->last[q->at].at_ms);
		return false;
	}
	q->last[q->at].at_ms = now_ms;
	strncpy(q->last[q->at].account, account, sizeof(q->last[0].account) - 1);
	q->at = (q->at + 1) % cap;
	return true;
}
