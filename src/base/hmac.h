/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC (RFC 2104) over messages in parts, by libcrypto. From any thread. */
#ifndef ADIT_BASE_HMAC_H
#define ADIT_BASE_HMAC_H

#include "base/check.h"
#include "base/slice.h"

enum hmac_hash { HMAC_SHA256, HMAC_SHA1, HMAC_SHA384, HMAC_SHA512 };

#define HMAC_BYTES_MAX 64 /* of the longest, SHA-512 */

size_t hmac_bytes(enum hmac_hash h);
/*
 * dst: hmac_bytes().  False, and dst is nothing then: libcrypto fails, or the key is empty, with
 * which anybody could sign.
 */
bool hmac(enum hmac_hash h, struct slice key, const struct slice *parts, size_t n,
    unsigned char *dst) must_use;

#endif
