/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lobby: connections of which nobody knows yet whether they are worth something, up to a number.
 * When it is full, the one that has been still for the longest in the fullest network makes room
 * for the newcomer: so who fills it with many connections loses his own, and whoever else comes is
 * let in.  A network is what one customer gets at once: a /24 of IPv4, a /56 of IPv6.
 *
 * It belongs to one thread. The guests are its owner's; nothing is closed here.
 */
#ifndef ADIT_EDGE_CORE_LOBBY_H
#define ADIT_EDGE_CORE_LOBBY_H

#include "base/list.h"
#include "edge/core/source.h"

struct lobby_place; /* an address, or a network */

/* Zeroed: in no lobby. */
struct lobby_guest {
	struct list by_address, by_network;
	struct lobby_place *address, *network; /* NULL: not in, or without an address */
	size_t weight;                         /* 1, or what lobby_weigh() has said */
};

#define LOBBY_LEVELS 24

struct lobby {
	struct map places;
	struct slab slab;
	struct list levels[LOBBY_LEVELS];            /* networks by the logarithm of their guests */
	size_t n, n_max, address_max;                /* the last: of one address, 0: any */
	bool (*may_go)(const struct lobby_guest *g); /* NULL: each of them */
};

void lobby_init(struct lobby *l, size_t n_max, size_t address_max,
    bool (*may_go)(const struct lobby_guest *g));
/* It must be empty. */
void lobby_fini(struct lobby *l);

enum lobby_room {
	LOBBY_ROOM,
	LOBBY_VICTIM, /* *ret_victim is to be shown out first; then ask again */
	LOBBY_FULL,   /* nobody of those who are in may go */
};
/* Is there room for so much more of this address? key NULL: it has none, as on a Unix socket. */
enum lobby_room lobby_room_for(struct lobby *l, const struct source_key *key, size_t more,
    struct lobby_guest **ret_victim) must_use;
enum lobby_room lobby_room(struct lobby *l, const struct source_key *key,
    struct lobby_guest **ret_victim) must_use;
/* Who has to go when descriptors or memory are short; NULL: nobody may. */
struct lobby_guest *lobby_victim(struct lobby *l);

/* False without memory. */
bool lobby_enter(struct lobby *l, struct lobby_guest *g, const struct source_key *key) must_use;
/* Harmless when it is not in. */
void lobby_leave(struct lobby *l, struct lobby_guest *g);
/* It has done something: it is the last now that has to go. */
void lobby_touch(struct lobby_guest *g);
/* A guest that holds much counts for as many; never 0. */
void lobby_weigh(struct lobby *l, struct lobby_guest *g, size_t weight);
/* It counts as before, but does not go for others any more; it is not touched again. */
void lobby_hold(struct lobby_guest *g);
/* What all guests of its network hold together. */
size_t lobby_weight_around(const struct lobby_guest *g);
/* The network that an address is in. */
struct source_key lobby_network(const struct source_key *key);

static inline bool
lobby_has(const struct lobby_guest *g)
{
	return g->network != NULL;
}

#endif
