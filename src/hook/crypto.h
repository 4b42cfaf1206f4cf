/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few primitives that signatures are made of besides HMAC (base/hmac.h), over messages in parts.  Every function returns
 * false when libcrypto fails or a key cannot be read; then nothing was verified.
 */
#ifndef ADIT_HOOK_CRYPTO_H
#define ADIT_HOOK_CRYPTO_H

#include "hook/sign.h"

bool crypto_sha256(const struct slice *parts, size_t n, uint8_t *dst) must_use;
/* Same bytes? Takes the same time for every content of that length; lengths are hidden too. */
bool crypto_same(struct slice a, struct slice b) must_use;

/* key: 32 bytes of public key, sig: 64 bytes. Copies the message into one piece. */
bool crypto_ed25519_ok(struct slice key, struct slice sig, const struct slice *parts,
    size_t n) must_use;
/* key: 32 bytes of seed; dst: 64 bytes. */
bool crypto_ed25519_sign(struct slice key, const struct slice *parts, size_t n,
    uint8_t *dst) must_use;
/* key: DER SubjectPublicKeyInfo of an elliptic curve, sig: DER; SHA-256. */
bool crypto_ecdsa_ok(struct slice key, struct slice sig, const struct slice *parts,
    size_t n) must_use;
/* The key can be read as such a SubjectPublicKeyInfo. */
bool crypto_ecdsa_key_ok(struct slice key) must_use;

#endif
