/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: "adit_" id "_" secret checksum.  id is 12 characters, public, and finds the row; the
 * secret is 43 characters (256 bits); the checksum is the CRC-32 of all before it in 6 characters.
 * All of base62.
 */
#ifndef ADIT_STORE_TOKEN_H
#define ADIT_STORE_TOKEN_H

#include "base/slice.h"

enum {
	TOKEN_ID_BYTES = 12,
	TOKEN_SECRET_BYTES = 43,
	TOKEN_BYTES = 5 + TOKEN_ID_BYTES + 1 + TOKEN_SECRET_BYTES + 6,
	TOKEN_HASH_BYTES = 32
};

/* A new one in clear and its id, NUL-terminated. */
void token_make(char token[TOKEN_BYTES + 1], char id[TOKEN_ID_BYTES + 1]);
/* The id part of a token that is store_token_ok(). */
struct slice token_id(struct slice token);
/* SHA-256 of the whole token; false when the library has no memory. */
bool token_hash(struct slice token, unsigned char hash[TOKEN_HASH_BYTES]);

#endif
