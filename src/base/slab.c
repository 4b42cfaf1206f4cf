/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of objects; before each object stands the address of its page (slab.h). */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_OBJECTS 32
#define PAGES_KEPT 2
#define HEAD_BYTES _Alignof(max_align_t)

/*
 *	| struct slab_page | head object | head object | ... |
 *
 * head: the address of the page, so that slab_put() needs no search. It takes as many bytes as the
 * strictest alignment of an object asks for.
 */
struct slab_page {
	_Alignas(max_align_t) struct list node;
	void *free; /* chain through the first word of each object */
	size_t n, n_out;
};

void
slab_init(struct slab *s, size_t object_bytes, size_t n_max)
{
	size_t align = HEAD_BYTES;

	check(object_bytes > 0); /* the chain of free objects runs through them */
	*s = (struct slab){
		.object_bytes = (object_bytes + align - 1) / align * align,
		.n_max = n_max,
	};
	s->zeroed_bytes = s->object_bytes;
	list_init(&s->pages);
}

void
slab_zeroes(struct slab *s, size_t bytes)
{
	check(bytes <= s->object_bytes);
	s->zeroed_bytes = bytes;
}

static struct slab_page *
page_of(struct list *node)
{
	return list_of(node, struct slab_page, node);
}

static void
free_page(struct slab *s, struct slab_page *page)
{
	list_del(&page->node);
	s->n_total -= page->n;
	free(page);
}

void
slab_fini(struct slab *s)
{
	check(s->n_out == 0);
	while (s->pages.next != NULL && !list_empty(&s->pages))
		free_page(s, page_of(s->pages.next));
	check(s->n_total == 0); /* with nothing out, every page was in the list */
	s->n_idle = 0;
}

static void
push_free(struct slab_page *page, void *object)
{
	memcpy(object, &page->free, sizeof(void *));
	page->free = object;
}

static int
add_page(struct slab *s)
{
	size_t n = PAGE_OBJECTS, step = HEAD_BYTES + s->object_bytes;
	struct slab_page *page;

	check(s->n_total <= s->n_max);
	if (n > s->n_max - s->n_total)
		n = s->n_max - s->n_total;
	if (n == 0)
		return -1;
	page = malloc(sizeof(*page) + n * step);
	if (page == NULL)
		return -1;
	*page = (struct slab_page){ .n = n };
	for (size_t i = n; i-- > 0;) {
		char *head = (char *)(page + 1) + i * step;

		/* cppcheck-suppress pointerSize; the address of the page is what stands there */
		memcpy(head, &page, sizeof(void *));
		push_free(page, head + HEAD_BYTES);
	}
	list_push(&s->pages, &page->node);
	s->n_total += n;
	s->n_idle++;
	return 0;
}

void *
slab_get(struct slab *s)
{
	struct slab_page *page;
	void *object;

	if (list_empty(&s->pages) && add_page(s) != 0)
		return NULL;
	/*
	 * Every page of the list has a free object; those in use come first, so
	 * that others empty.
	 */
	page = page_of(s->pages.next);
	object = page->free;
	memcpy(&page->free, object, sizeof(void *));
	memset(object, 0, s->zeroed_bytes);
	if (page->n_out++ == 0)
		s->n_idle--;
	if (page->free == NULL)
		list_del(&page->node);
	s->n_out++;
	check(page->n_out <= page->n && s->n_out <= s->n_total);
	return object;
}

void
slab_put(struct slab *s, void *object)
{
	struct slab_page *page;

	check(s->n_out > 0);
	s->n_out--;
	memcpy(&page, (char *)object - HEAD_BYTES, sizeof(void *));
	check(page->n_out > 0); /* else it was given back before */
	/* It was full, and so in no list. */
	if (page->free == NULL)
		list_push_front(&s->pages, &page->node);
	push_free(page, object);
	if (--page->n_out > 0)
		return;
	s->n_idle++;
	if (s->n_idle > PAGES_KEPT) {
		s->n_idle--;
		free_page(s, page);
		return;
	}
	/* To the end: it is used last, and may be given back. */
	list_del(&page->node);
	list_push(&s->pages, &page->node);
}
