/* SPDX-License-Identifier: Apache-2.0 */
/* Counts connections by where they come from, and remembers who sent bad tokens. */
#include "edge/core/source.h"

#include "base/limits.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US (60 * 1000 * 1000LL)
/*
 * Rows that a source may stand in. Who wants to push one out must fill its set, with
 * addresses whose hashes he cannot know.
 */
#define WAYS 4

void
source_ip_of(const struct sockaddr_storage *ss, struct source_ip *ret)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*ret = (struct source_ip){ .known = ss->ss_family == AF_INET || ss->ss_family == AF_INET6 };
	if (ss->ss_family == AF_INET6) {
		memcpy(&in6, ss, sizeof(in6));
		memcpy(ret->bytes, &in6.sin6_addr, 16);
	} else if (ss->ss_family == AF_INET) {
		memcpy(&in, ss, sizeof(in));
		memset(ret->bytes + 10, 0xff, 2);
		memcpy(ret->bytes + 12, &in.sin_addr, 4);
	}
}

void
source_ip_sockaddr(const struct source_ip *ip, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	*ret = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	if (!ip->known)
		return;
	memcpy(&in6.sin6_addr, ip->bytes, 16);
	memcpy(ret, &in6, sizeof(in6));
}

bool
source_key(const struct sockaddr_storage *ss, struct source_key *ret_key)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(ret_key, 0, sizeof(*ret_key));
	if (ss->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, ss, sizeof(in));
		memcpy(ret_key->bytes, mapped, 12);
		memcpy(ret_key->bytes + 12, &in.sin_addr, 4);
		return true;
	}
	if (ss->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, ss, sizeof(in6));
		memcpy(ret_key->bytes, &in6.sin6_addr,
		    IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) ? 16 : 8);
		return true;
	}
	return false;
}

static uint64_t
hash(const struct source_key *key)
{
	return map_hash(slice_of(key->bytes, sizeof(key->bytes)));
}

void
sources_init(struct sources *s, size_t n_max, size_t sources_max)
{
	map_init(&s->map);
	slab_init(&s->slab, sizeof(struct source), sources_max);
	s->n_max = n_max;
}

void
sources_fini(struct sources *s)
{
	map_fini(&s->map);
	slab_fini(&s->slab);
}

/* NULL without memory, too: a stranger who cannot be counted is not let in. */
struct source *
sources_take(struct sources *s, const struct source_key *key)
{
	uint64_t h = hash(key);
	struct source *src = NULL;
	struct map_node *node;

	check(s->n_max > 0); /* else a row in which nobody is counted would stay */
	for (node = map_first(&s->map, h); node != NULL && src == NULL;
	     node = map_next_same(node)) {
		struct source *at = map_of(node, struct source, node);

		if (memcmp(&at->key, key, sizeof(*key)) == 0)
			src = at;
	}
	if (src == NULL) {
		src = slab_get(&s->slab);
		if (src == NULL)
			return NULL;
		src->key = *key;
		if (map_put(&s->map, &src->node, h) != 0) {
			slab_put(&s->slab, src);
			return NULL;
		}
	}
	/* Never on the way of a new row: n_max is not 0. */
	if (src->n >= s->n_max)
		return NULL;
	src->n++;
	return src;
}

void
sources_put(struct sources *s, struct source *src)
{
	if (src == NULL)
		return;
	check(src->n > 0);
	if (--src->n > 0)
		return;
	map_del(&s->map, &src->node);
	slab_put(&s->slab, src);
}

/* --- guard --- */

struct guard_row {
	struct source_key key;
	int64_t until_us; /* the minute that is counted ends then */
	unsigned n;
};

/* Sets of WAYS rows; in a full set the row whose minute ends first is given up. */
struct guard {
	pthread_mutex_t lock;
	struct guard_row rows[LIMIT_LOGIN_SOURCES];
};

struct guard *
guard_new(void)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (g != NULL)
		check(pthread_mutex_init(&g->lock, NULL) == 0);
	return g;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* The row of the key, or the one to be overwritten. */
static struct guard_row *
row_of(struct guard *g, const struct source_key *key, bool *ret_found)
{
	struct guard_row *set = &g->rows[hash(key) % (LIMIT_LOGIN_SOURCES / WAYS) * WAYS],
			 *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].n > 0 && memcmp(&set[i].key, key, sizeof(*key)) == 0) {
			*ret_found = true;
			return &set[i];
		}
		if (set[i].until_us < oldest->until_us)
			oldest = &set[i];
	}
	*ret_found = false;
	return oldest;
}

/*
 * The time counts from the first failure of a minute, not from the last: who goes on trying
 * does not shut himself out for longer, nor others behind his address.
 */
uint32_t
guard_wait_ms(struct guard *g, const struct source_key *key, int64_t now_us)
{
	struct guard_row *row;
	uint32_t ms = 0;
	bool found;

	pthread_mutex_lock(&g->lock);
	row = row_of(g, key, &found);
	if (found && row->n >= LIMIT_LOGIN_FAILS && row->until_us > now_us)
		ms = (uint32_t)((row->until_us - now_us) / 1000 + 1);
	pthread_mutex_unlock(&g->lock);
	return ms;
}

void
guard_failed(struct guard *g, const struct source_key *key, int64_t now_us)
{
	struct guard_row *row;
	bool found;

	pthread_mutex_lock(&g->lock);
	row = row_of(g, key, &found);
	if (!found || row->until_us <= now_us)
		*row = (struct guard_row){ .key = *key, .until_us = now_us + MINUTE_US };
	row->n++;
	pthread_mutex_unlock(&g->lock);
}
