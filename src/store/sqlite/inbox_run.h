/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the inbox's requests, on the inbox's own clock. */
#ifndef ADIT_STORE_SQLITE_INBOX_RUN_H
#define ADIT_STORE_SQLITE_INBOX_RUN_H

#include "store/sqlite/db.h"
#include "store/inbox.h"

/* In the transaction of its batch; req->now_ms and mono_ms are set.  Or db->fault. */
enum store_result inbox_run(struct db *db, struct inbox_req *req);

#endif
