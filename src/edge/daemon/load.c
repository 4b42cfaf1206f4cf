/* SPDX-License-Identifier: Apache-2.0 */
/* Loads names, ports and policies from the store before the first connection is taken. */
#include "edge/daemon/load.h"

#include "base/limits.h"
#include "base/log.h"
#include "edge/core/await.h"
#include "hook/policy.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

/* Lists behind req, page after page: take() gets each row,
 * and says in req behind what the next page begins. */
static enum store_result
each_row(struct store *s, struct store_req *req, size_t page,
    enum store_result (*take)(struct store_req *req, const struct store_row *row, void *arg),
    void *arg)
{
	enum store_result r = STORE_OK;
	bool more = true;

	while (more && r == STORE_OK) {
		r = await_store(s, req);
		check(req->n_rows <= page); /* else the last page would not be known by its size */
		more = req->n_rows == page;
		for (size_t i = 0; r == STORE_OK && i < req->n_rows; i++)
			r = take(req, &req->rows[i], arg);
		store_req_fini(req);
	}
	return r;
}

static enum store_result
load_route(struct directory *d, const char *key, const struct store_row *row)
{
	unsigned at;

	if (directory_load(d, slice_str(key), slice_str(row->account), row->tombstone) != 0)
		return STORE_FULL;
	if (row->tls) {
		directory_load_tls(d, slice_str(key));
		directory_stored(d, slice_str(key), (struct slice){ 0 }, true);
	}
	if (row->disabled && directory_disable(d, slice_str(key), true, &at))
		return STORE_INVALID; /* before the first link nobody serves it */
	if (row->stopped_ms != 0)
		directory_load_stopped(d, slice_str(key), row->stopped_ms);
	return STORE_OK;
}

static enum store_result
take_port(struct store_req *req, const struct store_row *row, void *arg)
{
	char key[DIRECTORY_KEY_BYTES];

	snprintf(key, sizeof(key), "tcp:%u", row->port);
	req->route.port = row->port;
	return load_route(arg, key, row);
}

/* Names on their way into the directory. */
struct name_load {
	struct directory *directory;
	char *oldest;
	int64_t oldest_ms;
};

static enum store_result
take_name(struct store_req *req, const struct store_row *row, void *arg)
{
	struct name_load *n = arg;

	if (!row->tombstone && (n->oldest[0] == '\0' || row->created_ms < n->oldest_ms)) {
		snprintf(n->oldest, DIRECTORY_KEY_BYTES, "%s", row->name);
		n->oldest_ms = row->created_ms;
	}
	snprintf(req->route.name, sizeof(req->route.name), "%s", row->name);
	return load_route(n->directory, row->name, row);
}

enum store_result
load_names(struct store *s, struct directory *d, char oldest[DIRECTORY_KEY_BYTES])
{
	struct store_req names = { .op = STORE_NAME_LIST }, ports = { .op = STORE_PORT_LIST };
	struct name_load n = { .directory = d, .oldest = oldest };
	enum store_result r;

	oldest[0] = '\0';
	r = each_row(s, &names, LIMIT_STORE_ROWS, take_name, &n);
	return r != STORE_OK ? r : each_row(s, &ports, LIMIT_STORE_ROWS, take_port, d);
}

/*
 * A policy that cannot be opened leaves the name without one until its agent is back. It is
 * told, since what comes meanwhile is answered as for a name that never had any.
 */
static void
load_policy(struct directory *d, const struct vault *vault, const struct store_row *row)
{
	char why[256] = "it was sealed with another key";
	char *json = malloc(row->n_policy + 1);
	ptrdiff_t n = json == NULL ? -1
				   : vault_unseal(vault, slice_str(row->name),
					 slice_of(row->policy, row->n_policy), json);
	struct policy *p;

	check(n < 0 || (size_t)n <= row->n_policy);
	p = n < 0 ? NULL : policy_new(slice_of(json, (size_t)n), why, sizeof(why));
	if (p == NULL)
		log_event(LOG_ERROR, "policy-lost", LOG_Z("tunnel", row->name), LOG_Z("why", why));
	else
		directory_set_policy(d, slice_str(row->name), p);
	if (p != NULL)
		directory_stored(d, slice_str(row->name), slice_str(p->json), false);
	policy_unref(p);
	if (n > 0)
		OPENSSL_cleanse(json, (size_t)n);
	free(json);
}

struct policies {
	struct directory *directory;
	const struct vault *vault;
};

static enum store_result
take_policy(struct store_req *req, const struct store_row *row, void *arg)
{
	const struct policies *p = arg;

	snprintf(req->route.name, sizeof(req->route.name), "%s", row->name);
	load_policy(p->directory, p->vault, row);
	return STORE_OK;
}

struct keys {
	struct keyring *keyring;
	const struct vault *vault;
};

static enum store_result
take_key(struct store_req *req, const struct store_row *row, void *arg)
{
	const struct keys *keys = arg;
	struct keyring_key k = { .expires_ms = row->expires_ms };
	char clear[512];
	enum store_result r = STORE_OK;

	memcpy(req->grant.id, row->token_id, sizeof(req->grant.id));
	memcpy(k.id, row->token_id, sizeof(k.id));
	memcpy(k.account, row->account, sizeof(k.account));
	slice_copy(slice_str(row->scope), k.scope, sizeof(k.scope));
	if (row->n_key > sizeof(clear) ||
	    vault_unseal(keys->vault, S(KEYRING_WHERE), slice_of(row->key, row->n_key), clear) !=
		sizeof(k.secret)) {
		log_event(LOG_ERROR, "key-lost", LOG_Z("token", row->token_id),
		    LOG_Z("why", "it was sealed with another key"));
		return STORE_OK;
	}
	memcpy(k.secret, clear, sizeof(k.secret));
	if (!keyring_put(keys->keyring, &k))
		r = STORE_FULL;
	OPENSSL_cleanse(clear, sizeof(clear));
	OPENSSL_cleanse(&k, sizeof(k));
	return r;
}

enum store_result
load_keys(struct store *s, struct keyring *r, const struct vault *vault)
{
	struct store_req req = { .op = STORE_TOKEN_KEYS };
	struct keys keys = { r, vault };

	return each_row(s, &req, LIMIT_STORE_ROWS, take_key, &keys);
}

enum store_result
load_policies(struct store *s, struct directory *d, const struct vault *vault)
{
	struct store_req req = { .op = STORE_NAME_POLICIES };
	struct policies p = { d, vault };

	return each_row(s, &req, LIMIT_STORE_POLICIES, take_policy, &p);
}

static bool
take_domains(const struct item_req *page, void *arg)
{
	for (size_t i = 0; i < page->n_rows; i++)
		if (!domains_load(arg, &page->rows[i]))
			return false;
	return true;
}

enum store_result
load_domains(struct store *s, struct domains *ds)
{
	return await_items(s, "domain", take_domains, ds);
}

static bool
take_acme_dns(const struct item_req *page, void *arg)
{
	for (size_t i = 0; i < page->n_rows; i++) {
		const struct item_row *row = &page->rows[i];

		if (!acme_dns_load(arg, row->name, slice_of(row->bytes, row->n)))
			log_event(LOG_ERROR, "acme-dns-lost", LOG_Z("id", row->name));
	}
	return true;
}

enum store_result
load_acme_dns(struct store *s, struct acme_dns *a)
{
	return await_items(s, ACME_DNS_KIND, take_acme_dns, a);
}
