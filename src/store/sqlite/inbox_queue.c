/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a delivery through the store: put, lease, settle, wake. */
#include "store/sqlite/inbox_queue.h"

#include "base/rand.h"
#include "store/sqlite/damage.h"
#include "store/sqlite/grow.h"
#include "store/sqlite/inbox_again.h"
#include "store/sqlite/inbox_coalesce.h"
#include "store/sqlite/inbox_untold.h"
#include "store/sqlite/seen.h"

#include <stdio.h>
#include <stdlib.h>

enum { CLOCK_SAVE_MS = 60000 };
enum { SEALED_MORE = 64 }; /* a head is stored sealed, which makes it longer */

/* So that a restart under a wall clock that was set back goes on from here. */
static bool
save_clock(struct db *db, int64_t now_t)
{
	struct db_query q;
	char text[32];

	if (now_t - db->clock_saved_ms < CLOCK_SAVE_MS)
		return true;
	snprintf(text, sizeof(text), "%lld", (long long)now_t);
	q = db_query(db, SQL_META_SET);
	db_put_text(&q, S("inbox_clock"));
	db_put_text(&q, slice_str(text));
	db->clock_saved_ms = now_t;
	return db_run(&q);
}

/* --- routes --- */

/* The route's row; 0 when there is none or db->fault. */
static int64_t
route_of(struct db *db, const char *account, const char *tunnel)
{
	struct db_query q = db_query(db, SQL_ROUTE_GET);
	int64_t id = 0;

	db_put_text(&q, slice_str(account));
	db_put_text(&q, slice_str(tunnel));
	if (db_next(&q))
		id = db_get_int(&q);
	db_end(&q);
	return id;
}

int64_t
inbox_queue_route_make(struct db *db, const char *account, const char *tunnel)
{
	int64_t changes = db_changes(db);
	int64_t have = route_of(db, account, tunnel);
	struct db_query q;

	if (have != 0 || db->fault != DB_FINE)
		return have;
	q = db_query(db, SQL_ROUTE_ADD);
	db_put_text(&q, slice_str(account));
	db_put_text(&q, slice_str(tunnel));
	if (!db_run(&q) || changes == db_changes(db))
		return 0;
	return db_inserted(db);
}

/* --- PUT --- */

static bool
put_ok(const struct inbox_req *req)
{
	return req->account[0] != '\0' && req->tunnel[0] != '\0' && req->put.event.n <= 256 &&
	       req->put.provider_id.n <= 256 && req->put.order_key.n <= 256 &&
	       req->put.method.n <= 32 && req->put.target.n <= LIMIT_REQUEST_LINE_BYTES &&
	       req->put.head.n <= LIMIT_HEAD_BYTES + SEALED_MORE &&
	       req->put.body.n <= LIMIT_INBOX_BODY_BYTES &&
	       req->put.dedupe_key.n <= LIMIT_HEAD_BYTES && req->put.n_copies <= LIMIT_FAN_OUT;
}

static bool
add_payload(struct db *db, int64_t id, int64_t copy_of, struct slice head, struct slice body)
{
	struct db_query q;

	if (copy_of != 0)
		q = db_query(db, db->late ? SQL_PAYLOAD_COPY_LATE : SQL_PAYLOAD_COPY);
	else
		q = db_query(db, db->late ? SQL_PAYLOAD_ADD_LATE : SQL_PAYLOAD_ADD);
	db_put_int(&q, id);
	if (copy_of != 0) {
		db_put_int(&q, copy_of);
	} else {
		db_put_blob(&q, head);
		db_put_blob(&q, body);
	}
	return db_run(&q);
}

bool
inbox_queue_add(struct db *db, struct delivery *d, int64_t copy_of, struct slice head,
    struct slice body)
{
	struct db_query q = db_query(db, SQL_DELIVERY_ADD);

	db_put_int(&q, d->route);
	db_put_int(&q, d->state);
	db_put_int(&q, d->place);
	db_put_int(&q, d->lane);
	db_put_int(&q, d->next_t);
	db_put_int(&q, d->lease);
	db_put_int(&q, d->received_ms);
	db_put_int(&q, d->received_t);
	db_put_int(&q, d->bytes);
	db_put_int(&q, d->size);
	db_put_int(&q, copy_of);
	db_put_int(&q, d->push);
	db_put_text(&q, d->event);
	db_put_text(&q, d->provider_id);
	db_put_text(&q, d->order_key);
	db_put_text(&q, d->method);
	db_put_text(&q, d->target);
	if (!db_run(&q))
		return false;
	/* A trigger's inserts do not change it. */
	d->id = db_inserted(db);
	return add_payload(db, d->id, copy_of, head, body);
}

static enum store_result
put_new(struct db *db, struct inbox_req *req, int64_t route, bool hold, bool newest, int64_t now_t,
    struct delivery *ret)
{
	struct delivery d = {
		.route = route,
		.lane = delivery_lane(route, req->put.order_key),
		.next_t = now_t,
		.received_ms = req->now_ms,
		.received_t = now_t,
		.bytes = (int64_t)(req->put.head.n + req->put.body.n),
		.push = req->put.push ? PUSH_UNSENT : PUSH_NO,
		.event = req->put.event,
		.provider_id = req->put.provider_id,
		.order_key = req->put.order_key,
		.method = req->put.method,
		.target = req->put.target,
		.state = INBOX_QUEUED,
	};

	d.size = delivery_size(&d);
	d.place = delivery_place_for(db, d.lane);
	/* Whoever waits behind another cannot be tried at once. */
	if (hold && d.place != PLACE_BEHIND) {
		d.state = INBOX_RECEIVED;
		d.lease = (int64_t)(rand_u64() >> 1);
		d.push = d.push != PUSH_NO ? PUSH_SENT : PUSH_NO;
	}
	if (!inbox_queue_add(db, &d, 0, req->put.head, req->put.body))
		return STORE_FULL;
	if (newest && req->put.push && d.lane != 0 && !inbox_coalesce(db, req, &d))
		return STORE_FULL;
	*ret = d;
	return STORE_OK;
}

/* For all its tunnels, in this transaction or not at all. */
static enum store_result
put_everywhere(struct db *db, struct inbox_req *req, int64_t route, int64_t now_t)
{
	struct delivery d;
	enum store_result r;

	check(req->put.n_copies <= LIMIT_FAN_OUT); /* put_ok() has asked */
	r = put_new(db, req, route, req->put.hold, req->put.coalesce, now_t, &d);

	if (r != STORE_OK)
		return r;
	req->id = (uint64_t)d.id;
	req->lease = (uint64_t)d.lease;
	req->state = d.state;
	for (size_t i = 0; i < req->put.n_copies && r == STORE_OK; i++) {
		struct inbox_copy *copy = &req->put.copies[i];

		route = inbox_queue_route_make(db, req->account, copy->tunnel);
		if (route == 0)
			return STORE_NONE;
		r = put_new(db, req, route, false, copy->coalesce, now_t, &d);
		copy->id = (uint64_t)d.id;
	}
	return r;
}

/* Bytes of the account. */
static uint64_t
wanted(const struct inbox_req *req)
{
	const struct delivery d = {
		.bytes = (int64_t)(req->put.head.n + req->put.body.n),
		.event = req->put.event,
		.provider_id = req->put.provider_id,
		.order_key = req->put.order_key,
		.method = req->put.method,
		.target = req->put.target,
	};

	return (uint64_t)delivery_size(&d) * (1 + req->put.n_copies);
}

enum store_result
inbox_queue_put(struct db *db, struct inbox_req *req, int64_t now_t)
{
	bool dedupe = req->put.dedupe_key.n > 0 && req->put.dedupe_ms > 0;
	unsigned char hash[SEEN_HASH_BYTES];
	enum store_result r;
	int64_t route, first;

	if (!put_ok(req))
		return STORE_INVALID;
	/* What the gate refuses has written nothing, not even a route. */
	route = route_of(db, req->account, req->tunnel);
	if (dedupe && route != 0 && !seen_hash(&db->seen, route, req->put.dedupe_key, hash))
		return STORE_FULL;
	first = dedupe && route != 0 ? seen_get(db, hash, now_t - req->put.dedupe_ms + 1) : 0;
	if (first != 0 && inbox_again(db, req, first))
		return STORE_OK;
	r = grow_ask_bytes(db, slice_str(req->account), wanted(req), req->put.account_bytes_max);
	if (r != STORE_OK)
		return r;
	if (route == 0) {
		route = inbox_queue_route_make(db, req->account, req->tunnel);
		if (route == 0)
			return STORE_NONE;
		if (dedupe && !seen_hash(&db->seen, route, req->put.dedupe_key, hash))
			return STORE_FULL;
	}
	r = put_everywhere(db, req, route, now_t);
	if (r != STORE_OK || !dedupe)
		return r;
	if ((first != 0 && !inbox_again_note(db, first, (int64_t)req->id)) ||
	    !seen_put(db, hash, (int64_t)req->id, now_t))
		return STORE_FULL;
	return STORE_OK;
}

/* --- LEASE --- */

static int64_t
until_due(struct db *db, int64_t route, int64_t now_t)
{
	struct db_query q = db_query(db, SQL_DUE_LATER);
	int64_t wait = -1;

	db_put_int(&q, route);
	db_put_int(&q, now_t);
	db_put_int(&q, 1);
	if (db_next(&q)) {
		(void)db_get_int(&q);
		wait = db_get_int(&q) - now_t;
	}
	db_end(&q);
	return wait;
}

static size_t
due(struct db *db, int64_t route, int64_t now_t, uint32_t n_max, uint64_t *ids)
{
	struct db_query q = db_query(db, SQL_DUE);
	size_t n = 0;

	db_put_int(&q, route);
	db_put_int(&q, now_t);
	db_put_int(&q, n_max);
	check(n_max <= LIMIT_INBOX_LEASE + 1);
	while (db_next(&q))
		ids[n++] = (uint64_t)db_get_int(&q);
	check(n <= n_max); /* the statement's own limit */
	return n;
}

/* False: no memory or db->fault; true and no more items: it is larger than bytes_max. */
static bool
lease_one(struct db *db, struct inbox_req *req, uint64_t id, size_t bytes_max, int64_t now_t)
{
	struct inbox_delivery *it = &req->items[req->n_items];
	struct delivery d;
	bool ok;

	if (!delivery_must_get(db, id, &d))
		return false;
	/* It waits until there is room for it, and so do those behind it: order before speed. */
	if ((uint64_t)d.bytes > bytes_max) {
		delivery_end(&d);
		return true;
	}
	d.lease = (int64_t)(rand_u64() >> 1);
	ok = delivery_item(db, &d, true, now_t, it);
	delivery_end(&d);
	/* From here on nobody knows whether the origin has seen it. */
	d.push = d.push != PUSH_NO ? PUSH_SENT : PUSH_NO;
	if (!ok || !delivery_move(db, &d, INBOX_LEASED)) {
		free(it->block);
		return false;
	}
	it->state = INBOX_LEASED;
	req->n_items++;
	return true;
}

enum store_result
inbox_queue_lease(struct db *db, struct inbox_req *req, const struct inbox_leases *want,
    int64_t now_t)
{
	uint64_t ids[LIMIT_INBOX_LEASE + 1];
	int64_t route = route_of(db, req->account, req->tunnel);
	bool parked = false;
	size_t n, left = want->bytes_max != 0 ? want->bytes_max : SIZE_MAX;

	req->wait_ms = -1;
	if (want->n_max == 0 || want->n_max > LIMIT_INBOX_LEASE)
		return STORE_INVALID;
	if (route == 0)
		return STORE_OK;
	/* One more than is wanted says whether there is more. */
	n = damage_set_aside(db, ids, due(db, route, now_t, want->n_max + 1, ids), &parked);
	check(req->items == NULL); /* begin() has forgotten a former run */
	req->items = calloc(n + 1, sizeof(*req->items));
	if (req->items == NULL)
		return STORE_FULL;
	while (req->n_items < n && req->n_items < want->n_max && left > 0) {
		size_t had = req->n_items;
		bool any = req->op == INBOX_LEASE && had == 0;

		if (!lease_one(db, req, ids[had], any ? SIZE_MAX : left, now_t))
			return STORE_FULL;
		if (req->n_items == had)
			break;
		left -= req->items[had].bytes < left ? req->items[had].bytes : left;
	}
	req->more = req->n_items < n || parked;
	if (!req->more)
		req->wait_ms = until_due(db, route, now_t);
	return save_clock(db, now_t) ? STORE_OK : STORE_FULL;
}

/* --- SETTLE --- */

/* Only the newest ones are kept; what the others took is the account's again. */
static bool
trim_attempts(struct db *db, struct delivery *d)
{
	struct db_query q = db_query(db, SQL_ATTEMPT_BYTES);

	db_put_int(&q, d->id);
	db_put_int(&q, d->attempts - LIMIT_INBOX_ATTEMPTS);
	if (db_next(&q)) {
		d->size -= db_get_int(&q) * DELIVERY_ATTEMPT_BYTES;
		d->size -= db_get_int(&q);
	}
	db_end(&q);
	q = db_query(db, SQL_ATTEMPT_TRIM);
	db_put_int(&q, d->id);
	db_put_int(&q, d->attempts - LIMIT_INBOX_ATTEMPTS);
	return db_run(&q);
}

/* Its bytes are in d->size, which delivery_move() writes. */
static bool
add_attempt(struct db *db, const struct inbox_req *req, struct delivery *d)
{
	const struct inbox_attempt *a = &req->settle.attempt;
	size_t n = a->n_answer < sizeof(a->answer) ? a->n_answer : sizeof(a->answer);
	struct db_query q = db_query(db, SQL_ATTEMPT_ADD);

	db_put_int(&q, d->id);
	db_put_int(&q, d->attempts);
	db_put_int(&q, a->at_ms != 0 ? a->at_ms : req->now_ms);
	db_put_int(&q, a->status);
	db_put_int(&q, a->latency_ms);
	db_put_text(&q, slice_of(a->reason, strnlen(a->reason, sizeof(a->reason))));
	db_put_blob(&q, slice_of(a->answer, n));
	if (!db_run(&q))
		return false;
	d->size += DELIVERY_ATTEMPT_BYTES + (int64_t)n;
	return d->attempts <= LIMIT_INBOX_ATTEMPTS || trim_attempts(db, d);
}

static void
try_again_later(const struct inbox_req *req, struct delivery *d, int64_t now_t)
{
	d->next_t = now_t + (req->settle.delay_ms > 0 ? req->settle.delay_ms : 0);
	d->firm_t = req->settle.firm ? d->next_t : 0;
	if (req->settle.tried) {
		d->spent_ms = req->settle.spent_ms;
		d->tried_t = now_t;
		d->planned_t = d->next_t;
		d->fails += !req->settle.early;
	}
	if (d->place == PLACE_FIRST && req->settle.skip_after != 0 &&
	    d->fails >= req->settle.skip_after)
		d->place = PLACE_FREE;
}

enum store_result
inbox_queue_settle(struct db *db, struct inbox_req *req, int64_t now_t)
{
	struct delivery d;

	if (req->settle.to != INBOX_DELIVERED && req->settle.to != INBOX_QUEUED &&
	    req->settle.to != INBOX_PARKED && req->settle.to != INBOX_DEAD)
		return STORE_INVALID;
	if (!delivery_get(db, req->settle.id, &d))
		return STORE_NONE;
	delivery_end(&d);
	if ((d.state != INBOX_RECEIVED && d.state != INBOX_LEASED) ||
	    (uint64_t)d.lease != req->settle.lease)
		return STORE_NONE;
	d.lease = 0;
	d.attempts += req->settle.tried;
	if (req->settle.unsent && d.push == PUSH_SENT)
		d.push = PUSH_UNSENT;
	d.new_note = slice_str(req->settle.note);
	if (req->settle.to == INBOX_QUEUED)
		try_again_later(req, &d, now_t);
	if ((req->settle.tried && !add_attempt(db, req, &d)) ||
	    !delivery_move(db, &d, req->settle.to))
		return STORE_FULL;
	if (!inbox_untold_add(db, req->settle.to))
		return STORE_FULL;
	req->state = d.state;
	req->settle.attempt.number = (uint32_t)d.attempts;
	if (req->settle.leases.n_max > 0)
		return inbox_queue_lease(db, req, &req->settle.leases, now_t);
	return save_clock(db, now_t) ? STORE_OK : STORE_FULL;
}

/* --- WAKE --- */

enum store_result
inbox_queue_wake(struct db *db, struct inbox_req *req, int64_t now_t)
{
	int64_t route = route_of(db, req->account, req->tunnel);
	struct db_query q = db_query(db, SQL_DUE_WAKE);
	uint64_t ids[LIMIT_INBOX_STEP];
	bool some = req->wake.n_max != 0 && req->wake.n_max < LIMIT_INBOX_STEP;
	size_t n = 0;

	db_put_int(&q, route);
	db_put_int(&q, now_t);
	db_put_int(&q, some ? req->wake.n_max : LIMIT_INBOX_STEP);
	db_put_int(&q, INBOX_WAKE_PAUSE_MS);
	while (db_next(&q))
		ids[n++] = (uint64_t)db_get_int(&q);
	for (size_t i = 0; i < n; i++) {
		struct delivery d;

		if (damage_known(db, ids[i], DAMAGE_ROW))
			continue;
		if (!delivery_must_get(db, ids[i], &d))
			return STORE_FULL;
		delivery_end(&d);
		d.next_t = now_t;
		if (d.tried_t + INBOX_WAKE_PAUSE_MS > now_t)
			d.next_t = d.tried_t + INBOX_WAKE_PAUSE_MS;
		if (!delivery_move(db, &d, INBOX_QUEUED))
			return STORE_FULL;
	}
	req->n_changed = (uint32_t)n;
	req->more = !some && n == LIMIT_INBOX_STEP;
	return STORE_OK;
}
