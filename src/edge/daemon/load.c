/* SPDX-License-Identifier: Apache-2.0 */
/* Loads names, ports and policies from the store before the first connection is taken. */
#include "edge/daemon/load.h"

#include "base/limits.h"
#include "base/log.h"
#include "hook/policy.h"

#include <openssl/crypto.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

static void
on_done(struct store_req *req)
{
	sem_post(req->owner);
}

enum store_result
ask_store(struct store *s, struct store_req *req)
{
	sem_t done;

	check(sem_init(&done, 0, 0) == 0);
	req->done = on_done;
	req->owner = &done;
	store_submit(s, req);
	while (sem_wait(&done) != 0)
		continue; /* a signal */
	sem_destroy(&done);
	return req->result;
}

static enum store_result
load_ports(struct store *s, struct directory *d)
{
	struct store_req req = { .op = STORE_PORT_LIST };
	enum store_result r;
	char key[DIRECTORY_KEY_BYTES];
	bool more = true;

	while (more) {
		r = ask_store(s, &req);
		if (r != STORE_OK)
			return r;
		more = req.n_rows == LIMIT_STORE_ROWS;
		for (size_t i = 0; i < req.n_rows; i++) {
			const struct store_row *row = &req.rows[i];

			snprintf(key, sizeof(key), "tcp:%u", row->port);
			if (directory_load(d, slice_str(key), slice_str(row->account), false) != 0)
				r = STORE_FULL;
			if (row->stopped_ms != 0)
				directory_load_stopped(d, slice_str(key), row->stopped_ms);
			req.port = row->port;
		}
		store_req_fini(&req);
		if (r != STORE_OK)
			return r;
	}
	return STORE_OK;
}

enum store_result
load_names(struct store *s, struct directory *d)
{
	struct store_req req = { .op = STORE_NAME_LIST };
	enum store_result r;
	bool more = true;

	while (more) {
		r = ask_store(s, &req);
		if (r != STORE_OK)
			return r;
		more = req.n_rows == LIMIT_STORE_ROWS;
		for (size_t i = 0; i < req.n_rows; i++) {
			const struct store_row *row = &req.rows[i];

			if (directory_load(d, slice_str(row->name), slice_str(row->account),
				row->tombstone) != 0)
				r = STORE_FULL;
			if (row->stopped_ms != 0)
				directory_load_stopped(d, slice_str(row->name), row->stopped_ms);
			snprintf(req.name, sizeof(req.name), "%s", row->name);
		}
		store_req_fini(&req);
		if (r != STORE_OK)
			return r;
	}
	return load_ports(s, d);
}

static void
load_policy(struct directory *d, const struct vault *keep, const struct store_row *row)
{
	char why[256] = "it was sealed with another key";
	char *json = malloc(row->n_policy + 1);
	ptrdiff_t n = json == NULL ? -1
				   : vault_unseal(keep, slice_str(row->name),
					 slice_of(row->policy, row->n_policy), json);
	struct policy *p = n < 0 ? NULL : policy_new(slice_of(json, (size_t)n), why, sizeof(why));

	if (p == NULL)
		log_event(LOG_ERROR, "policy-lost", LOG_Z("tunnel", row->name), LOG_Z("why", why));
	else
		directory_set_policy(d, slice_str(row->name), p);
	if (p != NULL)
		directory_stored(d, slice_str(row->name), slice_str(p->json));
	policy_unref(p);
	if (n > 0)
		OPENSSL_cleanse(json, (size_t)n);
	free(json);
}

enum store_result
load_policies(struct store *s, struct directory *d, const struct vault *keep)
{
	struct store_req req = { .op = STORE_NAME_POLICIES };
	enum store_result r;
	bool more = true;

	while (more) {
		r = ask_store(s, &req);
		if (r != STORE_OK)
			return r;
		more = req.n_rows == LIMIT_STORE_POLICIES;
		for (size_t i = 0; i < req.n_rows; i++) {
			load_policy(d, keep, &req.rows[i]);
			snprintf(req.name, sizeof(req.name), "%s", req.rows[i].name);
		}
		store_req_fini(&req);
	}
	return STORE_OK;
}
