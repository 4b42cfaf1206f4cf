/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on items as jobs of the store. */
#include "store/item.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/job.h"

#include <stdlib.h>

static enum job_need
need(const struct store_job *job)
{
	const struct item_req *req = job_of_const(job, struct item_req, job);

	switch (req->op) {
	case ITEM_LIST:
		return JOB_READS;
	case ITEM_DEL:
		return JOB_FREES;
	case ITEM_PUT:
		break;
	}
	return JOB_WRITES;
}

static size_t
bytes(const struct store_job *job)
{
	const struct item_req *req = job_of_const(job, struct item_req, job);

	return sizeof(*req) + (req->op == ITEM_PUT ? req->bytes.n : 0);
}

static enum job_sync
sync_of(const struct store_job *job)
{
	return need(job) == JOB_READS ? JOB_SYNC_NEVER : JOB_SYNC_NOW;
}

static bool
ends(const char *z, size_t cap)
{
	return memchr(z, '\0', cap) != NULL;
}

static bool
is_well_formed(const struct item_req *req)
{
	if (!ends(req->kind, sizeof(req->kind)) || !ends(req->name, sizeof(req->name)) ||
	    !ends(req->account, sizeof(req->account)) || req->kind[0] == '\0')
		return false;
	if (req->op == ITEM_LIST)
		return true;
	return req->name[0] != '\0' && (req->op == ITEM_DEL || req->bytes.n <= LIMIT_ITEM_BYTES);
}

static bool
begin(struct store_job *job)
{
	struct item_req *req = job_of(job, struct item_req, job);

	check(job->kind->group == JOB_ITEM);
	item_req_fini(req);
	req->more = false;
	/* What an earlier run has answered is taken back with it. */
	req->version = req->expected;
	if (req->now_ms == 0)
		req->now_ms = clock_wall_ms();
	return is_well_formed(req);
}

static void
finish(struct store_job *job)
{
	struct item_req *req = job_of(job, struct item_req, job);

	if (job->result != STORE_OK)
		item_req_fini(req);
	req->result = job->result;
	req->done(req);
}

static const struct store_job_kind item_kind = {
	.group = JOB_ITEM,
	.need = need,
	.bytes = bytes,
	.sync = sync_of,
	.begin = begin,
	.finish = finish,
};

void
item_submit(struct store *s, struct item_req *req)
{
	check(req->done != NULL);
	req->rows = NULL;
	req->n_rows = 0;
	req->expected = req->version;
	store_submit_job(s, &req->job, &item_kind);
}

void
item_req_fini(struct item_req *req)
{
	for (size_t i = 0; i < req->n_rows; i++)
		free(req->rows[i].bytes);
	free(req->rows);
	req->rows = NULL;
	req->n_rows = 0;
}
