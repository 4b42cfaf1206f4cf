/* SPDX-License-Identifier: Apache-2.0 */
/* The requests about accounts, tokens, names and ports as jobs of the store. */
#include "store/store.h"

#include "base/clock.h"
#include "store/job.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static bool
ends(const char *z, size_t cap)
{
	return memchr(z, '\0', cap) != NULL;
}

/* Texts of a request are arrays that a caller has filled: each must end within its own. */
static bool
all_end(const struct store_req *r)
{
	return ends(r->account, sizeof(r->account)) && ends(r->name, sizeof(r->name)) &&
	       ends(r->key, sizeof(r->key)) && ends(r->label, sizeof(r->label)) &&
	       ends(r->text, sizeof(r->text)) && ends(r->token_id, sizeof(r->token_id)) &&
	       ends(r->token, sizeof(r->token));
}

static enum job_need
need(const struct store_job *job)
{
	const struct store_req *req = job_of_const(job, struct store_req, job);

	switch (req->op) {
	case STORE_LOGIN:
	case STORE_TOKEN_LIST:
	case STORE_NAME_LIST:
	case STORE_NAME_POLICIES:
	case STORE_NAME_LOOKUP:
	case STORE_PORT_LIST:
	case STORE_STAT:
		return JOB_READS;
	/* Neither makes room, but an account must be cut off, and a name given up, on a full disk, too. */
	case STORE_TOKEN_REVOKE:
	case STORE_NAME_RELEASE:
		return JOB_FREES;
	case STORE_TOKEN_ADD:
	case STORE_NAME_CLAIM:
	case STORE_PORT_CLAIM:
	case STORE_PORT_RELEASE:
	case STORE_STOPPED:
	case STORE_AUDIT:
		break;
	}
	return JOB_WRITES;
}

static size_t
bytes(const struct store_job *job)
{
	const struct store_req *req = job_of_const(job, struct store_req, job);

	return sizeof(*req) + (req->set_policy ? req->policy.n : 0);
}

static void
forget_rows(struct store_req *req)
{
	for (size_t i = 0; i < req->n_rows; i++)
		free(req->rows[i].policy);
	free(req->rows);
	req->rows = NULL;
	req->n_rows = 0;
}

static bool
begin(struct store_job *job)
{
	struct store_req *req = job_of(job, struct store_req, job);

	check(job->kind->group == JOB_ADMIN);
	forget_rows(req);
	if (req->now_ms == 0)
		req->now_ms = clock_wall_ms();
	return all_end(req);
}

static void
finish(struct store_job *job)
{
	struct store_req *req = job_of(job, struct store_req, job);

	req->result = job->result;
	req->done(req);
}

static const struct store_job_kind admin_kind = {
	.group = JOB_ADMIN,
	.need = need,
	.bytes = bytes,
	.begin = begin,
	.finish = finish,
};

void
store_submit(struct store *s, struct store_req *req)
{
	check(req->done != NULL);
	req->rows = NULL;
	req->n_rows = 0;
	store_submit_job(s, &req->job, &admin_kind);
}

void
store_req_fini(struct store_req *req)
{
	forget_rows(req);
	/* The one place where a token is in clear, but for its owner's. */
	OPENSSL_cleanse(req->token, sizeof(req->token));
}
