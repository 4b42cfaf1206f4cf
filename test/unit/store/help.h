/* SPDX-License-Identifier: Apache-2.0 */
/* Stores in a directory of their own, and requests that wait for their answer. */
#ifndef ADIT_TEST_STORE_HELP_H
#define ADIT_TEST_STORE_HELP_H

#include "store/sqlite/engine.h"
#include "unit.h"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	size_t n_done;
};

#define WAITER                                                                                     \
	{                                                                                          \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                             \
	}

static inline void
waiter_post(struct waiter *w)
{
	pthread_mutex_lock(&w->mutex);
	w->n_done++;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

static inline void
waiter_wait(struct waiter *w, size_t n)
{
	pthread_mutex_lock(&w->mutex);
	while (w->n_done < n)
		pthread_cond_wait(&w->cond, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
}

static inline void
help_done(struct store_req *req)
{
	waiter_post(req->owner);
}

/* Submits and waits. */
static inline enum store_result
call(struct store *s, struct store_req *req)
{
	struct waiter w = WAITER;

	req->done = help_done;
	req->owner = &w;
	store_submit(s, req);
	waiter_wait(&w, 1);
	return req->result;
}

static char help_dir[64];

/* A path in a new directory; help_clean() removes it with all that is in it. */
static inline const char *
help_path(void)
{
	static char path[128];

	snprintf(help_dir, sizeof(help_dir), "/tmp/adit-store-XXXXXX");
	if (mkdtemp(help_dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	return path;
}

static inline void
help_clean(void)
{
	DIR *d = opendir(help_dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	rmdir(help_dir);
}

/* Opens or ends the test program with the sentence. */
static inline struct store *
help_open(const char *path)
{
	char *error;
	struct store *s = store_open(&sqlite_engine, path, &error);

	if (s == NULL) {
		printf("store_open: %s\n", error != NULL ? error : "no memory");
		free(error);
		exit(1);
	}
	return s;
}

static inline void
put(char *dst, size_t cap, const char *z)
{
	snprintf(dst, cap, "%s", z);
}

#define PUT(field, z) put(field, sizeof(field), z)

/* An account with a token; the token in clear is copied out when wanted. */
static inline void
help_account(struct store *s, const char *account, char *ret_token, size_t cap)
{
	struct store_req r = { .op = STORE_TOKEN_ADD };

	PUT(r.account, account);
	EXPECT_INT(call(s, &r), STORE_OK);
	if (ret_token != NULL)
		put(ret_token, cap, r.grant.token);
	store_req_fini(&r);
}

static inline enum store_result
help_name(struct store *s, enum store_op op, const char *account, const char *name)
{
	struct store_req r = { .op = op };
	enum store_result got;

	PUT(r.account, account);
	PUT(r.route.name, name);
	got = call(s, &r);
	store_req_fini(&r);
	return got;
}

#endif
