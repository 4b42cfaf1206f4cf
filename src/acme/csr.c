/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests by libcrypto. */
#include "acme/csr.h"

#include "acme/errqueue.h"

#include <openssl/x509.h>

static GENERAL_NAME *
general_name(const struct ident *id)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *s = id->ip_n > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	bool ok = id->ip_n > 0 ? s != NULL && ASN1_STRING_set(s, id->ip, id->ip_n) == 1
			       : s != NULL && ASN1_STRING_set(s, id->text, -1) == 1;

	if (name == NULL || !ok) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(s);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, id->ip_n > 0 ? GEN_IPADD : GEN_DNS, s);
	return name;
}

GENERAL_NAMES *
csr_names(const struct ident *ids, size_t n)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	check(n > 0);
	for (size_t i = 0; i < n && names != NULL; i++) {
		GENERAL_NAME *name = general_name(&ids[i]);

		if (name == NULL || sk_GENERAL_NAME_push(names, name) == 0) {
			GENERAL_NAME_free(name);
			GENERAL_NAMES_free(names);
			return NULL;
		}
	}
	return names;
}

/* A subject that is empty makes the names critical (RFC 5280 4.2.1.6). */
static bool
add_names(X509_REQ *req, const struct ident *ids, size_t n)
{
	GENERAL_NAMES *names = csr_names(ids, n);
	X509_EXTENSIONS *exts = NULL;
	bool ok = names != NULL &&
		  X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 1, X509V3_ADD_DEFAULT) == 1 &&
		  X509_REQ_add_extensions(req, exts) == 1;

	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	GENERAL_NAMES_free(names);
	return ok;
}

/* Signed with the key that it is about: the CA sees that we have it (RFC 2986 section 3). */
bool
csr_make(EVP_PKEY *key, const struct ident *ids, size_t n, struct buf *out)
{
	int marked = errqueue_mark(), len = 0;
	X509_REQ *req = X509_REQ_new();
	uint8_t *der = NULL;
	bool ok = req != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
		  X509_REQ_set_pubkey(req, key) == 1 && add_names(req, ids, n) &&
		  X509_REQ_sign(req, key, EVP_sha256()) > 0 && (len = i2d_X509_REQ(req, &der)) > 0;

	if (ok)
		buf_put(out, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	X509_REQ_free(req);
	errqueue_forget(marked);
	return ok && !out->failed;
}
