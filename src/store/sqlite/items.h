/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of item.h as statements. */
#ifndef ADIT_STORE_SQLITE_ITEMS_H
#define ADIT_STORE_SQLITE_ITEMS_H

#include "store/item.h"
#include "store/sqlite/db.h"

/* In the transaction of its batch; req->now_ms is set.  Or db->fault. */
enum store_result items_run(struct db *db, struct item_req *req);

#endif
