/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of acme: in aditd.yml. */
#include "edge/core/settings_acme.h"

#include "base/limits.h"
#include "base/sentence.h"
#include "base/text.h"
#include "conf/file.h"
#include "conf/schema.h"
#include "net/addr.h"
#include "net/tls.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define AT(member) offsetof(struct settings_acme, member)
#define SIZE(member) sizeof(((struct settings_acme *)0)->member)
#define CA_AT(member) offsetof(struct settings_ca, member)
#define CA_SIZE(member) sizeof(((struct settings_ca *)0)->member)

/* Directories that people need not look up. */
static const struct {
	const char *word, *url;
} known[] = {
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory" },
	{ "letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory" },
	{ "google", "https://dv.acme-v02.api.pki.goog/directory" },
	{ "zerossl", "https://acme.zerossl.com/v2/DV90" },
};

/* In the order of enum challenge_kind (acme/challenge.h), which cannot be seen from here. */
static const char *const challenge_words[] = { "dns-01", "tls-alpn-01", "http-01",
	"dns-persist-01" };

/* --- values --- */

static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#')
			return false;
	return true;
}

static bool
read_directory(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct slice text = slice_str(n->kind == YAMLDOC_SCALAR ? n->text : "");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (slice_eq(text, slice_str(known[i].word)))
			text = slice_str(known[i].url);
	if (slice_starts(text, S("https://")) && text.n > 8 && is_plain(text) &&
	    slice_find(text, '@') == SIZE_MAX && text.n < LIMIT_ACME_URL_BYTES &&
	    slice_z(text, dst, CA_SIZE(directory)))
		return true;
	return schema_fault(r, n,
	    "letsencrypt, letsencrypt-staging, google, zerossl or the https:// URL of a CA's "
	    "directory is wanted");
}

static bool
read_ip(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct addr a = { .kind = ADDR_TCP };
	struct sockaddr_storage ss;
	socklen_t len;

	if (n->kind == YAMLDOC_SCALAR && n->text[0] != '\0' &&
	    slice_z(slice_str(n->text), a.host, SIZE(ip)) &&
	    addr_sockaddr(&a, true, &ss, &len) == 0) {
		memcpy(dst, a.host, SIZE(ip));
		return true;
	}
	return schema_fault(r, n, "the edge's public address is wanted, such as 203.0.113.9");
}

static bool
read_challenges(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	unsigned *set = dst;

	if (list->kind != YAMLDOC_LIST || list->first == NULL)
		return schema_fault(r, list, "a list is wanted, such as [tls-alpn-01, http-01]");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		size_t i = 0;

		while (i < 4 &&
		       (n->kind != YAMLDOC_SCALAR || strcmp(n->text, challenge_words[i]) != 0))
			i++;
		if (i == 4)
			return schema_fault(r, n,
			    "dns-01, tls-alpn-01, http-01 or dns-persist-01 is wanted");
		*set |= 1u << i;
	}
	return true;
}

/* --- one CA --- */

static const struct schema_row eab_rows[] = {
	{ "key_id", SCHEMA_TEXT, CA_AT(eab_key_id), .max = CA_SIZE(eab_key_id) },
	{ "hmac_file", SCHEMA_PATH, CA_AT(eab_hmac_file), .max = CA_SIZE(eab_hmac_file) },
	{ NULL },
};
static const struct schema_row ca_rows[] = {
	{ "directory", SCHEMA_CALL, CA_AT(directory), .call = read_directory },
	{ "ca_file", SCHEMA_PATH, CA_AT(ca_file), .max = CA_SIZE(ca_file) },
	{ "eab", SCHEMA_MAP, .rows = eab_rows },
	{ NULL },
};

/* For whoever finds later that it cannot be read. */
static void
note_place(const struct schema_read *r, const struct yamldoc_node *map, struct settings_ca *ca)
{
	for (const struct yamldoc_node *n = map->first; n != NULL; n = n->next)
		if (strcmp(n->key, "ca_file") == 0)
			snprintf(ca->ca_file_at, sizeof(ca->ca_file_at), "%s:%d:%d", r->path,
			    n->line, n->column);
}

static bool
is_whole(struct schema_read *r, const struct yamldoc_node *n, const struct settings_ca *ca)
{
	if (ca->directory[0] == '\0')
		return schema_fault(r, n, "\"directory\" is missing: directory: letsencrypt");
	if ((ca->eab_key_id[0] == '\0') != (ca->eab_hmac_file[0] == '\0'))
		return schema_fault(r, n, "eab: key_id and hmac_file are both needed");
	return true;
}

/* Names in place of the mapping stand for the directory alone: fallback: [google]. */
static bool
read_fallback(struct schema_read *r, const struct yamldoc_node *list, void *dst)
{
	struct settings_acme *a = dst;
	size_t n_cas = 1; /* the first one may stand below this in the file */

	if (list->kind != YAMLDOC_LIST)
		return schema_fault(r, list,
		    "a list is wanted: - { directory: google, eab: { key_id:, hmac_file: } }");
	for (const struct yamldoc_node *n = list->first; n != NULL; n = n->next) {
		struct settings_ca *ca = &a->cas[n_cas];

		if (n_cas == SETTINGS_CAS)
			return schema_fault(r, n, "more than %d CAs", SETTINGS_CAS);
		if (n->kind == YAMLDOC_SCALAR ? !read_directory(r, n, ca->directory)
					      : !schema_apply(r, ca_rows, n, ca))
			return false;
		if (!is_whole(r, n, ca))
			return false;
		note_place(r, n, ca);
		/* Whoever has no account there would only fail a second time. */
		if (ca->eab_key_id[0] == '\0' && strstr(ca->directory, "letsencrypt") == NULL)
			return schema_fault(r, n,
			    "an account of this CA is needed: eab: { key_id:, hmac_file: }");
		n_cas++;
	}
	a->n_cas = n_cas;
	return true;
}

/* --- the whole --- */

static const struct schema_row rows[] = {
	{ "directory", SCHEMA_CALL, AT(cas[0].directory), .call = read_directory },
	{ "ca_file", SCHEMA_PATH, AT(cas[0].ca_file), .max = CA_SIZE(ca_file) },
	{ "email", SCHEMA_TEXT, AT(email), .max = SIZE(email) },
	{ "agree_to_terms", SCHEMA_BOOL, AT(agree) },
	{ "profile", SCHEMA_TEXT, AT(profile), .max = SIZE(profile) },
	{ "ip", SCHEMA_CALL, AT(ip), .call = read_ip },
	{ "challenges", SCHEMA_CALL, AT(challenges), .call = read_challenges },
	{ "eab", SCHEMA_MAP, .rows = eab_rows },
	{ "fallback", SCHEMA_CALL, .call = read_fallback },
	{ NULL },
};

bool
settings_acme_read(struct schema_read *r, const struct yamldoc_node *n, void *dst)
{
	struct settings_acme *a = dst;

	if (!schema_apply(r, rows, n, a))
		return false;
	if (a->cas[0].directory[0] == '\0')
		snprintf(a->cas[0].directory, sizeof(a->cas[0].directory), "%s", known[0].url);
	if (!is_whole(r, n, &a->cas[0]))
		return false;
	note_place(r, n, &a->cas[0]);
	if (!a->agree)
		return schema_fault(r, n,
		    "\"agree_to_terms: yes\" is missing: a CA gives certificates only to those who "
		    "agree to its terms of service");
	if (a->n_cas == 0)
		a->n_cas = 1;
	check(a->n_cas <= SETTINGS_CAS);
	return true;
}

/* --- keys of external accounts --- */

/* CAs show them in base64url, with padding or without it. */
static char *
read_key(struct settings_ca *ca)
{
	struct slice text = { 0 };
	char *bytes = file_read(ca->eab_hmac_file, 4096, &text, NULL), *key;
	ptrdiff_t n = -1;

	if (bytes == NULL)
		return sentence("acme.eab.hmac_file: %s: %s", ca->eab_hmac_file, strerror(errno));
	key = malloc(text.n + 1);
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r' ||
				 text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '='))
		text.n--;
	if (key != NULL)
		n = text_unbase64(text, true, false, key, text.n);
	file_free(bytes, text);
	if (n > 0) {
		ca->eab_hmac = slice_of(key, (size_t)n);
		return NULL;
	}
	free(key);
	return sentence("acme.eab.hmac_file: %s: the key of the external account is wanted there, "
			"as the CA shows it (base64url)",
	    ca->eab_hmac_file);
}

char *
settings_acme_keys(struct settings_acme *a)
{
	char *error = NULL;

	for (size_t i = 0; i < a->n_cas && error == NULL; i++)
		if (a->cas[i].eab_hmac_file[0] != '\0' && a->cas[i].eab_hmac.p == NULL)
			error = read_key(&a->cas[i]);
	return error;
}

/* --- whom CAs' own servers are trusted by --- */

char *
settings_acme_trust(const struct settings_acme *a)
{
	for (size_t i = 0; i < a->n_cas; i++) {
		const struct settings_ca *ca = &a->cas[i];
		struct tls_client_params p = { .ca_path = ca->ca_file, .verify = true };
		struct tls_client *tls;
		char *why = NULL, *error;

		if (ca->ca_file[0] == '\0')
			continue;
		tls = tls_client_new(&p, &why);
		tls_client_unref(tls);
		if (tls != NULL)
			continue;
		error =
		    sentence("%s: acme: ca_file: %s: the certificates (PEM) to trust for the "
			     "CA's own server are wanted there, in a file that the user who runs "
			     "aditd may read: chmod a+r %s",
			ca->ca_file_at, why != NULL ? why : "out of memory", ca->ca_file);
		free(why);
		return error;
	}
	return NULL;
}

void
settings_acme_keep_keys(struct settings_acme *next, const struct settings_acme *now)
{
	for (size_t i = 0; i < next->n_cas; i++)
		for (size_t k = 0; k < now->n_cas; k++) {
			const struct settings_ca *from = &now->cas[k];
			struct settings_ca *to = &next->cas[i];
			char *copy;

			if (to->eab_hmac.p != NULL || from->eab_hmac.p == NULL ||
			    strcmp(to->eab_hmac_file, from->eab_hmac_file) != 0)
				continue;
			copy = malloc(from->eab_hmac.n);
			if (copy == NULL)
				continue;
			memcpy(copy, from->eab_hmac.p, from->eab_hmac.n);
			to->eab_hmac = slice_of(copy, from->eab_hmac.n);
		}
}

void
settings_acme_fini(struct settings_acme *a)
{
	for (size_t i = 0; i < SETTINGS_CAS; i++) {
		char *key = (char *)(uintptr_t)a->cas[i].eab_hmac.p;

		if (key != NULL)
			OPENSSL_cleanse(key, a->cas[i].eab_hmac.n);
		free(key);
		a->cas[i].eab_hmac = (struct slice){ 0 };
	}
}
