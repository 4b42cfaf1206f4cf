/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and public-key signatures by libcrypto. */
#include "hook/crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <pthread.h>
#include <stdlib.h>

/* Looked up once: that costs more in libcrypto 3.0 than the hash of a small body. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

/* What could not be found stays NULL: crypto_sha256() then fails, and whatever is based on it. */
static void
find_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static const uint8_t *
bytes_of(struct slice s)
{
	return (const uint8_t *)s.p;
}

bool
crypto_sha256(const struct slice *parts, size_t n, uint8_t *dst)
{
	EVP_MD_CTX *c;
	bool ok;

	pthread_once(&sha256_once, find_sha256);
	if (sha256 == NULL || (c = EVP_MD_CTX_new()) == NULL)
		return false;
	ok = EVP_DigestInit_ex2(c, sha256, NULL) == 1;
	for (size_t i = 0; i < n && ok; i++)
		ok = parts[i].n == 0 || EVP_DigestUpdate(c, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(c, dst, NULL) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

/*
 * Hashes are compared, not the texts: how much of them is equal, and whether their lengths are,
 * shows in no time that somebody could measure.
 */
bool
crypto_same(struct slice a, struct slice b)
{
	uint8_t x[32], y[32];

	return crypto_sha256(&a, 1, x) && crypto_sha256(&b, 1, y) && CRYPTO_memcmp(x, y, 32) == 0;
}

/*
 * What fails below is an ordinary answer, but libcrypto leaves it in the thread's queue of errors,
 * and SSL_get_error() of some connection would read it there: ERR_set_mark() and ERR_pop_to_mark()
 * around each.  On an empty queue there is nothing to mark.
 */
static void
forget(int marked)
{
	if (marked)
		ERR_pop_to_mark();
	else
		ERR_clear_error();
}

/* Ed25519 reads its message twice, so libcrypto wants it whole. NULL without memory. */
static uint8_t *
join(const struct slice *parts, size_t n, size_t *ret_n)
{
	size_t total = 0;
	uint8_t *all, *at;

	for (size_t i = 0; i < n; i++)
		total += parts[i].n;
	at = all = malloc(total + 1);
	for (size_t i = 0; i < n && all != NULL; i++) {
		if (parts[i].n > 0)
			memcpy(at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	*ret_n = total;
	return all;
}

/* RFC 8032. A key or signature of another length is refused by libcrypto: then it is simply no. */
bool
crypto_ed25519_ok(struct slice key, struct slice sig, const struct slice *parts, size_t n)
{
	int marked = ERR_set_mark();
	EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes_of(key), key.n);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t all_n;
	uint8_t *all = join(parts, n, &all_n);
	bool ok = k != NULL && c != NULL && all != NULL &&
		  EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
		  EVP_DigestVerify(c, bytes_of(sig), sig.n, all, all_n) == 1;

	check(!ok || (key.n == 32 && sig.n == 64)); /* no other length can be right */
	free(all);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	forget(marked);
	return ok;
}

bool
crypto_ed25519_sign(struct slice key, const struct slice *parts, size_t n, uint8_t *dst)
{
	int marked = ERR_set_mark();
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes_of(key), key.n);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t all_n, len = 64;
	uint8_t *all = join(parts, n, &all_n);
	bool ok = k != NULL && c != NULL && all != NULL &&
		  EVP_DigestSignInit(c, NULL, NULL, NULL, k) == 1 &&
		  EVP_DigestSign(c, dst, &len, all, all_n) == 1 && len == 64;

	check(!ok || key.n == 32);
	free(all);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	forget(marked);
	return ok;
}

/*
 * The whole of the bytes must be one key: what stands behind it would be a second reading. A
 * key of another kind is none, however well it is formed.
 */
static EVP_PKEY *
read_ec_key(struct slice key)
{
	const uint8_t *at = bytes_of(key);
	EVP_PKEY *k = key.n > 1024 ? NULL : d2i_PUBKEY(NULL, &at, (long)key.n);

	if (k != NULL && (EVP_PKEY_get_base_id(k) != EVP_PKEY_EC || at != bytes_of(key) + key.n)) {
		EVP_PKEY_free(k);
		return NULL;
	}
	return k;
}

bool
crypto_ecdsa_key_ok(struct slice key)
{
	int marked = ERR_set_mark();
	EVP_PKEY *k = read_ec_key(key);

	EVP_PKEY_free(k);
	forget(marked);
	return k != NULL;
}

bool
crypto_ecdsa_ok(struct slice key, struct slice sig, const struct slice *parts, size_t n)
{
	int marked = ERR_set_mark();
	EVP_PKEY *k = read_ec_key(key);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	/* SHA-256 is named here and not taken from the signature: who sends may not choose. */
	bool ok = k != NULL && c != NULL &&
		  EVP_DigestVerifyInit_ex(c, NULL, "SHA256", NULL, NULL, k, NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = parts[i].n == 0 || EVP_DigestVerifyUpdate(c, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestVerifyFinal(c, bytes_of(sig), sig.n) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	forget(marked);
	return ok;
}
