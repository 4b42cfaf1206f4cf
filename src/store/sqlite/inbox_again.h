/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A webhook that comes a second time.  While the first one is on its way or has arrived, the second
 * is the same one again, and nothing is stored.  When the first was parked, given up or dropped by a
 * person, somebody has pressed "send again" after mending what was wrong: it is stored anew.  What a
 * newer push of the branch has replaced stays replaced, and the answer says so.
 */
#ifndef ADIT_STORE_SQLITE_INBOX_AGAIN_H
#define ADIT_STORE_SQLITE_INBOX_AGAIN_H

#include "store/sqlite/delivery.h"

/* True: req is the delivery `first` again; sets its id, state, duplicate.  False: store it. */
bool inbox_again(struct db *db, struct inbox_req *req, int64_t first) must_use;
/* The note of `first`, which was not delivered, names the one that came in its place. */
bool inbox_again_note(struct db *db, int64_t first, int64_t id) must_use;

#endif
