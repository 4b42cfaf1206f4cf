/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema's versions: numbered SQL files in migrations/, built into the program.  Each runs in
 * one transaction with its number, so that a crash leaves the old schema or the new one.
 */
#ifndef ADIT_STORE_SQLITE_MIGRATE_H
#define ADIT_STORE_SQLITE_MIGRATE_H

#include "base/check.h"

#include <sqlite3.h>

/* The schema that this program works with. */
int migrate_latest(void);
/*
 * Brings the file from its version up to `version`: 0, or -1 and a malloced sentence.  A file that
 * is newer than migrate_latest(), or that is another program's, is left alone.
 */
int migrate_run(sqlite3 *sqlite, const char *path, int version, char **ret_error) must_use;

#endif
