/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of tokens in a map under a lock. */
#include "edge/core/keyring.h"

#include "base/map.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

struct keyring {
	pthread_mutex_t lock;
	struct map map;
};

struct held_key {
	struct map_node node;
	char id[24]; /* lower case */
	struct keyring_key key;
};

static void
fold(struct slice s, char dst[24])
{
	slice_copy(s, dst, 24);
	for (; *dst != '\0'; dst++)
		if (*dst >= 'A' && *dst <= 'Z')
			*dst = (char)(*dst + ('a' - 'A'));
}

/* Under the lock. */
static struct held_key *
find(struct keyring *r, const char id[24])
{
	struct map_node *n = map_first(&r->map, map_hash(slice_str(id)));

	while (n != NULL && strcmp(map_of(n, struct held_key, node)->id, id) != 0)
		n = map_next_same(n);
	return n == NULL ? NULL : map_of(n, struct held_key, node);
}

static void
row_free(struct held_key *row)
{
	OPENSSL_cleanse(row, sizeof(*row));
	free(row);
}

struct keyring *
keyring_new(void)
{
	struct keyring *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	map_init(&r->map);
	return r;
}

void
keyring_free(struct keyring *r)
{
	struct map_node *n;

	if (r == NULL)
		return;
	while ((n = map_take_any(&r->map)) != NULL)
		row_free(map_of(n, struct held_key, node));
	map_fini(&r->map);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool
keyring_put(struct keyring *r, const struct keyring_key *k)
{
	struct held_key *row = calloc(1, sizeof(*row));
	bool good = row != NULL;

	if (row == NULL)
		return false;
	row->key = *k;
	fold(slice_str(k->id), row->id);
	keyring_drop(r, k->id);
	pthread_mutex_lock(&r->lock);
	good = map_put(&r->map, &row->node, map_hash(slice_str(row->id))) == 0;
	pthread_mutex_unlock(&r->lock);
	if (!good)
		row_free(row);
	return good;
}

void
keyring_drop(struct keyring *r, const char *id)
{
	struct held_key *row;
	char low[24];

	fold(slice_str(id), low);
	pthread_mutex_lock(&r->lock);
	row = find(r, low);
	if (row != NULL) {
		map_del(&r->map, &row->node);
		row_free(row);
	}
	pthread_mutex_unlock(&r->lock);
}

bool
keyring_find(struct keyring *r, struct slice id, int64_t now_ms, struct keyring_key *ret)
{
	const struct held_key *row;
	char low[24];
	bool good;

	if (id.n >= sizeof(low))
		return false;
	fold(id, low);
	pthread_mutex_lock(&r->lock);
	row = find(r, low);
	good = row != NULL && (row->key.expires_ms == 0 || row->key.expires_ms > now_ms);
	if (good)
		*ret = row->key;
	pthread_mutex_unlock(&r->lock);
	return good;
}

bool
keyring_allows(const char *scope, struct slice name)
{
	struct slice left = slice_str(scope);

	while (left.n > 0)
		if (slice_eq(slice_cut(&left, ','), name))
			return true;
	return false;
}
