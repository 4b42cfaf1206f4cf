/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the store carries out: tokens, names, ports. */
#include "edge/control/control_token.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "edge/core/worker.h"
#include "edge/ddns/ddns.h"
#include "edge/inbox/query.h"
#include "http/url.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS (24 * 3600 * 1000LL)

/* Absent: *dst stays. False also below 0 and above max. */
bool
control_number(json_t *request, const char *key, int64_t max, int64_t *dst)
{
	json_t *v = json_object_get(request, key);

	if (v == NULL || json_is_null(v))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return false;
	*dst = json_integer_value(v);
	return true;
}

/* For scripts: a code keeps its meaning. */
static const char *
refusal_code(enum store_result r)
{
	switch (r) {
	case STORE_OK:
		return "ok";
	case STORE_NONE:
		return "none";
	case STORE_TAKEN:
		return "taken";
	case STORE_GONE:
		return "released";
	case STORE_CHANGED:
		return "changed";
	case STORE_LIMIT:
		return "limit";
	case STORE_REVOKED:
		return "revoked";
	case STORE_FULL:
		return "store-full";
	case STORE_DAMAGED:
		return "store-damaged";
	case STORE_BROKEN:
	case STORE_UNSURE:
		return "store-broken";
	case STORE_INVALID:
		return "invalid";
	}
	return "store";
}

/* A token's row has no secret in it: the store has only its hash. */
static json_t *
row_json(enum store_op op, const struct store_row *r)
{
	if (op == STORE_TOKEN_LIST)
		return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:s}", "id", r->token_id,
		    "account", r->account, "label", r->label, "created_ms",
		    (json_int_t)r->created_ms, "expires_ms", (json_int_t)r->expires_ms, "used_ms",
		    (json_int_t)r->used_ms, "revoked", r->revoked, "ddns",
		    r->scope == NULL ? "" : r->scope);
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:b}", "name", r->name, "account", r->account,
	    "key", r->label, "created_ms", (json_int_t)r->created_ms, "released", r->tombstone,
	    "disabled", r->disabled);
}

/* Pages: the client asks again from the last row on. */
static json_t *
rows_json(const struct store_req *req)
{
	json_t *rows = json_array();

	check(req->n_rows <= LIMIT_STORE_ROWS); /* a full page says that there is more */
	for (size_t i = 0; i < req->n_rows; i++)
		json_array_append_new(rows, row_json(req->op, &req->rows[i]));
	return json_pack("{s:b, s:o, s:b}", "ok", 1, "rows", rows, "more",
	    req->n_rows == LIMIT_STORE_ROWS);
}

static json_t *
result_json(const struct store_req *req)
{
	switch (req->op) {
	case STORE_TOKEN_REVOKE:
		return json_pack("{s:b, s:s}", "ok", 1, "account", req->account);
	case STORE_TOKEN_LIST:
	case STORE_NAME_LIST:
		return rows_json(req);
	case STORE_NAME_CLAIM:
		return json_pack("{s:b, s:s, s:s}", "ok", 1, "account", req->account, "name",
		    req->route.name);
	case STORE_NAME_DISABLE:
	case STORE_NAME_ENABLE:
		return json_pack("{s:b, s:s, s:s}", "ok", 1, "account", req->account, "name",
		    req->route.name);
	default:
		return json_pack("{s:b}", "ok", 1);
	}
}

/* Links that logged in with it are ended before the answer is given (S-04). */
static void
after(struct control *ctl, const struct store_req *req)
{
	struct edge *e = ctl->edge;
	char key[DIRECTORY_KEY_BYTES];
	unsigned at = 0;

	switch (req->op) {
	case STORE_TOKEN_REVOKE:
		for (unsigned i = 0; i < e->n_workers; i++)
			worker_revoke(e->workers[i], req->grant.id);
		keyring_drop(e->keyring, req->grant.id);
		log_event(LOG_INFO, "control", LOG_Z("op", "token.revoke"),
		    LOG_Z("token", req->grant.id));
		return;
	case STORE_NAME_RELEASE:
		for (unsigned i = 0; i < e->n_workers; i++)
			worker_fence(e->workers[i], req->route.name);
		if (!ctl->closed) /* else nobody would carry it out any more */
			ddns_forget(e, &ctl->errands, req->route.name);
		log_event(LOG_INFO, "control", LOG_Z("op", "release"),
		    LOG_Z("name", req->route.name));
		return;
	case STORE_NAME_DISABLE:
	case STORE_NAME_ENABLE:
		/* To all, as with a release. */
		for (unsigned i = 0; i < e->n_workers && req->op == STORE_NAME_DISABLE; i++)
			worker_fence(e->workers[i], req->route.name);
		log_event(LOG_INFO, "control",
		    LOG_Z("op", req->op == STORE_NAME_DISABLE ? "name.disable" : "name.enable"),
		    LOG_Z("name", req->route.name));
		return;
	case STORE_PORT_RELEASE:
		snprintf(key, sizeof(key), "tcp:%u", req->route.port);
		if (directory_forget(e->directory, slice_str(key), &at))
			worker_fence(edge_worker(e, at), key);
		log_event(LOG_INFO, "control", LOG_Z("op", "release"),
		    LOG_U("port", req->route.port));
		return;
	default:
		return;
	}
}

static void
job_free(struct control_job *job)
{
	store_req_fini(&job->req);
	control_token_fini(job);
	free(job);
}

/* Of several names the one that it is about is told. */
static void
refuse(struct asker *c, const struct control_job *job)
{
	enum store_result r = job->req.result;
	char text[256];

	if (job->req.op != STORE_TOKEN_ADD || job->req.grant.refused[0] == '\0') {
		control_refuse(c, refusal_code(r), store_result_text(r));
		return;
	}
	snprintf(text, sizeof(text), "%s: %s", job->req.grant.refused, store_result_text(r));
	control_refuse(c, refusal_code(r), text);
}

static void
on_stored(struct errand *e)
{
	struct control_job *job = list_of(e, struct control_job, errand);
	struct asker *c = job->client;
	enum store_result r = job->req.result;

	check(c == NULL || c->job == job);
	if (r == STORE_OK)
		after(job->control, &job->req);
	if (c != NULL) {
		c->job = NULL;
		if (r == STORE_OK)
			control_answer(c, job->req.op == STORE_TOKEN_ADD ? control_token_json(job)
									 : result_json(&job->req));
		else
			refuse(c, job);
	}
	job_free(job);
}

/* On the store's thread, in the order of commits: the directory follows the store. */
static void
follow(struct store_req *req)
{
	struct control_job *job = list_of(req->owner, struct control_job, errand);
	struct edge *e = job->control->edge;
	unsigned at;

	if (req->result == STORE_OK && req->op == STORE_NAME_CLAIM &&
	    directory_load(e->directory, slice_str(req->route.name), slice_str(req->account),
		false) != 0)
		req->result = STORE_FULL;
	if (req->result == STORE_OK && req->op == STORE_TOKEN_ADD)
		control_token_follow(job);
	if (req->result == STORE_OK && req->op == STORE_NAME_RELEASE)
		(void)directory_release(e->directory, slice_str(req->route.name), &at);
	if (req->result == STORE_OK &&
	    (req->op == STORE_NAME_DISABLE || req->op == STORE_NAME_ENABLE))
		(void)directory_disable(e->directory, slice_str(req->route.name),
		    req->op == STORE_NAME_DISABLE, &at);
	errand_end(&job->errand);
}

/* The store goes on, and after() is obeyed: a revoked token is revoked, whoever waits. */
void
control_job_abandon(struct asker *c)
{
	if (c->job != NULL)
		c->job->client = NULL;
	c->job = NULL;
}

/* The members of a request that its operation uses. False: one is too long, or of another type. */
static bool
read_members(json_t *request, struct store_req *req)
{
	struct store_grant *grant = &req->grant;
	struct store_route *route = &req->route;
	int64_t port = 0, days = 0;

	if (!query_text(request, "account", req->account, sizeof(req->account)))
		return false;
	switch (req->op) {
	case STORE_TOKEN_ADD:
	case STORE_TOKEN_LIST:
	case STORE_TOKEN_REVOKE:
		if (!query_text(request, "label", grant->label, sizeof(grant->label)) ||
		    !query_text(request, "id", grant->id, sizeof(grant->id)) ||
		    !control_number(request, "days", 36500, &days))
			return false;
		grant->expires_ms = days == 0 ? 0 : clock_wall_ms() + days * DAY_MS;
		return true;
	default:
		if (!query_text(request, "name", route->name, sizeof(route->name)) ||
		    !control_number(request, "port", 65535, &port))
			return false;
		route->port = (uint16_t)port;
		return true;
	}
}

void
control_store(struct asker *c, json_t *request, enum store_op op)
{
	struct control_job *job = calloc(1, sizeof(*job));
	const char *why = NULL;

	if (job == NULL) {
		control_refuse(c, "memory", "out of memory");
		return;
	}
	/* Beside the client, who may be gone when the answer comes. */
	job->control = c->control;
	job->req.op = op;
	if (!read_members(request, &job->req))
		why = "a member is too long or of the wrong type";
	else if (op == STORE_TOKEN_ADD)
		why = control_token_read(job, request);
	if (why != NULL) {
		job_free(job);
		control_refuse(c, "bad-request", why);
		return;
	}
	job->client = c;
	c->job = job;
	errand_store(&job->errand, &c->control->errands, c->control->edge->store, &job->req, follow,
	    on_stored);
}

/* An account is made with its first token, so an empty name must be refused here. */
void
control_token_add(struct asker *c, json_t *request)
{
	if (json_string_length(json_object_get(request, "account")) == 0)
		control_refuse(c, "bad-request", "\"account\" is missing");
	else
		control_store(c, request, STORE_TOKEN_ADD);
}

/* What the operator reserves obeys the same rules as what an agent asks for. */
void
control_name_reserve(struct asker *c, json_t *request)
{
	json_t *name = json_object_get(request, "name");
	char canonical[64];
	const char *why = "\"name\" is missing";

	if (json_is_string(name))
		why = url_name(slice_str(json_string_value(name)), canonical, sizeof(canonical));
	if (why != NULL) {
		control_refuse(c, "bad-name", why);
		return;
	}
	json_object_set_new(request, "name", json_string(canonical));
	control_store(c, request, STORE_NAME_CLAIM);
}
