/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names and of their policies, around what is damaged. */
#ifndef ADIT_STORE_SQLITE_NAMES_LIST_H
#define ADIT_STORE_SQLITE_NAMES_LIST_H

#include "store/sqlite/db.h"
#include "store/store.h"

enum store_result names_list(struct db *db, struct store_req *req);
enum store_result names_policies(struct db *db, struct store_req *req);

#endif
