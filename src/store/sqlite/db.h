/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite connection: opening, the lock, prepared statements, transactions, checkpoints, and
 * what an error means.  Used by one thread at a time and by no other connection: SQLite
 * before 3.51.3 can corrupt a WAL when one connection checkpoints while another commits, so this
 * one does all writes and all checkpoints, holds the file in exclusive locking mode, and no version
 * has to be warned about.
 *
 * A failure is sticky for the transaction: write everything, look at db->fault once.
 */
#ifndef ADIT_STORE_SQLITE_DB_H
#define ADIT_STORE_SQLITE_DB_H

#include "base/check.h"
#include "base/slice.h"
#include "store/sqlite/seen.h"
#include "store/sqlite/statements.h"

#include <sqlite3.h>

enum db_fault {
	DB_FINE,
	DB_FULL,    /* no space (or memory): roll back, answer so, go on later */
	DB_DAMAGED, /* a page is damaged: roll back, answer so, the rest goes on (damage.h) */
	DB_BROKEN,  /* write, read or fsync failed: never again */
};

enum sql {
#define X(name, text) SQL_##name,
	STATEMENTS(X)
#undef X
	    SQL_N
};

enum { DB_USED_MAX = 256, DB_BAD_MAX = 1024 };

/* When a token was last used: remembered here, written with the next commit that writes anyway. */
struct db_used {
	char token_id[24];
	int64_t used_ms;
};

struct db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[SQL_N];
	enum db_fault fault;
	bool unsure;     /* broken, and the frames of the refused commit may be in the WAL still */
	char error[512]; /* why it is broken */
	char *path;
	int lock_fd;
	bool unsynced; /* as SQLite was told last: commits do not wait for the disk */
	bool damaged;  /* a page that cannot be read was met */
	unsigned hurt; /* where: a mask of enum check_table, as far as it is known */
	enum sql
	    failed; /* the statement that met it in this transaction; SQL_N: none, a number was wrong */
	bool late;       /* payloads takes no new rows, payloads_late does */
	unsigned mended; /* tables that mend() has made anew, or has tried to */
	bool check;      /* the last process did not end in order */
	int check_table; /* see check.c */
	sqlite3_value *check_at[2];
	uint64_t bad[DB_BAD_MAX]; /* deliveries that cannot be read, see damage.h */
	size_t n_bad;
	int64_t page_bytes;
	int64_t wal_frames;    /* committed and not yet in the database file */
	bool wal_known;        /* otherwise wal_frames is the most that there can be */
	int64_t wal_bytes_max; /* before a checkpoint; less on a small disk */
	bool low;              /* nothing may grow in this transaction, see grow.h */
	bool unordered;        /* leases of the last process are still there: the disk was full */
	uint64_t n_run;        /* statements run, for tests and counters */
	struct db_used used[DB_USED_MAX];
	size_t n_used;
	struct seen seen;
	/* The inbox's clock, see inbox.h. */
	bool clock_set;
	int64_t clock_mono_ms, clock_base_ms, clock_saved_ms;
};

/* NULL and a malloced sentence.  Creates, locks, migrates, and checks the file
 * after an unclean stop. */
struct db *db_open(const char *path, char **ret_error) must_use;
void db_close(struct db *db);

/* One running statement; parameters are bound in order. */
struct db_query {
	struct db *db;
	enum sql id;
	sqlite3_stmt *statement;
	int n_bound, column;
};

struct db_query db_query(struct db *db, enum sql id);
void db_put_int(struct db_query *q, int64_t v);
/* The bytes must live until db_end() or the end of the rows. */
void db_put_text(struct db_query *q, struct slice s);
void db_put_blob(struct db_query *q, struct slice s);
void db_put_null(struct db_query *q);
/* True on a row; false at the end or on a failure, and the statement is reset. */
bool db_next(struct db_query *q);
/* Columns of the row in order. Slices live until the next db_next() or db_end(). */
int64_t db_get_int(struct db_query *q);
struct slice db_get_bytes(struct db_query *q);
/* Copies text that is cut to what fits. */
void db_get_z(struct db_query *q, char *dst, size_t cap);
/* Ends a query early. */
void db_end(struct db_query *q);
/* Runs a statement that gives no rows: false when a constraint refused it or db->fault is set. */
bool db_run(struct db_query *q) must_use;

/* synced: its commit is on the disk when db_commit() returns; else only with the next one that is. */
bool db_begin(struct db *db, bool synced) must_use;
/* False: nothing of the transaction is stored, db->fault says why. */
bool db_commit(struct db *db) must_use;
void db_rollback(struct db *db);
/* All that was committed is on the disk. False: it cannot be, db->fault is set for good. */
bool db_sync(struct db *db) must_use;
/* After a commit, when the WAL has grown: may set db->fault. */
void db_checkpoint(struct db *db, bool now);
/* Bytes that can still be written: free space of the disk and free pages of the file. */
bool db_space_low(struct db *db);
/* Classifies a result code of SQLite and keeps it in db->fault. */
void db_failed(struct db *db, int rc);
/* A number of the file is none that we have written. */
void db_corrupt(struct db *db);
/* Rows written since the opening: goes up with each, and never down. */
int64_t db_changes(const struct db *db);
/* The id of the row that was inserted last, by a statement of ours, not by a trigger. */
int64_t db_inserted(const struct db *db);

#endif
