/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of tokens with which DNS updates are signed (RFC 8945), for the name server's thread:
 * loaded at the start, added and taken away by the control socket.  A key's name is the id of its
 * token in lower case, as DNS compares it.  All calls from any thread.
 */
#ifndef ADIT_EDGE_CORE_KEYRING_H
#define ADIT_EDGE_CORE_KEYRING_H

#include "base/check.h"
#include "base/slice.h"
#include "store/store.h"

#define KEYRING_SECRET_BYTES 32
#define KEYRING_WHERE "key of a token" /* secrets are sealed for it before they are stored */

struct keyring_key {
	char id[24], account[64];
	char scope[STORE_SCOPE_BYTES]; /* names that it may change: "home,nas" */
	unsigned char secret[KEYRING_SECRET_BYTES];
	int64_t expires_ms; /* wall clock, 0: never */
};

struct keyring;

/* NULL without memory. */
struct keyring *keyring_new(void) must_use;
/* Wipes. Harmless with NULL. */
void keyring_free(struct keyring *r);
/* Copies; in place of one with the same id. False without memory. */
bool keyring_put(struct keyring *r, const struct keyring_key *k) must_use;
/* Harmless where there is none. */
void keyring_drop(struct keyring *r, const char *id);
/* In either case of letters. False: there is none, or it has expired by now_ms. */
bool keyring_find(struct keyring *r, struct slice id, int64_t now_ms,
    struct keyring_key *ret) must_use;
/* Is that a name of the scope "home,nas"? */
bool keyring_allows(const char *scope, struct slice name);

#endif
