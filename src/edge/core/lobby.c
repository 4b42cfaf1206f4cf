/* SPDX-License-Identifier: Apache-2.0 */
/* Who may wait, and who makes room (lobby.h). */
#include "edge/core/lobby.h"

#include <string.h>

/* Guests who may not go are passed over, up to this many; networks are compared up to this many. */
#define LOOKS 64

struct lobby_place {
	struct map_node node;
	struct source_key key;
	struct list level;  /* networks: among those with about as many */
	struct list guests; /* the stillest first */
	size_t n;
	bool network;
};

void
lobby_init(struct lobby *l, size_t n_max, size_t address_max,
    bool (*may_go)(const struct lobby_guest *g))
{
	check(n_max > 0 && n_max < SIZE_MAX / 2 - 1); /* the slab has two places for each */
	*l = (struct lobby){ .n_max = n_max, .address_max = address_max, .may_go = may_go };
	map_init(&l->places);
	/*
	 * A guest stands in a network and, where addresses are bounded, at an address; so
	 * does the newcomer, before anybody has left for him.
	 */
	slab_init(&l->slab, sizeof(struct lobby_place), 2 * n_max + 2);
	for (int i = 0; i < LOBBY_LEVELS; i++)
		list_init(&l->levels[i]);
}

void
lobby_fini(struct lobby *l)
{
	check(l->n == 0);
	map_fini(&l->places);
	slab_fini(&l->slab);
}

/* --- places --- */

/* Cut in the last byte of a v4-mapped address (/24), in the eighth of an IPv6 one (/56). */
struct source_key
lobby_network(const struct source_key *key)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct source_key net = *key;

	net.bytes[memcmp(key->bytes, mapped, sizeof(mapped)) == 0 ? 15 : 7] = 0;
	return net;
}

/* An address and a network may have the same bytes (192.0.2.0): they are two places. */
static struct lobby_place *
find(const struct lobby *l, const struct source_key *key, bool network, uint64_t hash)
{
	struct map_node *node = map_first(&l->places, hash);

	for (; node != NULL; node = map_next_same(node)) {
		struct lobby_place *p = map_of(node, struct lobby_place, node);

		if (p->network == network && memcmp(&p->key, key, sizeof(*key)) == 0)
			return p;
	}
	return NULL;
}

static uint64_t
hash_of(const struct source_key *key)
{
	return map_hash(slice_of(key->bytes, sizeof(key->bytes)));
}

static struct lobby_place *
find_or_add(struct lobby *l, const struct source_key *key, bool network)
{
	uint64_t hash = hash_of(key);
	struct lobby_place *p = find(l, key, network, hash);

	if (p != NULL)
		return p;
	p = slab_get(&l->slab);
	if (p == NULL)
		return NULL;
	p->key = *key;
	p->network = network;
	list_init(&p->level);
	list_init(&p->guests);
	if (map_put(&l->places, &p->node, hash) == 0)
		return p;
	slab_put(&l->slab, p);
	return NULL;
}

/* After a change of p->n: its level; who has no guests goes. */
static void
settle(struct lobby *l, struct lobby_place *p)
{
	int level = 0;

	list_del(&p->level);
	if (p->n == 0) {
		check(list_empty(&p->guests)); /* each of them weighs something */
		map_del(&l->places, &p->node);
		slab_put(&l->slab, p);
		return;
	}
	for (size_t n = p->n; n > 1 && level < LOBBY_LEVELS - 1; n /= 2)
		level++;
	if (p->network)
		list_push(&l->levels[level], &p->level);
}

/* --- who goes --- */

static struct lobby_guest *
of_address(struct list *node)
{
	return list_of(node, struct lobby_guest, by_address);
}

static struct lobby_guest *
of_network(struct list *node)
{
	return list_of(node, struct lobby_guest, by_network);
}

/*
 * From the one that has been still for the longest. Bounded: many in a row may be at work,
 * and looking at all of them would be a gift to who put them there.
 */
static struct lobby_guest *
stillest(const struct lobby *l, struct lobby_place *p, struct lobby_guest *(*of)(struct list *))
{
	int looks = LOOKS;

	LIST_EACH(it, &p->guests) {
		if (l->may_go == NULL || l->may_go(of(it)))
			return of(it);
		if (--looks == 0)
			break;
	}
	return NULL;
}

/* The fullest of some networks of a level that has somebody who may go. */
static struct lobby_guest *
victim_of_level(struct lobby *l, struct list *level)
{
	struct lobby_guest *victim = NULL;
	int looks = LOOKS;
	size_t n = 0;

	LIST_EACH(it, level) {
		struct lobby_place *p = list_of(it, struct lobby_place, level);
		struct lobby_guest *g = p->n > n ? stillest(l, p, of_network) : NULL;

		check(p->network && p->n > 0); /* settle() puts nobody else here */
		if (g != NULL) {
			victim = g;
			n = p->n;
		}
		if (--looks == 0)
			break;
	}
	return victim;
}

struct lobby_guest *
lobby_victim(struct lobby *l)
{
	struct lobby_guest *victim = NULL;

	/*
	 * A level holds networks whose weights differ by less than a factor of two, so the
	 * first one with somebody who may go is as good as the fullest.
	 */
	for (int i = LOBBY_LEVELS - 1; i >= 0 && victim == NULL; i--)
		victim = victim_of_level(l, &l->levels[i]);
	return victim;
}

/*
 * An address that has too much makes room itself; only then is the lobby as a
 * whole looked at.
 */
enum lobby_room
lobby_room_for(struct lobby *l, const struct source_key *key, size_t more,
    struct lobby_guest **ret_victim)
{
	struct lobby_guest *victim = NULL;
	struct lobby_place *p = NULL;

	if (key != NULL && l->address_max > 0)
		p = find(l, key, false, hash_of(key));
	if (p != NULL && p->n + more > l->address_max)
		victim = stillest(l, p, of_address);
	else if (l->n + more > l->n_max)
		victim = lobby_victim(l);
	else
		return LOBBY_ROOM;
	if (victim == NULL)
		return LOBBY_FULL;
	*ret_victim = victim;
	return LOBBY_VICTIM;
}

enum lobby_room
lobby_room(struct lobby *l, const struct source_key *key, struct lobby_guest **ret_victim)
{
	return lobby_room_for(l, key, 1, ret_victim);
}

/* --- coming and going --- */

bool
lobby_enter(struct lobby *l, struct lobby_guest *g, const struct source_key *key)
{
	struct source_key none = { { 0 } }, net = key == NULL ? none : lobby_network(key);
	struct lobby_place *network, *address;
	bool counts = key != NULL && l->address_max > 0;

	check(!lobby_has(g)); /* in one lobby at a time, once */
	network = find_or_add(l, &net, true);
	address = network == NULL || !counts ? NULL : find_or_add(l, key, false);
	if (network == NULL || (counts && address == NULL)) {
		if (network != NULL)
			settle(l, network);
		return false;
	}
	g->network = network;
	list_push(&network->guests, &g->by_network);
	network->n++;
	settle(l, network);
	g->address = address;
	list_init(&g->by_address);
	if (address != NULL) {
		list_push(&address->guests, &g->by_address);
		address->n++;
	}
	g->weight = 1;
	l->n++;
	check(l->n >= network->n);
	return true;
}

void
lobby_weigh(struct lobby *l, struct lobby_guest *g, size_t weight)
{
	check(g->network != NULL && weight > 0);
	check(l->n >= g->network->n && g->network->n >= g->weight);
	check(g->address == NULL || g->address->n >= g->weight);
	/* The difference may be negative: sizes wrap, and the sums come out right. */
	l->n += weight - g->weight;
	g->network->n += weight - g->weight;
	settle(l, g->network);
	if (g->address != NULL)
		g->address->n += weight - g->weight;
	g->weight = weight;
}

/* Out of the lists that victims are taken from. Its weight still counts where it stands. */
void
lobby_hold(struct lobby_guest *g)
{
	if (g->network == NULL)
		return;
	list_del(&g->by_network);
	list_del(&g->by_address);
}

size_t
lobby_weight_around(const struct lobby_guest *g)
{
	check(g->network->n >= g->weight && g->weight > 0);
	return g->network->n;
}

void
lobby_leave(struct lobby *l, struct lobby_guest *g)
{
	if (g->network == NULL)
		return;
	check(g->weight > 0 && l->n >= g->network->n && g->network->n >= g->weight);
	check(g->address == NULL || g->address->n >= g->weight);
	list_del(&g->by_network);
	list_del(&g->by_address);
	g->network->n -= g->weight;
	settle(l, g->network);
	/* Addresses stand on no level: only one that is empty has to be settled. */
	if (g->address != NULL && (g->address->n -= g->weight) == 0)
		settle(l, g->address);
	g->network = g->address = NULL;
	l->n -= g->weight;
}

void
lobby_touch(struct lobby_guest *g)
{
	if (g->network == NULL)
		return;
	check(!list_empty(&g->by_network)); /* it is not held: see lobby_hold() */
	list_del(&g->by_network);
	list_push(&g->network->guests, &g->by_network);
	if (g->address == NULL)
		return;
	list_del(&g->by_address);
	list_push(&g->address->guests, &g->by_address);
}
