/* SPDX-License-Identifier: Apache-2.0 */
/* 0x01, nonce (12), ciphertext, tag (16). Nonces are random: far fewer than 2^32 policies are ever
 * sealed under a key. */
#include "hook/seal.h"

#include "base/rand.h"

#include <limits.h>
#include <openssl/evp.h>

#define VERSION 1
#define NONCE_BYTES 12
#define TAG_BYTES 16

/*
 * AES-256-GCM (NIST SP 800-38D). `where` is authenticated and not stored: who opens must say
 * the same place.
 */
bool
seal_close(const unsigned char key[SEAL_KEY_BYTES], struct slice where, struct slice text,
    char *dst)
{
	unsigned char *out = (unsigned char *)dst, *nonce = out + 1, *body = nonce + NONCE_BYTES;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool good;

	if (ctx == NULL || text.n > INT_MAX || where.n > INT_MAX) {
		EVP_CIPHER_CTX_free(ctx);
		return false;
	}
	out[0] = VERSION;
	/* A nonce that comes twice under one key would give the key of the tag away. */
	rand_bytes(nonce, NONCE_BYTES);
	good =
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)where.p, (int)where.n) == 1 &&
	    EVP_EncryptUpdate(ctx, body, &n, (const unsigned char *)text.p, (int)text.n) == 1 &&
	    EVP_EncryptFinal_ex(ctx, body + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, body + text.n) == 1;
	check(!good || n == 0); /* GCM holds no block back: text.n bytes were written */
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

/*
 * -1 without a reason: another key, another place and altered bytes cannot be told apart. dst
 * is to be looked at only where all was good: it is written before the tag is compared.
 */
ptrdiff_t
seal_open(const unsigned char key[SEAL_KEY_BYTES], struct slice where, struct slice sealed,
    char *dst)
{
	const unsigned char *in = (const unsigned char *)sealed.p, *nonce = in + 1;
	unsigned char tag[TAG_BYTES];
	EVP_CIPHER_CTX *ctx;
	size_t text;
	int n = 0;
	bool good;

	if (sealed.n < SEAL_EXTRA_BYTES || sealed.n > INT_MAX || in[0] != VERSION)
		return -1;
	text = sealed.n - SEAL_EXTRA_BYTES;
	memcpy(tag, in + sealed.n - TAG_BYTES, TAG_BYTES);
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return -1;
	good =
	    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)where.p, (int)where.n) == 1 &&
	    EVP_DecryptUpdate(ctx, (unsigned char *)dst, &n, nonce + NONCE_BYTES, (int)text) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
	    EVP_DecryptFinal_ex(ctx, (unsigned char *)dst + text, &n) == 1;
	check(!good || n == 0);
	EVP_CIPHER_CTX_free(ctx);
	return good ? (ptrdiff_t)text : -1;
}
