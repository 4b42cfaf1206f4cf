/* SPDX-License-Identifier: Apache-2.0 */
/* A CA without a network: certificates for keys and names, and readers of signed requests. */
#ifndef ADIT_TEST_ACME_LAB_H
#define ADIT_TEST_ACME_LAB_H

#include "acme/cadoc.h"
#include "acme/chain.h"
#include "acme/csr.h"
#include "acme/eckey.h"

#include "base/text.h"

#include "unit.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define NOW 1796000000 /* 2026-11-30 */
#define DAY 86400

struct lab_ca {
	EVP_PKEY *key;
	X509 *cert;
};

struct lab_wish {
	EVP_PKEY *key;
	const char *subject, *names[4]; /* "*.example.org", "IP:1.2.3.4" without its "IP:" */
	int64_t from_s, to_s;
	uint64_t serial;
	bool ca;
};

static inline void
lab_name(X509_NAME *name, const char *cn)
{
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
}

/* by: NULL for one that signs itself. */
static inline X509 *
lab_cert(const struct lab_ca *by, const struct lab_wish *w)
{
	static const char aki[] =
	    "\x69\x88\x5B\x6B\x87\x46\x40\x41\xE1\xB3\x7B\x84\x7B\xA0\xAE\x2C\xDE\x01\xC8\xD4";
	struct ident ids[4];
	AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
	X509 *x = X509_new();
	size_t n = 0;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), w->serial);
	ASN1_TIME_set(X509_getm_notBefore(x), w->from_s);
	ASN1_TIME_set(X509_getm_notAfter(x), w->to_s);
	if (w->subject != NULL)
		lab_name(X509_get_subject_name(x), w->subject);
	X509_set_issuer_name(x,
	    by == NULL ? X509_get_subject_name(x) : X509_get_subject_name(by->cert));
	X509_set_pubkey(x, w->key);
	while (n < 4 && w->names[n] != NULL) {
		EXPECT(ident_read(slice_str(w->names[n]), &ids[n]) == NULL);
		n++;
	}
	if (n > 0) {
		GENERAL_NAMES *names = csr_names(ids, n);

		X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
		GENERAL_NAMES_free(names);
	}
	if (!w->ca) {
		id->keyid = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(id->keyid, (const unsigned char *)aki, 20);
		X509_add1_ext_i2d(x, NID_authority_key_identifier, id, 0, 0);
	}
	AUTHORITY_KEYID_free(id);
	EXPECT(X509_sign(x, by == NULL ? w->key : by->key, EVP_sha256()) > 0);
	return x;
}

static inline struct lab_ca
lab_ca(const char *name, const struct lab_ca *by)
{
	struct lab_ca ca = { .key = eckey_new() };

	ca.cert = lab_cert(by, &(struct lab_wish){ .key = ca.key,
				   .subject = name,
				   .from_s = NOW - 1000 * DAY,
				   .to_s = NOW + 1000 * DAY,
				   .serial = 1,
				   .ca = true });
	return ca;
}

static inline void
lab_ca_free(struct lab_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

/* One behind the other as PEM, which the caller frees. */
static inline char *
lab_pem(X509 *a, X509 *b)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *z;
	long n;

	PEM_write_bio_X509(bio, a);
	if (b != NULL)
		PEM_write_bio_X509(bio, b);
	n = BIO_get_mem_data(bio, &text);
	z = strndup(text, (size_t)n);
	BIO_free(bio);
	return z;
}

/* A member of a JWS, decoded: "protected" or "payload"; "" when it is none. */
static inline struct slice
lab_part(struct slice jws, const char *name)
{
	static char space[65536];
	json_t *o = cadoc_read(jws);
	ptrdiff_t n = text_unbase64(cadoc_text(o, name), true, false, space, sizeof(space));

	EXPECT(n >= 0);
	json_decref(o);
	return slice_of(space, n < 0 ? 0 : (size_t)n);
}

/* The key that a finalize asks a certificate for; NULL when it is none. */
static inline EVP_PKEY *
lab_csr_key(struct slice jws)
{
	json_t *o = cadoc_read(lab_part(jws, "payload"));
	unsigned char der[8192];
	const unsigned char *at = der;
	ptrdiff_t n = text_unbase64(cadoc_text(o, "csr"), true, false, der, sizeof(der));
	X509_REQ *req = n < 0 ? NULL : d2i_X509_REQ(NULL, &at, n);
	EVP_PKEY *key = req == NULL ? NULL : X509_REQ_get_pubkey(req);

	EXPECT(req != NULL && X509_REQ_verify(req, key) == 1);
	X509_REQ_free(req);
	json_decref(o);
	return key;
}

#endif
