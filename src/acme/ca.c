/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory, nonces and account of one CA.
 *
 *	directory  {"newNonce":URL, "newAccount":, "newOrder":, "revokeCert":, "keyChange":, "renewalInfo":,
 *	            "meta":{"termsOfService":URL, "externalAccountRequired":bool, "profiles":{name:text},
 *	            "accountHashPrefix":text}}
 *	saved      {"v":1, "directory":URL, "key":PEM, "account":URL, "next":PEM}
 */
#include "acme/ca_private.h"

#include "acme/cadoc.h"

#include <stdlib.h>

static const char *const names[] = {
	[CA_NEW_NONCE] = "newNonce",
	[CA_NEW_ACCOUNT] = "newAccount",
	[CA_NEW_ORDER] = "newOrder",
	[CA_REVOKE] = "revokeCert",
	[CA_KEY_CHANGE] = "keyChange",
	[CA_RENEWAL_INFO] = "renewalInfo",
};

/* --- birth and death --- */

/* Everything but the key itself may be missing. */
static const char *
read_saved(struct ca *ca, struct slice saved)
{
	json_t *o = cadoc_read(saved);
	struct slice next = cadoc_text(o, "next");
	const char *why = NULL;

	ca->key = eckey_read(cadoc_text(o, "key"));
	if (ca->key == NULL)
		why = "the saved account cannot be read";
	else if (!slice_eq(cadoc_text(o, "directory"), slice_str(ca->directory)))
		why = "the saved account is of another directory";
	else if (next.n > 0 && (ca->next = eckey_read(next)) == NULL)
		why = "the new key of the saved account cannot be read";
	(void)cadoc_url(cadoc_text(o, "account"), ca->account);
	json_decref(o);
	return why;
}

static const char *
read_options(struct ca *ca, const struct ca_options *o)
{
	ca->agree_to_terms = o->agree_to_terms;
	if (!cadoc_url(slice_str(o->directory), ca->directory))
		return "the directory must be an https URL of at most 1023 characters";
	if (o->email != NULL && !slice_z(slice_str(o->email), ca->email, sizeof(ca->email)))
		return "email: is longer than 255 characters";
	if (o->eab_key_id == NULL)
		return NULL;
	if (!slice_z(slice_str(o->eab_key_id), ca->eab_key_id, sizeof(ca->eab_key_id)))
		return "key_id: under eab: is longer than 255 characters";
	if (o->eab_hmac.n == 0 || o->eab_hmac.n > sizeof(ca->eab_hmac))
		return "the key in hmac_file: under eab: is empty or longer than 256 bytes";
	memcpy(ca->eab_hmac, o->eab_hmac.p, o->eab_hmac.n);
	ca->eab_hmac_n = o->eab_hmac.n;
	return NULL;
}

struct ca *
ca_new(const struct ca_options *o, struct slice saved, const char **why)
{
	struct ca *ca = calloc(1, sizeof(*ca));

	*why = "no memory";
	if (ca == NULL)
		return NULL;
	*why = read_options(ca, o);
	if (*why == NULL && saved.n > 0)
		*why = read_saved(ca, saved);
	if (*why == NULL && ca->key == NULL) {
		ca->key = eckey_new();
		ca->version++; /* on disk before the CA ever sees it */
	}
	if (*why == NULL && (ca->key == NULL || !jws_thumbprint(ca->key, ca->thumbprint)))
		*why = "libcrypto makes no key";
	if (*why != NULL) {
		ca_free(ca);
		return NULL;
	}
	return ca;
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	EVP_PKEY_free(ca->key);
	EVP_PKEY_free(ca->next);
	OPENSSL_cleanse(ca->eab_hmac, sizeof(ca->eab_hmac));
	free(ca);
}

/* --- what is saved --- */

static void
put_key(struct buf *out, const char *name, EVP_PKEY *key)
{
	struct buf pem;

	buf_init(&pem, ECKEY_PEM_BYTES);
	buf_printf(out, ",\"%s\":", name);
	if (!eckey_pem(key, &pem))
		out->failed = true;
	buf_json(out, buf_slice(&pem));
	if (pem.p != NULL)
		OPENSSL_cleanse(pem.p, pem.cap);
	buf_fini(&pem);
}

char *
ca_save(const struct ca *ca, uint64_t *ret_version)
{
	struct buf b;

	buf_init(&b, CA_SAVED_BYTES);
	buf_put(&b, S("{\"v\":1,\"directory\":"));
	buf_json(&b, slice_str(ca->directory));
	put_key(&b, "key", ca->key);
	if (ca->account[0] != '\0') {
		buf_put(&b, S(",\"account\":"));
		buf_json(&b, slice_str(ca->account));
	}
	if (ca->next != NULL)
		put_key(&b, "next", ca->next);
	buf_putc(&b, '}');
	*ret_version = ca->version;
	if (buf_z(&b) == NULL) {
		buf_fini(&b);
		return NULL;
	}
	return b.p;
}

void
ca_stored(struct ca *ca, uint64_t version)
{
	check(version <= ca->version);
	if (version > ca->stored)
		ca->stored = version;
}

const char *
ca_account(const struct ca *ca)
{
	return ca->account;
}

bool
ca_caa_value(const struct ca *ca, char *dst, size_t cap)
{
	int n = snprintf(dst, cap, "%s; accounturi=%s; validationmethods=tls-alpn-01,http-01",
	    ca->caa, ca->account);

	return ca->caa[0] != '\0' && ca->account[0] != '\0' && n > 0 && (size_t)n < cap;
}

bool
ca_is_rolling(const struct ca *ca)
{
	return ca->next != NULL;
}

void
ca_set_account(struct ca *ca, const char *url)
{
	if (strcmp(ca->account, url) == 0)
		return;
	check(strlen(url) < sizeof(ca->account));
	memcpy(ca->account, url, strlen(url) + 1);
	ca->version++;
}

bool
ca_roll(struct ca *ca)
{
	if (ca->next != NULL)
		return true;
	ca->next = eckey_new();
	ca->version++;
	return ca->next != NULL;
}

void
ca_rolled(struct ca *ca, bool changed)
{
	check(ca->next != NULL);
	if (changed) {
		EVP_PKEY_free(ca->key);
		ca->key = ca->next;
		check(jws_thumbprint(ca->key, ca->thumbprint)); /* it has signed already */
	} else {
		EVP_PKEY_free(ca->next);
	}
	ca->next = NULL;
	ca->version++;
}

/* --- the directory --- */

/* What goes into records and to terminals: printable ASCII without blank, quote and semicolon. */
static bool
copy_word(struct slice word, char *dst, size_t cap)
{
	bool ok = slice_z(word, dst, cap);

	for (const char *c = dst; ok && *c != '\0'; c++)
		ok = *c > ' ' && *c <= '~' && *c != '"' && *c != '\\' && *c != ';';
	if (!ok)
		dst[0] = '\0';
	return ok;
}

/* meta (RFC 8555 7.1.1, drafts of profiles and dns-persist); nothing of it has to be there. */
static void
read_meta(struct ca *ca, const json_t *meta)
{
	json_t *profiles = json_object_get(meta, "profiles"), *value;
	const char *name;

	ca->eab_wanted = json_is_true(json_object_get(meta, "externalAccountRequired"));
	(void)cadoc_url(cadoc_text(meta, "termsOfService"), ca->terms);
	/* Terms without a URL are terms, too. */
	if (ca->terms[0] == '\0' && cadoc_text(meta, "termsOfService").n > 0)
		slice_copy(S("without a URL"), ca->terms, sizeof(ca->terms));
	(void)copy_word(cadoc_text(meta, "accountHashPrefix"), ca->hash_prefix,
	    sizeof(ca->hash_prefix));
	(void)copy_word(cadoc_item(meta, "caaIdentities", 0), ca->caa, sizeof(ca->caa));
	ca->n_profiles = 0;
	json_object_foreach(profiles, name, value) {
		if (ca->n_profiles < CA_PROFILES &&
		    copy_word(slice_str(name), ca->profiles[ca->n_profiles],
			sizeof(ca->profiles[0])))
			ca->n_profiles++;
	}
}

bool
ca_read_directory(struct ca *ca, struct slice json, int64_t now_s)
{
	json_t *o = cadoc_read(json);
	bool ok = o != NULL;

	for (int i = 0; i < CA_URLS; i++) {
		bool has = cadoc_url(cadoc_text(o, names[i]), ca->urls[i]);

		/* The last one is of RFC 9773 and not of every CA. */
		ok = ok && (has || i == CA_RENEWAL_INFO);
	}
	if (ok)
		read_meta(ca, json_object_get(o, "meta"));
	ca->read_at_s = ok ? now_s : 0;
	json_decref(o);
	return ok;
}

/*
 * A day is short enough that a CA may move, and long enough that nobody counts our questions. A clock
 * that was put back would keep it for longer than it should be.
 */
bool
ca_knows_directory(const struct ca *ca, int64_t now_s)
{
	return ca->read_at_s != 0 && now_s >= ca->read_at_s &&
	       now_s - ca->read_at_s < LIMIT_ACME_DIRECTORY_S;
}

bool
ca_has_renewal_info(const struct ca *ca)
{
	return ca->read_at_s != 0 && ca->urls[CA_RENEWAL_INFO][0] != '\0';
}

bool
ca_has_profile(const struct ca *ca, const char *profile)
{
	for (size_t i = 0; i < ca->n_profiles; i++) {
		if (strcmp(ca->profiles[i], profile) == 0)
			return true;
	}
	return false;
}

/* --- nonces --- */

/* base64url (RFC 8555 6.5.1): anything else would have to be escaped, and is no nonce. */
void
ca_put_nonce(struct ca *ca, struct slice nonce)
{
	if (nonce.n == 0 || nonce.n >= CA_NONCE_BYTES)
		return;
	for (size_t i = 0; i < nonce.n; i++) {
		char c = nonce.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_'))
			return;
	}
	if (ca->n_nonces == LIMIT_ACME_NONCES) {
		memmove(ca->nonces[0], ca->nonces[1], sizeof(ca->nonces) - sizeof(ca->nonces[0]));
		ca->n_nonces--;
	}
	check(slice_z(nonce, ca->nonces[ca->n_nonces++], CA_NONCE_BYTES));
}

bool
ca_take_nonce(struct ca *ca, char dst[CA_NONCE_BYTES])
{
	if (ca->n_nonces == 0)
		return false;
	memcpy(dst, ca->nonces[--ca->n_nonces], CA_NONCE_BYTES);
	return true;
}
