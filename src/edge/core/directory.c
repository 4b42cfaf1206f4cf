/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of names under its lock, and the generations that fence old links off. */
#include "edge/core/directory_private.h"

#include "hook/policy.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct directory *
directory_new(void)
{
	struct directory *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	map_init(&d->routes);
	check(pthread_rwlock_init(&d->lock, NULL) == 0);
	return d;
}

void
directory_free(struct directory *d)
{
	struct map_node *node;

	if (d == NULL)
		return;
	while ((node = map_take_any(&d->routes)) != NULL) {
		struct route *r = map_of(node, struct route, by_key);

		if (r->listen_fd >= 0)
			close(r->listen_fd);
		policy_unref(r->policy);
		free(atomic_load(&r->tally));
		free(r);
	}
	map_fini(&d->routes);
	pthread_rwlock_destroy(&d->lock);
	free(d);
}

/*
 * Under the lock, for writing. NULL: no memory, or a key or an account that fits no route;
 * the store has none that long.
 */
static struct route *
add(struct directory *d, struct slice key, struct slice account)
{
	struct route *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->listen_fd = -1;
	if (!slice_z(key, r->key, sizeof(r->key)) ||
	    !slice_z(account, r->account, sizeof(r->account)) ||
	    map_put(&d->routes, &r->by_key, map_hash(key)) != 0) {
		free(r);
		return NULL;
	}
	return r;
}

/*
 * A name that is known keeps its account here, since only a tombstone is ever
 * lifted this way.
 */
int
directory_load(struct directory *d, struct slice key, struct slice account, bool tombstone)
{
	struct route *r;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r == NULL)
		r = add(d, key, account);
	/* A name that is served is given up by directory_release() alone, which fences its link. */
	check(r == NULL || !tombstone || route_serves(r, 0));
	if (r != NULL)
		r->tombstone = tombstone;
	pthread_rwlock_unlock(&d->lock);
	return r != NULL ? 0 : -1;
}

/* Under the lock, for writing. */
static void
set_tls(struct directory *d, struct route *r, bool tls)
{
	size_t n = atomic_load_explicit(&d->n_tls, memory_order_relaxed);

	if (r->tls == tls)
		return;
	check(tls || n > 0);
	r->tls = tls;
	atomic_store_explicit(&d->n_tls, tls ? n + 1 : n - 1, memory_order_release);
}

void
directory_load_tls(struct directory *d, struct slice key)
{
	struct route *r;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL) {
		check(route_serves(r, 0)); /* before the first link */
		set_tls(d, r, true);
	}
	pthread_rwlock_unlock(&d->lock);
}

void
directory_load_stopped(struct directory *d, struct slice key, int64_t stopped_ms)
{
	struct route *r;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL) {
		check(route_serves(r, 0)); /* before the first link */
		r->stopped = true;
		r->since_ms = stopped_ms;
	}
	pthread_rwlock_unlock(&d->lock);
}

/*
 * Release: a worker that sees 0 without the lock sees the rest of the route as it was
 * left. The listener goes, too: a port on which nobody accepts would let visitors
 * wait for nothing.
 */
static void
serve_nobody(struct route *r)
{
	atomic_store_explicit(&r->generation, 0, memory_order_release);
	if (r->listen_fd >= 0)
		close(r->listen_fd);
	r->listen_fd = -1;
}

/*
 * The link that served it is fenced here and now, by the generation; the mail that follows
 * (worker_fence) only makes its worker clear away. A forgotten port loses its owner, a
 * released name does not: the account stays to be told who had it.
 */
static bool
give_up(struct directory *d, struct slice key, bool tombstone, unsigned *ret_worker)
{
	struct route *r;
	bool served = false;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL) {
		served = !route_serves(r, 0);
		check(!served || route_serves(r, r->link.generation));
		*ret_worker = r->link.worker;
		r->tombstone = tombstone;
		set_tls(d, r, false); /* as the store does: whoever has it next says it anew */
		if (!tombstone)
			r->account[0] = '\0';
		serve_nobody(r);
	}
	pthread_rwlock_unlock(&d->lock);
	return served;
}

bool
directory_disable(struct directory *d, struct slice key, bool disabled, unsigned *ret_worker)
{
	struct route *r;
	bool served = false;

	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r != NULL) {
		r->disabled = disabled;
		served = disabled && !route_serves(r, 0);
		check(!served || route_serves(r, r->link.generation));
		*ret_worker = r->link.worker;
	}
	/* Fenced as by give_up(); account, kind and policy stay for when it is switched on. */
	if (served)
		serve_nobody(r);
	pthread_rwlock_unlock(&d->lock);
	return served;
}

bool
directory_release(struct directory *d, struct slice key, unsigned *ret_worker)
{
	return give_up(d, key, true, ret_worker);
}

bool
directory_forget(struct directory *d, struct slice key, unsigned *ret_worker)
{
	return give_up(d, key, false, ret_worker);
}

/*
 * Of one process the later link wins, whatever its clock says; of two processes the one
 * that was started last. Both starts are reckoned on the clock of this edge, which an agent
 * can only make older than they are.
 */
static bool
is_newer(const struct directory_link *a, const struct directory_link *b)
{
	bool same = a->instance[0] != '\0' && strcmp(a->instance, b->instance) == 0;

	return same || a->born_us == b->born_us ? a->generation > b->generation
						: a->born_us > b->born_us;
}

/* False without memory. */
static bool
has_tally(struct route *r)
{
	if (atomic_load_explicit(&r->tally, memory_order_relaxed) == NULL)
		atomic_store_explicit(&r->tally, calloc(1, sizeof(struct tally)),
		    memory_order_release);
	return atomic_load_explicit(&r->tally, memory_order_relaxed) != NULL;
}

enum directory_bound
directory_bind(struct directory *d, struct slice key, struct slice account,
    const struct directory_link *link, bool tls, struct route **ret_route, bool *ret_old,
    unsigned *ret_old_worker)
{
	enum directory_bound bound = DIRECTORY_BOUND;
	struct route *r;
	bool served;

	check(link->generation != 0); /* 0 is nobody */
	pthread_rwlock_wrlock(&d->lock);
	r = directory_route(d, key);
	if (r == NULL)
		r = add(d, key, account);
	if (r != NULL && !has_tally(r))
		r = NULL;
	served = r != NULL && !route_serves(r, 0);
	/* `link` is always that of the generation, and a listener is kept for a link alone. */
	check(!served || (!r->tombstone && !r->disabled && route_serves(r, r->link.generation)));
	check(served || r == NULL || r->listen_fd < 0);
	/*
	 * The tombstone before the owner: a released name still has its old one, who may
	 * not have it back this way.
	 */
	if (r == NULL) {
		bound = DIRECTORY_NOMEM;
	} else if (r->tombstone) {
		bound = DIRECTORY_GONE;
	} else if (r->account[0] != '\0' && !slice_eq(slice_str(r->account), account)) {
		bound = DIRECTORY_TAKEN;
	} else if (r->disabled) {
		bound = DIRECTORY_OFF;
	} else if (served && is_newer(&r->link, link)) {
		bound = DIRECTORY_STALE;
	} else {
		/* A port that was forgotten: the store has given it to this account. */
		if (r->account[0] == '\0' && !slice_z(account, r->account, sizeof(r->account)))
			r->account[0] = '\0';
		*ret_old = served;
		*ret_old_worker = r->link.worker;
		r->link = *link;
		r->since_ms = clock_wall_ms();
		/* Before anybody finds it: no visitor's TLS may end here by mistake. */
		set_tls(d, r, tls);
		atomic_store_explicit(&r->generation, link->generation, memory_order_release);
		*ret_route = r;
	}
	pthread_rwlock_unlock(&d->lock);
	return bound;
}

/* A link that was fenced meanwhile unbinds nothing: its successor stays. */
void
directory_unbind(struct directory *d, struct route *route, uint64_t generation)
{
	check(generation != 0);
	pthread_rwlock_wrlock(&d->lock);
	if (route_serves(route, generation))
		serve_nobody(route);
	pthread_rwlock_unlock(&d->lock);
}

bool
directory_stopped(struct directory *d, struct route *route, uint64_t generation, bool stopped)
{
	bool news;

	check(generation != 0); /* else it would speak for routes that nobody serves */
	pthread_rwlock_wrlock(&d->lock);
	news = route_serves(route, generation) && route->stopped != stopped;
	if (news)
		route->stopped = stopped;
	pthread_rwlock_unlock(&d->lock);
	return news;
}

/* A duplicate, since both links may have the port for a while, and each closes its own. */
int
directory_listener(struct directory *d, struct slice key)
{
	struct route *route;
	int fd = -1;

	pthread_rwlock_rdlock(&d->lock);
	route = directory_route(d, key);
	check(route == NULL || route->listen_fd < 0 || !route_serves(route, 0));
	if (route != NULL && route->listen_fd >= 0)
		fd = fcntl(route->listen_fd, F_DUPFD_CLOEXEC, 0);
	pthread_rwlock_unlock(&d->lock);
	return fd;
}

/*
 * Where no descriptor is left (-1) a takeover opens the port anew, and a visitor may be
 * refused in between: no reason to fail.
 */
void
directory_hold_fd(struct directory *d, struct route *route, int fd)
{
	check(fd >= 0);
	pthread_rwlock_wrlock(&d->lock);
	if (route->listen_fd < 0 && !route_serves(route, 0))
		route->listen_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	pthread_rwlock_unlock(&d->lock);
}

void
directory_each(struct directory *d, bool (*fn)(const struct route *r, void *arg), void *arg)
{
	struct map_node *node = NULL;

	pthread_rwlock_rdlock(&d->lock);
	while ((node = map_walk(&d->routes, node)) != NULL)
		if (!fn(map_of(node, struct route, by_key), arg))
			break;
	pthread_rwlock_unlock(&d->lock);
}
