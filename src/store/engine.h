/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store needs of a database: the seam below which SQL begins.  Above it are the requests,
 * the queue, the thread and the group commit (store.c); an engine runs a batch of jobs in one
 * transaction.  An engine is used by one thread at a time.
 *
 * An engine begins its struct with a struct engine.  It is called once a batch, not once a job:
 * the table costs nothing that could be measured.
 */
#ifndef ADIT_STORE_ENGINE_H
#define ADIT_STORE_ENGINE_H

#include "store/job.h"

enum engine_end {
	ENGINE_DONE,   /* each job has its result */
	ENGINE_FULL,   /* no space: nothing of the batch is stored */
	ENGINE_BROKEN, /* and nothing will be until a restart */
	ENGINE_UNSURE, /* broken in the commit: the next start finds the batch stored, or not */
};

struct engine {
	const struct engine_ops *ops;
	bool broken;         /* for good: every later batch ends with ENGINE_BROKEN */
	char trouble[512];   /* what is wrong, for people; "" */
	unsigned n_troubles; /* goes up with each change of it */
};

struct engine_ops {
	/* NULL and a malloced sentence.  What the last process had on its way waits again. */
	struct engine *(*open)(const char *where, char **ret_error);
	void (*close)(struct engine *e);
	/*
	 * Runs the jobs in order, in one transaction, and sets their results; job->kind->begin()
	 * comes before each run, of which there may be several.  synced: its commit is on the disk
	 * when this returns; else it is with the next one, or after sync().  ret_wrote: there is a
	 * commit that has written something.
	 */
	enum engine_end (*run)(struct engine *e, struct store_job *const *jobs, size_t n,
	    bool synced, bool *ret_wrote);
	/* All that was committed is on the disk.  False: it cannot be, the engine is broken. */
	bool (*sync)(struct engine *e);
	/* Work of its own, some milliseconds of it; idle: there was no batch.  True: there is more. */
	bool (*tend)(struct engine *e, bool idle);
};

#endif
