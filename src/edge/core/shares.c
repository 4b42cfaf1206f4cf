/* SPDX-License-Identifier: Apache-2.0 */
/* Fair shares, by account and by network (shares.h). */
#include "edge/core/shares.h"

void
shares_init(struct shares *s, size_t n_max, size_t share_max)
{
	lobby_init(&s->accounts, n_max, share_max, NULL);
	lobby_init(&s->networks, n_max, share_max, NULL);
}

void
shares_fini(struct shares *s)
{
	check(s->accounts.n == s->networks.n);
	lobby_fini(&s->accounts);
	lobby_fini(&s->networks);
}

/* An account stands where a lobby has a network. */
void
share_of(struct share *g, const char *account, const struct source_key *address)
{
	uint64_t hash = map_hash(slice_str(account));
	struct source_key none = { { 0 } };

	check(!share_takes(g));
	g->account = none;
	/*
	 * Cut as lobby_enter() will cut it, so that what is counted for and what is looked
	 * at agree. Two accounts whose hashes fall together share a place: one in 2^56.
	 */
	memcpy(g->account.bytes, &hash, sizeof(hash));
	g->account = lobby_network(&g->account);
	g->has_network = address != NULL;
	g->network = address != NULL ? lobby_network(address) : none;
}

static const struct source_key *
network_key(const struct share *g)
{
	return g->has_network ? &g->network : NULL;
}

static struct share *
of_account(struct lobby_guest *g)
{
	return list_of(g, struct share, by_account);
}

static struct share *
of_network(struct lobby_guest *g)
{
	return list_of(g, struct share, by_network);
}

enum lobby_room
shares_room(struct shares *s, const struct share *g, size_t more, struct share **ret_victim)
{
	struct lobby_guest *account = NULL, *network = NULL;
	enum lobby_room a = lobby_room_for(&s->accounts, &g->account, more, &account);
	enum lobby_room n = lobby_room_for(&s->networks, network_key(g), more, &network);

	if (a == LOBBY_ROOM && n == LOBBY_ROOM)
		return LOBBY_ROOM;
	/* One who is full of what may not go cannot be helped by the other. */
	if (a == LOBBY_FULL || n == LOBBY_FULL)
		return LOBBY_FULL;
	check(account != NULL || network != NULL);
	/* One of the two is full for the newcomer alone, or both are for everybody. */
	if (network == NULL ||
	    (account != NULL && lobby_weight_around(account) > 2 * lobby_weight_around(network)))
		*ret_victim = of_account(account);
	else
		*ret_victim = of_network(network);
	return LOBBY_VICTIM;
}

bool
shares_take(struct shares *s, struct share *g, size_t more)
{
	size_t before = share_takes(g) ? g->by_account.weight : 0;

	/* What it takes counts in both lobbies, or in none. */
	check(lobby_has(&g->by_account) == lobby_has(&g->by_network));
	check(before == 0 || before == g->by_network.weight);
	if (before + more == 0)
		return true;
	/* Guests enter with a weight of 1; what this one really takes is weighed below. */
	if (!share_takes(g)) {
		if (!lobby_enter(&s->accounts, &g->by_account, &g->account))
			return false;
		if (!lobby_enter(&s->networks, &g->by_network, network_key(g))) {
			lobby_leave(&s->accounts, &g->by_account);
			return false;
		}
	}
	lobby_weigh(&s->accounts, &g->by_account, before + more);
	lobby_weigh(&s->networks, &g->by_network, before + more);
	check(s->accounts.n == s->networks.n);
	return true;
}

/* In both: either could choose it. */
void
share_hold(struct share *g)
{
	lobby_hold(&g->by_account);
	lobby_hold(&g->by_network);
}

void
shares_leave(struct shares *s, struct share *g)
{
	check(lobby_has(&g->by_account) == lobby_has(&g->by_network));
	lobby_leave(&s->accounts, &g->by_account);
	lobby_leave(&s->networks, &g->by_network);
	check(s->accounts.n == s->networks.n);
}
