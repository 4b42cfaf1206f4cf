/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit (any thread) -> queue -> batch -> BEGIN, run each, COMMIT (one fsync) -> finish in order
 *
 * While a commit waits for the disk, the next batch gathers: no timer is needed.  The queue holds
 * only what callers own and is as long as what they have under way: its ceiling is theirs.
 */
#include "store/store.h"

#include "base/limits.h"
#include "base/sentence.h"
#include "store/accounts.h"
#include "store/check.h"
#include "store/db.h"
#include "store/inbox_keep.h"
#include "store/job.h"
#include "store/mend.h"
#include "store/spare.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { USED_FLUSH_S = 60 };
/* Between two pieces of the check, which take a tenth of that. */
enum { CHECK_PAUSE_MS = 30, CHECK_PAUSE_BUSY_MS = 300 };

struct store {
	struct db *db;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct store_job *first, **last; /* the queue, under the mutex */
	bool waiting, closing;
	atomic_bool broken, full; /* full: as the last batch found the disk */
	atomic_bool damaged;      /* a page was met that cannot be read */
	atomic_uint hurt;         /* as db->hurt */
	bool spare;               /* the thread's own, as what follows */
	size_t n_late;            /* jobs that were told of and are not synced yet */
	int64_t late_until_us;    /* when they must be */
	bool checking;            /* pieces of the check are left */
	int64_t checked_us;
	_Atomic uint64_t commits;
	struct store_job *batch[LIMIT_STORE_BATCH];
	size_t n_batch;
};

/* --- the queue --- */

void
store_submit_job(struct store *s, struct store_job *job, const struct store_job_kind *kind)
{
	bool wake;

	*job = (struct store_job){ .kind = kind };
	pthread_mutex_lock(&s->mutex);
	check(!s->closing);
	*s->last = job;
	s->last = &job->next;
	wake = s->waiting;
	s->waiting = false;
	pthread_mutex_unlock(&s->mutex);
	if (wake)
		pthread_cond_signal(&s->wake);
}

/* The clock that pthread_cond_timedwait() knows. */
static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Until when it may wait for work. */
static int64_t
wake_us(const struct store *s)
{
	int64_t until_us = now_us() + USED_FLUSH_S * 1000000LL;

	if (s->checking)
		until_us = now_us() + CHECK_PAUSE_MS * 1000LL;
	return s->n_late > 0 && s->late_until_us < until_us ? s->late_until_us : until_us;
}

/* Waits for work; false when there is none and something is to be synced, a piece of the check may be
 * done, or after a minute, so that last-used times reach the disk. */
static bool
wait_for_work(struct store *s)
{
	int64_t until_us = wake_us(s);
	struct timespec until = { .tv_sec = until_us / 1000000,
		.tv_nsec = until_us % 1000000 * 1000 };

	while (s->first == NULL && !s->closing) {
		s->waiting = true;
		if (pthread_cond_timedwait(&s->wake, &s->mutex, &until) != 0)
			return false;
	}
	return true;
}

/* Takes a batch; false at the end, when the queue is empty for ever. */
static bool
take(struct store *s)
{
	size_t bytes = 0;
	bool more;

	s->n_batch = 0;
	pthread_mutex_lock(&s->mutex);
	(void)wait_for_work(s);
	while (s->first != NULL && s->n_batch < LIMIT_STORE_BATCH &&
	       bytes < LIMIT_STORE_BATCH_BYTES) {
		struct store_job *job = s->first;

		s->first = job->next;
		bytes += job->kind->bytes(job);
		s->batch[s->n_batch++] = job;
	}
	if (s->first == NULL)
		s->last = &s->first;
	more = s->n_batch > 0 || !s->closing;
	pthread_mutex_unlock(&s->mutex);
	return more;
}

/* --- batches --- */

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_FULL, ATTEMPT_BROKEN, ATTEMPT_UNSURE };

static enum attempt
rolled_back(struct db *db)
{
	enum attempt a = db->fault == DB_FULL ? ATTEMPT_FULL : ATTEMPT_BROKEN;

	if (db->fault == DB_DAMAGED)
		db->n_used = 0; /* what it stumbled over, perhaps */
	db_rollback(db);
	return db->fault == DB_BROKEN ? ATTEMPT_BROKEN : a;
}

/* ATTEMPT_DONE: the job has its result; ATTEMPT_AGAIN: it has spoilt the transaction and is out. */
static enum attempt
run_job(struct db *db, struct store_job *job, enum job_need allowed)
{
	enum job_need need = job->kind->need(job);
	int64_t changes = sqlite3_total_changes64(db->sqlite);
	bool wrote, sound = !db->damaged;
	size_t n_bad;

	if (job->settled)
		return ATTEMPT_DONE;
	if (need == JOB_FREES && allowed == JOB_READS) {
		job->result = STORE_FULL;
		return ATTEMPT_DONE;
	}
	n_bad = db->n_bad;
	job->result = job->kind->run(db, job);
	if (db->fault == DB_DAMAGED) {
		job->result = STORE_DAMAGED;
		db_rollback(db);
		/* Where it has learnt that there is damage, or which row that is, it goes on without; else
		 * that is to be mended, or nobody can help it. */
		job->settled = !sound && n_bad == db->n_bad && db->fault == DB_FINE && !mend(db);
		return db->fault == DB_BROKEN ? ATTEMPT_BROKEN : ATTEMPT_AGAIN;
	}
	if (db->fault != DB_FINE)
		return rolled_back(db);
	wrote = changes != sqlite3_total_changes64(db->sqlite);
	/* On a full disk: what may write often has nothing to, as the claim of a
	 * name that is held. */
	if (wrote && job->result == STORE_OK && need == JOB_WRITES && allowed != JOB_WRITES)
		job->result = STORE_FULL;
	if (job->result == STORE_OK || !wrote)
		return ATTEMPT_DONE;
	job->settled = true;
	db_rollback(db);
	return db->fault == DB_BROKEN ? ATTEMPT_BROKEN : ATTEMPT_AGAIN;
}

/* What the batch asks for; ret_late: how many of its jobs may be synced later. */
static enum job_sync
batch_sync(const struct store *s, size_t *ret_late)
{
	enum job_sync most = s->n_batch > 0 ? JOB_SYNC_NEVER : JOB_SYNC_NOW;

	*ret_late = 0;
	for (size_t i = 0; i < s->n_batch; i++) {
		const struct store_job_kind *kind = s->batch[i]->kind;
		enum job_sync sync = kind->sync != NULL ? kind->sync(s->batch[i]) : JOB_SYNC_NOW;

		most = sync > most ? sync : most;
		*ret_late += sync == JOB_SYNC_SOON;
	}
	return most;
}

/* What was written so far is on the disk, or n_late more jobs of it will be soon. */
static void
count_late(struct store *s, bool synced, size_t n_late)
{
	if (synced) {
		s->n_late = 0;
		atomic_fetch_add_explicit(&s->commits, 1, memory_order_relaxed);
		return;
	}
	if (s->n_late == 0)
		s->late_until_us = now_us() + LIMIT_STORE_LATE_MS * 1000;
	s->n_late += n_late;
}

/* Early, so that those who were told work meanwhile.  Other than a commit's, its failure takes back
 * nothing that was told. */
static void
sync_late(struct store *s)
{
	if (s->n_late == 0 || s->db->fault == DB_BROKEN ||
	    (s->n_late < LIMIT_STORE_LATE / 2 && now_us() < s->late_until_us))
		return;
	if (db_sync(s->db))
		count_late(s, true, 0);
}

/* allowed: JOB_WRITES = all, JOB_FREES = only that, JOB_READS = nothing is written. */
static enum attempt
run_batch(struct store *s, enum job_need allowed)
{
	struct db *db = s->db;
	bool wrote, idle = s->n_batch == 0, full = allowed != JOB_WRITES;
	int64_t changes = sqlite3_total_changes64(db->sqlite);
	size_t n_late;
	bool now = batch_sync(s, &n_late) == JOB_SYNC_NOW || s->n_late + n_late > LIMIT_STORE_LATE;

	if (!db_begin(db, now))
		return rolled_back(db);
	db->low = db_space_low(db) || full || db->unordered;
	for (size_t i = 0; i < s->n_batch; i++) {
		enum attempt a = run_job(db, s->batch[i], allowed);

		if (a != ATTEMPT_DONE)
			return a;
	}
	wrote = changes != sqlite3_total_changes64(db->sqlite);
	if (!full && (wrote || idle || db->n_used == DB_USED_MAX))
		accounts_put_used(db);
	if (db->fault != DB_FINE || !db_commit(db))
		return rolled_back(db);
	if (wrote)
		count_late(s, now, n_late);
	if (!full && (wrote || idle || db->n_used == DB_USED_MAX))
		db->n_used = 0;
	atomic_store(&s->full, db->low);
	return ATTEMPT_DONE;
}

/*
 * Without space what reads still gets its answer, what makes room may use the spare, and the rest
 * is told; nothing of a failed batch is stored.
 */
static enum attempt
commit_batch(struct store *s)
{
	enum job_need allowed = JOB_WRITES;
	bool gave = false;
	enum attempt a;

	for (;;) {
		a = run_batch(s, allowed);
		if (a == ATTEMPT_DONE || a == ATTEMPT_BROKEN)
			return a;
		if (a == ATTEMPT_AGAIN)
			continue;
		atomic_store(&s->full, true);
		if (allowed == JOB_READS)
			return a;
		if (allowed == JOB_WRITES) {
			allowed = JOB_FREES;
		} else if (!gave) {
			gave = true;
			s->spare = false;
			(void)spare_give(s->db->path);
			/* The write-ahead log begins again at its start. */
			db_checkpoint(s->db, true);
		} else {
			allowed = JOB_READS;
		}
		if (s->db->fault == DB_BROKEN)
			return ATTEMPT_BROKEN;
	}
}

static void
finish_batch(struct store *s, enum attempt a)
{
	for (size_t i = 0; i < s->n_batch; i++) {
		struct store_job *job = s->batch[i];

		if (a == ATTEMPT_UNSURE && job->kind->need(job) != JOB_READS)
			job->result = STORE_UNSURE;
		else if (a == ATTEMPT_BROKEN || a == ATTEMPT_UNSURE)
			job->result = STORE_BROKEN;
		else if (a == ATTEMPT_FULL)
			job->result = STORE_FULL;
		job->kind->finish(job);
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

/* When nothing else is to be done, or has been for long. */
static void
check_on(struct store *s)
{
	int64_t at_us = now_us();

	if (!s->checking || s->db->fault == DB_BROKEN)
		return;
	if (s->n_batch > 0 && at_us - s->checked_us < CHECK_PAUSE_BUSY_MS * 1000LL)
		return;
	s->checking = check_piece(s->db);
	s->checked_us = at_us;
}

static void *
thread_main(void *arg)
{
	struct store *s = arg;
	struct db *db = s->db;

	while (take(s)) {
		enum attempt a = ATTEMPT_BROKEN;

		if (db->unordered)
			(void)put_in_order(db);
		check_on(s);
		if (db->fault != DB_BROKEN && (s->n_batch > 0 || (db->n_used > 0 && !s->checking)))
			a = commit_batch(s);
		if (a == ATTEMPT_BROKEN && db->unsure && store_healthy(s))
			a = ATTEMPT_UNSURE;
		/* Before anyone is told: whoever asks after a STORE_BROKEN must see why. */
		if (db->fault == DB_BROKEN)
			atomic_store(&s->broken, true);
		atomic_store(&s->hurt, db->hurt);
		if (db->damaged)
			atomic_store(&s->damaged, true);
		finish_batch(s, a);
		sync_late(s);
		db_checkpoint(db, false);
		if (!s->spare && a == ATTEMPT_DONE && !db->low)
			s->spare = spare_make(db->path);
		if (db->fault == DB_BROKEN)
			atomic_store(&s->broken, true);
	}
	if (db->n_used > 0 && db->fault != DB_BROKEN)
		(void)commit_batch(s);
	return NULL;
}

/* --- the contract --- */

struct store *
store_open(const char *path, char **ret_error)
{
	struct store *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	*ret_error = NULL;
	if (s == NULL)
		return NULL;
	s->db = db_open(path, ret_error);
	if (s->db != NULL && !put_in_order(s->db))
		*ret_error = sentence("cannot bring the inbox of %s in order: %s", s->db->path,
		    s->db->error);
	if (s->db == NULL || s->db->fault == DB_BROKEN) {
		db_close(s->db);
		free(s);
		return NULL;
	}
	s->spare = spare_make(s->db->path);
	s->damaged = s->db->damaged;
	s->hurt = s->db->hurt;
	s->checking = s->db->check;
	s->last = &s->first;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&s->thread, NULL, thread_main, s) != 0) {
		*ret_error = strdup("cannot start the thread of the store");
		db_close(s->db);
		free(s);
		return NULL;
	}
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	s->closing = true;
	pthread_mutex_unlock(&s->mutex);
	pthread_cond_signal(&s->wake);
	pthread_join(s->thread, NULL);
	db_close(s->db);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

void
store_submit(struct store *s, struct store_req *req)
{
	req->rows = NULL;
	req->n_rows = 0;
	store_submit_job(s, &req->job, &accounts_kind);
}

void
store_req_fini(struct store_req *req)
{
	for (size_t i = 0; i < req->n_rows; i++)
		free(req->rows[i].policy);
	free(req->rows);
	req->rows = NULL;
	req->n_rows = 0;
	OPENSSL_cleanse(req->token, sizeof(req->token));
}

bool
store_healthy(const struct store *s)
{
	return !atomic_load(&s->broken);
}

const char *
store_error(const struct store *s)
{
	static _Thread_local char text[320];
	char hurt[160];

	if (!store_healthy(s))
		return s->db->error;
	if (atomic_load(&s->full))
		return "full: no webhook is stored until its disk has space";
	if (!atomic_load(&s->damaged))
		return "";
	check_names(atomic_load(&s->hurt), hurt, sizeof(hurt));
	snprintf(text, sizeof(text),
	    "damaged: some of %s cannot be read: put back a copy, or save what can be read with "
	    "`sqlite3 FILE .recover`",
	    hurt[0] != '\0' ? hurt : "it");
	return text;
}

uint64_t
store_commits(const struct store *s)
{
	return atomic_load_explicit(&s->commits, memory_order_relaxed);
}
