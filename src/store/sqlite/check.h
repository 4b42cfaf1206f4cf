/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for damage.  After an unclean stop, when the file is opened, SQLite checks table by table
 * for LIMIT_STORE_CHECK_MS at most, those first that decide who owns what.  Then, while the store
 * works, every row of every table is read once, in pieces of some milliseconds: on the store's own
 * thread, since its connection holds the file alone (db.h), between batches and never in one.
 *
 * What is found stops nothing: db->hurt names the tables, and what needs a bad
 * page is refused (damage.h).
 */
#ifndef ADIT_STORE_SQLITE_CHECK_H
#define ADIT_STORE_SQLITE_CHECK_H

#include "store/sqlite/db.h"

/* X(TABLE, two keys, those behind ?1 and ?2, their order, what makes SQLite read a row to its end) */
#define CHECK_TABLES(X)                                                                            \
	X(accounts, "id, 0", "id > ?1", "id", "name > ''")                                         \
	X(tokens, "id, 0", "id > ?1", "id", "label > ''")                                          \
	X(names, "name, 0", "name > ?1", "name", "policy > x''")                                   \
	X(ports, "port, 0", "port > ?1", "port", "key > ''")                                       \
	X(routes, "id, 0", "id > ?1", "id", "tunnel > ''")                                         \
	X(usage, "route, state", "(route, state) > (?1, ?2)", "route, state", "n")                 \
	X(meta, "key, 0", "key > ?1", "key", "value > ''")                                         \
	X(deliveries, "id, 0", "id > ?1", "id", "length(target), note > ''")                       \
	X(payloads, "id, 0", "id > ?1", "id", "head > x'', body > x''")                            \
	X(payloads_late, "id, 0", "id > ?1", "id", "head > x'', body > x''")                       \
	X(attempts, "delivery, number", "(delivery, number) > (?1, ?2)", "delivery, number",       \
	    "answer > x''")                                                                        \
	X(seen, "run, hash", "(run, hash) > (?1, ?2)", "run, hash", "delivery")                    \
	X(items, "id, 0", "id > ?1", "id", "bytes > x''")                                          \
	X(audit, "id, 0", "id > ?1", "id", "text > ''")

enum check_table {
#define X(table, keys, behind, order, rest) CHECK_##table,
	CHECK_TABLES(X)
#undef X
	    CHECK_N
};

/* At the opening. */
void check_start(struct db *db);
/* The next piece, outside of a transaction. False: all was read. */
bool check_piece(struct db *db);
/* The names of the tables in the mask, with commas; "" for none. */
void check_names(unsigned hurt, char *dst, size_t cap);
/* Frees what a piece has left. */
void check_end(struct db *db);

#endif
