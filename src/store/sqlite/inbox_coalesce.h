/* SPDX-License-Identifier: Apache-2.0 */
/* Older pushes of a branch of which nothing was ever sent make way for a newer one. */
#ifndef ADIT_STORE_SQLITE_INBOX_COALESCE_H
#define ADIT_STORE_SQLITE_INBOX_COALESCE_H

#include "store/sqlite/delivery.h"

/* Drops those of d's lane and event, LIMIT_INBOX_STEP at most: what is left is dropped with the next
 * push.  Adds to req->n_changed.  False: db->fault. */
bool inbox_coalesce(struct db *db, struct inbox_req *req, const struct delivery *d) must_use;

#endif
