/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list with a head; a node that is in no list points to itself. */
#ifndef ADIT_BASE_LIST_H
#define ADIT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The object of type `type` that holds the node `ptr` in its `member`. */
#define list_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* node must be in no list: nothing here could tell. */
static inline void
list_insert_before(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

/* At the end: l is the head, and before it stands the last one. */
static inline void
list_push(struct list *l, struct list *node)
{
	list_insert_before(l, node);
}

static inline void
list_push_front(struct list *l, struct list *node)
{
	list_insert_before(l->next, node);
}

/* Takes a node out; harmless when it is in no list (but was initialised). */
static inline void
list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = node;
}

/* The first, taken out; NULL when there is none. */
static inline struct list *
list_pop(struct list *l)
{
	struct list *node = l->next;

	if (node == l)
		return NULL;
	list_del(node);
	return node;
}

/* Moves all nodes of `from` to the end of `to`. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* The body may delete `it`, but not the one behind it, which is known already. */
#define LIST_EACH(it, l)                                                                           \
	for (struct list *it = (l)->next, *it##_next = it->next; it != (l);                        \
	     it = it##_next, it##_next = it->next)

#endif
