/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on SQLite: BEGIN, run each job, COMMIT; and again without the one that spoilt it. */
#include "store/sqlite/engine.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/sentence.h"
#include "store/sqlite/accounts.h"
#include "store/sqlite/check.h"
#include "store/sqlite/db.h"
#include "store/sqlite/inbox_keep.h"
#include "store/sqlite/inbox_run.h"
#include "store/sqlite/items.h"
#include "store/sqlite/mend.h"
#include "store/sqlite/spare.h"

#include <stdio.h>
#include <stdlib.h>

/* Between two pieces of the check while there is work. */
enum { CHECK_PAUSE_BUSY_US = 300 * 1000 };

struct sqlite {
	struct engine engine;
	struct db *db;
	/* The batch that is run. */
	struct store_job *const *jobs;
	size_t n_jobs;
	bool synced, wrote;
	bool full;     /* as the last batch found the disk */
	bool spare;    /* the file is there */
	bool checking; /* pieces of the check are left */
	int64_t checked_us;
	unsigned told; /* what engine.trouble was made of, see tell() */
};

static struct sqlite *
of(struct engine *e)
{
	check(e->ops == &sqlite_engine); /* no other engine's */
	return job_of(e, struct sqlite, engine);
}

/* Keeps what is wrong for people, when it has changed. */
static void
tell(struct sqlite *q)
{
	enum { BROKEN = 1, FULL = 2, DAMAGED = 4, TABLES = 8 };
	const struct db *db = q->db;
	unsigned now = 0;
	char hurt[160];

	if (db->fault == DB_BROKEN)
		now = BROKEN;
	else if (q->full)
		now = FULL;
	else if (db->damaged)
		now = DAMAGED + TABLES * db->hurt;
	if (now == q->told)
		return;
	q->told = now;
	q->engine.broken = now == BROKEN;
	q->engine.trouble[0] = '\0';
	if (now == BROKEN)
		snprintf(q->engine.trouble, sizeof(q->engine.trouble), "%s", db->error);
	if (now == FULL)
		snprintf(q->engine.trouble, sizeof(q->engine.trouble),
		    "full: no webhook is stored until its disk has space");
	check_names(db->hurt, hurt, sizeof(hurt));
	if ((now & DAMAGED) != 0)
		snprintf(q->engine.trouble, sizeof(q->engine.trouble),
		    "damaged: some of %s cannot be read: put back a copy, or save what can be read "
		    "with `sqlite3 FILE .recover`",
		    hurt[0] != '\0' ? hurt : "it");
	q->engine.n_troubles++;
}

/* --- one job --- */

/* How a transaction ended.  SPOILT: by one job, which is out or has learnt something: run it again. */
enum batch_end { ATTEMPT_DONE, ATTEMPT_SPOILT, ATTEMPT_FULL, ATTEMPT_BROKEN };

static enum batch_end
rolled_back(struct db *db)
{
	enum batch_end a = db->fault == DB_FULL ? ATTEMPT_FULL : ATTEMPT_BROKEN;

	if (db->fault == DB_DAMAGED)
		db->n_used = 0; /* what it stumbled over, perhaps */
	db_rollback(db);
	return db->fault == DB_BROKEN ? ATTEMPT_BROKEN : a;
}

static enum store_result
run(struct db *db, struct store_job *job)
{
	if (!job->kind->begin(job))
		return STORE_INVALID;
	switch (job->kind->group) {
	case JOB_ADMIN:
		return accounts_run(db, job_of(job, struct store_req, job));
	case JOB_INBOX:
		return inbox_run(db, job_of(job, struct inbox_req, job));
	case JOB_ITEM:
		return items_run(db, job_of(job, struct item_req, job));
	}
	return STORE_INVALID;
}

/* n_bad: how many bad rows were known before it ran; sound: nor was any damage. */
static enum batch_end
after_damage(struct db *db, struct store_job *job, size_t n_bad, bool sound)
{
	check(n_bad <= db->n_bad); /* what is known to be bad stays so */
	job->result = STORE_DAMAGED;
	db_rollback(db);
	/* Where it has learnt that there is damage, or which row that is, it goes on without; else that
	 * is to be mended, or nobody can help it. */
	job->settled = !sound && n_bad == db->n_bad && db->fault == DB_FINE && !mend(db);
	return db->fault == DB_BROKEN ? ATTEMPT_BROKEN : ATTEMPT_SPOILT;
}

/* ATTEMPT_DONE: the job has its result. */
static enum batch_end
run_job(struct db *db, struct store_job *job, enum job_need allowed)
{
	enum job_need need = job->kind->need(job);
	int64_t changes = db_changes(db);
	bool wrote, sound = !db->damaged;
	size_t n_bad = db->n_bad;

	if (job->settled)
		return ATTEMPT_DONE;
	/* The second round after a failed one: not even the spare was enough. */
	if (need == JOB_FREES && allowed == JOB_READS) {
		job->result = STORE_FULL;
		return ATTEMPT_DONE;
	}
	job->result = run(db, job);
	if (db->fault == DB_DAMAGED)
		return after_damage(db, job, n_bad, sound);
	if (db->fault != DB_FINE)
		return rolled_back(db);
	wrote = changes != db_changes(db);
	/* On a full disk: what may write often has nothing to, as the claim of a
	 * name that is held. */
	if (wrote && job->result == STORE_OK && need == JOB_WRITES && allowed != JOB_WRITES)
		job->result = STORE_FULL;
	if (job->result == STORE_OK || !wrote)
		return ATTEMPT_DONE;
	/* It has written and then refused: only a rollback takes back what it wrote, and with it goes
	 * what others of the batch have, who run again. */
	job->settled = true;
	db_rollback(db);
	return db->fault == DB_BROKEN ? ATTEMPT_BROKEN : ATTEMPT_SPOILT;
}

/* --- a batch --- */

/* allowed: JOB_WRITES = all, JOB_FREES = only that, JOB_READS = nothing is written. */
static enum batch_end
run_batch(struct sqlite *q, enum job_need allowed)
{
	struct db *db = q->db;
	bool idle = q->n_jobs == 0, full = allowed != JOB_WRITES, used;
	int64_t changes = db_changes(db);

	if (!db_begin(db, q->synced))
		return rolled_back(db);
	/* While leases of the last process cannot be taken back nothing may grow either: that waits for
	 * the same space. */
	db->low = db_space_low(db) || full || db->unordered;
	for (size_t i = 0; i < q->n_jobs; i++) {
		enum batch_end a = run_job(db, q->jobs[i], allowed);

		if (a != ATTEMPT_DONE)
			return a;
	}
	q->wrote = changes != db_changes(db);
	used = !full && (q->wrote || idle || db->n_used == DB_USED_MAX);
	if (used)
		accounts_put_used(db);
	if (db->fault != DB_FINE || !db_commit(db)) {
		q->wrote = false;
		return rolled_back(db);
	}
	if (used)
		db->n_used = 0;
	/* Before it is full for good: what grows is refused from here on, and people are told. */
	q->full = db->low;
	return ATTEMPT_DONE;
}

/*
 * Without space what reads still gets its answer, what makes room may use the spare, and the rest
 * is told; nothing of a failed batch is stored.
 */
static enum batch_end
commit_batch(struct sqlite *q)
{
	enum job_need allowed = JOB_WRITES;
	bool gave = false;
	enum batch_end a;

	for (;;) {
		a = run_batch(q, allowed);
		if (a == ATTEMPT_DONE || a == ATTEMPT_BROKEN)
			return a;
		if (a == ATTEMPT_SPOILT)
			continue;
		q->full = true;
		if (allowed == JOB_READS)
			return a;
		if (allowed == JOB_WRITES) {
			allowed = JOB_FREES;
		} else if (!gave) {
			gave = true;
			q->spare = false;
			(void)spare_give(q->db->path);
			/* The write-ahead log begins again at its start. */
			db_checkpoint(q->db, true);
		} else {
			allowed = JOB_READS;
		}
		if (q->db->fault == DB_BROKEN)
			return ATTEMPT_BROKEN;
	}
}

/*
 * What was on its way when the last process ended is not: it is queued again.  Without space for
 * that, later: nothing is leased until then.
 */
static bool
put_in_order(struct db *db)
{
	bool damaged;
	size_t n_bad;

	do {
		n_bad = db->n_bad;
		db->unordered = !(db_begin(db, true) && inbox_keep_release(db) && db_commit(db));
		if (!db->unordered)
			return true;
		damaged = db->fault == DB_DAMAGED;
		db_rollback(db);
	} while (n_bad < db->n_bad || (damaged && db->fault == DB_FINE && mend(db)));
	return db->fault != DB_BROKEN;
}

static enum engine_end
engine_run(struct engine *e, struct store_job *const *jobs, size_t n, bool synced, bool *ret_wrote)
{
	struct sqlite *q = of(e);
	enum batch_end a = ATTEMPT_BROKEN;
	bool was_broken = e->broken;

	check(n > 0 && n <= LIMIT_STORE_BATCH);
	*ret_wrote = false;
	q->jobs = jobs;
	q->n_jobs = n;
	q->synced = synced;
	q->wrote = false;
	if (q->db->unordered)
		(void)put_in_order(q->db);
	if (q->db->fault != DB_BROKEN)
		a = commit_batch(q);
	tell(q);
	switch (a) {
	case ATTEMPT_DONE:
		*ret_wrote = q->wrote;
		return ENGINE_DONE;
	case ATTEMPT_FULL:
		return ENGINE_FULL;
	case ATTEMPT_SPOILT:
	case ATTEMPT_BROKEN:
		break;
	}
	check(a == ATTEMPT_BROKEN); /* commit_batch() goes on after a spoilt one */
	/* Only the batch whose commit failed may be stored; later ones were not even begun. */
	return q->db->unsure && !was_broken ? ENGINE_UNSURE : ENGINE_BROKEN;
}

/* --- between batches --- */

static bool
engine_sync(struct engine *e)
{
	bool ok = of(e)->db->fault != DB_BROKEN && db_sync(of(e)->db);

	tell(of(e));
	return ok;
}

/* Last-used times of tokens that no commit has taken along. */
static void
flush(struct sqlite *q)
{
	q->n_jobs = 0;
	q->synced = true;
	if (q->db->n_used > 0 && q->db->fault != DB_BROKEN)
		(void)commit_batch(q);
}

/* When nothing else is to be done, or has been for long. */
static void
check_on(struct sqlite *q, bool idle)
{
	int64_t at_us = clock_mono_us();

	if (!q->checking || q->db->fault == DB_BROKEN ||
	    (!idle && at_us - q->checked_us < CHECK_PAUSE_BUSY_US))
		return;
	q->checking = check_piece(q->db);
	q->checked_us = at_us;
}

static bool
engine_tend(struct engine *e, bool idle)
{
	struct sqlite *q = of(e);

	check_on(q, idle);
	/* A commit of their own is worth it only when nothing else has come for long. */
	if (idle && !q->checking)
		flush(q);
	db_checkpoint(q->db, false);
	if (!q->spare && !q->full && q->db->fault != DB_BROKEN)
		q->spare = spare_make(q->db->path);
	tell(q);
	return q->checking;
}

/* --- its life --- */

static void
engine_close(struct engine *e)
{
	flush(of(e));
	db_close(of(e)->db);
	free(of(e));
}

static struct engine *
engine_open(const char *where, char **ret_error)
{
	struct sqlite *q = calloc(1, sizeof(*q));

	*ret_error = NULL;
	if (q == NULL)
		return NULL;
	q->engine.ops = &sqlite_engine;
	q->db = db_open(where, ret_error);
	if (q->db != NULL && !put_in_order(q->db))
		*ret_error = sentence("cannot bring the inbox of %s in order: %s", q->db->path,
		    q->db->error);
	if (q->db == NULL || q->db->fault == DB_BROKEN) {
		db_close(q->db);
		free(q);
		return NULL;
	}
	q->spare = spare_make(q->db->path);
	q->checking = q->db->check;
	tell(q);
	return &q->engine;
}

const struct engine_ops sqlite_engine = {
	.open = engine_open,
	.close = engine_close,
	.run = engine_run,
	.sync = engine_sync,
	.tend = engine_tend,
};
