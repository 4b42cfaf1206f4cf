/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a delivery: put, lease, settle, wake.  Run by inbox_run.c. */
#ifndef ADIT_STORE_SQLITE_INBOX_QUEUE_H
#define ADIT_STORE_SQLITE_INBOX_QUEUE_H

#include "store/sqlite/delivery.h"

enum store_result inbox_queue_put(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_queue_lease(struct db *db, struct inbox_req *req,
    const struct inbox_leases *want, int64_t now_t);
enum store_result inbox_queue_settle(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_queue_wake(struct db *db, struct inbox_req *req, int64_t now_t);

/* The route's row, which is made where there is none; 0 when the account is not known. */
int64_t inbox_queue_route_make(struct db *db, const char *account, const char *tunnel);
/* What a PUT and a copying REPLAY write: the row and its payload; sets d->id. */
bool inbox_queue_add(struct db *db, struct delivery *d, int64_t copy_of, struct slice head,
    struct slice body) must_use;

#endif
