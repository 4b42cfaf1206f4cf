/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for damage, at the start for a second and then in pieces (check.h). */
#include "store/sqlite/check.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>

/* What one piece may take, looked at after each row. */
enum { PIECE_US = 3000 };
/* Instructions of SQLite's machine between two looks at the clock. */
enum { PROGRESS_STEPS = 1000 };

static const char *const names[] = {
#define X(table, keys, behind, order, rest) #table,
	CHECK_TABLES(X)
#undef X
};

static void
found(struct db *db, enum check_table table)
{
	check(table < CHECK_N);
	db->damaged = true;
	db->hurt |= 1u << table;
}

void
check_names(unsigned hurt, char *dst, size_t cap)
{
	size_t n = 0;

	dst[0] = '\0';
	for (int i = 0; i < CHECK_N && n < cap; i++)
		if (hurt >> i & 1)
			n +=
			    (size_t)snprintf(dst + n, cap - n, "%s%s", n > 0 ? ", " : "", names[i]);
}

/* --- at the start --- */

static int
is_late(void *until_us)
{
	return clock_mono_us() > *(const int64_t *)until_us;
}

/* False: its time is over. */
static bool
quick_check(struct db *db, enum check_table table)
{
	sqlite3_stmt *st = NULL;
	char sql[64];
	int rc;

	snprintf(sql, sizeof(sql), "PRAGMA quick_check(%s)", names[table]);
	rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	/* A table that an older schema does not have yet is no damage. */
	if (rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
		found(db, table);
	else if ((rc & 0xff) == SQLITE_CORRUPT)
		found(db, table);
	sqlite3_finalize(st);
	return rc != SQLITE_INTERRUPT;
}

void
check_start(struct db *db)
{
	int64_t until_us = clock_mono_us() + LIMIT_STORE_CHECK_MS * 1000LL;

	sqlite3_progress_handler(db->sqlite, PROGRESS_STEPS, is_late, &until_us);
	for (int i = 0; i < CHECK_N; i++)
		if (!quick_check(db, (enum check_table)i))
			break;
	sqlite3_progress_handler(db->sqlite, 0, NULL, NULL);
}

/* --- in pieces --- */

static const char *const first_texts[] = {
#define X(table, keys, behind, order, rest)                                                        \
	"SELECT " keys ", " rest " FROM " #table " ORDER BY " order,
	CHECK_TABLES(X)
#undef X
};

static const char *const next_texts[] = {
#define X(table, keys, behind, order, rest)                                                        \
	"SELECT " keys ", " rest " FROM " #table " WHERE " behind " ORDER BY " order,
	CHECK_TABLES(X)
#undef X
};

void
check_end(struct db *db)
{
	for (int i = 0; i < 2; i++) {
		sqlite3_value_free(db->check_at[i]);
		db->check_at[i] = NULL;
	}
}

static void
next_table(struct db *db)
{
	check(db->check_table < CHECK_N);
	check_end(db);
	db->check_table++;
}

static bool
remember(struct db *db, sqlite3_stmt *st)
{
	check_end(db);
	for (int i = 0; i < 2; i++)
		db->check_at[i] = sqlite3_value_dup(sqlite3_column_value(st, i));
	return db->check_at[0] != NULL && db->check_at[1] != NULL;
}

bool
check_piece(struct db *db)
{
	int64_t until_us = clock_mono_us() + PIECE_US;
	bool first = db->check_at[0] == NULL;
	sqlite3_stmt *st = NULL;
	const char *sql;
	int rc;

	check(db->check_table >= 0);
	if (db->check_table >= CHECK_N)
		return false;
	sql = first ? first_texts[db->check_table] : next_texts[db->check_table];
	rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL);
	for (int i = 0; !first && rc == SQLITE_OK && i < sqlite3_bind_parameter_count(st); i++)
		rc = sqlite3_bind_value(st, i + 1, db->check_at[i]);
	if (rc == SQLITE_OK)
		do
			rc = sqlite3_step(st);
		while (rc == SQLITE_ROW && clock_mono_us() < until_us);
	/* One finding names the table; its other rows are not looked at. */
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_IOERR)
		found(db, (enum check_table)db->check_table);
	if (rc != SQLITE_ROW || !remember(db, st))
		next_table(db);
	sqlite3_finalize(st);
	return db->check_table < CHECK_N;
}
