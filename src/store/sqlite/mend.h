/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way around damage that would otherwise stop everybody: a page that every new row, or every
 * delivery of a tunnel, must be written to (the last one of a table, one of an index).
 *
 * A table of small rows is made anew, once after each opening, from the rows that can be read; its
 * indexes and counters with it.  Payloads are too large for that: new ones go to a second table
 * (0012_late.sql).  Rows of a page that cannot be read are lost in both cases.
 */
#ifndef ADIT_STORE_SQLITE_MEND_H
#define ADIT_STORE_SQLITE_MEND_H

#include "store/sqlite/db.h"

/*
 * After a statement has met damage (db->failed), when its transaction is rolled back.  True: the
 * same may be tried once more.  False: there is no way around, or it was gone before; db->fault is
 * DB_FINE or DB_BROKEN.
 */
bool mend(struct db *db) must_use;

#endif
