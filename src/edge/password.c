/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/password.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

struct password_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct password_job *first, *last;
	unsigned n;
	_Atomic bool stopping;
};

static struct password_job *
take(struct password_thread *t)
{
	struct password_job *job;

	pthread_mutex_lock(&t->lock);
	while (t->first == NULL && !t->stopping)
		pthread_cond_wait(&t->more, &t->lock);
	job = t->first;
	if (job != NULL) {
		t->first = job->next;
		if (t->first == NULL)
			t->last = NULL;
		t->n--;
	}
	pthread_mutex_unlock(&t->lock);
	return job;
}

static void *
run(void *arg)
{
	struct password_thread *t = arg;
	struct password_job *job;

	while ((job = take(t)) != NULL) {
		if (!t->stopping)
			job->good =
			    policy_password(job->policy, slice_of(job->authorization, job->n));
		OPENSSL_cleanse(job->authorization, sizeof(job->authorization));
		loop_post(job->loop, &job->mail);
	}
	return NULL;
}

struct password_thread *
password_start(void)
{
	struct password_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	if (pthread_create(&t->thread, NULL, run, t) == 0)
		return t;
	free(t);
	return NULL;
}

void
password_stop(struct password_thread *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->more);
	free(t);
}

bool
password_submit(struct password_thread *t, struct password_job *job)
{
	bool room;

	job->next = NULL;
	job->good = false;
	pthread_mutex_lock(&t->lock);
	room = t->n < LIMIT_PASSWORD_QUEUE && !t->stopping;
	if (room) {
		if (t->last == NULL)
			t->first = job;
		else
			t->last->next = job;
		t->last = job;
		t->n++;
		pthread_cond_signal(&t->more);
	}
	pthread_mutex_unlock(&t->lock);
	return room;
}
