/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing: the lock, the file, what SQLite is told. */
#include "store/sqlite/db.h"

#include "base/limits.h"
#include "base/sentence.h"
#include "store/sqlite/check.h"
#include "store/sqlite/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* One process: a second one would checkpoint under the first one's feet. */
static int
lock(struct db *db, char **ret_error)
{
	char path[4096], pid[32];
	int n;

	if ((size_t)snprintf(path, sizeof(path), "%s.lock", db->path) >= sizeof(path)) {
		*ret_error = sentence("the path of the store is too long");
		return -1;
	}
	check(db->lock_fd < 0);
	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (db->lock_fd < 0) {
		*ret_error = sentence("cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t got = pread(db->lock_fd, pid, sizeof(pid) - 1, 0);

		pid[got > 0 ? got : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		*ret_error = sentence("%s is in use by another process (%s)", db->path,
		    pid[0] != '\0' ? pid : "unknown");
		return -1;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* For people only: the lock is what counts. */
	if (ftruncate(db->lock_fd, 0) == 0)
		(void)!pwrite(db->lock_fd, pid, (size_t)n, 0);
	return 0;
}

/* Before SQLite opens it: the rights are never wider, not even for a moment;
 * the WAL inherits them. */
static int
make_file(struct db *db, char **ret_error)
{
	int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *real;

	if (fd < 0 || fchmod(fd, 0600) != 0) {
		*ret_error = sentence("cannot open %s: %s", db->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	/* SQLite follows no links; whoever named the path may. */
	real = realpath(db->path, NULL);
	if (real == NULL) {
		*ret_error = sentence("cannot open %s: %s", db->path, strerror(errno));
		return -1;
	}
	free(db->path);
	db->path = real;
	return 0;
}

/* What the last process left of the WAL; an orderly end takes it away. */
static int64_t
wal_bytes(const struct db *db)
{
	char path[4096];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s-wal", db->path) >= sizeof(path))
		return 1;
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/*
 * The WAL of the last process into the database file: from here on it is known how many frames of
 * it were committed.  Not on a full disk, then it stays as it is.
 */
static int
take_over_wal(struct db *db, int64_t bytes, char **ret_error)
{
	db->wal_known = bytes == 0;
	db->wal_frames = bytes / db->page_bytes;
	db_checkpoint(db, true);
	if (db->fault != DB_BROKEN)
		return 0;
	*ret_error = sentence("%s", db->error);
	return -1;
}

static int
on_wal(void *user, sqlite3 *sqlite, const char *schema, int frames)
{
	struct db *db = user;

	(void)sqlite;
	(void)schema;
	db->wal_frames = frames;
	db->wal_known = true;
	return SQLITE_OK;
}

static int
set_up(struct db *db)
{
	char pragmas[512];
	int rc;

	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, (int *)NULL);
	sqlite3_limit(db->sqlite, SQLITE_LIMIT_ATTACHED, 0);
	snprintf(pragmas, sizeof(pragmas),
	    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 8192;"
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
	    "PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; PRAGMA cache_size = -%d;"
	    "PRAGMA journal_size_limit = %d; PRAGMA cell_size_check = ON",
	    LIMIT_STORE_CACHE_BYTES / 1024, LIMIT_STORE_WAL_BYTES + LIMIT_STORE_BATCH_BYTES);
	rc = sqlite3_exec(db->sqlite, pragmas, NULL, NULL, NULL);
	sqlite3_wal_hook(db->sqlite, on_wal, db);
	return rc;
}

/* The first column of the only row, or of the first one. */
static bool
pragma_text(struct db *db, const char *sql, char *dst, size_t cap)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL) == SQLITE_OK &&
		  sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		snprintf(dst, cap, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return ok;
}

static int
open_sqlite(struct db *db, char **ret_error)
{
	char text[64];
	int rc = sqlite3_open_v2(db->path, &db->sqlite,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

	if (rc == SQLITE_OK)
		rc = set_up(db);
	if (rc != SQLITE_OK) {
		*ret_error = sentence(rc == SQLITE_BUSY ? "%s is in use by another program: %s"
							: "cannot open %s: %s",
		    db->path, db->sqlite != NULL ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc));
		return -1;
	}
	/* A file system that cannot do WAL keeps its old mode in silence. */
	if (!pragma_text(db, "PRAGMA journal_mode", text, sizeof(text)) ||
	    strcmp(text, "wal") != 0) {
		*ret_error =
		    sentence("%s: this file system cannot hold a write-ahead log", db->path);
		return -1;
	}
	if (!pragma_text(db, "PRAGMA page_size", text, sizeof(text))) {
		*ret_error = sentence("cannot read %s: %s", db->path, sqlite3_errmsg(db->sqlite));
		return -1;
	}
	db->page_bytes = atoi(text);
	return 0;
}

struct db *
db_open(const char *path, char **ret_error)
{
	struct db *db = calloc(1, sizeof(*db));
	int64_t left;

	*ret_error = NULL;
	/* Nothing reads these statistics, and they cost a lock at each allocation; refused when
	 * SQLite has started. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (db == NULL || (db->path = strdup(path)) == NULL) {
		free(db);
		return NULL;
	}
	db->lock_fd = -1;
	if (lock(db, ret_error) < 0)
		goto fail;
	/* The lock comes before the file is touched: closing it in this process would
	 * drop SQLite's own lock. */
	if (make_file(db, ret_error) < 0)
		goto fail;
	/* Before SQLite opens the log, which may take it away. */
	left = wal_bytes(db);
	db->check = left > 0;
	if (open_sqlite(db, ret_error) < 0)
		goto fail;
	if (db->check)
		check_start(db);
	if (take_over_wal(db, left, ret_error) < 0 ||
	    migrate_run(db->sqlite, db->path, migrate_latest(), ret_error) < 0)
		goto fail;
	return db;
fail:
	db_close(db);
	return NULL;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	check_end(db);
	for (size_t i = 0; i < SQL_N; i++)
		sqlite3_finalize(db->statements[i]);
	if (db->sqlite != NULL) {
		/* What failed once must not be written from the same cache again. */
		db_checkpoint(db, true);
		if (db->fault == DB_BROKEN)
			sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
			    (int *)NULL);
		sqlite3_close(db->sqlite);
	}
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	seen_fini(&db->seen);
	free(db->path);
	free(db);
}
