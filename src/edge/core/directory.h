/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: which names exist, whose they are, and which link serves them now.  The only
 * structure that the workers share.  Routes of TCP tunnels are in it, too, under the key
 * "tcp:PORT".
 *
 * A route is never freed before the directory is, as names are never deleted; so a worker may keep
 * a pointer to it.  Its generation is that of the link that serves it, 0 for nobody: one atomic
 * read tells a worker, without a lock, whether a tunnel of its own still is the one (fencing).
 */
#ifndef ADIT_EDGE_CORE_DIRECTORY_H
#define ADIT_EDGE_CORE_DIRECTORY_H

#include "base/check.h"
#include "base/map.h"
#include "base/slice.h"
#include "edge/core/tally.h"

#include <stdatomic.h>

#define DIRECTORY_KEY_BYTES 64

/*
 * A link as the directory compares it with others.  Of two processes that want one route the one
 * that was started last has it, whichever connects last: an older agent that comes back after its
 * network was cut does not take from a newer one, and two agents cannot take a name from each other
 * for ever.  Of two links of one process the newer one has it.
 */
struct directory_link {
	uint64_t generation; /* newer links have greater ones; never 0 */
	unsigned worker;
	int64_t born_us;   /* when the process was started, by the edge's monotonic clock */
	char instance[33]; /* of the process; "": it did not tell, and counts as started now */
	char who[120];     /* host and address, for people */
};

struct route {
	struct map_node by_key;
	_Atomic uint64_t generation;
	/* From the first link on, and then for good: a name that nobody serves needs no room for it. */
	struct tally *_Atomic tally;
	/* the rest under the directory's lock, but for key, which never changes */
	char key[DIRECTORY_KEY_BYTES];
	char account[64];
	struct directory_link link; /* that serves it, or did last */
	bool tombstone;
	bool tls;      /* the TLS of its visitors ends at the agent: the edge must not answer it */
	bool disabled; /* the operator has switched it off: nobody can serve it; the store knows */
	bool stopped;  /* its last agent said that it stops: nobody misses it; the store knows */
	int listen_fd; /* "tcp:PORT": kept from link to link, so that a takeover loses no visitor;
			  -1 */
	int64_t since_ms; /* wall clock of the last bind, or when it was stopped before we came */
	struct policy
	    *policy; /* of the last link that served it: it holds while nobody does; NULL: none */
	uint64_t
	    stored; /* policy and kind that the store has, as directory_stored() was told; 0: none, http */
};

struct directory;
struct policy;

struct directory *directory_new(void) must_use;
void directory_free(struct directory *d);

/* What the store knows: a name is held by an account, or is a tombstone. -1 without memory. */
int directory_load(struct directory *d, struct slice key, struct slice account,
    bool tombstone) must_use;
/* Nobody serves it yet, and its last agent has ended the TLS of its visitors. */
void directory_load_tls(struct directory *d, struct slice key);
/* Nobody serves it, and its last agent was stopped then. */
void directory_load_stopped(struct directory *d, struct slice key, int64_t stopped_ms);
/* The operator switches the name off, or on. True: a link served it until now, its worker is to be told. */
bool directory_disable(struct directory *d, struct slice key, bool disabled, unsigned *ret_worker);
/* A name became a tombstone. True when a link served it: that worker is to be told. */
bool directory_release(struct directory *d, struct slice key, unsigned *ret_worker);

/* "tcp:PORT" belongs to nobody any more; another account may get it. True as above. */
bool directory_forget(struct directory *d, struct slice key, unsigned *ret_worker);

enum directory_bound {
	DIRECTORY_BOUND, /* *ret_route is served by this link now; *ret_old_worker told when another
			    was before */
	DIRECTORY_STALE, /* a newer agent of the account serves it */
	DIRECTORY_TAKEN, /* another account's */
	DIRECTORY_GONE,  /* tombstone */
	DIRECTORY_OFF,   /* the operator has disabled it */
	DIRECTORY_NOMEM,
};
/* Newer fences older. tls: as in the route. *ret_old: true when an older link served it until now. */
enum directory_bound directory_bind(struct directory *d, struct slice key, struct slice account,
    const struct directory_link *link, bool tls, struct route **ret_route, bool *ret_old,
    unsigned *ret_old_worker);
/* The link has gone; no effect when a newer one serves the route already. */
void directory_unbind(struct directory *d, struct route *route, uint64_t generation);

/* The agent of this link stops in order, so that the tunnel is meant to be off; or it has come, and
 * the tunnel is meant to be on. True: that is news. */
bool directory_stopped(struct directory *d, struct route *route, uint64_t generation,
    bool stopped) must_use;

static inline bool
route_serves(const struct route *r, uint64_t generation)
{
	return atomic_load_explicit(&r->generation, memory_order_acquire) == generation;
}

enum directory_found {
	DIRECTORY_UNKNOWN,
	DIRECTORY_RELEASED,
	DIRECTORY_DISABLED,
	DIRECTORY_AWAY,
	DIRECTORY_UP,
};
/* *ret_worker: with DIRECTORY_UP. */
enum directory_found directory_find(struct directory *d, struct slice key, unsigned *ret_worker);

/* The TLS of this name's visitors ends at its agent, whether that one is there or not.  Costs nothing
 * to speak of where there is no such name. */
bool directory_is_tls(struct directory *d, struct slice key) must_use;

/* The name is this account's, and no tombstone. */
bool directory_owns(struct directory *d, struct slice key, struct slice account) must_use;

/* Whose the name is, or was before it became a tombstone. False: nobody's. */
bool directory_account(struct directory *d, struct slice key, char account[64]) must_use;

/* Keeps a reference; NULL: none. */
void directory_set_policy(struct directory *d, struct slice key, struct policy *policy);
/* Who has served the route last, and since when: a sentence. "" where there is none. */
void directory_who(struct directory *d, struct slice key, char *dst, size_t cap);
/* A reference to the policy of a route and its account, or NULL. */
struct policy *directory_policy(struct directory *d, struct slice key, char account[64]) must_use;
/* The store has this policy of the route now (its text; p NULL: none), and knows whether its TLS passes
 * through. To be called in the order of commits. */
void directory_stored(struct directory *d, struct slice key, struct slice policy, bool tls);
/*
 * True when the store has another policy or kind of the route than the link brought that served it
 * last: then those, NULL for no policy, and the account.
 */
bool directory_unstored(struct directory *d, struct slice key, char account[64],
    struct policy **ret_policy, bool *ret_tls) must_use;

/*
 * The listening socket of a TCP route: a duplicate of what is kept, or -1. directory_hold_fd() keeps a
 * duplicate of fd while any link serves the route.
 */
int directory_listener(struct directory *d, struct slice key) must_use;
void directory_hold_fd(struct directory *d, struct route *route, int fd);

/* What was counted of the route's requests is added; false: nobody serves it now, or there is no such route. */
bool directory_tally(struct directory *d, struct slice key, struct tally_sum *sum);

/* Calls fn for each route under the lock (read only, no calls into the directory)
 * until it returns false. */
void directory_each(struct directory *d, bool (*fn)(const struct route *r, void *arg), void *arg);

#endif
