/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive hash map: the node lives in the object, the map holds only the
 * table of chains, which is allocated on the first insert and doubles.  Hashes
 * of bytes that a stranger chose come from map_hash() (SipHash-1-3 under a
 * random key of this process), so that nobody can build collisions.
 */
#ifndef ADIT_BASE_MAP_H
#define ADIT_BASE_MAP_H

#include "base/check.h"
#include "base/slice.h"

struct map_node {
	/*
	 * In its chain. The hash is kept, so growing and searching look at no key but
	 * those that match.
	 */
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **chains;
	size_t n_chains; /* a power of two, or 0 */
	size_t n;
};

#define map_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

uint64_t map_hash(struct slice key);
/* For numbers that a stranger cannot choose freely. */
static inline uint64_t
map_hash_u64(uint64_t v)
{
	v ^= v >> 32;
	v *= 0x9E3779B97F4A7C15u;
	return v ^ (v >> 29);
}

void map_init(struct map *m);
/* Frees the table, not the objects. */
void map_fini(struct map *m);
/* 0, or -1 when there is no memory for the table.  Does not look for duplicates. */
int map_put(struct map *m, struct map_node *node, uint64_t hash) must_use;
void map_del(struct map *m, struct map_node *node);
/* The first node of that hash; go on with map_next_same(). */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next_same(const struct map_node *node);
/* Walks all: start with NULL.  The node last returned may be
 * deleted only through map_take_any(). */
struct map_node *map_walk(const struct map *m, const struct map_node *at);
/* Removes any one node and returns it, NULL when empty: for tearing down. */
struct map_node *map_take_any(struct map *m);

#endif
