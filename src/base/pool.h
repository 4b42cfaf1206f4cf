/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A per-thread store of blocks of one size.  Blocks that come back are kept for
 * reuse up to `n_keep` and freed beyond it, so that idle connections hold none
 * and a burst does not stay in memory for ever.  `n_max` is the ceiling: past
 * it pool_get() gives NULL, which callers turn into waiting or into 503.
 */
#ifndef ADIT_BASE_POOL_H
#define ADIT_BASE_POOL_H

#include "base/check.h"

#include <stddef.h>

struct pool {
	void *free; /* chain through the first word of each block */
	size_t block_bytes;
	size_t n_free, n_out;
	size_t n_keep, n_max;
};

void pool_init(struct pool *p, size_t block_bytes, size_t n_keep, size_t n_max);
/* Checks that every block came back. */
void pool_fini(struct pool *p);
/* Not zeroed.  NULL at the ceiling or without memory. */
void *pool_get(struct pool *p) must_use;
void pool_put(struct pool *p, void *block);

#endif
