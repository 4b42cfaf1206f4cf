/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate with its key, and the names that it is for. */
#include "net/tls.h"

#include "base/rand.h"
#include "net/clienthello.h"
#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* --- names --- */

/* A name that no visitor can ask for is passed over: it is no failure. */
static bool
take_name(struct tls_pair *p, struct slice name)
{
	bool wild = slice_starts(name, S("*."));
	char lower[CLIENTHELLO_HOST_BYTES];

	if (!clienthello_host(slice_from(name, wild ? 2 : 0), lower))
		return true;
	if (asprintf(&p->names[p->n_names], "%s%s", wild ? "*." : "", lower) < 0)
		return false;
	p->n_names++;
	return true;
}

static bool
take_names(struct tls_pair *p)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(SSL_CTX_get0_certificate(p->ctx), NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(all);
	bool ok = n <= 0 || (p->names = calloc((size_t)n, sizeof(*p->names))) != NULL;

	for (int i = 0; i < n && ok; i++) {
		int type;
		const ASN1_STRING *v =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);

		p->has_address |= type == GEN_IPADD;
		if (type == GEN_DNS)
			ok = take_name(p,
			    slice_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)));
	}
	GENERAL_NAMES_free(all);
	return ok;
}

/* --- loading --- */

/* A file, or what has been read of it. */
static BIO *
open_pem(const char *path, struct slice bytes)
{
	return bytes.p == NULL ? BIO_new_file(path, "r") : BIO_new_mem_buf(bytes.p, (int)bytes.n);
}

/* The leaf, then those between it and its authority; no more blocks is the end. */
static bool
use_chain(SSL_CTX *ctx, BIO *in)
{
	X509 *cert = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
	bool ok = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;
	unsigned long e;

	X509_free(cert);
	while (ok && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			ok = false;
		}
	e = ERR_peek_last_error();
	if (!ok || ERR_GET_LIB(e) != ERR_LIB_PEM || ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

/* NULL or a sentence that names the file. */
static char *
load_cert(SSL_CTX *ctx, const struct tls_cert_files *f)
{
	BIO *cert, *key = NULL;
	EVP_PKEY *pkey = NULL;
	char *error = NULL;

	ERR_clear_error();
	cert = open_pem(f->cert_path, f->cert);
	if (cert == NULL || !use_chain(ctx, cert))
		error = tls_sentence("cannot read the certificate %s: %s", f->cert_path,
		    tls_load_reason());
	if (error == NULL && (key = open_pem(f->key_path, f->key)) != NULL)
		pkey = PEM_read_bio_PrivateKey(key, NULL, SSL_CTX_get_default_passwd_cb(ctx), NULL);
	if (error == NULL && pkey == NULL)
		error = tls_sentence("cannot read the key %s (PEM, without a passphrase): %s",
		    f->key_path, tls_load_reason());
	/* Asked by itself: OpenSSL takes a key of another kind than the certificate's as a second one. */
	if (error == NULL && (X509_check_private_key(SSL_CTX_get0_certificate(ctx), pkey) != 1 ||
				 SSL_CTX_use_PrivateKey(ctx, pkey) != 1))
		error = tls_sentence("the key %s does not belong to the certificate %s",
		    f->key_path, f->cert_path);
	EVP_PKEY_free(pkey);
	BIO_free(cert);
	BIO_free(key);
	return error;
}

/* --- the contract --- */

struct tls_pair *
tls_pair_new(const struct tls_cert_files *f, char **ret_error)
{
	struct tls_pair *p = calloc(1, sizeof(*p));
	char *error = NULL;

	if (p == NULL || (p->ctx = tls_server_ctx()) == NULL) {
		error = tls_sentence("TLS cannot be set up: out of memory");
	} else {
		atomic_init(&p->refs, 1);
		p->id = rand_u64();
		error = load_cert(p->ctx, f);
		if (error == NULL && !take_names(p))
			error = tls_sentence("TLS cannot be set up for %s: out of memory",
			    f->cert_path);
	}
	if (error == NULL)
		return p;
	tls_pair_unref(p);
	*ret_error = error;
	return NULL;
}

struct tls_pair *
tls_pair_ref(struct tls_pair *p)
{
	check(atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed) > 0);
	return p;
}

void
tls_pair_unref(struct tls_pair *p)
{
	int refs;

	if (p == NULL)
		return;
	/* One that was never finished has none. */
	refs = atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel);
	if (refs > 1)
		return;
	for (size_t i = 0; i < p->n_names; i++)
		free(p->names[i]);
	free(p->names);
	SSL_CTX_free(p->ctx);
	free(p);
}
