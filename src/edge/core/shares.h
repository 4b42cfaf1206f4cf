/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all accounts of a worker use together, in fair shares: requests under way, memory of
 * webhooks.  Each user of it counts for the account that it is for, and for the network that it
 * comes from (lobby.h).  When all is taken, the oldest makes room, of the fullest network, or of
 * the fullest account where that holds more than twice as much: a stranger who fills other people's
 * tunnels from one place loses his own, and so does an account whose tunnel swallows everything.
 *
 * A share belongs to its owner; nothing is closed here.
 */
#ifndef ADIT_EDGE_CORE_SHARES_H
#define ADIT_EDGE_CORE_SHARES_H

#include "edge/core/lobby.h"

/* Zeroed: takes nothing. */
struct share {
	struct lobby_guest by_account, by_network;
	struct source_key account, network;
	bool has_network; /* a Unix socket has none */
};

struct shares {
	struct lobby accounts, networks;
};

/* share_max: what one account, or one network, may take; 0: all. */
void shares_init(struct shares *s, size_t n_max, size_t share_max);
/* All must have left. */
void shares_fini(struct shares *s);

/* Says for whom this one takes; before anything else. address NULL: it comes from none. */
void share_of(struct share *g, const char *account, const struct source_key *address);
/* Is there room for it to take so much more? The victim, which may be g itself, is to leave first;
 * then ask again. */
enum lobby_room shares_room(struct shares *s, const struct share *g, size_t more,
    struct share **ret_victim) must_use;
/* False without memory. */
bool shares_take(struct shares *s, struct share *g, size_t more) must_use;
/* It does not leave for others any more. */
void share_hold(struct share *g);
/* Harmless when it has taken nothing. */
void shares_leave(struct shares *s, struct share *g);

static inline bool
share_takes(const struct share *g)
{
	return lobby_has(&g->by_account);
}

#endif
