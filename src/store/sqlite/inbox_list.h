/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask of the inbox: list, export, show, replay, drop.  Run by inbox.c. */
#ifndef ADIT_STORE_SQLITE_INBOX_LIST_H
#define ADIT_STORE_SQLITE_INBOX_LIST_H

#include "store/sqlite/delivery.h"

/* LIST and EXPORT. */
enum store_result inbox_list_page(struct db *db, struct inbox_req *req, int64_t now_t);
enum store_result inbox_list_show(struct db *db, struct inbox_req *req, int64_t now_t);
/* REPLAY and DROP, of one or many. */
enum store_result inbox_list_change(struct db *db, struct inbox_req *req, int64_t now_t);

#endif
