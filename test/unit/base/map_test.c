/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/rand.h"
#include "unit.h"

struct item {
	struct map_node node;
	uint64_t key;
	bool in;
};

static struct item *
find(const struct map *m, uint64_t key, uint64_t hash)
{
	for (struct map_node *n = map_first(m, hash); n != NULL; n = map_next_same(n))
		if (map_of(n, struct item, node)->key == key)
			return map_of(n, struct item, node);
	return NULL;
}

TEST(empty)
{
	struct map m;

	map_init(&m);
	EXPECT(map_first(&m, 1) == NULL);
	EXPECT(map_walk(&m, NULL) == NULL);
	EXPECT(map_take_any(&m) == NULL);
	EXPECT(m.chains == NULL); /* nothing is allocated before the first insert */
	map_fini(&m);
}

/* Random puts and dels beside a plain array; few hashes, so that many nodes share one. */
static void
against_model(uint64_t n_hashes)
{
	enum { ITEMS = 500, MOVES = 20000 };
	static struct item items[ITEMS];
	struct map m;
	size_t n = 0, walked = 0;

	memset(items, 0, sizeof(items));
	map_init(&m);
	for (int move = 0; move < MOVES; move++) {
		uint64_t key = rand_below(ITEMS);
		struct item *it = &items[key];
		uint64_t hash = map_hash_u64(key % n_hashes);

		EXPECT(find(&m, key, hash) == (it->in ? it : NULL));
		if (it->in) {
			map_del(&m, &it->node);
			n--;
		} else {
			it->key = key;
			EXPECT(map_put(&m, &it->node, hash) == 0);
			n++;
		}
		it->in = !it->in;
		if (m.n != n) {
			EXPECT_INT(m.n, n);
			break;
		}
	}
	for (struct map_node *at = NULL; (at = map_walk(&m, at)) != NULL; walked++)
		EXPECT(map_of(at, struct item, node)->in);
	EXPECT_INT(walked, n);
	while (map_take_any(&m) != NULL)
		n--;
	EXPECT_INT(n, 0);
	map_fini(&m);
}

TEST(many_hashes)
{
	against_model(100000);
}

TEST(few_hashes)
{
	against_model(7);
}

TEST(a_burst_is_given_back)
{
	static struct item items[1000];
	struct map m;

	map_init(&m);
	for (size_t i = 0; i < 1000; i++)
		EXPECT(map_put(&m, &items[i].node, map_hash_u64(i)) == 0);
	EXPECT(m.n_chains >= 1000);
	for (size_t i = 0; i < 1000; i++)
		map_del(&m, &items[i].node);
	EXPECT(m.chains == NULL);
	EXPECT(map_put(&m, &items[0].node, 5) == 0);
	EXPECT(map_first(&m, 5) == &items[0].node);
	map_fini(&m);
}

/* The key of the process is random: only what must hold for any key can be tested. */
TEST(hash_of_bytes)
{
	char bytes[64] = { 0 };
	uint64_t seen[64];

	for (size_t n = 0; n < 64; n++) {
		seen[n] = map_hash(slice_of(bytes, n));
		EXPECT(seen[n] == map_hash(slice_of(bytes, n)));
		for (size_t i = 0; i < n; i++)
			EXPECT(seen[i] != seen[n]); /* length counts */
	}
	for (size_t i = 0; i < 64; i++) {
		bytes[i] = 1;
		EXPECT(map_hash(slice_of(bytes, 64)) != map_hash(slice_of(bytes + 1, 63)));
		EXPECT(map_hash(slice_of(bytes, 64)) != seen[63]);
		bytes[i] = 0;
	}
}

TESTS(TEST_ROW(empty) TEST_ROW(many_hashes) TEST_ROW(few_hashes) TEST_ROW(a_burst_is_given_back)
	TEST_ROW(hash_of_bytes))
