/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of one size that are kept for reuse (pool.h). */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

void
pool_init(struct pool *p, size_t block_bytes, size_t n_keep, size_t n_max)
{
	check(block_bytes >= sizeof(void *));
	*p = (struct pool){ .block_bytes = block_bytes, .n_keep = n_keep, .n_max = n_max };
}

void
pool_fini(struct pool *p)
{
	check(p->n_out == 0);
	while (p->free != NULL) {
		void *block = p->free;

		memcpy(&p->free, block, sizeof(void *));
		free(block);
		p->n_free--;
	}
	check(p->n_free == 0); /* the chain was as long as was counted */
}

void *
pool_get(struct pool *p)
{
	void *block = p->free;

	check((block != NULL) == (p->n_free > 0));
	if (block != NULL) {
		memcpy(&p->free, block, sizeof(void *));
		p->n_free--;
	} else {
		/* Only what is out counts: kept blocks are used before new ones are made. */
		if (p->n_out >= p->n_max)
			return NULL;
		block = malloc(p->block_bytes);
		if (block == NULL)
			return NULL;
	}
	p->n_out++;
	return block;
}

void
pool_put(struct pool *p, void *block)
{
	check(p->n_out > 0);
	p->n_out--;
	if (p->n_free >= p->n_keep) {
		free(block);
		return;
	}
	/* Last in, first out: what was used last is still in the cache. */
	memcpy(block, &p->free, sizeof(void *));
	p->free = block;
	p->n_free++;
}
