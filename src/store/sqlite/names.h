/* SPDX-License-Identifier: Apache-2.0 */
/* Names and ports: who owns what, for ever (names) or until it is released
 * (ports). Run by accounts.c. */
#ifndef ADIT_STORE_SQLITE_NAMES_H
#define ADIT_STORE_SQLITE_NAMES_H

#include "store/sqlite/db.h"
#include "store/store.h"

enum store_result names_claim(struct db *db, struct store_req *req);
enum store_result names_release(struct db *db, struct store_req *req);
enum store_result names_switch(struct db *db, struct store_req *req);
enum store_result names_lookup(struct db *db, struct store_req *req);
enum store_result ports_claim(struct db *db, struct store_req *req);
enum store_result ports_release(struct db *db, struct store_req *req);
enum store_result ports_list(struct db *db, struct store_req *req);
enum store_result names_stopped(struct db *db, struct store_req *req);

#endif
