/* SPDX-License-Identifier: Apache-2.0 */
/* The one SQLite connection: statements, transactions, checkpoints, faults. */
#include "store/sqlite/db.h"

#include "base/limits.h"
#include "store/sqlite/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A WAL file is a header and frames, each a header and a
 * page (sqlite.org/fileformat2.html, 4.1). */
enum { WAL_HEADER_BYTES = 32, WAL_FRAME_HEADER_BYTES = 24 };
/* Before a checkpoint on a disk that is low: it gives space back. */
enum { LOW_WAL_BYTES = 1 << 20 };

static const char *const texts[] = {
#define X(name, text) text,
	STATEMENTS(X)
#undef X
};

/* --- errors --- */

/* SQLite keeps errno of some failures only; a commit's is still in errno,
 * which was cleared before. */
static int
system_error(struct db *db, int rc)
{
	int error = errno != 0 ? errno : sqlite3_system_errno(db->sqlite);

	return (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN ? error : 0;
}

static bool
is_space(int rc, int error)
{
	if ((rc & 0xff) == SQLITE_FULL || (rc & 0xff) == SQLITE_NOMEM)
		return true;
	/* A quota or a file size limit ends the space as well; SQLite knows only ENOSPC. */
	return rc == SQLITE_IOERR_WRITE && (error == ENOSPC || error == EDQUOT || error == EFBIG);
}

void
db_failed(struct db *db, int rc)
{
	int error = system_error(db, rc);

	if (db->fault == DB_BROKEN)
		return;
	/* Nothing was lost: what was to be written can be tried again when there is space. */
	if (is_space(rc, error)) {
		db->fault = DB_FULL;
		return;
	}
	if ((rc & 0xff) == SQLITE_CORRUPT) {
		if (db->fault != DB_DAMAGED)
			db->failed = SQL_N;
		db->fault = DB_DAMAGED;
		db->damaged = true;
		return;
	}
	db->fault = DB_BROKEN;
	snprintf(db->error, sizeof(db->error),
	    "the store %s has failed; the edge stores nothing more until a restart: %s "
	    "(%d%s%s)",
	    db->path, sqlite3_errstr(rc), rc, error != 0 ? ", " : "",
	    error != 0 ? strerror(error) : "");
}

void
db_corrupt(struct db *db)
{
	db_failed(db, SQLITE_CORRUPT);
}

/* --- statements --- */

struct db_query
db_query(struct db *db, enum sql id)
{
	sqlite3_stmt **st = &db->statements[id];
	int rc;

	check(id < SQL_N);
	if (*st == NULL) {
		rc = sqlite3_prepare_v3(db->sqlite, texts[id], -1, SQLITE_PREPARE_PERSISTENT, st,
		    NULL);
		if (rc != SQLITE_OK)
			db_failed(db, rc);
	}
	return (struct db_query){ .db = db, .id = id, .statement = *st };
}

static void
bound(struct db_query *q, int rc)
{
	/* SQLITE_TOOBIG is the caller's size; the statement would then run with NULL, so
	 * it must not run. */
	if (rc != SQLITE_OK) {
		if (rc != SQLITE_TOOBIG)
			db_failed(q->db, rc);
		q->statement = NULL;
	}
}

void
db_put_int(struct db_query *q, int64_t v)
{
	check(q->column == 0); /* no row has been read: SQLite would not take it */
	if (q->statement != NULL)
		bound(q, sqlite3_bind_int64(q->statement, ++q->n_bound, v));
}

void
db_put_text(struct db_query *q, struct slice s)
{
	check(q->column == 0);
	/* NULL would be another value than "". */
	if (q->statement != NULL)
		bound(q, sqlite3_bind_text64(q->statement, ++q->n_bound, s.n == 0 ? "" : s.p, s.n,
			     SQLITE_STATIC, SQLITE_UTF8));
}

void
db_put_blob(struct db_query *q, struct slice s)
{
	check(q->column == 0);
	if (q->statement != NULL)
		bound(q, sqlite3_bind_blob64(q->statement, ++q->n_bound, s.n == 0 ? "" : s.p, s.n,
			     SQLITE_STATIC));
}

void
db_put_null(struct db_query *q)
{
	check(q->column == 0);
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
	errno = 0;
	rc = sqlite3_step(q->statement);
	if (rc == SQLITE_ROW)
		return rc;
	if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT && rc != SQLITE_TOOBIG) {
		bool had = q->db->fault == DB_DAMAGED;

		db_failed(q->db, rc);
		if (q->db->fault == DB_DAMAGED && !had)
			q->db->failed = q->id;
	}
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
	/* How many there are says our own text, not the file. */
	check(q->column < sqlite3_column_count(q->statement));
	return sqlite3_column_int64(q->statement, q->column++);
}

struct slice
db_get_bytes(struct db_query *q)
{
	const void *p = sqlite3_column_blob(q->statement, q->column);

	check(q->column < sqlite3_column_count(q->statement));
	/* The bytes before their number: asking for these may convert the value. */
	return slice_of(p, (size_t)sqlite3_column_bytes(q->statement, q->column++));
}

void
db_get_z(struct db_query *q, char *dst, size_t cap)
{
	struct slice s = slice_head(db_get_bytes(q), cap - 1);

	check(cap > 0);
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

int64_t
db_changes(const struct db *db)
{
	return sqlite3_total_changes64(db->sqlite);
}

int64_t
db_inserted(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->sqlite);
}

/* --- transactions --- */

/* Not within a transaction, says SQLite. */
static bool
set_synced(struct db *db, bool synced)
{
	int rc;

	if (db->unsynced == !synced)
		return true;
	rc = sqlite3_exec(db->sqlite,
	    synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		db_failed(db, rc);
	db->unsynced = !synced;
	return rc == SQLITE_OK;
}

bool
db_begin(struct db *db, bool synced)
{
	struct db_query q = { 0 };

	if (!set_synced(db, synced))
		return false;
	q = db_query(db, SQL_BEGIN);
	return db_run(&q);
}

bool
db_commit(struct db *db)
{
	struct db_query q = db_query(db, SQL_COMMIT);

	check(db->fault == DB_FINE); /* what has failed is rolled back, never committed in part */
	if (!db_run(&q))
		return false;
	seen_committed(&db->seen);
	return true;
}

bool
db_sync(struct db *db)
{
	sqlite3_file *wal = NULL;
	int rc;

	errno = 0;
	rc = sqlite3_file_control(db->sqlite, NULL, SQLITE_FCNTL_JOURNAL_POINTER, (void *)&wal);
	if (rc == SQLITE_OK && wal != NULL && wal->pMethods != NULL)
		rc = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
	if (rc != SQLITE_OK)
		db_failed(db, rc);
	return rc == SQLITE_OK;
}

/*
 * The WAL may hold the frames of a commit whose fsync failed, with a valid commit mark: it was
 * refused, so it must not come back when the file is opened again: they are cut off.  False: they
 * may be there.
 */
static bool
forget_uncommitted(struct db *db)
{
	char path[4096];
	struct stat st;
	off_t keep = 0;
	bool good;
	int fd;

	/* The log of the last process could not be taken over: where ours begins is not known. */
	if (!db->wal_known)
		return false;

	if (db->wal_frames > 0)
		keep =
		    WAL_HEADER_BYTES + db->wal_frames * (WAL_FRAME_HEADER_BYTES + db->page_bytes);
	if ((size_t)snprintf(path, sizeof(path), "%s-wal", db->path) >= sizeof(path))
		return false;
	/* Not the database file itself: closing any descriptor of that one
	 * would drop SQLite's locks. */
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT;
	/* In every case synced: a file that is short already may be so only in memory. */
	good = fstat(fd, &st) == 0 && (st.st_size <= keep || ftruncate(fd, keep) == 0) &&
	       fdatasync(fd) == 0;
	close(fd);
	return good;
}

void
db_rollback(struct db *db)
{
	seen_rolled_back(&db->seen);
	/* SQLite has rolled back by itself after some errors. */
	if (sqlite3_get_autocommit(db->sqlite) == 0) {
		int rc;

		errno = 0;
		rc = sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			db_failed(db, rc);
	}
	if (db->fault == DB_BROKEN)
		db->unsure = !forget_uncommitted(db);
	else
		db->fault = DB_FINE;
}

/*
 * SQLite's automatic checkpoint ignores its errors and would call a failed fsync again
 * later, which then succeeds although the pages are lost.  So checkpoints are called here,
 * and an error is fatal.
 */
void
db_checkpoint(struct db *db, bool now)
{
	int n_log = 0, n_done = 0, rc;

	if ((db->wal_known && db->wal_frames == 0) || db->fault == DB_BROKEN)
		return;
	if (!now && db->wal_frames * db->page_bytes < db->wal_bytes_max)
		return;
	errno = 0;
	rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL,
	    now ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &n_log, &n_done);
	if (rc == SQLITE_OK && n_log == n_done) {
		db->wal_frames = 0;
		db->wal_known = true;
	} else if (rc != SQLITE_OK) {
		db_failed(db, rc);
		/* No space for the database file to grow into: the WAL is whole and
		 * durable, try again later. */
		if (db->fault != DB_BROKEN)
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
	db->wal_bytes_max = size / 64 < LIMIT_STORE_WAL_BYTES ? size / 64 : LIMIT_STORE_WAL_BYTES;
	room += (int64_t)(v.f_bavail * v.f_frsize);
	/* The next checkpoint may need as much again, in the database file. */
	room -= (int64_t)db->wal_frames * db->page_bytes;
	/* On a tiny disk the mark is a part of it. */
	low = size / 16 < LIMIT_STORE_SPACE_BYTES ? size / 16 : LIMIT_STORE_SPACE_BYTES;
	if (room >= low)
		return false;
	if (db->wal_bytes_max > LOW_WAL_BYTES)
		db->wal_bytes_max = LOW_WAL_BYTES;
	return true;
}
