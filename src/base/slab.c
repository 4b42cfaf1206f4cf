/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one type, cut out of pages (slab.h). */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_OBJECTS 32

void
slab_init(struct slab *s, size_t object_bytes, size_t n_max)
{
	size_t align = _Alignof(max_align_t);

	*s = (struct slab){ .object_bytes = (object_bytes + align - 1) / align * align,
		.n_max = n_max };
}

void
slab_fini(struct slab *s)
{
	check(s->n_out == 0);
	while (s->pages != NULL) {
		void *page = s->pages;

		memcpy(&s->pages, page, sizeof(void *));
		free(page);
	}
	s->free = NULL;
	s->n_total = 0;
}

static void
push_free(struct slab *s, void *object)
{
	memcpy(object, &s->free, sizeof(void *));
	s->free = object;
}

static int
add_page(struct slab *s)
{
	size_t n = PAGE_OBJECTS, head = _Alignof(max_align_t);
	char *page;

	if (n > s->n_max - s->n_total)
		n = s->n_max - s->n_total;
	if (n == 0)
		return -1;
	page = malloc(head + n * s->object_bytes);
	if (page == NULL)
		return -1;
	/* cppcheck-suppress pointerSize; a page begins with the address of the next one */
	memcpy(page, &s->pages, sizeof(void *));
	s->pages = page;
	for (size_t i = n; i-- > 0;)
		push_free(s, page + head + i * s->object_bytes);
	s->n_total += n;
	return 0;
}

void *
slab_get(struct slab *s)
{
	void *object;

	if (s->free == NULL && add_page(s) != 0)
		return NULL;
	object = s->free;
	memcpy(&s->free, object, sizeof(void *));
	memset(object, 0, s->object_bytes);
	s->n_out++;
	return object;
}

void
slab_put(struct slab *s, void *object)
{
	check(s->n_out > 0);
	s->n_out--;
	push_free(s, object);
}
