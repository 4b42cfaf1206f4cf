/* SPDX-License-Identifier: Apache-2.0 */
/* The table from hosts of own domains to keys of tunnels. */
#include "edge/core/own_domain.h"

#include "http/url.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

struct own_domain {
	struct map_node by_host;
	char host[URL_HOST_BYTES], account[64], key[DIRECTORY_KEY_BYTES];
	bool suspended, certified;
};

struct own_domains {
	pthread_rwlock_t lock;
	struct map hosts;
	_Atomic size_t n;              /* hosts, and the default; read without the lock */
	char key[DIRECTORY_KEY_BYTES]; /* of the default; "": none */
};

/* Under the lock, for writing. */
static void
count(struct own_domains *t)
{
	atomic_store_explicit(&t->n, t->hosts.n + (t->key[0] != '\0'), memory_order_relaxed);
}

struct own_domains *
own_domains_new(void)
{
	struct own_domains *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	map_init(&t->hosts);
	check(pthread_rwlock_init(&t->lock, NULL) == 0);
	return t;
}

void
own_domains_free(struct own_domains *t)
{
	struct map_node *node;

	if (t == NULL)
		return;
	while ((node = map_take_any(&t->hosts)) != NULL)
		free(map_of(node, struct own_domain, by_host));
	map_fini(&t->hosts);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

/* Under the lock, for reading at least. */
static struct own_domain *
find(const struct own_domains *t, struct slice host)
{
	struct map_node *node;

	for (node = map_first(&t->hosts, map_hash(host)); node != NULL;
	     node = map_next_same(node)) {
		struct own_domain *d = map_of(node, struct own_domain, by_host);

		if (slice_eq(slice_str(d->host), host))
			return d;
	}
	return NULL;
}

/* Under the lock, for writing. NULL: no memory. */
static struct own_domain *
add(struct own_domains *t, struct slice host)
{
	struct own_domain *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	check(slice_z(host, d->host, sizeof(d->host))); /* canonical hosts are no longer */
	if (map_put(&t->hosts, &d->by_host, map_hash(host)) != 0) {
		free(d);
		return NULL;
	}
	count(t);
	return d;
}

bool
own_domain_set(struct own_domains *t, struct slice host, const char *account, const char *key,
    bool suspended)
{
	struct own_domain *d;

	pthread_rwlock_wrlock(&t->lock);
	d = find(t, host);
	if (d == NULL)
		d = add(t, host);
	if (d != NULL) {
		slice_copy(slice_str(account), d->account, sizeof(d->account));
		slice_copy(slice_str(key), d->key, sizeof(d->key));
		d->suspended = suspended;
	}
	pthread_rwlock_unlock(&t->lock);
	return d != NULL;
}

void
own_domain_drop(struct own_domains *t, struct slice host)
{
	struct own_domain *d;

	pthread_rwlock_wrlock(&t->lock);
	d = find(t, host);
	if (d != NULL) {
		map_del(&t->hosts, &d->by_host);
		count(t);
		free(d);
	}
	pthread_rwlock_unlock(&t->lock);
}

void
own_domain_certified(struct own_domains *t, struct slice host, bool certified)
{
	struct own_domain *d;

	pthread_rwlock_wrlock(&t->lock);
	d = find(t, host);
	if (d != NULL)
		d->certified = certified;
	pthread_rwlock_unlock(&t->lock);
}

bool
own_domain_is_certified(const struct edge *e, struct slice host)
{
	struct own_domains *t = e->own_domains;
	const struct own_domain *d;
	bool certified;

	if (t == NULL || atomic_load_explicit(&t->n, memory_order_relaxed) == 0)
		return true;
	pthread_rwlock_rdlock(&t->lock);
	d = find(t, host);
	certified = d == NULL || d->certified;
	pthread_rwlock_unlock(&t->lock);
	return certified;
}

/* --- the default --- */

bool
own_domain_is_address(struct slice host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr v4;

	return host.n > 0 && (host.p[0] == '[' || (slice_z(host, text, sizeof(text)) &&
						      inet_pton(AF_INET, text, &v4) == 1));
}

void
own_domain_set_default(struct own_domains *t, const char *key)
{
	pthread_rwlock_wrlock(&t->lock);
	slice_copy(slice_str(key), t->key, sizeof(t->key));
	count(t);
	pthread_rwlock_unlock(&t->lock);
}

bool
own_domain_claim_default(const struct edge *e, const char *key)
{
	struct own_domains *t = e->own_domains;
	unsigned at;
	bool is;

	pthread_rwlock_wrlock(&t->lock);
	if (t->key[0] == '\0' ||
	    directory_find(e->directory, slice_str(t->key), &at) == DIRECTORY_RELEASED)
		slice_copy(slice_str(key), t->key, sizeof(t->key));
	count(t);
	is = strcmp(t->key, key) == 0;
	pthread_rwlock_unlock(&t->lock);
	return is;
}

/*
 * The tunnel's name may have changed hands since: a name that was released and given to another
 * account by the operator takes no own domain of its old one along.
 */
enum own_domain_found
own_domain_find(const struct edge *e, struct slice host, char key[DIRECTORY_KEY_BYTES])
{
	struct own_domains *t = e->own_domains;
	struct own_domain *d;
	char account[64];
	bool suspended = false, is_default = false;
	unsigned at;

	if (t == NULL || atomic_load_explicit(&t->n, memory_order_relaxed) == 0)
		return OWN_DOMAIN_UNKNOWN;
	pthread_rwlock_rdlock(&t->lock);
	d = find(t, host);
	if (d != NULL) {
		memcpy(key, d->key, sizeof(d->key));
		memcpy(account, d->account, sizeof(d->account));
		suspended = d->suspended;
	} else if (t->key[0] != '\0' && own_domain_is_address(host)) {
		memcpy(key, t->key, sizeof(t->key));
		is_default = true;
	}
	pthread_rwlock_unlock(&t->lock);
	if (is_default)
		return OWN_DOMAIN_KNOWN;
	if (d == NULL)
		return OWN_DOMAIN_UNKNOWN;
	/* A name that was given up is told as that, whatever became of the domain since. */
	if (directory_find(e->directory, slice_str(key), &at) == DIRECTORY_RELEASED)
		return OWN_DOMAIN_KNOWN;
	if (suspended)
		return OWN_DOMAIN_SUSPENDED;
	return directory_owns(e->directory, slice_str(key), slice_str(account))
		   ? OWN_DOMAIN_KNOWN
		   : OWN_DOMAIN_UNKNOWN;
}

struct slice
own_domain_tunnel(const struct edge *e, struct slice host, char key[DIRECTORY_KEY_BYTES])
{
	struct slice name = edge_name_of(e, host);

	if (name.n == 0 && own_domain_find(e, host, key) == OWN_DOMAIN_KNOWN)
		name = slice_str(key);
	return name;
}

void
own_domain_each(const struct edge *e, const char *key, const char *account,
    void (*fn)(void *arg, const char *host, bool suspended, bool certified), void *arg)
{
	struct own_domains *t = e->own_domains;
	struct map_node *node = NULL;

	if (t == NULL)
		return;
	pthread_rwlock_rdlock(&t->lock);
	while ((node = map_walk(&t->hosts, node)) != NULL) {
		const struct own_domain *d = map_of(node, struct own_domain, by_host);

		if (strcmp(d->key, key) == 0 && strcmp(d->account, account) == 0)
			fn(arg, d->host, d->suspended, d->certified);
	}
	pthread_rwlock_unlock(&t->lock);
}
