/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of "dns" in aditd.yml (settings_dns.h). */
#include "edge/core/settings_dns.h"

#include "base/sentence.h"
#include "base/text.h"
#include "conf/file.h"
#include "edge/core/settings.h"
#include "hook/ipclass.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SECRET_FILE_BYTES 1024

/* As tsig_algorithm_parse() counts them. */
const char *const settings_dns_algorithms[] = { "hmac-sha256", "hmac-sha384", "hmac-sha512", NULL };

static const char *const mode_words[] = { "challenge", "zone", NULL };
static const char *const acme_dns_words[] = { "off", "closed", "on", NULL };

/* --- names and addresses --- */

static bool
take_domain(struct schema_read *r, const struct yamldoc_node *n, char dst[254], const char *what)
{
	if (n->kind == YAMLDOC_SCALAR && settings_domain(slice_str(n->text), dst, 254))
		return true;
	return schema_fault(r, n, "%s is wanted", what);
}

static bool
read_name_server(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return take_domain(r, n, dst,
	    "the name of this edge's name server, such as "
	    "ns.tunnel.example.org,");
}

static bool
read_key_name(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return take_domain(r, n, dst, "a name of letters, digits, dots and hyphens");
}

static bool
read_secondary_name(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return take_domain(r, n, dst, "the name of a name server, such as ns2.example.net,");
}

/* A numeric address with a port, or without one for that of DNS. */
static bool
take_addr(struct schema_read *r, const struct yamldoc_node *n, struct addr *dst)
{
	struct addr bare = { .kind = ADDR_TCP, .port = SETTINGS_DNS_PORT };
	struct sockaddr_storage ss;
	socklen_t len;
	const char *why;

	if (n->kind != YAMLDOC_SCALAR)
		return schema_fault(r, n, "one address is wanted");
	if (n->text[0] != '\0' && slice_z(slice_str(n->text), bare.host, sizeof(bare.host)) &&
	    addr_sockaddr(&bare, true, &ss, &len) == 0) {
		*dst = bare;
		return true;
	}
	why = addr_parse(slice_str(n->text), dst);
	if (why == NULL &&
	    (dst->kind != ADDR_TCP || dst->tls || addr_sockaddr(dst, true, &ss, &len) != 0))
		why = "write a port, a numeric address with or without a port, or *:PORT";
	if (why != NULL)
		return schema_fault(r, n, "%s", why);
	if (dst->port == 0)
		dst->port = SETTINGS_DNS_PORT;
	return true;
}

static bool
read_secondary_addr(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr *a = dst;

	return take_addr(r, n, a) &&
	       (a->host[0] != '\0' || schema_fault(r, n, "the address of the secondary is wanted"));
}

/* A list of at most `max`; one value alone is a list of one. */
static bool
each_of(struct schema_read *r, const struct yamldoc_node *list, size_t max, void *dst,
    bool (*take)(struct schema_read *r, const struct yamldoc_node *n, void *dst))
{
	size_t count = 0;

	if (list->kind == YAMLDOC_SCALAR)
		return take(r, list, dst);
	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list, "a list is wanted");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		if (count++ == max)
			return schema_fault(r, n, "more than %zu", max);
		if (!take(r, n, dst))
			return false;
	}
	return true;
}

static bool
take_listen(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dns *d = dst;

	return take_addr(r, n, &d->listen[d->n_listen]) && ++d->n_listen > 0;
}

static bool
read_listen(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return each_of(r, n, SETTINGS_DNS_LISTEN, dst, take_listen);
}

/* False: it is there already, or there is no room. */
static bool
add_address(struct settings_dns *d, const char *host)
{
	struct addr a = { .kind = ADDR_TCP };

	snprintf(a.host, sizeof(a.host), "%s", host);
	for (size_t i = 0; i < d->n_addresses; i++)
		if (strcmp(d->addresses[i].host, host) == 0)
			return false;
	if (d->n_addresses == SETTINGS_DNS_ADDRESSES)
		return false;
	d->addresses[d->n_addresses++] = a;
	return true;
}

static bool
take_address(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr a = { .kind = ADDR_TCP };
	struct sockaddr_storage ss;
	socklen_t len;

	if (n->kind != YAMLDOC_SCALAR || n->text[0] == '\0' ||
	    !slice_z(slice_str(n->text), a.host, sizeof(a.host)) ||
	    addr_sockaddr(&a, true, &ss, &len) != 0)
		return schema_fault(r, n,
		    "an IPv4 or IPv6 address without a port is wanted, such as 203.0.113.5");
	addr_split(&ss, len, a.host, sizeof(a.host));
	return add_address(dst, a.host) || schema_fault(r, n, "%s is named twice", a.host);
}

static bool
read_addresses(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return each_of(r, n, SETTINGS_DNS_ADDRESSES, dst, take_address);
}

static bool
take_ca(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dns *d = dst;

	return take_domain(r, n, d->caa[d->n_caa],
		   "the domain of a CA, such as letsencrypt.org,") &&
	       ++d->n_caa > 0;
}

static bool
read_caa(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return each_of(r, n, SETTINGS_DNS_CAA, dst, take_ca);
}

/* --- keys --- */

/* "home", "a.b"; an underscore may begin a label, as in _acme-challenge.home. */
static bool
take_own_name(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dns_key *k = dst;
	char(*grown)[254], plain[254];
	size_t len = n->kind == YAMLDOC_SCALAR ? strlen(n->text) : 0;

	if (len == 0 || len >= sizeof(plain))
		return schema_fault(r, n, "a name below the domain is wanted, such as home");
	snprintf(plain, sizeof(plain), "%s", n->text);
	for (char *p = plain; *p != '\0'; p++)
		if (*p == '_' && (p == plain || p[-1] == '.'))
			*p = 'x';
	grown = reallocarray(k->names, k->n_names + 1, sizeof(*k->names));
	if (grown == NULL)
		return schema_fault(r, n, "out of memory");
	k->names = grown;
	memset(grown[k->n_names], 0, sizeof(*grown));
	if (!settings_domain(slice_str(plain), plain, sizeof(plain)))
		return schema_fault(r, n, "a name below the domain is wanted, such as home");
	for (size_t i = 0; n->text[i] != '\0' && n->text[i] != '\n'; i++)
		grown[k->n_names][i] = n->text[i] == '_' ? '_' : plain[i];
	k->n_names++;
	return true;
}

static bool
read_own_names(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	return each_of(r, n, SETTINGS_DNS_KEY_NAMES, dst, take_own_name);
}

#define KEY_AT(member) offsetof(struct settings_dns_key, member)

static const struct schema_row key_rows[] = {
	{ "name", SCHEMA_CALL, KEY_AT(name), .call = read_key_name },
	{ "algorithm", SCHEMA_WORD, KEY_AT(algorithm), .words = settings_dns_algorithms },
	{ "secret_file", SCHEMA_PATH, KEY_AT(secret_file) },
	{ "names", SCHEMA_CALL, .call = read_own_names },
	{ NULL },
};

static bool
take_key(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dns *d = dst;
	struct settings_dns_key *k = &d->keys[d->n_keys++]; /* settings_dns_fini() frees it */

	if (!schema_apply(r, key_rows, n, k))
		return false;
	if (k->name[0] == '\0' || k->secret_file == NULL)
		return schema_fault(r, n, "name and secret_file are both needed");
	for (size_t i = 0; i + 1 < d->n_keys; i++)
		if (strcmp(d->keys[i].name, k->name) == 0)
			return schema_fault(r, n, "two keys have the name %s", k->name);
	return true;
}

static bool
read_keys(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	if (n->kind != YAMLDOC_LIST)
		return schema_fault(r, n, "a list is wanted: - { name: NAME, secret_file: FILE }");
	return each_of(r, n, SETTINGS_DNS_KEYS, dst, take_key);
}

/* --- secondaries --- */

#define SECONDARY_AT(member) offsetof(struct settings_dns_secondary, member)

static const struct schema_row secondary_rows[] = {
	{ "address", SCHEMA_CALL, SECONDARY_AT(address), .call = read_secondary_addr },
	{ "key", SCHEMA_CALL, SECONDARY_AT(key), .call = read_key_name },
	{ "name", SCHEMA_CALL, SECONDARY_AT(name), .call = read_secondary_name },
	{ NULL },
};

static bool
take_secondary(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dns *d = dst;
	struct settings_dns_secondary *s = &d->secondaries[d->n_secondaries++];

	if (!schema_apply(r, secondary_rows, n, s))
		return false;
	return (s->address.host[0] != '\0' && s->key[0] != '\0') ||
	       schema_fault(r, n, "address and key are both needed");
}

static bool
read_secondaries(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	if (n->kind != YAMLDOC_LIST)
		return schema_fault(r, n, "a list is wanted: - { address: ADDRESS, key: NAME }");
	return each_of(r, n, SETTINGS_DNS_SECONDARIES, dst, take_secondary);
}

/* --- the whole --- */

#define AT(member) offsetof(struct settings_dns, member)

static const struct schema_row rows[] = {
	{ "listen", SCHEMA_CALL, .call = read_listen },
	{ "mode", SCHEMA_WORD, AT(mode), .words = mode_words },
	{ "acme_dns", SCHEMA_WORD, AT(acme_dns), .words = acme_dns_words },
	{ "name_server", SCHEMA_CALL, AT(name_server), .call = read_name_server },
	{ "addresses", SCHEMA_CALL, .call = read_addresses },
	{ "secondaries", SCHEMA_CALL, .call = read_secondaries },
	{ "keys", SCHEMA_CALL, .call = read_keys },
	{ "caa", SCHEMA_CALL, .call = read_caa },
	{ NULL },
};

static bool
has_key(const struct settings_dns *d, const char *name)
{
	for (size_t i = 0; i < d->n_keys; i++)
		if (strcmp(d->keys[i].name, name) == 0)
			return true;
	return false;
}

bool
settings_dns_read(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_dns *d = dst;

	if (!schema_apply(r, rows, n, d))
		return false;
	if (d->n_listen == 0)
		return schema_fault_key(r, n,
		    "\"listen\" is missing: the addresses on which the edge answers DNS, such as "
		    "[53]");
	for (size_t i = 0; i < d->n_secondaries; i++)
		if (!has_key(d, d->secondaries[i].key))
			return schema_fault_key(r, n, "secondaries: there is no key %s in \"keys\"",
			    d->secondaries[i].key);
	if (d->n_secondaries > 0 && d->mode != SETTINGS_DNS_ZONE)
		return schema_fault_key(r, n, "secondaries are for mode: zone");
	return true;
}

/* What is listened on tells the world's way to us, where it is an address of the world. */
static void
add_public(struct settings_dns *d, const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len;
	char host[256];

	if (a->kind != ADDR_TCP || a->host[0] == '\0' || addr_sockaddr(a, true, &ss, &len) != 0 ||
	    ipclass_sockaddr((const struct sockaddr *)&ss, len) != IPCLASS_GLOBAL)
		return;
	addr_split(&ss, len, host, sizeof(host));
	(void)add_address(d, host);
}

bool
settings_dns_whole(struct schema_read *r, const struct yamldoc_node *root, struct settings_dns *d,
    const char *domain, const struct addr *https)
{
	if (d->n_listen == 0)
		return true;
	if (strlen(domain) > 200)
		return schema_fault(r, root, "dns: the domain is too long for names below it");
	if (d->name_server[0] == '\0')
		snprintf(d->name_server, sizeof(d->name_server), "ns.%s", domain);
	if (d->n_addresses == 0) {
		add_public(d, https);
		for (size_t i = 0; i < d->n_listen; i++)
			add_public(d, &d->listen[i]);
	}
	if (d->n_addresses == 0 && d->mode == SETTINGS_DNS_ZONE)
		return schema_fault(r, root,
		    "dns: \"addresses\" is missing: the public addresses of this edge, such as "
		    "[203.0.113.5]");
	return true;
}

void
settings_dns_fini(struct settings_dns *d)
{
	settings_dns_wipe_keys(d);
	for (size_t i = 0; i < d->n_keys; i++) {
		free(d->keys[i].secret_file);
		free(d->keys[i].names);
	}
}

static bool
same_key(const struct settings_dns_key *a, const struct settings_dns_key *b)
{
	if (strcmp(a->name, b->name) != 0 || a->algorithm != b->algorithm ||
	    strcmp(a->secret_file, b->secret_file) != 0 || a->n_names != b->n_names)
		return false;
	for (size_t i = 0; i < a->n_names; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

static bool
same_addrs(const struct addr *a, size_t n_a, const struct addr *b, size_t n_b)
{
	for (size_t i = 0; n_a == n_b && i < n_a; i++)
		if (!addr_same(&a[i], &b[i]))
			return false;
	return n_a == n_b;
}

bool
settings_dns_same(const struct settings_dns *a, const struct settings_dns *b)
{
	if (!same_addrs(a->listen, a->n_listen, b->listen, b->n_listen) || a->mode != b->mode ||
	    a->acme_dns != b->acme_dns || strcmp(a->name_server, b->name_server) != 0 ||
	    !same_addrs(a->addresses, a->n_addresses, b->addresses, b->n_addresses) ||
	    a->n_secondaries != b->n_secondaries || a->n_keys != b->n_keys ||
	    a->n_caa != b->n_caa || memcmp(a->caa, b->caa, sizeof(a->caa)) != 0)
		return false;
	for (size_t i = 0; i < a->n_secondaries; i++)
		if (!addr_same(&a->secondaries[i].address, &b->secondaries[i].address) ||
		    strcmp(a->secondaries[i].key, b->secondaries[i].key) != 0 ||
		    strcmp(a->secondaries[i].name, b->secondaries[i].name) != 0)
			return false;
	for (size_t i = 0; i < a->n_keys; i++)
		if (!same_key(&a->keys[i], &b->keys[i]))
			return false;
	return true;
}

/* --- secrets --- */

/* As tsig-keygen and knotc print them: base64 on a line of its own. */
static char *
read_secret(struct settings_dns_key *k)
{
	struct slice text, all;
	mode_t others = 0;
	char *bytes = file_read(k->secret_file, SECRET_FILE_BYTES, &all, &others), *error = NULL;
	ptrdiff_t n;

	if (bytes == NULL)
		return sentence("dns.keys: %s: %s: %s", k->name, k->secret_file, strerror(errno));
	text = slice_trim(slice_head(all, slice_find(all, '\n')));
	n = text_unbase64(text, false, true, k->secret, sizeof(k->secret));
	if (n <= 0)
		error = sentence("dns.keys: %s: %s: a secret of 1 to %d bytes in base64 is wanted, "
				 "as openssl rand -base64 32 makes one",
		    k->name, k->secret_file, SETTINGS_DNS_SECRET_BYTES);
	else if ((others & 044) != 0)
		error = sentence("dns.keys: %s: %s: others may read it: chmod 600 %s", k->name,
		    k->secret_file, k->secret_file);
	k->n_secret = n > 0 ? (size_t)n : 0;
	file_free(bytes, all);
	return error;
}

char *
settings_dns_read_keys(struct settings_dns *d)
{
	char *error = NULL;

	for (size_t i = 0; i < d->n_keys && error == NULL; i++)
		error = read_secret(&d->keys[i]);
	return error;
}

void
settings_dns_wipe_keys(struct settings_dns *d)
{
	for (size_t i = 0; i < d->n_keys; i++) {
		OPENSSL_cleanse(d->keys[i].secret, sizeof(d->keys[i].secret));
		d->keys[i].n_secret = 0;
	}
}
