/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate of what makes the store grow for an account: a webhook, its copies for other
 * tunnels, a copy that a replay makes, a new name or port.  Asked in the transaction, before
 * anything is written.
 */
#ifndef ADIT_STORE_SQLITE_GROW_H
#define ADIT_STORE_SQLITE_GROW_H

#include "store/sqlite/db.h"
#include "store/store.h"

/* STORE_FULL: what is left of the disk is kept for settling, and for the operator. */
enum store_result grow_ask(const struct db *db);
/* And so many bytes for the account. STORE_LIMIT: more than bytes_max (0: any) with what it has. */
enum store_result grow_ask_bytes(struct db *db, struct slice account, uint64_t bytes,
    uint64_t bytes_max);
/* STORE_TAKEN: the account does not hold that name now. */
enum store_result grow_ask_name(struct db *db, struct slice account, struct slice name);

#endif
