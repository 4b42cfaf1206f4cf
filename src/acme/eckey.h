/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys on the curve P-256, of accounts (ES256, RFC 7518 3.4) and of certificates.  No other kind is
 * made or read: every CA takes it, and it is the smallest.
 */
#ifndef ADIT_ACME_ECKEY_H
#define ADIT_ACME_ECKEY_H

#include "base/buf.h"
#include "base/check.h"

#include <openssl/evp.h>

#define ECKEY_XY_BYTES 64  /* both coordinates, 32 bytes each */
#define ECKEY_SIG_BYTES 64 /* r and s, 32 bytes each (RFC 7518 3.4), not DER */
#define ECKEY_PEM_BYTES 512

/* A fresh one, which the caller frees with EVP_PKEY_free(). NULL: libcrypto failed. */
EVP_PKEY *eckey_new(void) must_use;
/* PKCS #8 without a password, as text. */
bool eckey_pem(EVP_PKEY *key, struct buf *out) must_use;
/* NULL for anything but one P-256 key in PEM. */
EVP_PKEY *eckey_read(struct slice pem) must_use;
bool eckey_xy(EVP_PKEY *key, uint8_t dst[ECKEY_XY_BYTES]) must_use;
/* ECDSA with SHA-256. */
bool eckey_sign(EVP_PKEY *key, struct slice message, uint8_t dst[ECKEY_SIG_BYTES]) must_use;

#endif
