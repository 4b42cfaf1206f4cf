/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox's requests as jobs of the store: words, needs, ends. */
#include "store/inbox.h"

#include "base/clock.h"
#include "store/job.h"

#include <stdlib.h>

/* --- words --- */

const char *
inbox_state_text(enum inbox_state state)
{
	switch (state) {
#define X(name, word, number, what)                                                                \
	case INBOX_##name:                                                                         \
		return word;
		INBOX_STATES(X)
#undef X
	}
	return "unknown";
}

bool
inbox_state_parse(struct slice word, enum inbox_state *ret_state)
{
	for (int i = 0; i < INBOX_N_STATES; i++) {
		if (slice_eq(word, slice_str(inbox_state_text((enum inbox_state)i)))) {
			*ret_state = (enum inbox_state)i;
			return true;
		}
	}
	return false;
}

/* --- the kind --- */

static enum job_need
need(const struct store_job *job)
{
	const struct inbox_req *req = job_of_const(job, struct inbox_req, job);

	switch (req->op) {
	case INBOX_LIST:
	case INBOX_EXPORT:
	case INBOX_SHOW:
	case INBOX_COUNT:
		return JOB_READS;
	case INBOX_DROP:
	case INBOX_RETAIN:
		return JOB_FREES;
	case INBOX_PUT:
	case INBOX_LEASE:
	case INBOX_SETTLE:
	case INBOX_WAKE:
	case INBOX_REPLAY:
	case INBOX_TOLD:
		break;
	}
	return JOB_WRITES;
}

static size_t
bytes(const struct store_job *job)
{
	const struct inbox_req *req = job_of_const(job, struct inbox_req, job);

	if (req->op == INBOX_PUT)
		return sizeof(*req) + (req->put.head.n + req->put.body.n) * (1 + req->put.n_copies);
	/* As many copies as fill a commit, see inbox_list_change(). */
	if (req->op == INBOX_REPLAY && req->change.to_tunnel[0] != '\0')
		return LIMIT_STORE_BATCH_BYTES;
	return sizeof(*req);
}

/*
 * What a power cut takes back of a lease, the start would have taken back, too.  A delivery whose
 * settlement is lost is sent again with the same number, as after a crash before it: the next of
 * its lane need not wait for the disk each time.
 */
static enum job_sync
sync_of(const struct store_job *job)
{
	const struct inbox_req *req = job_of_const(job, struct inbox_req, job);

	/* A lease that a power cut forgets has sent nothing that matters, unless a newer push may take
	 * the place of what was never sent: then its caller asks for `synced`. */
	if (need(job) == JOB_READS || (req->op == INBOX_LEASE && !req->leases.synced))
		return JOB_SYNC_NEVER;
	if (req->op == INBOX_SETTLE && req->settle.to == INBOX_DELIVERED && !req->settle.synced)
		return JOB_SYNC_SOON;
	return JOB_SYNC_NOW;
}

static void
forget_answer(struct inbox_req *req)
{
	inbox_req_fini(req);
	req->id = req->lease = req->cursor = 0;
	req->duplicate = req->more = false;
	req->n_changed = 0;
	req->wait_ms = -1;
	memset(&req->counts, 0, sizeof(req->counts));
}

static bool
ends(const char *z, size_t cap)
{
	return memchr(z, '\0', cap) != NULL;
}

/* Texts of a request are arrays that a caller has filled: each must end within its own. */
static bool
all_end(const struct inbox_req *r)
{
	bool good = ends(r->account, sizeof(r->account)) && ends(r->tunnel, sizeof(r->tunnel));

	switch (r->op) {
	case INBOX_PUT:
		for (size_t i = 0; i < r->put.n_copies && i < LIMIT_FAN_OUT; i++)
			good = good && ends(r->put.copies[i].tunnel, sizeof(r->put.copies->tunnel));
		return good;
	case INBOX_SETTLE:
		return good && ends(r->settle.note, sizeof(r->settle.note));
	case INBOX_REPLAY:
	case INBOX_DROP:
		return good && ends(r->change.note, sizeof(r->change.note)) &&
		       ends(r->change.to_tunnel, sizeof(r->change.to_tunnel));
	case INBOX_LEASE:
	case INBOX_WAKE:
	case INBOX_LIST:
	case INBOX_EXPORT:
	case INBOX_SHOW:
	case INBOX_RETAIN:
	case INBOX_COUNT:
	case INBOX_TOLD:
		break;
	}
	return good;
}

static bool
begin(struct store_job *job)
{
	struct inbox_req *req = job_of(job, struct inbox_req, job);

	check(job->kind->group == JOB_INBOX);
	/* An answer of a run that was rolled back is none. */
	forget_answer(req);
	if (req->now_ms == 0)
		req->now_ms = clock_wall_ms();
	if (req->mono_ms == 0)
		req->mono_ms = clock_boot_us() / 1000;
	return all_end(req);
}

static void
finish(struct store_job *job)
{
	struct inbox_req *req = job_of(job, struct inbox_req, job);

	/* A batch that was not committed has leased nothing. */
	if (job->result != STORE_OK)
		inbox_req_fini(req);
	req->result = job->result;
	req->done(req);
}

static const struct store_job_kind inbox_kind = {
	.group = JOB_INBOX,
	.need = need,
	.bytes = bytes,
	.sync = sync_of,
	.begin = begin,
	.finish = finish,
};

void
inbox_submit(struct store *s, struct inbox_req *req)
{
	check(req->done != NULL);
	req->items = NULL;
	req->attempts = NULL;
	req->moved = NULL;
	req->n_items = req->n_attempts = req->n_moved = 0;
	store_submit_job(s, &req->job, &inbox_kind);
}

void
inbox_req_fini(struct inbox_req *req)
{
	for (size_t i = 0; i < req->n_items; i++)
		free(req->items[i].block);
	free(req->items);
	free(req->attempts);
	free(req->moved);
	req->items = NULL;
	req->attempts = NULL;
	req->moved = NULL;
	req->n_items = req->n_attempts = req->n_moved = 0;
}
