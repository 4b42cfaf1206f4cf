/* SPDX-License-Identifier: Apache-2.0 */
/* What others want to know of a route, and its policy: under the lock, for a moment each. */
#include "edge/core/directory_private.h"

#include "hook/policy.h"

#include "base/date.h"

#include <stdio.h>

struct route *
directory_route(const struct directory *d, struct slice key)
{
	struct map_node *node;

	for (node = map_first(&d->routes, map_hash(key)); node != NULL;
	     node = map_next_same(node)) {
		struct route *r = map_of(node, struct route, by_key);

		if (slice_eq(slice_str(r->key), key))
			return r;
	}
	return NULL;
}

/* Readers share the lock; who has the route already asks route_serves() and needs none. */
enum directory_found
directory_find(struct directory *d, struct slice key, unsigned *ret_worker)
{
	enum directory_found found = DIRECTORY_UNKNOWN;
	struct route *r;

	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL && r->tombstone) {
		check(route_serves(r, 0));
		found = DIRECTORY_RELEASED;
	} else if (r != NULL && r->disabled) {
		check(route_serves(r, 0));
		found = DIRECTORY_DISABLED;
	} else if (r != NULL && route_serves(r, 0)) {
		found = DIRECTORY_AWAY;
	} else if (r != NULL) {
		found = DIRECTORY_UP;
		check(route_serves(r, r->link.generation)); /* its worker is told below */
		*ret_worker = r->link.worker;
	}
	pthread_rwlock_unlock(&d->lock);
	return found;
}

void
directory_who(struct directory *d, struct slice key, char *dst, size_t cap)
{
	char since[DATE_BYTES];
	struct route *r;

	dst[0] = '\0';
	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL && r->since_ms != 0 && !r->tombstone) {
		date_text(r->since_ms, since);
		snprintf(dst, cap, "taken over by another agent of this account, on %s since %s",
		    r->link.who, since);
	}
	pthread_rwlock_unlock(&d->lock);
}

bool
directory_is_tls(struct directory *d, struct slice key)
{
	struct route *r;
	bool tls;

	if (atomic_load_explicit(&d->n_tls, memory_order_acquire) == 0)
		return false;
	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	tls = r != NULL && r->tls && !r->tombstone;
	pthread_rwlock_unlock(&d->lock);
	return tls;
}

bool
directory_owns(struct directory *d, struct slice key, struct slice account)
{
	struct route *r;
	bool owns;

	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	owns =
	    r != NULL && !r->tombstone && account.n > 0 && slice_eq(slice_str(r->account), account);
	pthread_rwlock_unlock(&d->lock);
	return owns;
}

bool
directory_account(struct directory *d, struct slice key, char account[64])
{
	struct route *r;

	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL)
		memcpy(account, r->account, sizeof(r->account));
	pthread_rwlock_unlock(&d->lock);
	return r != NULL;
}

/* The old policy is let go outside of the lock: the last reference wipes and frees much. */
void
directory_set_policy(struct directory *d, struct slice key, struct policy *policy)
{
	struct policy *old = NULL;
	struct route *r;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL) {
		old = r->policy;
		r->policy = policy_ref(policy);
	}
	pthread_rwlock_unlock(&d->lock);
	policy_unref(old);
}

struct policy *
directory_policy(struct directory *d, struct slice key, char account[64])
{
	struct policy *policy = NULL;
	struct route *r;

	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL && !r->tombstone) {
		policy = policy_ref(r->policy);
		memcpy(account, r->account, sizeof(r->account));
	}
	pthread_rwlock_unlock(&d->lock);
	return policy;
}

/*
 * A hash is enough to tell "the same" from "another", and keeps no secret. Its lowest bit
 * is set, since 0 means none.
 */
static uint64_t
print_of(struct slice policy, bool tls)
{
	uint64_t policy_print = policy.p == NULL ? 0 : map_hash(policy) | 1;

	return tls ? ~policy_print : policy_print;
}

void
directory_stored(struct directory *d, struct slice key, struct slice policy, bool tls)
{
	struct route *r;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL)
		r->stored = print_of(policy, tls);
	pthread_rwlock_unlock(&d->lock);
}

bool
directory_unstored(struct directory *d, struct slice key, char account[64],
    struct policy **ret_policy, bool *ret_tls)
{
	struct slice none = { 0 };
	bool unstored = false;
	struct route *r;

	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL && !r->tombstone)
		unstored = r->stored !=
			   print_of(r->policy == NULL ? none : slice_str(r->policy->json), r->tls);
	if (unstored) {
		*ret_tls = r->tls;
		*ret_policy = policy_ref(r->policy);
		memcpy(account, r->account, sizeof(r->account));
	}
	pthread_rwlock_unlock(&d->lock);
	return unstored;
}

bool
directory_tally(struct directory *d, struct slice key, struct tally_sum *sum)
{
	const struct route *r;
	bool up;

	pthread_rwlock_rdlock(&d->lock);
	r = directory_route(d, key);
	up = r != NULL && !route_serves(r, 0);
	if (r != NULL && atomic_load(&r->tally) != NULL)
		tally_sum(atomic_load(&r->tally), sum);
	pthread_rwlock_unlock(&d->lock);
	return up;
}
