/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that the edge must be able to read again are sealed (hook/seal.h) before they are stored:
 * policies of routes, and heads of deliveries.  The key lies in
 * STATE_DIR/secret.key (0600), beside the database and not in it: a copy of the database alone
 * tells nothing.
 */
#ifndef ADIT_EDGE_CORE_VAULT_H
#define ADIT_EDGE_CORE_VAULT_H

#include "base/buf.h"
#include "base/check.h"
#include "base/slice.h"

struct keep;
struct settings;

/* Reads the key, or makes it at the first start; s->inbox.hide is taken. NULL and a malloced
 * sentence. */
struct keep *keep_open(const struct settings *s, char **ret_error) must_use;
void keep_free(struct keep *k);

/* Appends text, sealed for `where`, to out; out->failed without memory. */
void keep_seal(const struct keep *k, struct slice where, struct slice text, struct buf *out);
/* dst holds sealed.n bytes. The length of the text, or -1. */
ptrdiff_t keep_unseal(const struct keep *k, struct slice where, struct slice sealed,
    char *dst) must_use;

/* True for a field whose value may be a credential: all but a list of harmless ones, and what
 * inbox.hide names. It is hidden when it is shown. */
bool keep_is_secret(const struct keep *k, struct slice field);
/* A head as it is stored: sealed, whatever is in it; its request line holds the query. */
void keep_head(const struct keep *k, struct slice head, struct buf *out);
/* A stored head in clear: `stored` itself, or what was put into room; empty when it cannot be
 * opened. */
struct slice keep_clear_head(const struct keep *k, struct slice stored, struct buf *room);

#endif
