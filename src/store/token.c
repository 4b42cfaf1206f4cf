/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tokens, and checks their form without asking the store. */
#include "store/token.h"

#include "base/check.h"
#include "base/rand.h"
#include "store/store.h"

#include <openssl/evp.h>

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static uint32_t
crc32(struct slice s)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

static void
put_random(char *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = base62[rand_below(62)];
}

static void
put_checksum(struct slice s, char dst[6])
{
	uint32_t v = crc32(s);

	for (int i = 5; i >= 0; i--) {
		dst[i] = base62[v % 62];
		v /= 62;
	}
}

void
token_make(char token[TOKEN_BYTES + 1], char id[TOKEN_ID_BYTES + 1])
{
	memcpy(token, "adit_", 5);
	put_random(token + 5, TOKEN_ID_BYTES);
	token[5 + TOKEN_ID_BYTES] = '_';
	put_random(token + 6 + TOKEN_ID_BYTES, TOKEN_SECRET_BYTES);
	put_checksum(slice_of(token, TOKEN_BYTES - 6), token + TOKEN_BYTES - 6);
	token[TOKEN_BYTES] = '\0';
	memcpy(id, token + 5, TOKEN_ID_BYTES);
	id[TOKEN_ID_BYTES] = '\0';
}

static bool
is_base62(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || strchr(base62, s.p[i]) == NULL)
			return false;
	}
	return true;
}

bool
store_token_ok(struct slice token)
{
	char checksum[6];

	if (token.n != TOKEN_BYTES || !slice_starts(token, S("adit_")) ||
	    token.p[5 + TOKEN_ID_BYTES] != '_')
		return false;
	if (!is_base62(token_id(token)) || !is_base62(slice_from(token, 6 + TOKEN_ID_BYTES)))
		return false;
	put_checksum(slice_head(token, TOKEN_BYTES - 6), checksum);
	return memcmp(checksum, token.p + TOKEN_BYTES - 6, 6) == 0;
}

struct slice
token_id(struct slice token)
{
	return slice_head(slice_from(token, 5), TOKEN_ID_BYTES);
}

bool
token_hash(struct slice token, unsigned char hash[TOKEN_HASH_BYTES])
{
	return EVP_Digest(token.p, token.n, hash, NULL, EVP_sha256(), NULL) == 1;
}
