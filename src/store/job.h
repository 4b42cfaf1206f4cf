/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's thread and its engine (engine.h) need to know of a request: a kind is a row of
 * functions, a request embeds a struct store_job.  What a job does is the engine's to know: it runs
 * the requests of each group.  It may run one again after a rollback, each time after begin(), which
 * forgets what the last run gave.  A run that ends with anything but STORE_OK has stored nothing.
 */
#ifndef ADIT_STORE_JOB_H
#define ADIT_STORE_JOB_H

#include "store/store.h"

/* Whose request embeds the job. */
enum job_group {
	JOB_ADMIN, /* struct store_req */
	JOB_INBOX, /* struct inbox_req */
	JOB_ITEM,  /* struct item_req */
};

enum job_need {
	JOB_READS,  /* works on a full disk */
	JOB_WRITES, /* may use the last of the space; the engine asks itself whether it may grow */
	JOB_FREES,  /* and a reserve: it makes room, or must not fail for want of it */
};

/* How soon what a job has written must be on the disk. A batch is synced as its strictest job asks. */
enum job_sync {
	JOB_SYNC_NEVER, /* it has only read, or a start takes it back anyway */
	JOB_SYNC_SOON, /* within LIMIT_STORE_LATE and LIMIT_STORE_LATE_MS: a power cut may repeat it */
	JOB_SYNC_NOW, /* before anybody is told */
};

struct store_job_kind {
	enum job_group group;
	enum job_need (*need)(const struct store_job *job);
	size_t (*bytes)(const struct store_job *job);       /* that the commit has to carry */
	enum job_sync (*sync)(const struct store_job *job); /* NULL: now */
	/* Forgets what a run has given, sets clocks.  False: the request is not well formed. */
	bool (*begin)(struct store_job *job);
	/* Takes job->result and calls the caller's done(); the request may be gone afterwards. */
	void (*finish)(struct store_job *job);
};

/* Any thread.  The kind's own submit function prepares the request first. */
void store_submit_job(struct store *s, struct store_job *job, const struct store_job_kind *kind);

#define job_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define job_of_const(ptr, type, member)                                                            \
	((const type *)(const void *)((const char *)(ptr)-offsetof(type, member)))

#endif
