/* SPDX-License-Identifier: Apache-2.0 */
/* The three challenges of RFC 8555 and 8737, and the record that stands (dns-persist-01). */
#include "acme/challenge.h"

#include "acme/csr.h"
#include "acme/errqueue.h"
#include "acme/jws.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <stdio.h>

#define ALPN_OID "1.3.6.1.5.5.7.1.31" /* id-pe-acmeIdentifier (RFC 8737 section 6.1) */
#define DER_MAX 4096

static const char *const words[] = {
	[CHALLENGE_DNS] = "dns-01",
	[CHALLENGE_ALPN] = "tls-alpn-01",
	[CHALLENGE_HTTP] = "http-01",
	[CHALLENGE_PERSIST] = "dns-persist-01",
};

const char *
challenge_word(enum challenge_kind kind)
{
	check(kind < CHALLENGE_KINDS);
	return words[kind];
}

bool
challenge_kind(struct slice word, enum challenge_kind *ret)
{
	for (enum challenge_kind k = 0; k < CHALLENGE_KINDS; k++) {
		if (slice_eq(word, slice_str(words[k]))) {
			*ret = k;
			return true;
		}
	}
	return false;
}

unsigned
challenge_possible(const struct ident *id)
{
	const unsigned by_dns = CHALLENGE_CAN(CHALLENGE_DNS) | CHALLENGE_CAN(CHALLENGE_PERSIST);
	const unsigned by_visit = CHALLENGE_CAN(CHALLENGE_ALPN) | CHALLENGE_CAN(CHALLENGE_HTTP);

	if (id->ip_n > 0)
		return by_visit;
	return id->wildcard ? by_dns : by_dns | by_visit;
}

bool
challenge_token_ok(struct slice token)
{
	if (token.n < 22 || token.n >= CHALLENGE_TOKEN_BYTES)
		return false;
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* --- tls-alpn-01 (RFC 8737 section 3) --- */

/* Critical, and an OCTET STRING of the hash within the extension's own. */
static bool
add_acme_identifier(X509 *x, const uint8_t hash[SHA256_DIGEST_LENGTH])
{
	uint8_t der[2 + SHA256_DIGEST_LENGTH] = { 0x04, SHA256_DIGEST_LENGTH };
	ASN1_OBJECT *oid = OBJ_txt2obj(ALPN_OID, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	bool ok;

	memcpy(der + 2, hash, SHA256_DIGEST_LENGTH);
	ok = oid != NULL && value != NULL && ASN1_OCTET_STRING_set(value, der, sizeof(der)) == 1 &&
	     (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value)) != NULL &&
	     X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return ok;
}

/* Exactly one name, the one that is proven. */
static bool
add_name(X509 *x, const struct ident *id)
{
	GENERAL_NAMES *names = csr_names(id, 1);
	bool ok = names != NULL &&
		  X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;

	GENERAL_NAMES_free(names);
	return ok;
}

/* The CA looks at neither dates nor subject: the years 2000 to 2099 fit every clock. */
static bool
fill(X509 *x, EVP_PKEY *key, const struct ident *id, const uint8_t *hash)
{
	return X509_set_version(x, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	       ASN1_TIME_set_string(X509_getm_notBefore(x), "20000101000000Z") == 1 &&
	       ASN1_TIME_set_string(X509_getm_notAfter(x), "20991231000000Z") == 1 &&
	       X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		   (const unsigned char *)"acme-tls/1", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
	       X509_set_pubkey(x, key) == 1 && add_name(x, id) && add_acme_identifier(x, hash) &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

static bool
put_key(EVP_PKEY *key, struct buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	uint8_t *der = NULL;
	int n = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	if (n > 0)
		buf_put(out, slice_of(der, (size_t)n));
	if (n > 0)
		OPENSSL_clear_free(der, (size_t)n);
	PKCS8_PRIV_KEY_INFO_free(info);
	return n > 0 && !out->failed;
}

static bool
make_alpn(struct challenge *c, const uint8_t hash[SHA256_DIGEST_LENGTH])
{
	int marked = errqueue_mark(), n = 0;
	EVP_PKEY *key = eckey_new();
	X509 *x = X509_new();
	uint8_t *der = NULL;
	bool ok = key != NULL && x != NULL && fill(x, key, &c->ident, hash) &&
		  (n = i2d_X509(x, &der)) > 0;

	buf_init(&c->cert, DER_MAX);
	buf_init(&c->key, DER_MAX);
	if (ok)
		buf_put(&c->cert, slice_of(der, (size_t)n));
	ok = ok && put_key(key, &c->key) && !c->cert.failed;
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
	errqueue_forget(marked);
	return ok;
}

/* --- all --- */

static void
put_hash(const uint8_t *hash, char *dst, size_t cap)
{
	struct buf b;

	buf_init(&b, 64);
	jws_base64url(&b, hash, SHA256_DIGEST_LENGTH);
	check(slice_z(buf_slice(&b), dst, cap));
	buf_fini(&b);
}

bool
challenge_make(struct challenge *c, const char *thumbprint)
{
	char authorisation[CHALLENGE_TOKEN_BYTES + JWS_THUMB_BYTES + 1];
	uint8_t hash[SHA256_DIGEST_LENGTH];
	int n = snprintf(authorisation, sizeof(authorisation), "%s.%s", c->token, thumbprint);

	check(challenge_token_ok(slice_str(c->token)));
	check(challenge_possible(&c->ident) & CHALLENGE_CAN(c->kind));
	SHA256((const uint8_t *)authorisation, (size_t)n, hash);
	switch (c->kind) {
	case CHALLENGE_DNS:
		snprintf(c->where, sizeof(c->where), "_acme-challenge.%s", ident_base(&c->ident));
		put_hash(hash, c->text, sizeof(c->text));
		return true;
	case CHALLENGE_HTTP:
		snprintf(c->where, sizeof(c->where), "/.well-known/acme-challenge/%s", c->token);
		memcpy(c->text, authorisation, (size_t)n + 1);
		return true;
	case CHALLENGE_ALPN:
		if (c->ident.ip_n > 0)
			ident_reverse(&c->ident, c->where);
		else
			snprintf(c->where, sizeof(c->where), "%s", c->ident.text);
		return make_alpn(c, hash);
	case CHALLENGE_PERSIST:
		break;
	}
	check(!"a standing record has no key authorisation");
	return false;
}

/* draft -02: PREFIX sha-256/ base64url(SHA-256(length of the name, name, thumbprint, account URL)). */
static void
account_hash(const struct challenge *c, const struct challenge_standing *s, char dst[64])
{
	const char *name = ident_base(&c->ident);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct buf b;

	buf_init(&b, 4096);
	buf_putc(&b, (char)strlen(name));
	buf_put(&b, slice_str(name));
	buf_put(&b, slice_str(s->thumbprint));
	buf_put(&b, slice_str(s->account_url));
	SHA256((const uint8_t *)b.p, b.n, hash);
	buf_fini(&b);
	put_hash(hash, dst, 64);
}

bool
challenge_standing(struct challenge *c, const struct challenge_standing *s)
{
	const char *policy = c->ident.wildcard ? "; policy=wildcard" : "";
	char hash[64];
	int n;

	check(c->kind == CHALLENGE_PERSIST && c->ident.ip_n == 0);
	c->token[0] = '\0';
	snprintf(c->where, sizeof(c->where), "_validation-persist.%s", ident_base(&c->ident));
	if (s->hash_prefix[0] == '\0') {
		n = snprintf(c->text, sizeof(c->text), "%s; accounturi=%s%s", s->issuer,
		    s->account_url, policy);
	} else {
		account_hash(c, s, hash);
		n = snprintf(c->text, sizeof(c->text), "%s; accounturi=%ssha-256/%s%s", s->issuer,
		    s->hash_prefix, hash, policy);
	}
	return n > 0 && (size_t)n < sizeof(c->text);
}

void
challenge_fini(struct challenge *c)
{
	buf_fini(&c->cert);
	if (c->key.p != NULL)
		OPENSSL_cleanse(c->key.p, c->key.n);
	buf_fini(&c->key);
}
