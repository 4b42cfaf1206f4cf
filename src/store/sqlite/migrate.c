/* SPDX-License-Identifier: Apache-2.0 */
/* Brings an older database to today's schema, one numbered step after the other. */
#include "store/sqlite/migrate.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* "adit": tells file(1) and us whose database it is. */
enum { APPLICATION_ID = 0x61646974 };

/* clang-format off */
#define MIGRATIONS(X)                                                                              \
	X(1, "0001_accounts.sql")                                                                  \
	X(2, "0002_inbox.sql")                                                                     \
	X(3, "0003_policies.sql")                                                                  \
	X(4, "0004_pushes.sql")                                                                    \
	X(5, "0005_counters.sql")                                                                  \
	X(6, "0006_schedule.sql")                                                                  \
	X(7, "0007_sent.sql")                                                                      \
	X(8, "0008_untold.sql")                                                                    \
	X(9, "0009_size.sql")                                                                      \
	X(10, "0010_stopped.sql")                                                                  \
	X(11, "0011_usage.sql")                                                                    \
	X(12, "0012_late.sql")                                                                      \
	X(13, "0013_items.sql")                                                                    \
	X(14, "0014_tls.sql") \
	X(15, "0015_scope.sql") \
	X(16, "0016_disabled.sql")
/* clang-format on */

/* The assembler finds the files from the root of the repository, where make runs. */
#define X(number, file)                                                                            \
	extern const char migration_##number[];                                                    \
	__asm__(".pushsection .rodata\n"                                                           \
		"migration_" #number ":\n"                                                         \
		".incbin \"src/store/sqlite/migrations/" file "\"\n"                               \
		".byte 0\n"                                                                        \
		".popsection\n");
MIGRATIONS(X)
#undef X

struct migration {
	int version;
	const char *file, *sql;
};

int
migrate_latest(void)
{
	int latest = 0;

#define X(number, file) latest = number;
	MIGRATIONS(X)
#undef X
	return latest;
}

static int
pragma_int(sqlite3 *sqlite, const char *sql, int *ret_value)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(sqlite, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		*ret_value = sqlite3_column_int(st, 0);
	rc = sqlite3_finalize(st);
	return rc == SQLITE_OK ? 0 : -1;
}

static void sentence(char **ret_error, const char *fmt, ...) printf_like(2, 3);
static void
sentence(char **ret_error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(ret_error, fmt, ap) < 0)
		*ret_error = NULL;
	va_end(ap);
}

/* Which program wrote the schema: "" when it does not say. */
static void
writer(sqlite3 *sqlite, char *dst, size_t cap)
{
	sqlite3_stmt *st = NULL;

	dst[0] = '\0';
	if (sqlite3_prepare_v2(sqlite, "SELECT value FROM meta WHERE key = 'program'", -1, &st,
		NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		snprintf(dst, cap, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}

static int
refuse_newer(sqlite3 *sqlite, const char *path, int version, char **ret_error)
{
	char program[32];

	writer(sqlite, program, sizeof(program));
	sentence(ret_error,
	    "%s has schema %d, and adit %s knows schemas up to %d: install adit %s%s, which wrote "
	    "it",
	    path, version, ADIT_VERSION, migrate_latest(), program,
	    program[0] != '\0' ? " or newer" : "of a newer version");
	return -1;
}

static int
run_one(sqlite3 *sqlite, const struct migration *m)
{
	char end[256];

	/* Only numbers and our own version go into the text. */
	snprintf(end, sizeof(end),
	    "INSERT OR REPLACE INTO meta (key, value) VALUES ('program', '%s');"
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
	    ADIT_VERSION, APPLICATION_ID, m->version);
	if (sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(sqlite, m->sql, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(sqlite, end, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return -1;
}

static int
whose(sqlite3 *sqlite, const char *path, int *ret_version, char **ret_error)
{
	int id = 0, tables = 0;

	if (pragma_int(sqlite, "PRAGMA user_version", ret_version) < 0 ||
	    pragma_int(sqlite, "PRAGMA application_id", &id) < 0 ||
	    pragma_int(sqlite, "SELECT count(*) FROM sqlite_schema", &tables) < 0) {
		sentence(ret_error, "cannot read %s: %s", path, sqlite3_errmsg(sqlite));
		return -1;
	}
	if ((id != 0 || tables != 0) && id != APPLICATION_ID) {
		sentence(ret_error, "%s is a database of another program", path);
		return -1;
	}
	return 0;
}

int
migrate_run(sqlite3 *sqlite, const char *path, int version, char **ret_error)
{
#define X(number, file) { number, file, migration_##number },
	static const struct migration migrations[] = { MIGRATIONS(X) };
#undef X
	int have = 0;

	if (whose(sqlite, path, &have, ret_error) < 0)
		return -1;
	if (have > migrate_latest())
		return refuse_newer(sqlite, path, have, ret_error);
	for (size_t i = 0; i < sizeof(migrations) / sizeof(*migrations); i++) {
		const struct migration *m = &migrations[i];

		check(m->version == (int)i + 1); /* none is left out, none comes twice */
		if (m->version <= have || m->version > version)
			continue;
		if (run_one(sqlite, m) == 0)
			continue;
		sentence(ret_error, "cannot bring %s to its new schema (%s): %s", path, m->file,
		    sqlite3_errmsg(sqlite));
		sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	return 0;
}
