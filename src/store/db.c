/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include "base/limits.h"
#include "store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A WAL file is a header and frames, each a header and a page (sqlite.org/fileformat2.html, 4.1).
 */
enum { WAL_HEADER_BYTES = 32, WAL_FRAME_HEADER_BYTES = 24 };

static const char *const texts[] = {
#define X(name, text) text,
	STATEMENTS(X)
#undef X
};

static char *sentence(const char *fmt, ...) printf_like(1, 2);
static char *
sentence(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

/* --- errors --- */

static bool
is_space(struct db *db, int rc)
{
	int error = sqlite3_system_errno(db->sqlite);

	if ((rc & 0xff) == SQLITE_FULL || (rc & 0xff) == SQLITE_NOMEM)
		return true;
	/* A quota or a file size limit ends the space as well; SQLite knows only ENOSPC. */
	return rc == SQLITE_IOERR_WRITE && (error == ENOSPC || error == EDQUOT || error == EFBIG);
}

void
db_failed(struct db *db, int rc)
{
	int error = sqlite3_system_errno(db->sqlite);

	if (db->fault == DB_BROKEN)
		return;
	if (is_space(db, rc)) {
		db->fault = DB_FULL;
		return;
	}
	db->fault = DB_BROKEN;
	snprintf(db->error, sizeof(db->error),
	    "the store %s has failed and takes nothing until a restart: %s (%d%s%s)", db->path,
	    sqlite3_errstr(rc), rc, error != 0 ? ", " : "", error != 0 ? strerror(error) : "");
}

/* --- statements --- */

struct db_query
db_query(struct db *db, enum sql id)
{
	sqlite3_stmt **st = &db->statements[id];
	int rc;

	if (*st == NULL) {
		rc = sqlite3_prepare_v3(
		    db->sqlite, texts[id], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
		if (rc != SQLITE_OK)
			db_failed(db, rc);
	}
	return (struct db_query){ .db = db, .statement = *st };
}

static void
bound(struct db_query *q, int rc)
{
	/* SQLITE_TOOBIG is the caller's size; the statement would then run with NULL, so it must
	 * not run. */
	if (rc != SQLITE_OK) {
		if (rc != SQLITE_TOOBIG)
			db_failed(q->db, rc);
		q->statement = NULL;
	}
}

void
db_put_int(struct db_query *q, int64_t v)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_int64(q->statement, ++q->n_bound, v));
}

void
db_put_text(struct db_query *q, struct slice s)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_text64(q->statement, ++q->n_bound, s.n == 0 ? "" : s.p, s.n,
			     SQLITE_STATIC, SQLITE_UTF8));
}

void
db_put_blob(struct db_query *q, struct slice s)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_blob64(
			     q->statement, ++q->n_bound, s.n == 0 ? "" : s.p, s.n, SQLITE_STATIC));
}

void
db_put_null(struct db_query *q)
{
	if (q->statement != NULL)
		bound(q, sqlite3_bind_null(q->statement, ++q->n_bound));
}

void
db_end(struct db_query *q)
{
	if (q->statement != NULL)
		sqlite3_reset(q->statement);
	q->statement = NULL;
}

/* SQLITE_ROW, SQLITE_DONE, or an error that has been kept. */
static int
step(struct db_query *q)
{
	int rc;

	if (q->statement == NULL || q->db->fault == DB_BROKEN)
		return SQLITE_ABORT;
	q->db->n_run += q->column == 0;
	rc = sqlite3_step(q->statement);
	if (rc == SQLITE_ROW)
		return rc;
	if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT && rc != SQLITE_TOOBIG)
		db_failed(q->db, rc);
	db_end(q);
	return rc;
}

bool
db_next(struct db_query *q)
{
	if (step(q) != SQLITE_ROW)
		return false;
	q->column = 0;
	return true;
}

bool
db_run(struct db_query *q)
{
	int rc = step(q);

	db_end(q);
	return rc == SQLITE_DONE;
}

int64_t
db_get_int(struct db_query *q)
{
	return sqlite3_column_int64(q->statement, q->column++);
}

struct slice
db_get_bytes(struct db_query *q)
{
	const void *p = sqlite3_column_blob(q->statement, q->column);

	return slice_of(p, (size_t)sqlite3_column_bytes(q->statement, q->column++));
}

void
db_get_z(struct db_query *q, char *dst, size_t cap)
{
	struct slice s = slice_head(db_get_bytes(q), cap - 1);

	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

/* --- transactions --- */

bool
db_begin(struct db *db)
{
	struct db_query q = db_query(db, SQL_BEGIN);

	return db_run(&q);
}

bool
db_commit(struct db *db)
{
	struct db_query q = db_query(db, SQL_COMMIT);

	if (!db_run(&q))
		return false;
	seen_committed(&db->seen);
	return true;
}

/*
 * The WAL may hold the frames of a commit whose fsync failed, with a valid commit mark: it was
 * refused, so it must not come back when the file is opened again.  Best effort: cut them off.
 */
static void
forget_uncommitted(struct db *db)
{
	char path[4096];
	struct stat st;
	off_t keep = 0;
	int fd;

	if (db->wal_frames > 0)
		keep =
		    WAL_HEADER_BYTES + db->wal_frames * (WAL_FRAME_HEADER_BYTES + db->page_bytes);
	if ((size_t)snprintf(path, sizeof(path), "%s-wal", db->path) >= sizeof(path))
		return;
	/* Not the database file itself: closing any descriptor of that one would drop SQLite's
	 * locks. */
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > keep && ftruncate(fd, keep) == 0)
		(void)!fdatasync(fd);
	close(fd);
}

void
db_rollback(struct db *db)
{
	seen_rolled_back(&db->seen);
	/* SQLite has rolled back by itself after some errors. */
	if (sqlite3_get_autocommit(db->sqlite) == 0) {
		int rc = sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);

		if (rc != SQLITE_OK)
			db_failed(db, rc);
	}
	if (db->fault == DB_BROKEN)
		forget_uncommitted(db);
	else
		db->fault = DB_FINE;
}

static int
on_wal(void *user, sqlite3 *sqlite, const char *schema, int frames)
{
	struct db *db = user;

	(void)sqlite;
	(void)schema;
	db->wal_frames = frames;
	return SQLITE_OK;
}

/*
 * SQLite's automatic checkpoint ignores its errors and would call a failed fsync again later, which
 * then succeeds although the pages are lost.  So checkpoints are called here, and an error is
 * fatal.
 */
void
db_checkpoint(struct db *db, bool now)
{
	int n_log = 0, n_done = 0, rc;

	if (db->wal_frames == 0 || db->fault == DB_BROKEN)
		return;
	if (!now && db->wal_frames * db->page_bytes < LIMIT_STORE_WAL_BYTES)
		return;
	rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL,
	    now ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &n_log, &n_done);
	if (rc == SQLITE_OK && n_log == n_done) {
		db->wal_frames = 0;
	} else if (rc != SQLITE_OK) {
		db_failed(db, rc);
		/* No space for the database file to grow into: the WAL is whole and durable, try
		 * again later. */
		if (db->fault == DB_FULL)
			db->fault = DB_FINE;
	}
}

bool
db_space_low(struct db *db)
{
	struct db_query q = db_query(db, SQL_FREE_PAGES);
	struct statvfs v;
	int64_t room = 0, low, size;

	if (db_next(&q))
		room = db_get_int(&q) * db->page_bytes;
	db_end(&q);
	if (statvfs(db->path, &v) != 0)
		return false; /* the write itself will tell */
	size = (int64_t)(v.f_blocks * v.f_frsize);
	room += (int64_t)(v.f_bavail * v.f_frsize);
	/* On a tiny disk the mark is a part of it. */
	low = size / 16 < LIMIT_STORE_SPACE_BYTES ? size / 16 : LIMIT_STORE_SPACE_BYTES;
	return room < low;
}

/* --- opening --- */

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

/* Before SQLite opens it: the rights are never wider, not even for a moment; the WAL inherits them.
 */
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

/* An orderly end takes the WAL away. */
static bool
was_unclean(struct db *db)
{
	char path[4096];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s-wal", db->path) >= sizeof(path))
		return true;
	return stat(path, &st) == 0 && st.st_size > 0;
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
	    LIMIT_STORE_CACHE_BYTES / 1024, LIMIT_STORE_WAL_BYTES);
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

/* True when the check that `sql` is has found nothing. */
static bool
check_ok(struct db *db, const char *sql, char **ret_error)
{
	char answer[256] = "";

	if (pragma_text(db, sql, answer, sizeof(answer)) && strcmp(answer, "ok") == 0)
		return true;
	*ret_error = sentence("%s is damaged: %s; put back a copy, or save what can be read with "
			      "`sqlite3 FILE .recover`",
	    db->path, answer[0] != '\0' ? answer : sqlite3_errmsg(db->sqlite));
	return false;
}

/*
 * After an unclean stop.  A large inbox is not read through, or a restart after a crash would take
 * minutes: then only the tables that decide who owns what are checked, and the rest when it is
 * read.
 */
static int
quick_check(struct db *db, char **ret_error)
{
	static const char *const small[] = { "PRAGMA quick_check(accounts)",
		"PRAGMA quick_check(tokens)", "PRAGMA quick_check(names)",
		"PRAGMA quick_check(ports)" };
	char pages[32] = "0";

	if (!pragma_text(db, "PRAGMA page_count", pages, sizeof(pages))) {
		*ret_error = sentence("cannot read %s: %s", db->path, sqlite3_errmsg(db->sqlite));
		return -1;
	}
	if (strtoll(pages, NULL, 10) * db->page_bytes <= LIMIT_STORE_CHECK_BYTES)
		return check_ok(db, "PRAGMA quick_check(1)", ret_error) ? 0 : -1;
	for (size_t i = 0; i < sizeof(small) / sizeof(*small); i++) {
		if (!check_ok(db, small[i], ret_error))
			return -1;
	}
	return 0;
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
	bool unclean;

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
	/* The lock comes before the file is touched: closing it in this process would drop SQLite's
	 * own lock. */
	if (make_file(db, ret_error) < 0)
		goto fail;
	unclean = was_unclean(db);
	if (open_sqlite(db, ret_error) < 0 || (unclean && quick_check(db, ret_error) < 0) ||
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
	for (size_t i = 0; i < SQL_N; i++)
		sqlite3_finalize(db->statements[i]);
	if (db->sqlite != NULL) {
		/* What failed once must not be written from the same cache again. */
		db_checkpoint(db, true);
		if (db->fault == DB_BROKEN)
			sqlite3_db_config(
			    db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
		sqlite3_close(db->sqlite);
	}
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	seen_fini(&db->seen);
	free(db->path);
	free(db);
}
