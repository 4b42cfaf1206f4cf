/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that computes password hashes, and the queue before it (password.h). */
#include "edge/visit/password.h"

#include "base/clock.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

struct password_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list waiting;      /* in order of arrival */
	struct password_job *now; /* is computed */
	unsigned n;               /* that wait */
	uint64_t turn;            /* of the job that was taken last */
	unsigned refs;            /* the owner's and the thread's */
	bool stopping;
};

static struct password_job *
job_of(struct list *node)
{
	return list_of(node, struct password_job, node);
}

/* --- the queue, under the lock --- */

/* Of those whose turn is the lowest the one that came first. */
static struct password_job *
next_of(struct password_thread *t)
{
	struct password_job *best = NULL;

	LIST_EACH(it, &t->waiting)
		if (best == NULL || job_of(it)->turn < best->turn)
			best = job_of(it);
	return best;
}

/*
 * The same policy, not an equal one: a tunnel that was bound anew has new passwords to ask.
 * What is compared is a secret, so in constant time.
 */
static bool
is_same(const struct password_job *a, const struct password_job *b)
{
	return a->policy == b->policy && a->n == b->n &&
	       CRYPTO_memcmp(a->authorization, b->authorization, a->n) == 0;
}

/* The job that asks the same, and how many of the account wait. */
static struct password_job *
look(struct password_thread *t, const struct password_job *job, unsigned *ret_n)
{
	struct password_job *same = t->now != NULL && is_same(t->now, job) ? t->now : NULL;

	*ret_n = 0;
	LIST_EACH(it, &t->waiting) {
		if (is_same(job_of(it), job))
			same = job_of(it);
		*ret_n += strcmp(job_of(it)->account, job->account) == 0;
	}
	return same;
}

enum password_taken
password_submit(struct password_thread *t, struct password_job *job, struct errands *home,
    void (*back)(struct errand *e))
{
	enum password_taken taken = PASSWORD_FULL;
	struct password_job *same;
	unsigned n;

	job->result = PASSWORD_STOPPED;
	pthread_mutex_lock(&t->lock);
	same = look(t, job, &n);
	check(t->stopping || n <= t->n); /* those of an account are some of all */
	if (!t->stopping && same != NULL) {
		if (same->n_same >= LIMIT_PASSWORD_SHARED)
			goto out;
		job->same = same->same;
		same->same = job;
		same->n_same++;
		errand_begin(&job->errand, home, back);
		taken = PASSWORD_SHARED;
	} else if (!t->stopping && t->n < LIMIT_PASSWORD_QUEUE &&
		   n < LIMIT_PASSWORD_QUEUE_ACCOUNT) {
		job->same = NULL;
		job->n_same = 0;
		/*
		 * As many turns behind now as the account has jobs before it: others who
		 * come meanwhile with none are taken first.
		 */
		job->turn = t->turn + n;
		list_push(&t->waiting, &job->node);
		t->n++;
		errand_begin(&job->errand, home, back);
		taken = PASSWORD_QUEUED;
		pthread_cond_signal(&t->more);
	}
out:
	pthread_mutex_unlock(&t->lock);
	return taken;
}

/* --- the thread --- */

/* The passwords are wiped before the jobs go home, where they may be freed at once. */
static void
post_all(struct password_job *job, enum password_result result)
{
	while (job != NULL) {
		struct password_job *next = job->same;

		OPENSSL_cleanse(job->authorization, sizeof(job->authorization));
		job->result = result;
		errand_end(&job->errand);
		job = next;
	}
}

/* Takes a job, and a copy of what is needed of it: the job itself may be over before its hash. */
static bool
take(struct password_thread *t, struct password_job *ret_copy)
{
	struct password_job *job;

	pthread_mutex_lock(&t->lock);
	while (list_empty(&t->waiting) && !t->stopping)
		pthread_cond_wait(&t->more, &t->lock);
	job = next_of(t);
	if (job != NULL) {
		check(t->n > 0 && t->now == NULL);
		list_del(&job->node);
		t->n--;
		t->turn = job->turn;
		t->now = job;
		*ret_copy = *job;
		policy_ref(job->policy);
	}
	pthread_mutex_unlock(&t->lock);
	return job != NULL;
}

/* After a stop nobody waits any more, and the process may be about to end: then the libraries are
 * not to be called. */
static void
done(struct password_thread *t, const struct password_job *copy, bool good)
{
	struct password_job *job;

	pthread_mutex_lock(&t->lock);
	job = t->now;
	check(job != NULL || t->stopping); /* a stop has answered it already */
	t->now = NULL;
	if (good && !t->stopping)
		policy_remember(copy->policy, slice_of(copy->authorization, copy->n),
		    clock_mono_us());
	pthread_mutex_unlock(&t->lock);
	post_all(job, good ? PASSWORD_RIGHT : PASSWORD_WRONG);
}

static void
unref(struct password_thread *t)
{
	bool last;

	pthread_mutex_lock(&t->lock);
	check(t->refs > 0);
	last = --t->refs == 0;
	pthread_mutex_unlock(&t->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->more);
	free(t);
}

/* A hash may have become known while this job waited: then it is not computed again. */
static void *
run(void *arg)
{
	struct password_thread *t = arg;
	struct password_job copy;
	bool good;

	while (take(t, &copy)) {
		struct slice authorization = slice_of(copy.authorization, copy.n);

		good = policy_knows(copy.policy, authorization, clock_mono_us()) ||
		       policy_password(copy.policy, authorization);
		done(t, &copy, good);
		policy_unref(copy.policy);
		explicit_bzero(&copy, sizeof(copy));
	}
	unref(t);
	return NULL;
}

/* --- life --- */

struct password_thread *
password_start(void)
{
	struct password_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	list_init(&t->waiting);
	t->refs = 2;
	if (pthread_create(&t->thread, NULL, run, t) == 0)
		return t;
	t->refs = 1;
	unref(t);
	return NULL;
}

void
password_stop(struct password_thread *t)
{
	struct password_job *now;

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	check(!t->stopping); /* once: the thread is joined, or left to itself, below */
	t->stopping = true;
	now = t->now;
	t->now = NULL;
	post_all(now, PASSWORD_STOPPED);
	while (!list_empty(&t->waiting))
		post_all(job_of(list_pop(&t->waiting)), PASSWORD_STOPPED);
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
	/*
	 * It is in the middle of a hash, which nothing can stop. It holds a reference of
	 * its own, and ends with the process or before.
	 */
	if (now != NULL)
		pthread_detach(t->thread);
	else
		pthread_join(t->thread, NULL);
}

void
password_free(struct password_thread *t)
{
	if (t != NULL)
		unref(t);
}
