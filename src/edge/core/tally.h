/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted of requests: by class of status, and how long they took, in buckets whose bounds
 * double from 1 ms to 65.536 s.  A worker has one for all of its requests, a route one for its own.
 *
 * One thread writes at a time and anybody reads.  While a route goes from one worker to another a
 * count may be lost; nothing is ever torn.
 */
#ifndef ADIT_EDGE_CORE_TALLY_H
#define ADIT_EDGE_CORE_TALLY_H

#include "base/check.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_CLASSES 6 /* [0]: the visitor left before any answer; 1xx to 5xx */
#define TALLY_BOUNDS 17 /* and one bucket above them all */

struct tally {
	_Atomic uint64_t by_class[TALLY_CLASSES];
	_Atomic uint64_t took[TALLY_BOUNDS + 1], took_us;
	_Atomic int64_t last_ms; /* wall clock of the newest one, 0: none yet */
};

/* A sum of some, which nobody else writes. */
struct tally_sum {
	uint64_t by_class[TALLY_CLASSES], took[TALLY_BOUNDS + 1], took_us;
	int64_t last_ms;
};

extern const int64_t tally_bounds_us[TALLY_BOUNDS];

/* status 0: none. What was upgraded (101) took as long as people talked: its time is not counted. */
void tally_add(struct tally *f, unsigned status, int64_t took_us, int64_t now_ms);
void tally_sum(const struct tally *f, struct tally_sum *sum);
uint64_t tally_requests(const struct tally_sum *sum);
/* The bound below which `share` of all lie, 0 < share < 1; the highest one where none is; 0 of nothing. */
int64_t tally_quantile_us(const struct tally_sum *sum, double share);

#endif
