/* SPDX-License-Identifier: Apache-2.0 */
/* The rates of the capture, second by second. */
#include "agent/capture/governor.h"

#include "base/limits.h"

/* Of those above the rate, so many have one that is shown. */
#define SAMPLE 256

static void
turn_over(struct governor *g, int64_t now_us)
{
	if (now_us - g->second_us < 1000000)
		return;
	*g = (struct governor){ .second_us = now_us };
}

enum governor_verdict
governor_ask(struct governor *g, int64_t now_us)
{
	turn_over(g, now_us);
	if (++g->exchanges > LIMIT_CAPTURE_EXCHANGES_RATE)
		return g->exchanges % SAMPLE == 0 ? GOVERNOR_SAMPLE : GOVERNOR_COUNT;
	return g->bytes > LIMIT_CAPTURE_BYTES_RATE ? GOVERNOR_HEADS : GOVERNOR_ALL;
}

bool
governor_allows(struct governor *g, int64_t now_us)
{
	turn_over(g, now_us);
	return g->bytes <= LIMIT_CAPTURE_BYTES_RATE;
}
