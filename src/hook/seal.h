/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that must be read again (webhook secrets of a route) are kept sealed: AES-256-GCM
 * under a key that lies in a file of its own beside the database, so that a copy of the
 * database alone tells nothing.
 */
#ifndef ADIT_HOOK_SEAL_H
#define ADIT_HOOK_SEAL_H

#include "base/check.h"
#include "base/slice.h"

#define SEAL_KEY_BYTES 32
/* Version, nonce and tag around the text. */
#define SEAL_EXTRA_BYTES (1 + 12 + 16)

/* dst holds text.n + SEAL_EXTRA_BYTES. `where` is bound to it: what is sealed for one name cannot
 * be moved to another. */
bool seal_close(const unsigned char key[SEAL_KEY_BYTES], struct slice where, struct slice text,
    char *dst) must_use;
/* dst holds sealed.n bytes. The bytes of the text, or -1: another key,
 * another place, or altered. */
ptrdiff_t seal_open(const unsigned char key[SEAL_KEY_BYTES], struct slice where,
    struct slice sealed, char *dst) must_use;

#endif
