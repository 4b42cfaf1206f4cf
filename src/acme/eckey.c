/* SPDX-License-Identifier: Apache-2.0 */
/* P-256 by libcrypto: made, written, read, signed with. */
#include "acme/eckey.h"

#include "acme/errqueue.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

EVP_PKEY *
eckey_new(void)
{
	int marked = errqueue_mark();
	EVP_PKEY *key = EVP_EC_gen("P-256");

	errqueue_forget(marked);
	return key;
}

bool
eckey_pem(EVP_PKEY *key, struct buf *out)
{
	int marked = errqueue_mark();
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long n = 0;

	check(key != NULL);
	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		buf_put(out, slice_of(text, (size_t)n));
	BIO_free(bio);
	errqueue_forget(marked);
	return n > 0 && !out->failed;
}

static bool
is_p256(EVP_PKEY *key)
{
	char group[32];
	size_t n;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

/* Without this libcrypto would ask whoever sits at the terminal. */
static int
no_password(char *dst, int n, int write, void *arg)
{
	(void)dst, (void)n, (void)write, (void)arg;
	return -1;
}

/* A key of a larger curve would sign as well, but jws.c says ES256 of every one. */
EVP_PKEY *
eckey_read(struct slice pem)
{
	int marked = errqueue_mark();
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;

	if (pem.n > 0 && pem.n <= 4 * ECKEY_PEM_BYTES)
		bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	if (key != NULL && !is_p256(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	BIO_free(bio);
	errqueue_forget(marked);
	return key;
}

bool
eckey_xy(EVP_PKEY *key, uint8_t dst[ECKEY_XY_BYTES])
{
	BIGNUM *x = NULL, *y = NULL;
	int marked = errqueue_mark();
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
		  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
		  BN_bn2binpad(x, dst, 32) == 32 && BN_bn2binpad(y, dst + 32, 32) == 32;

	BN_free(x);
	BN_free(y);
	errqueue_forget(marked);
	return ok;
}

/* libcrypto writes SEQUENCE { r, s }; JWS wants the two numbers alone, padded to 32 bytes. */
static bool
split_signature(const uint8_t *der, size_t n, uint8_t dst[ECKEY_SIG_BYTES])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), dst, 32) == 32 &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), dst + 32, 32) == 32;

	ECDSA_SIG_free(sig);
	return ok;
}

bool
eckey_sign(EVP_PKEY *key, struct slice message, uint8_t dst[ECKEY_SIG_BYTES])
{
	int marked = errqueue_mark();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t der[128];
	size_t n = sizeof(der);
	bool ok = c != NULL &&
		  EVP_DigestSignInit_ex(c, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		  EVP_DigestSign(c, der, &n, (const uint8_t *)message.p, message.n) == 1;

	check(!ok || n <= sizeof(der)); /* 72 bytes at most on this curve */
	ok = ok && split_signature(der, n, dst);
	EVP_MD_CTX_free(c);
	errqueue_forget(marked);
	return ok;
}
