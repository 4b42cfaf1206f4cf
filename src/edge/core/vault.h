/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that the edge must be able to read again are sealed (hook/seal.h) before they are stored:
 * policies of routes, and heads of deliveries.  The key lies in STATE_DIR/secret.key (0600), beside
 * the database and not in it: a copy of the database alone tells nothing.
 */
#ifndef ADIT_EDGE_CORE_VAULT_H
#define ADIT_EDGE_CORE_VAULT_H

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"

struct vault;
struct settings;

/* Reads the key, or makes it at the first start; s->inbox.hide is taken. NULL
 * and a malloced sentence. */
struct vault *vault_open(const struct settings *s, char **ret_error) must_use;
void vault_free(struct vault *k);

/* Appends text, sealed for `where`, to out; out->failed without memory. */
void vault_seal(const struct vault *k, struct slice where, struct slice text, struct buf *out);
/* dst holds sealed.n bytes. The length of the text, or -1. */
ptrdiff_t vault_unseal(const struct vault *k, struct slice where, struct slice sealed,
    char *dst) must_use;

/* True for a field whose value may be a credential: all but a list of harmless ones, and what
 * inbox.hide names. It is hidden when it is shown. */
bool vault_is_secret(const struct vault *k, struct slice field);
/* A head as it is stored: sealed, whatever is in it; its request line holds the query. */
void vault_head(const struct vault *k, struct slice head, struct buf *out);
/* A stored head in clear: `stored` itself, or what was put into room; empty when
 * it cannot be opened. */
struct slice vault_clear_head(const struct vault *k, struct slice stored, struct buf *room);

#endif
