/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was parked or given up and no alert has told yet: two numbers in the table meta, so that a
 * restart between the one and the other forgets nobody.
 */
#ifndef ADIT_STORE_SQLITE_INBOX_UNTOLD_H
#define ADIT_STORE_SQLITE_INBOX_UNTOLD_H

#include "store/sqlite/db.h"
#include "store/inbox.h"

/* One delivery was moved to this state, in this transaction. */
bool inbox_untold_add(struct db *db, enum inbox_state state) must_use;
/* Fills counts' untold_*. False: db->fault. */
bool inbox_untold_count(struct db *db, struct inbox_counts *counts) must_use;
/* INBOX_TOLD */
enum store_result inbox_untold_told(struct db *db, const struct inbox_req *req);

#endif
