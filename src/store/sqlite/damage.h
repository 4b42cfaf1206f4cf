/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that a damaged page of the file makes unreadable.  A transaction that has met one is rolled
 * back (DB_DAMAGED) and run again by store.c; from then on the row is known, and is not touched:
 * lists go on behind it, and what would deliver it sets it aside, parked where that can be written.
 */
#ifndef ADIT_STORE_SQLITE_DAMAGE_H
#define ADIT_STORE_SQLITE_DAMAGE_H

#include "store/sqlite/db.h"

enum damage {
	DAMAGE_ROW,     /* the delivery's row itself */
	DAMAGE_PAYLOAD, /* its head and body */
};

/* After a failure: remembers it, when damage was why. */
void damage_note(struct db *db, uint64_t id, enum damage what);
bool damage_known(const struct db *db, uint64_t id, enum damage what);
/* The same of a name. */
void damage_note_name(struct db *db, struct slice name);
bool damage_known_name(const struct db *db, struct slice name);
/* Takes those that cannot be delivered out of ids; returns how many are left. */
/* ret_parked: some were parked, so the next of their lanes are due. */
size_t damage_set_aside(struct db *db, uint64_t *ids, size_t n, bool *ret_parked);

#endif
