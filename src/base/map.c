/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map whose nodes live in the objects (map.h). */
#include "base/map.h"

#include "base/rand.h"

#include <pthread.h>
#include <stdlib.h>

#define CHAINS_KEPT 64 /* of a map that has become empty */

static uint64_t key0, key1;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
key_make(void)
{
	rand_bytes(&key0, sizeof(key0));
	rand_bytes(&key1, sizeof(key1));
}

/* x rotated left by b bits. */
#define ROTL(x, b) (uint64_t)(((x) << (b)) | ((x) >> (64 - (b))))

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012). */
uint64_t
map_hash(struct slice key)
{
	uint64_t v[4], word;
	size_t left = key.n;
	const char *p = key.p;

	pthread_once(&key_once, key_make);
	v[0] = key0 ^ 0x736f6d6570736575u;
	v[1] = key1 ^ 0x646f72616e646f6du;
	v[2] = key0 ^ 0x6c7967656e657261u;
	v[3] = key1 ^ 0x7465646279746573u;
	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)key.n << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)(unsigned char)p[i] << (8 * i);
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_fini(struct map *m)
{
	free(m->chains);
	*m = (struct map){ 0 };
}

/*
 * Hashes are kept in the nodes, so moving them needs no key. Without memory the chains get
 * longer, which is slower and nothing else; only the first table must be had.
 */
static int
grow(struct map *m)
{
	size_t n = m->n_chains == 0 ? 16 : m->n_chains * 2;
	struct map_node **chains = calloc(n, sizeof(*chains));

	if (chains == NULL)
		return m->n_chains == 0 ? -1 : 0; /* a full table still works */
	for (size_t i = 0; i < m->n_chains; i++) {
		struct map_node *node = m->chains[i], *next;

		for (; node != NULL; node = next) {
			next = node->next;
			node->next = chains[node->hash & (n - 1)];
			chains[node->hash & (n - 1)] = node;
		}
	}
	free(m->chains);
	m->chains = chains;
	m->n_chains = n;
	return 0;
}

/* A table doubles at one node a chain on average. */
int
map_put(struct map *m, struct map_node *node, uint64_t hash)
{
	if (m->n >= m->n_chains && grow(m) != 0)
		return -1;
	node->hash = hash;
	node->next = m->chains[hash & (m->n_chains - 1)];
	m->chains[hash & (m->n_chains - 1)] = node;
	m->n++;
	return 0;
}

/* Links are single, so the chain is followed from its head: it has one or two nodes. */
void
map_del(struct map *m, struct map_node *node)
{
	struct map_node **at;

	check(m->n_chains > 0);
	at = &m->chains[node->hash & (m->n_chains - 1)];
	while (*at != node) {
		check(*at != NULL);
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	m->n--;
	if (m->n == 0 && m->n_chains > CHAINS_KEPT)
		map_fini(m); /* a burst does not stay in memory for ever */
}

struct map_node *
map_first(const struct map *m, uint64_t hash)
{
	struct map_node *node;

	if (m->n_chains == 0)
		return NULL;
	node = m->chains[hash & (m->n_chains - 1)];
	while (node != NULL && node->hash != hash)
		node = node->next;
	return node;
}

struct map_node *
map_next_same(const struct map_node *node)
{
	struct map_node *at = node->next;

	while (at != NULL && at->hash != node->hash)
		at = at->next;
	return at;
}

struct map_node *
map_walk(const struct map *m, const struct map_node *at)
{
	size_t i = 0;

	if (m->n_chains == 0)
		return NULL;
	if (at != NULL) {
		if (at->next != NULL)
			return at->next;
		i = (at->hash & (m->n_chains - 1)) + 1;
	}
	for (; i < m->n_chains; i++)
		if (m->chains[i] != NULL)
			return m->chains[i];
	return NULL;
}

struct map_node *
map_take_any(struct map *m)
{
	struct map_node *node = map_walk(m, NULL);

	check((node == NULL) == (m->n == 0)); /* what is counted can be reached */
	if (node != NULL)
		map_del(m, node);
	return node;
}
