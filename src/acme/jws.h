/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed requests: JWS in the flattened JSON form (RFC 7515 7.2.2) as RFC 8555 6.2 wants it.
 *
 *	{"protected": base64url({"alg":"ES256", "kid"|"jwk":, "nonce":, "url":}),
 *	 "payload": base64url(payload), "signature": base64url(...)}
 *
 * All return false when libcrypto failed or `out` is full; then `out` holds nothing useful.
 */
#ifndef ADIT_ACME_JWS_H
#define ADIT_ACME_JWS_H

#include "acme/eckey.h"

#define JWS_THUMB_BYTES 44 /* 43 characters and a NUL */
#define JWS_JWK_BYTES 160

/* base64url without padding (RFC 7515 section 2), put behind what is in `out`. */
void jws_base64url(struct buf *out, const void *src, size_t n);
/* The public key with its members in the order of RFC 7638 3.3. */
bool jws_jwk(EVP_PKEY *key, struct buf *out) must_use;
/* RFC 7638: what a key authorisation names the account's key by (RFC 8555 8.1). */
bool jws_thumbprint(EVP_PKEY *key, char dst[JWS_THUMB_BYTES]) must_use;

/*
 * kid: the account's URL; NULL: the public key itself, for newAccount and for a certificate's key.
 * nonce: NULL only for the inner JWS of a key change (RFC 8555 7.3.5).
 * payload: empty for a POST-as-GET (6.3).
 */
bool jws_sign(EVP_PKEY *key, const char *kid, const char *nonce, const char *url,
    struct slice payload, struct buf *out) must_use;
/* External account binding (7.3.4): the account's public key, signed with HS256. */
bool jws_eab(EVP_PKEY *account_key, const char *key_id, struct slice hmac_key, const char *url,
    struct buf *out) must_use;

#endif
