/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one type with a stated maximum: a pool of pages that are cut into
 * objects.  Objects come zeroed, or their first bytes do.  A page none of whose objects is out goes back,
 * but for a few, so a burst does not stay in memory for ever.
 */
#ifndef ADIT_BASE_SLAB_H
#define ADIT_BASE_SLAB_H

#include "base/check.h"
#include "base/list.h"

struct slab {
	struct list pages; /* those with free objects; those with nothing else come last */
	size_t object_bytes, zeroed_bytes, n_out, n_total, n_max,
	    n_idle; /* the last: pages with nothing out */
};

void slab_init(struct slab *s, size_t object_bytes, size_t n_max);
/* From now on only so many bytes of an object come zeroed: those behind them are large, and whoever gets
 * it sets what he reads of them. */
void slab_zeroes(struct slab *s, size_t bytes);
void slab_fini(struct slab *s);
/* Zeroed, or NULL at the maximum or without memory. */
void *slab_get(struct slab *s) must_use;
void slab_put(struct slab *s, void *object);

#endif
