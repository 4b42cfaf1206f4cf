/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox's housekeeping: retention, counters, start-up.  Run by inbox.c and store.c. */
#ifndef ADIT_STORE_SQLITE_INBOX_KEEP_H
#define ADIT_STORE_SQLITE_INBOX_KEEP_H

#include "store/sqlite/delivery.h"

enum store_result inbox_keep_retain(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_keep_count(struct db *db, struct inbox_req *req, int64_t now_t);
/* At start-up: puts what was received or leased back into the queue. False: db->fault. */
bool inbox_keep_release(struct db *db) must_use;

#endif
