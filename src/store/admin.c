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

/* What of a request's union its operation uses. */
enum uses { USES_GRANT, USES_ROUTE, USES_NOTE };

static enum uses
uses(enum store_op op)
{
	switch (op) {
	case STORE_TOKEN_ADD:
	case STORE_TOKEN_LIST:
	case STORE_TOKEN_KEYS:
	case STORE_TOKEN_REVOKE:
	case STORE_LOGIN:
		return USES_GRANT;
	case STORE_NAME_CLAIM:
	case STORE_NAME_RELEASE:
	case STORE_NAME_DISABLE:
	case STORE_NAME_ENABLE:
	case STORE_NAME_LIST:
	case STORE_NAME_POLICIES:
	case STORE_NAME_LOOKUP:
	case STORE_PORT_CLAIM:
	case STORE_PORT_RELEASE:
	case STORE_PORT_LIST:
	case STORE_STOPPED:
		return USES_ROUTE;
	case STORE_AUDIT:
	case STORE_STAT:
		break;
	}
	return USES_NOTE;
}

/* Texts of a request are arrays that a caller has filled: each must end within its own. */
static bool
all_end(const struct store_req *r)
{
	if (!ends(r->account, sizeof(r->account)))
		return false;
	switch (uses(r->op)) {
	case USES_GRANT:
		return ends(r->grant.id, sizeof(r->grant.id)) &&
		       ends(r->grant.token, sizeof(r->grant.token)) &&
		       ends(r->grant.scope, sizeof(r->grant.scope)) &&
		       ends(r->grant.label, sizeof(r->grant.label));
	case USES_ROUTE:
		return ends(r->route.name, sizeof(r->route.name)) &&
		       ends(r->route.key, sizeof(r->route.key));
	case USES_NOTE:
		break;
	}
	return ends(r->note.event, sizeof(r->note.event)) &&
	       ends(r->note.text, sizeof(r->note.text));
}

static enum job_need
need(const struct store_job *job)
{
	const struct store_req *req = job_of_const(job, struct store_req, job);

	switch (req->op) {
	case STORE_LOGIN:
	case STORE_TOKEN_LIST:
	case STORE_TOKEN_KEYS:
	case STORE_NAME_LIST:
	case STORE_NAME_POLICIES:
	case STORE_NAME_LOOKUP:
	case STORE_PORT_LIST:
	case STORE_STAT:
		return JOB_READS;
	/* None makes room, but an account must be cut off, and a name given up or off, on a full disk, too. */
	case STORE_TOKEN_REVOKE:
	case STORE_NAME_RELEASE:
	case STORE_NAME_DISABLE:
	case STORE_NAME_ENABLE:
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

	if (uses(req->op) != USES_ROUTE || !req->route.set_policy)
		return sizeof(*req);
	return sizeof(*req) + req->route.policy.n;
}

static void
forget_rows(struct store_req *req)
{
	for (size_t i = 0; i < req->n_rows; i++) {
		free(req->rows[i].policy);
		free(req->rows[i].scope);
		free(req->rows[i].key);
	}
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
	if (uses(req->op) == USES_GRANT)
		OPENSSL_cleanse(req->grant.token, sizeof(req->grant.token));
}
