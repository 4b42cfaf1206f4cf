/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit (any thread) -> queue -> batch -> BEGIN, run each, COMMIT (one fsync) -> finish in order
 *
 * While a commit waits for the disk, the next batch gathers: no timer is needed.  The queue holds
 * only what callers own and is as long as what they have under way: its ceiling is theirs.
 */
#include "store/store.h"

#include "base/limits.h"
#include "store/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Between two calls of the engine's tend() without work; while it has more to do, which takes it a
 * tenth of that. */
enum { TEND_S = 60, TEND_MORE_MS = 30 };

struct store {
	struct engine *engine; /* the thread's, but for opening and closing */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct store_job *first, **last; /* the queue, under the mutex */
	bool waiting, closing;
	char trouble[512]; /* under the mutex; the engine's, as of n_troubles */
	unsigned n_troubles;
	atomic_bool broken;
	_Atomic uint64_t commits;
	/* The thread's own. */
	size_t n_late;         /* jobs that were told of and are not synced yet */
	int64_t late_until_us; /* when they must be */
	bool tending;          /* the engine has more to do by itself */
	struct store_job *batch[LIMIT_STORE_BATCH];
	size_t n_batch;
};

/* --- the queue --- */

void
store_submit_job(struct store *s, struct store_job *job, const struct store_job_kind *kind)
{
	bool wake;

	check(kind->need != NULL && kind->bytes != NULL && kind->begin != NULL &&
	      kind->finish != NULL);
	*job = (struct store_job){ .kind = kind };
	pthread_mutex_lock(&s->mutex);
	check(!s->closing);
	/* `last` is where the next one is hung in: at the head only while there is none. */
	check((s->first == NULL) == (s->last == &s->first));
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
	int64_t until_us = now_us() + TEND_S * 1000000LL;

	if (s->tending)
		until_us = now_us() + TEND_MORE_MS * 1000LL;
	return s->n_late > 0 && s->late_until_us < until_us ? s->late_until_us : until_us;
}

/* Waits for work; false when there is none, and something is to be synced or the engine may do
 * work of its own. */
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
	check(s->n_batch <= LIMIT_STORE_BATCH);
	more = s->n_batch > 0 || !s->closing;
	pthread_mutex_unlock(&s->mutex);
	return more;
}

/* --- batches --- */

/* What the batch asks for; ret_late: how many of its jobs may be synced later. */
static enum job_sync
batch_sync(const struct store *s, size_t *ret_late)
{
	enum job_sync most = JOB_SYNC_NEVER;

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
	if (s->n_late == 0 || s->engine->broken ||
	    (s->n_late < LIMIT_STORE_LATE / 2 && now_us() < s->late_until_us))
		return;
	if (s->engine->ops->sync(s->engine))
		count_late(s, true, 0);
}

/* What is wrong, where others see it. */
static void
note_trouble(struct store *s)
{
	const struct engine *e = s->engine;

	if (e->n_troubles == s->n_troubles)
		return;
	pthread_mutex_lock(&s->mutex);
	memcpy(s->trouble, e->trouble, sizeof(s->trouble));
	pthread_mutex_unlock(&s->mutex);
	s->n_troubles = e->n_troubles;
	atomic_store(&s->broken, e->broken);
}

static void
finish_batch(struct store *s, enum engine_end end)
{
	for (size_t i = 0; i < s->n_batch; i++) {
		struct store_job *job = s->batch[i];

		/* What the engine says of the batch goes before what a job has said of itself: its run
		 * was rolled back with all others. */
		switch (end) {
		case ENGINE_DONE:
			break;
		case ENGINE_FULL:
			job->result = STORE_FULL;
			break;
		case ENGINE_BROKEN:
			job->result = STORE_BROKEN;
			break;
		case ENGINE_UNSURE:
			job->result =
			    job->kind->need(job) != JOB_READS ? STORE_UNSURE : STORE_BROKEN;
			break;
		}
		check(job->result <= STORE_INVALID);
		job->kind->finish(job);
	}
}

static void
run_batch(struct store *s)
{
	size_t n_late;
	bool wrote,
	    now = batch_sync(s, &n_late) == JOB_SYNC_NOW || s->n_late + n_late > LIMIT_STORE_LATE;
	enum engine_end end = s->engine->ops->run(s->engine, s->batch, s->n_batch, now, &wrote);

	check(end == ENGINE_DONE || !wrote);
	check(n_late <= s->n_batch);
	if (wrote)
		count_late(s, now, n_late);
	/* Before anyone is told: whoever asks after a STORE_BROKEN must see why. */
	note_trouble(s);
	finish_batch(s, end);
}

static void *
thread_main(void *arg)
{
	struct store *s = arg;

	while (take(s)) {
		if (s->n_batch > 0)
			run_batch(s);
		sync_late(s);
		s->tending = s->engine->ops->tend(s->engine, s->n_batch == 0);
		note_trouble(s);
	}
	return NULL;
}

/* --- the contract --- */

struct store *
store_open(const struct engine_ops *engine, const char *where, char **ret_error)
{
	struct store *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	*ret_error = NULL;
	if (s == NULL)
		return NULL;
	s->engine = engine->open(where, ret_error);
	if (s->engine == NULL) {
		free(s);
		return NULL;
	}
	check(s->engine->ops == engine);
	s->last = &s->first;
	s->tending = true; /* the engine says at its first call whether there is anything */
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	note_trouble(s);
	if (pthread_create(&s->thread, NULL, thread_main, s) != 0) {
		*ret_error = strdup("cannot start the thread of the store");
		engine->close(s->engine);
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
	check(s->first == NULL); /* the thread ends with an empty queue only */
	s->engine->ops->close(s->engine);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

bool
store_healthy(const struct store *s)
{
	return !atomic_load(&s->broken);
}

const char *
store_error(struct store *s)
{
	static _Thread_local char text[sizeof(s->trouble)];

	pthread_mutex_lock(&s->mutex);
	memcpy(text, s->trouble, sizeof(text));
	pthread_mutex_unlock(&s->mutex);
	return text;
}

uint64_t
store_commits(const struct store *s)
{
	return atomic_load_explicit(&s->commits, memory_order_relaxed);
}
