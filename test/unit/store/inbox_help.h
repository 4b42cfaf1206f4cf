/* SPDX-License-Identifier: Apache-2.0 */
/* Inbox requests that wait for their answer, under a clock that the test moves. */
#ifndef ADIT_TEST_STORE_INBOX_HELP_H
#define ADIT_TEST_STORE_INBOX_HELP_H

#include "store/inbox.h"
#include "unit/store/help.h"

enum { START_MS = 1000000000 };

static int64_t wall_ms = START_MS, mono_ms = 5000;

static inline void
pass(int64_t ms)
{
	wall_ms += ms;
	mono_ms += ms;
}

static inline void
inbox_done(struct inbox_req *req)
{
	waiter_post(req->owner);
}

/* The caller frees what was moved. */
static inline enum store_result
ask_moved(struct store *s, struct inbox_req *r)
{
	struct waiter w = WAITER;

	r->done = inbox_done;
	r->owner = &w;
	r->now_ms = wall_ms;
	r->mono_ms = mono_ms;
	inbox_submit(s, r);
	waiter_wait(&w, 1);
	return r->result;
}

static inline enum store_result
ask(struct store *s, struct inbox_req *r)
{
	(void)ask_moved(s, r);
	free(r->moved);
	r->moved = NULL;
	r->n_moved = 0;
	return r->result;
}

static inline struct inbox_req
new_put(const char *tunnel, const char *key, const char *body)
{
	struct inbox_req r = { .op = INBOX_PUT,
		.put.event = S("repo:push"),
		.put.method = S("POST"),
		.put.target = S("/bitbucket-scmsource-hook/notify?x=%2F"),
		.put.head = S("Host: a\r\nUser-Agent: Bitbucket\r\n"),
		.put.order_key = slice_str(key),
		.put.body = slice_str(body) };

	PUT(r.account, "ann");
	PUT(r.tunnel, tunnel);
	return r;
}

/* Stores a delivery of ann's and gives its id; 0 when it was refused. */
static inline uint64_t
store_one(struct store *s, const char *tunnel, const char *key, const char *body)
{
	struct inbox_req r = new_put(tunnel, key, body);

	return ask(s, &r) == STORE_OK ? r.id : 0;
}

/* Up to 8 leases; the request has to be freed. */
static inline struct inbox_req
lease_all(struct store *s, const char *tunnel)
{
	struct inbox_req r = { .op = INBOX_LEASE, .leases.n_max = 8 };

	PUT(r.account, "ann");
	PUT(r.tunnel, tunnel);
	EXPECT_INT(ask(s, &r), STORE_OK);
	return r;
}

/* The bodies that a lease gives, as one text, "" for none; they stay leased. */
static inline const char *
leased(struct store *s, const char *tunnel)
{
	static char text[256];
	struct inbox_req r = lease_all(s, tunnel);
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < r.n_items; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i == 0 ? "" : " ",
		    PS(r.items[i].body));
	inbox_req_fini(&r);
	return text;
}

/* The lease number of a delivery: from SHOW. */
static inline uint64_t
lease_of(struct store *s, uint64_t id)
{
	struct inbox_req r = { .op = INBOX_SHOW, .show.id = id };
	uint64_t lease = 0;

	if (ask(s, &r) == STORE_OK)
		lease = r.items[0].lease;
	inbox_req_fini(&r);
	return lease;
}

static inline enum store_result
settle(struct store *s, uint64_t id, enum inbox_state to, int64_t delay_ms)
{
	struct inbox_req r = { .op = INBOX_SETTLE,
		.settle.id = id,
		.settle.lease = lease_of(s, id),
		.settle.to = to,
		.settle.delay_ms = delay_ms,
		.settle.tried = true,
		.settle.skip_after = 3 };

	r.settle.attempt.status = to == INBOX_DELIVERED ? 200 : 503;
	return ask(s, &r);
}

/* The state of a delivery, -1 when there is none. */
static inline int
state_of(struct store *s, uint64_t id)
{
	struct inbox_req r = { .op = INBOX_SHOW, .show.id = id };
	int state = ask(s, &r) == STORE_OK ? (int)r.items[0].state : -1;

	inbox_req_fini(&r);
	return state;
}

static inline struct store *
inbox_new(void)
{
	struct store *s = help_open(help_path());

	help_account(s, "ann", NULL, 0);
	help_account(s, "eve", NULL, 0);
	return s;
}

static inline void
inbox_end(struct store *s)
{
	store_close(s);
	help_clean();
}

#endif
