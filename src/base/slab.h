/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one type with a stated maximum: a pool of pages that are cut into
 * objects.  Objects come zeroed.  Pages are kept until slab_fini(), so a pointer
 * to a freed object never leaves the slab.
 */
#ifndef ADIT_BASE_SLAB_H
#define ADIT_BASE_SLAB_H

#include "base/check.h"

#include <stddef.h>

struct slab {
	void *free;
	void *pages;
	size_t object_bytes, n_out, n_total, n_max;
};

void slab_init(struct slab *s, size_t object_bytes, size_t n_max);
void slab_fini(struct slab *s);
/* Zeroed, or NULL at the maximum or without memory. */
void *slab_get(struct slab *s) must_use;
void slab_put(struct slab *s, void *object);

#endif
