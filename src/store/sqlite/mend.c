/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a damaged table anew from what can be read of it (mend.h). */
#include "store/sqlite/mend.h"

#include "store/sqlite/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXTS_MAX = 16, RANGES_MAX = 256 };

/* Rows in the order of their keys that can be read, the first n behind `from`. */
struct range {
	int64_t from, n;
};

/* A table that may be made anew: its first key is an integer, so that a bad page can be jumped. */
struct patient {
	struct db *db;
	enum check_table table;
	const char *name, *key;
	/* What makes it, its indexes and its triggers; malloced. */
	char *texts[TEXTS_MAX];
	size_t n_texts;
	struct range ranges[RANGES_MAX];
	size_t n_ranges;
	sqlite3_stmt *next, *probe, *add;
};

static bool
exec(struct db *db, const char *sql)
{
	int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		db_failed(db, rc);
	return rc == SQLITE_OK;
}

static bool prepare(struct patient *p, sqlite3_stmt **to, const char *format, ...)
    printf_like(3, 4);
static bool
prepare(struct patient *p, sqlite3_stmt **to, const char *format, ...)
{
	char sql[512];
	va_list ap;
	int rc;

	va_start(ap, format);
	vsnprintf(sql, sizeof(sql), format, ap);
	va_end(ap);
	rc = sqlite3_prepare_v2(p->db->sqlite, sql, -1, to, NULL);
	if (rc != SQLITE_OK)
		db_failed(p->db, rc);
	return rc == SQLITE_OK;
}

/* --- the schema --- */

/* The texts, before anything is changed. */
static bool
read_texts(struct patient *p)
{
	static const char sql[] =
	    "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL";
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc = sqlite3_prepare_v2(p->db->sqlite, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, p->name, -1, SQLITE_STATIC);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW)
			break;
		if (p->n_texts == TEXTS_MAX)
			rc = SQLITE_CORRUPT;
		else if ((text = (const char *)sqlite3_column_text(st, 0)) != NULL &&
			 (p->texts[p->n_texts] = strdup(text)) != NULL)
			p->n_texts++;
		else
			rc = SQLITE_NOMEM;
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		db_failed(p->db, rc);
	return rc == SQLITE_DONE;
}

/*
 * The schema's rows are written directly, since what SQL has for this (DROP) visits every page of
 * what it drops, the damaged ones, too.  The pages stay in the file and are no more used.
 */
static bool
write_schema(struct db *db, const char *sql)
{
	bool ok;

	check(sqlite3_get_autocommit(db->sqlite) == 0); /* all of it or nothing */
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 0, (int *)NULL);
	ok = exec(db, "PRAGMA writable_schema = ON") && exec(db, sql);
	/* In every case: it reads the schema again, too. */
	ok = exec(db, "PRAGMA writable_schema = RESET") && ok;
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	return ok;
}

/* From here on its name is `damaged`, and it has no indexes or triggers. */
static bool
put_aside(struct patient *p)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
	    "DELETE FROM sqlite_schema WHERE tbl_name = '%s' AND type <> 'table';"
	    "UPDATE sqlite_schema SET name = 'damaged', tbl_name = 'damaged',"
	    " sql = 'CREATE TABLE damaged ' || substr(sql, instr(sql, '(')) WHERE name = '%s'",
	    p->name, p->name);
	return write_schema(p->db, sql);
}

static bool
make(struct patient *p, const char *what)
{
	for (size_t i = 0; i < p->n_texts; i++)
		if (strncmp(p->texts[i], what, strlen(what)) == 0 && !exec(p->db, p->texts[i]))
			return false;
	return true;
}

/* --- which rows can be read --- */

/* Can the way to the first row behind `at` be read?  Its key, or INT64_MAX at the end. */
static bool
probe(struct patient *p, int64_t at, int64_t *ret_key)
{
	int rc;

	sqlite3_bind_int64(p->probe, 1, at);
	rc = sqlite3_step(p->probe);
	if (rc == SQLITE_ROW)
		*ret_key = sqlite3_column_int64(p->probe, 0);
	else if (rc == SQLITE_DONE)
		*ret_key = INT64_MAX;
	sqlite3_reset(p->probe);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/*
 * Over the damage behind *at: the shortest jump, in keys, that reads again.  False: nothing does,
 * it goes to the end of the table.
 */
static bool
jump(struct patient *p, int64_t *at)
{
	int64_t bad = 0, good = 1, key;

	/* Only the rest of the row behind it is damaged: that row is left out. */
	if (probe(p, *at, &key)) {
		*at = key;
		return key != INT64_MAX;
	}
	if (*at == INT64_MAX) /* a damaged page may have said so */
		return false;
	while (!probe(p, *at + good, &key)) {
		bad = good;
		if (good > (INT64_MAX - *at) / 2)
			return false;
		good *= 2;
	}
	while (good - bad > 1) {
		int64_t middle = bad + (good - bad) / 2;

		if (probe(p, *at + middle, &key))
			good = middle;
		else
			bad = middle;
	}
	*at += good;
	return true;
}

/* Reads the rows behind *at, which moves with them, to the end or to damage.  False: another fault. */
static bool
read_range(struct patient *p, int64_t *at, bool *ret_end)
{
	struct range *r = &p->ranges[p->n_ranges++];
	int rc;

	check(p->n_ranges <= RANGES_MAX);
	*r = (struct range){ .from = *at };
	sqlite3_bind_int64(p->next, 1, *at);
	while ((rc = sqlite3_step(p->next)) == SQLITE_ROW) {
		*at = sqlite3_column_int64(p->next, 0);
		r->n++;
	}
	sqlite3_reset(p->next);
	*ret_end = rc == SQLITE_DONE;
	if (rc == SQLITE_DONE || (rc & 0xff) == SQLITE_CORRUPT)
		return true;
	db_failed(p->db, rc);
	return false;
}

/*
 * Outside of a transaction: within one SQLite refuses to write after it has met damage.  False: it
 * cannot be read, or too much of it is damaged.
 */
static bool
examine(struct patient *p)
{
	int64_t at = 0; /* all keys are above it, so that sums with it stay in their range */
	bool end = false, ok;

	ok = prepare(p, &p->next, "SELECT * FROM %s WHERE %s > ?1 ORDER BY %s", p->name, p->key,
		 p->key) &&
	     prepare(p, &p->probe, "SELECT %s FROM %s WHERE %s > ?1 ORDER BY %s LIMIT 1", p->key,
		 p->name, p->key, p->key);
	while (ok && !end) {
		ok = p->n_ranges < RANGES_MAX && read_range(p, &at, &end);
		end = ok && (end || !jump(p, &at));
	}
	sqlite3_finalize(p->next);
	sqlite3_finalize(p->probe);
	p->next = p->probe = NULL;
	return ok;
}

/* --- the rows --- */

/* The row as it is.  One that a constraint refuses is of a damaged page, too, and left out. */
static bool
add_row(struct patient *p)
{
	int rc = SQLITE_OK;

	for (int i = 0; rc == SQLITE_OK && i < sqlite3_column_count(p->next); i++)
		rc = sqlite3_bind_value(p->add, i + 1, sqlite3_column_value(p->next, i));
	if (rc == SQLITE_OK)
		rc = sqlite3_step(p->add);
	sqlite3_reset(p->add);
	if (rc == SQLITE_DONE || (rc & 0xff) == SQLITE_CONSTRAINT)
		return true;
	db_failed(p->db, rc);
	return false;
}

/* No further than its n rows: behind them is damage. */
static bool
copy_range(struct patient *p, const struct range *r)
{
	bool ok = true;
	int rc = SQLITE_ROW;

	sqlite3_bind_int64(p->next, 1, r->from);
	for (int64_t i = 0; ok && i < r->n; i++) {
		rc = sqlite3_step(p->next);
		ok = rc == SQLITE_ROW && add_row(p);
	}
	sqlite3_reset(p->next);
	if (rc != SQLITE_ROW)
		db_failed(p->db, rc);
	return ok;
}

static bool
copy(struct patient *p)
{
	char values[128] = "?1";
	size_t n = 2;
	bool ok;

	if (!prepare(p, &p->next, "SELECT * FROM damaged WHERE %s > ?1 ORDER BY %s", p->key,
		p->key))
		return false;
	for (int i = 2; i <= sqlite3_column_count(p->next) && n < sizeof(values); i++)
		n += (size_t)snprintf(values + n, sizeof(values) - n, ",?%d", i);
	ok = prepare(p, &p->add, "INSERT OR FAIL INTO %s VALUES (%s)", p->name, values);
	for (size_t i = 0; ok && i < p->n_ranges; i++)
		ok = copy_range(p, &p->ranges[i]);
	sqlite3_finalize(p->next);
	sqlite3_finalize(p->add);
	p->next = p->add = NULL;
	return ok;
}

/* --- tables --- */

/* In a transaction, after examine(). */
static bool
make_anew(struct patient *p)
{
	/* A row that a damaged page tells of twice is refused while it is copied; the indexes that
	 * refuse nothing are sorted at once, which saves a third of the time. */
	return read_texts(p) && put_aside(p) && make(p, "CREATE TABLE") &&
	       make(p, "CREATE UNIQUE") && copy(p) &&
	       write_schema(p->db, "DELETE FROM sqlite_schema WHERE name = 'damaged'") &&
	       make(p, "CREATE INDEX") && make(p, "CREATE TRIGGER");
}

static void
discharge(struct patient *p)
{
	for (size_t i = 0; i < p->n_texts; i++)
		free(p->texts[i]);
	p->n_texts = 0;
}

/* What triggers count, of sizes that a damaged page may have left absurd; and a lane whose first one is lost goes on with the next. */
static const char recount[] =
    "INSERT OR IGNORE INTO usage SELECT r.id, s.column1, 0, 0"
    " FROM routes r JOIN (VALUES (0), (1), (2), (3), (4), (5), (6)) s;"
    "UPDATE usage SET n = 0, bytes = 0;"
    "UPDATE usage SET n = d.n, bytes = d.bytes FROM (SELECT route, state, count(*) AS n,"
    " CAST(total(min(max(size, 0), 1000000000)) AS INTEGER) AS bytes FROM deliveries NOT INDEXED "
    "GROUP BY route, state) AS d"
    " WHERE usage.route = d.route AND usage.state = d.state;"
    "UPDATE accounts SET inbox_bytes = (SELECT coalesce(sum(u.bytes), 0) FROM routes r"
    " JOIN usage u ON u.route = r.id WHERE r.account = accounts.id);"
    "UPDATE deliveries SET place = 2 WHERE id IN (SELECT min(id) FROM deliveries WHERE place = 1"
    " AND lane NOT IN (SELECT lane FROM deliveries WHERE place = 2) GROUP BY lane)";

/* p: n tables of one matter.  `after`: SQL for what depends on them. */
static bool
operate(struct db *db, struct patient *p, size_t n, const char *after)
{
	unsigned tables = 0;
	bool ok = true;

	check(n > 0);
	for (size_t i = 0; i < n; i++)
		tables |= 1u << p[i].table;
	if ((db->mended & tables) != 0)
		return false;
	db->mended |= tables;
	for (size_t i = 0; ok && i < n; i++)
		ok = examine(&p[i]);
	ok = ok && db_begin(db, true);
	for (size_t i = 0; ok && i < n; i++)
		ok = make_anew(&p[i]);
	ok = ok && exec(db, after) && db_commit(db);
	for (size_t i = 0; i < n; i++)
		discharge(&p[i]);
	if (ok) {
		db->hurt |= tables;
		return true;
	}
	db_rollback(db);
	/* What SQLite has read of the changed schema is not so any more. */
	(void)sqlite3_exec(db->sqlite, "PRAGMA writable_schema = RESET", NULL, NULL, NULL);
	return false;
}

static bool
mend_deliveries(struct db *db)
{
	/* Its triggers write to usage: a statement that failed may have failed there. */
	struct patient p[] = { { .db = db, .table = CHECK_usage, .name = "usage", .key = "route" },
		{ .db = db, .table = CHECK_deliveries, .name = "deliveries", .key = "id" } };

	return operate(db, p, 2, recount);
}

static bool
mend_attempts(struct db *db)
{
	struct patient p = {
		.db = db, .table = CHECK_attempts, .name = "attempts", .key = "delivery"
	};

	return operate(db, &p, 1, "");
}

static bool
mend_seen(struct db *db)
{
	struct patient p = { .db = db, .table = CHECK_seen, .name = "seen", .key = "run" };

	db->seen.loaded = false;
	return operate(db, &p, 1, "");
}

bool
mend(struct db *db)
{
	switch (db->failed) {
	case SQL_PAYLOAD_ADD:
	case SQL_PAYLOAD_COPY:
		db->hurt |= 1u << CHECK_payloads;
		db->late = true;
		return true;
	case SQL_DELIVERY_ADD:
	case SQL_DELIVERY_SET:
	case SQL_DELIVERY_LEASE:
	case SQL_DELIVERY_LAST:
	case SQL_DELIVERY_NEWEST:
	case SQL_LANE_FIRST:
	case SQL_LANE_BEHIND:
	case SQL_LANE_ADVANCE:
	case SQL_LANE_PUSHES:
	case SQL_DUE:
	case SQL_DUE_LATER:
	case SQL_DUE_WAKE:
	case SQL_WALK_UP:
	case SQL_WALK_DOWN:
	case SQL_WALK_ALL_UP:
	case SQL_WALK_ALL_DOWN:
	case SQL_USAGE:
	case SQL_USAGE_ALL:
		return mend_deliveries(db);
	case SQL_ATTEMPT_ADD:
	case SQL_ATTEMPT_BYTES:
	case SQL_ATTEMPT_TRIM:
	case SQL_ATTEMPT_LIST:
		return mend_attempts(db);
	case SQL_SEEN_KEYS:
	case SQL_SEEN_GET:
	case SQL_SEEN_PUT:
	case SQL_SEEN_DEL:
		return mend_seen(db);
	default:
		return false;
	}
}
