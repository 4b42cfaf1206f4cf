/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the configuration and those of tokens, and what each may do: that of a secondary takes
 * the whole zone, one with names changes their records and sees nothing else.
 */
#include "edge/dns/name_server_private.h"

#include "base/clock.h"
#include "base/limits.h"
#include "dns/rr.h"
#include "edge/core/keyring.h"

#include <stdio.h>
#include <stdlib.h>

static const struct dns_key *
find(const struct name_server *ns, struct slice name)
{
	for (size_t i = 0; i < ns->n_keys; i++)
		if (dname_eq(dname_slice(&ns->keys[i].tsig.name), name))
			return &ns->keys[i];
	return NULL;
}

/* One of its names, or below one. */
static bool
owns(const struct dns_key *k, struct slice name)
{
	for (size_t i = 0; i < k->n_names; i++)
		if (dname_in(name, dname_slice(&k->names[i])))
			return true;
	return false;
}

/* --- keys of tokens: looked up each time, as they come and go --- */

/* A name of one label, the id of the token. */
static bool
token_of(const struct name_server *ns, struct slice name, struct keyring_key *ret)
{
	if (name.n < 2 || dname_labels(name) != 1)
		return false;
	return keyring_find(ns->edge->keyring, slice_of(name.p + 1, name.n - 2), clock_wall_ms(),
	    ret);
}

/* One of its names, or below one, as long as the account has it. */
static bool
token_owns(const struct name_server *ns, const struct keyring_key *k, struct slice name)
{
	struct slice domain = dname_slice(&ns->domain), label;

	if (!dname_in(name, domain) || dname_eq(name, domain))
		return false;
	label = dname_skip(name, dname_labels(name) - dname_labels(domain) - 1);
	label = slice_of(label.p + 1, (unsigned char)label.p[0]);
	return keyring_allows(k->scope, label) &&
	       directory_owns(ns->edge->directory, label, slice_str(k->account));
}

/* --- rules --- */

static bool
on_key(void *arg, struct slice name, struct tsig_key *ret)
{
	const struct dns_key *k = find(arg, name);
	struct keyring_key token;

	if (k != NULL) {
		*ret = k->tsig;
		return true;
	}
	if (!token_of(arg, name, &token))
		return false;
	memset(ret, 0, sizeof(*ret));
	dname_set_lower(&ret->name, name);
	ret->algorithm = TSIG_SHA256;
	ret->n = sizeof(token.secret);
	memcpy(ret->secret, token.secret, sizeof(token.secret));
	explicit_bzero(&token, sizeof(token));
	return true;
}

static enum authority_share
on_transfer(void *arg, const struct authority_asker *by, const struct zone *z)
{
	const struct dns_key *k = by->key.n > 0 ? find(arg, by->key) : NULL;
	struct keyring_key token;

	(void)z; /* there is one */
	if (k == NULL)
		return token_of(arg, by->key, &token) ? AUTHORITY_SOME : AUTHORITY_NONE;
	if (k->is_secondary)
		return AUTHORITY_ALL;
	return k->n_names > 0 ? AUTHORITY_SOME : AUTHORITY_NONE;
}

static bool
on_sees(void *arg, struct slice key, struct slice name)
{
	const struct dns_key *k = find(arg, key);
	struct keyring_key token;

	if (k != NULL)
		return owns(k, name);
	return token_of(arg, key, &token) && token_owns(arg, &token, name);
}

/* The types that names have of their own; the name server's address is the edge's. */
static bool
on_changes(void *arg, const struct authority_asker *by, struct slice name, uint16_t type)
{
	const struct name_server *ns = arg;
	if (!on_sees(arg, by->key, name) || dname_eq(name, dname_slice(&ns->name_server)))
		return false;
	return type == RR_A || type == RR_AAAA || type == RR_TXT || type == RR_DHCID ||
	       type == RR_ANY;
}

const struct authority_rules dns_keys_rules = {
	.key = on_key,
	.transfer = on_transfer,
	.sees = on_sees,
	.changes = on_changes,
};

/* --- life --- */

static bool
is_secondary(const struct settings_dns *d, const char *key)
{
	for (size_t i = 0; i < d->n_secondaries; i++)
		if (strcmp(d->secondaries[i].key, key) == 0)
			return true;
	return false;
}

/* "home" of the configuration is home.DOMAIN; a name that is too long is nobody's. */
static bool
take_names(struct dns_key *k, const struct settings_dns_key *from, const char *domain)
{
	char text[600];

	k->names = calloc(from->n_names + 1, sizeof(*k->names));
	if (k->names == NULL)
		return false;
	for (size_t i = 0; i < from->n_names; i++) {
		struct dname d;

		snprintf(text, sizeof(text), "%s.%s", from->names[i], domain);
		if (dname_parse(slice_str(text), &d))
			dname_set_lower(&k->names[k->n_names++], dname_slice(&d));
	}
	return true;
}

bool
dns_keys_init(struct name_server *ns)
{
	const struct settings_dns *d = &ns->settings->dns;

	ns->keys = calloc(d->n_keys + 1, sizeof(*ns->keys));
	if (ns->keys == NULL)
		return false;
	for (size_t i = 0; i < d->n_keys; i++) {
		const struct settings_dns_key *from = &d->keys[i];
		struct dns_key *k = &ns->keys[ns->n_keys++];
		struct dname name;

		check(from->n_secret > 0 && from->n_secret <= sizeof(k->tsig.secret));
		check(dname_parse(slice_str(from->name), &name)); /* settings have judged it */
		dname_set_lower(&k->tsig.name, dname_slice(&name));
		k->tsig.algorithm = (enum tsig_algorithm)from->algorithm;
		k->tsig.n = (uint8_t)from->n_secret;
		memcpy(k->tsig.secret, from->secret, from->n_secret);
		k->is_secondary = is_secondary(d, from->name);
		if (!take_names(k, from, ns->settings->domain))
			return false;
	}
	return true;
}

void
dns_keys_fini(struct name_server *ns)
{
	for (size_t i = 0; i < ns->n_keys; i++) {
		tsig_key_wipe(&ns->keys[i].tsig);
		free(ns->keys[i].names);
	}
	free(ns->keys);
}
