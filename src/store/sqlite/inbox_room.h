/* SPDX-License-Identifier: Apache-2.0 */
/* Room on a disk that is low: a part of RETAIN. */
#ifndef ADIT_STORE_SQLITE_INBOX_ROOM_H
#define ADIT_STORE_SQLITE_INBOX_ROOM_H

#include "store/sqlite/db.h"
#include "store/inbox.h"

/*
 * While the disk is low, deletes the oldest delivered and dropped ones, of all accounts: senders
 * would be refused for what is finished.  req->n_changed counts them; *ret_more: there is more to
 * do, in a commit of its own. False: db->fault.
 */
bool inbox_room_make(struct db *db, struct inbox_req *req, bool *ret_more) must_use;

/* Deletes one and counts it.  False: db->fault. A page that does not let it go is noted. */
bool inbox_room_delete(struct db *db, struct inbox_req *req, int64_t id) must_use;

#endif
