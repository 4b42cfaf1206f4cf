/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, shows, exports, replays and drops deliveries for people. */
#include "store/sqlite/inbox_list.h"

#include "store/sqlite/damage.h"
#include "store/sqlite/grow.h"
#include "store/sqlite/inbox_moved.h"
#include "store/sqlite/inbox_queue.h"
#include "store/sqlite/sift.h"

#include <stdlib.h>

#define BIT(state) INBOX_STATE_BIT(INBOX_##state)

/* --- LIST, EXPORT, SHOW --- */

enum store_result
inbox_list_page(struct db *db, struct inbox_req *req, int64_t now_t)
{
	const struct inbox_find *find = &req->find;
	bool payload = req->op == INBOX_EXPORT;
	struct delivery d;
	struct sift sift;
	size_t n_bytes = 0;

	if (find->n_max == 0 || find->n_max > LIMIT_STORE_ROWS)
		return STORE_INVALID;
	check(req->items == NULL);
	req->items = calloc(find->n_max, sizeof(*req->items));
	if (req->items == NULL)
		return STORE_FULL;
	sift_start(&sift, db, req, find, find->states, payload);
	while (sift_next(&sift, &d)) {
		bool known = payload && damage_known(db, (uint64_t)d.id, DAMAGE_PAYLOAD),
		     ok = known || delivery_item(db, &d, payload, now_t, &req->items[req->n_items]);

		delivery_end(&d);
		if (known)
			continue;
		if (!ok)
			return STORE_FULL;
		check(req->n_items < find->n_max);
		n_bytes += req->items[req->n_items++].bytes;
		if (req->n_items == find->n_max ||
		    (payload && find->bytes_max != 0 && n_bytes >= find->bytes_max)) {
			req->more = true;
			break;
		}
	}
	return STORE_OK;
}

static bool
load_attempts(struct db *db, struct inbox_req *req)
{
	struct db_query q = db_query(db, SQL_ATTEMPT_LIST);

	check(req->attempts == NULL);
	req->attempts = calloc(LIMIT_INBOX_ATTEMPTS, sizeof(*req->attempts));
	if (req->attempts == NULL) {
		db_end(&q);
		return false;
	}
	db_put_int(&q, (int64_t)req->show.id);
	db_put_int(&q, LIMIT_INBOX_ATTEMPTS);
	while (db_next(&q)) {
		struct inbox_attempt *a = &req->attempts[req->n_attempts++];
		struct slice answer;

		a->number = (uint32_t)db_get_int(&q);
		a->at_ms = db_get_int(&q);
		a->status = (int)db_get_int(&q);
		a->latency_ms = (uint32_t)db_get_int(&q);
		db_get_z(&q, a->reason, sizeof(a->reason));
		answer = slice_head(db_get_bytes(&q), sizeof(a->answer));
		if (answer.n > 0)
			memcpy(a->answer, answer.p, answer.n);
		a->n_answer = answer.n;
	}
	return true;
}

enum store_result
inbox_list_show(struct db *db, struct inbox_req *req, int64_t now_t)
{
	struct slice account = slice_str(req->account);
	struct delivery d;
	bool ours, ok;

	req->id = req->show.id;
	if (!delivery_get(db, req->show.id, &d))
		return STORE_NONE;
	ours = account.n == 0 || slice_eq(account, d.account);
	req->items = ours ? calloc(1, sizeof(*req->items)) : NULL;
	ok = req->items != NULL && delivery_item(db, &d, true, now_t, req->items);
	delivery_end(&d);
	if (!ours)
		return STORE_NONE;
	if (!ok)
		return STORE_FULL;
	req->n_items = 1;
	req->state = req->items->state;
	return load_attempts(db, req) ? STORE_OK : STORE_FULL;
}

/* --- REPLAY, DROP --- */

/* May a copy of d be made?  STORE_NONE: it is that tunnel's already. */
static enum store_result
may_copy(struct db *db, const struct inbox_req *req, const struct delivery *d)
{
	struct slice to = slice_str(req->change.to_tunnel);
	enum store_result r;

	/* Nor are copies copied again, when the filter takes all tunnels. */
	if (slice_eq(to, d->tunnel))
		return STORE_NONE;
	r = grow_ask_name(db, d->account, to);
	if (r == STORE_OK)
		r = grow_ask_bytes(db, d->account, (uint64_t)delivery_size(d),
		    req->change.account_bytes_max);
	return r;
}

/* A copy for another tunnel of the same account, in that tunnel's lane.  d is being read. */
static enum store_result
copy(struct db *db, struct inbox_req *req, const struct delivery *d, int64_t now_t)
{
	enum store_result r = may_copy(db, req, d);
	struct delivery to = *d;
	char account[64];
	int64_t route;

	if (r != STORE_OK)
		return r;
	if (!slice_z(d->account, account, sizeof(account)))
		return STORE_INVALID;
	route = inbox_queue_route_make(db, account, req->change.to_tunnel);
	if (route == 0)
		return STORE_NONE;
	to.route = route;
	to.lane = delivery_lane(route, d->order_key);
	to.place = delivery_place_for(db, to.lane);
	to.state = INBOX_QUEUED;
	to.size = delivery_size(&to);
	to.next_t = now_t;
	to.lease = 0;
	to.received_t = now_t;
	to.push = d->push != PUSH_NO ? PUSH_UNSENT : PUSH_NO;
	if (!inbox_queue_add(db, &to, d->id, S(""), S("")))
		return STORE_FULL;
	req->id = (uint64_t)to.id;
	to.tunnel = slice_str(req->change.to_tunnel);
	inbox_moved_note(req, &to, INBOX_QUEUED);
	return STORE_OK;
}

/* d is being read; ends it.  STORE_NONE: there was nothing to change. */
static enum store_result
change(struct db *db, struct inbox_req *req, struct delivery *d, int64_t now_t)
{
	bool replay = req->op == INBOX_REPLAY, ok;
	bool nothing = replay ? !delivery_finished(d->state) : d->state == INBOX_DROPPED;
	enum store_result r;

	if (replay && req->change.to_tunnel[0] != '\0') {
		r = copy(db, req, d, now_t);
		delivery_end(d);
		return r;
	}
	if (!nothing)
		inbox_moved_note(req, d, replay ? INBOX_QUEUED : INBOX_DROPPED);
	delivery_end(d);
	if (nothing)
		return STORE_NONE;
	d->new_note = slice_str(req->change.note);
	d->lease = 0;
	ok = replay ? delivery_requeue(db, d, now_t) : delivery_move(db, d, INBOX_DROPPED);
	return ok ? STORE_OK : STORE_FULL;
}

static enum store_result
change_one(struct db *db, struct inbox_req *req, int64_t now_t)
{
	struct slice account = slice_str(req->account);
	enum store_result r;
	struct delivery d;

	req->id = req->change.id;
	if (!delivery_get(db, req->id, &d))
		return STORE_NONE;
	if (account.n != 0 && !slice_eq(account, d.account)) {
		delivery_end(&d);
		return STORE_NONE;
	}
	r = change(db, req, &d, now_t);
	if (r == STORE_NONE)
		return STORE_OK; /* it is as it should be; n_changed says that nothing was done */
	req->n_changed = r == STORE_OK;
	return r;
}

/* Without a mask: what a replay or a drop makes sense for. */
static unsigned
default_states(const struct inbox_req *req)
{
	if (req->change.find.states != 0)
		return req->change.find.states;
	return req->op == INBOX_REPLAY ? BIT(PARKED) | BIT(DEAD)
				       : BIT(QUEUED) | BIT(PARKED) | BIT(DEAD);
}

/* As many as one commit carries.  One that the gate refuses ends it: those before it stand. */
enum store_result
inbox_list_change(struct db *db, struct inbox_req *req, int64_t now_t)
{
	bool copies = req->op == INBOX_REPLAY && req->change.to_tunnel[0] != '\0';
	size_t bytes = 0;
	struct delivery d;
	struct sift sift;

	if (req->change.id != 0)
		return change_one(db, req, now_t);
	sift_start(&sift, db, req, &req->change.find, default_states(req), true);
	while (sift_next(&sift, &d)) {
		enum store_result r = change(db, req, &d, now_t);

		if (r != STORE_OK && r != STORE_NONE && req->n_changed == 0)
			return r;
		if (r == STORE_OK || r == STORE_NONE) {
			req->n_changed += r == STORE_OK;
			bytes += copies ? (size_t)d.bytes : 0;
			if (req->n_changed < LIMIT_INBOX_STEP && bytes < LIMIT_STORE_BATCH_BYTES)
				continue;
		} else {
			req->cursor = (uint64_t)d.id - 1;
		}
		req->more = true;
		break;
	}
	req->id = 0;
	return STORE_OK;
}
