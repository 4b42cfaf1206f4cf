/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for the store before there are loops (await.h). */
#include "edge/core/await.h"

#include <semaphore.h>
#include <string.h>

static void
begin(sem_t *done)
{
	check(sem_init(done, 0, 0) == 0);
}

static void
end(sem_t *done)
{
	while (sem_wait(done) != 0)
		continue; /* a signal */
	sem_destroy(done);
}

static void
on_store_done(struct store_req *req)
{
	sem_post(req->owner);
}

enum store_result
await_store(struct store *s, struct store_req *req)
{
	sem_t done;

	begin(&done);
	req->done = on_store_done;
	/* This function waits until nobody uses it any more. */
	/* cppcheck-suppress autoVariables */
	req->owner = &done;
	store_submit(s, req);
	end(&done);
	return req->result;
}

static void
on_item_done(struct item_req *req)
{
	sem_post(req->owner);
}

enum store_result
await_item(struct store *s, struct item_req *req)
{
	sem_t done;

	begin(&done);
	req->done = on_item_done;
	/* cppcheck-suppress autoVariables */
	req->owner = &done;
	item_submit(s, req);
	end(&done);
	return req->result;
}

enum store_result
await_items(struct store *s, const char *kind, bool (*take)(const struct item_req *page, void *arg),
    void *arg)
{
	struct item_req req = { .op = ITEM_LIST };
	enum store_result r = STORE_OK;
	bool more = true;

	check(strlen(kind) < sizeof(req.kind));
	memcpy(req.kind, kind, strlen(kind) + 1);
	while (more && r == STORE_OK) {
		r = await_item(s, &req);
		more = req.more && req.n_rows > 0;
		if (r == STORE_OK && !take(&req, arg))
			r = STORE_FULL;
		if (more)
			memcpy(req.name, req.rows[req.n_rows - 1].name, sizeof(req.name));
		item_req_fini(&req);
	}
	return r;
}
