/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC with contexts that are made once. */
#include "base/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

static const struct {
	char digest[8];
	uint8_t bytes;
} hashes[] = {
	[HMAC_SHA1] = { "SHA1", 20 },
	[HMAC_SHA256] = { "SHA256", 32 },
	[HMAC_SHA384] = { "SHA384", 48 },
	[HMAC_SHA512] = { "SHA512", 64 },
};
#define HASHES (sizeof(hashes) / sizeof(*hashes))

/*
 * Contexts with their digest set and no key.  They are made once and only copied afterwards:
 * looking the algorithms up in libcrypto 3.0 costs more than the HMAC of a small body.
 */
static EVP_MAC_CTX *blanks[HASHES];
static pthread_once_t blanks_once = PTHREAD_ONCE_INIT;

/*
 * A context that could not be made stays NULL: hmac() then fails, and with it every verification.
 * Nothing is ever taken for good because an algorithm is missing.
 */
static void
make_blanks(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (size_t i = 0; i < HASHES && mac != NULL; i++) {
		char digest[8];
		OSSL_PARAM params[2];
		EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);

		check(hashes[i].bytes <= HMAC_BYTES_MAX); /* callers have room for the longest */
		memcpy(digest, hashes[i].digest, sizeof(digest));
		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
		params[1] = OSSL_PARAM_construct_end();
		if (c != NULL && EVP_MAC_CTX_set_params(c, params) != 1) {
			EVP_MAC_CTX_free(c);
			c = NULL;
		}
		blanks[i] = c;
	}
	EVP_MAC_free(mac); /* the contexts hold it */
}

size_t
hmac_bytes(enum hmac_hash h)
{
	check((size_t)h < HASHES);
	return hashes[h].bytes;
}

static const unsigned char *
bytes_of(struct slice s)
{
	return (const unsigned char *)s.p;
}

bool
hmac(enum hmac_hash h, struct slice key, const struct slice *parts, size_t n, unsigned char *dst)
{
	size_t want = hmac_bytes(h), len = 0;
	EVP_MAC_CTX *c;
	bool ok;

	pthread_once(&blanks_once, make_blanks);
	if (key.n == 0 || blanks[h] == NULL || (c = EVP_MAC_CTX_dup(blanks[h])) == NULL)
		return false;
	ok = EVP_MAC_init(c, bytes_of(key), key.n, NULL) == 1;
	for (size_t i = 0; i < n && ok; i++)
		ok = parts[i].n == 0 || EVP_MAC_update(c, bytes_of(parts[i]), parts[i].n) == 1;
	ok = ok && EVP_MAC_final(c, dst, &len, want) == 1 && len == want;
	EVP_MAC_CTX_free(c);
	return ok;
}
