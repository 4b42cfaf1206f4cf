/* SPDX-License-Identifier: Apache-2.0 */
/* What walks over many deliveries: list, export, show, replay, drop, retention, counters. Run by
 * inbox.c. */
#ifndef ADIT_STORE_INBOX_WALK_H
#define ADIT_STORE_INBOX_WALK_H

#include "store/delivery.h"

/* LIST and EXPORT. */
enum store_result inbox_walk_list(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_walk_show(struct db *db, struct inbox_req *req, int64_t now_t);
/* REPLAY and DROP, of one or many. */
enum store_result inbox_walk_change(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_walk_retain(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_walk_count(struct db *db, struct inbox_req *req);
/* At start-up: puts what was received or leased back into the queue. False: db->fault. */
bool inbox_walk_release(struct db *db) must_use;

#endif
