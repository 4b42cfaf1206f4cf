/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of store.h as statements. */
#ifndef ADIT_STORE_SQLITE_ACCOUNTS_H
#define ADIT_STORE_SQLITE_ACCOUNTS_H

#include "store/sqlite/db.h"
#include "store/store.h"

/* In the transaction of its batch; req->now_ms is set.  Or db->fault. */
enum store_result accounts_run(struct db *db, struct store_req *req);
/* Writes the pending last-used times (see db.h) into the running transaction. */
void accounts_put_used(struct db *db);
/* The account's row; 0 when there is none, which is `make`d on demand.  0 with
 * db->fault on a failure. */
int64_t accounts_id(struct db *db, struct slice name, int64_t now_ms, bool make);
/* Room for LIMIT_STORE_ROWS rows in req->rows. */
bool accounts_rows(struct store_req *req) must_use;

#endif
