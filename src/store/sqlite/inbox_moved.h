/* SPDX-License-Identifier: Apache-2.0 */
/* Which deliveries a request has moved, for those who watch (store/inbox.h). */
#ifndef ADIT_STORE_SQLITE_INBOX_MOVED_H
#define ADIT_STORE_SQLITE_INBOX_MOVED_H

#include "store/sqlite/delivery.h"

/* While d is being read. Without memory it is not noted: nothing is decided by it. */
void inbox_moved_note(struct inbox_req *req, const struct delivery *d, enum inbox_state to);

#endif
