/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes what is old, makes room, counts, and takes leases back at the start. */
#include "store/sqlite/inbox_keep.h"

#include "store/sqlite/damage.h"
#include "store/sqlite/inbox_room.h"
#include "store/sqlite/inbox_untold.h"
#include "store/sqlite/seen.h"
#include "store/sqlite/walk.h"

#include <stdlib.h>

#define BIT(state) INBOX_STATE_BIT(INBOX_##state)

/* --- retention --- */

static bool
delete_one(struct db *db, struct inbox_req *req, int64_t id)
{
	/* It stays: its head and body cannot be taken out of their page. */
	return damage_known(db, (uint64_t)id, DAMAGE_PAYLOAD) || inbox_room_delete(db, req, id);
}

/* What was received longer ago than keep_ms. In each source ids stand in the order of receipt. */
static bool
expire_source(struct db *db, struct inbox_req *req, struct walk *w, int64_t keep_ms, int64_t now_t)
{
	struct delivery d;
	int64_t id;

	while (req->n_changed < LIMIT_INBOX_STEP && (id = walk_next(w)) != 0) {
		if (damage_known(db, (uint64_t)id, DAMAGE_ROW))
			continue;
		if (!delivery_must_get(db, (uint64_t)id, &d))
			return false;
		delivery_end(&d);
		if (now_t - d.received_t < keep_ms)
			return true;
		if (!delete_one(db, req, id))
			return false;
	}
	return db->fault == DB_FINE;
}

static enum store_result
expire(struct db *db, struct inbox_req *req, unsigned states, int64_t keep_ms, int64_t now_t)
{
	const struct walk_scope only = { .account = req->account, .tunnel = "" };
	struct walk_source *s;
	size_t n = 0;
	bool ok = true;

	if (keep_ms == 0)
		return STORE_OK;
	s = walk_sources(db, &only, states, &n);
	if (s == NULL)
		return STORE_FULL;
	for (size_t i = 0; ok && i < n; i++) {
		struct walk w = { .db = db, .up = true, .n_sources = 1, .sources = { s[i] } };

		ok = expire_source(db, req, &w, keep_ms, now_t);
	}
	free(s);
	return ok ? STORE_OK : STORE_FULL;
}

/* The next account (by name) above its bytes; false when there is none. */
static bool
next_over(struct db *db, const struct inbox_req *req, char name[64])
{
	struct db_query q = db_query(db, SQL_OVER_BYTES);
	bool found;

	db_put_int(&q, req->retain.account_bytes_max < INT64_MAX
			   ? (int64_t)req->retain.account_bytes_max
			   : INT64_MAX);
	db_put_text(&q, slice_str(req->account));
	db_put_text(&q, slice_str(name));
	found = db_next(&q);
	if (found)
		db_get_z(&q, name, 64);
	db_end(&q);
	return found;
}

static uint64_t
account_bytes(struct db *db, const char *name)
{
	struct db_query q = db_query(db, SQL_ACCOUNT_BYTES);
	int64_t bytes = 0;

	db_put_text(&q, slice_str(name));
	if (db_next(&q))
		bytes = db_get_int(&q);
	db_end(&q);
	return bytes > 0 ? (uint64_t)bytes : 0;
}

/* Deletes the oldest of these states until the account is within its bytes. */
static enum store_result
shrink_account(struct db *db, struct inbox_req *req, const char *name, unsigned states)
{
	const struct walk_scope only = { .account = name, .tunnel = "" };
	struct walk w;
	int64_t id;

	walk_start(&w, db, &only, states, true);
	/* With very many sources: the first of them, and the rest when they are empty. */
	w.n_sources = w.all ? WALK_SOURCES : w.n_sources;
	w.all = false;
	while (req->n_changed < LIMIT_INBOX_STEP &&
	       account_bytes(db, name) > req->retain.account_bytes_max &&
	       (id = walk_next(&w)) != 0) {
		if (!delete_one(db, req, id))
			return STORE_FULL;
	}
	return STORE_OK;
}

static enum store_result
shrink(struct db *db, struct inbox_req *req)
{
	enum store_result r = STORE_OK;
	char name[64] = "";

	if (req->retain.account_bytes_max == 0)
		return STORE_OK;
	/* Never what no person has decided on. */
	while (r == STORE_OK && req->n_changed < LIMIT_INBOX_STEP && next_over(db, req, name))
		r = shrink_account(db, req, name, BIT(DELIVERED) | BIT(DROPPED));
	return r;
}

enum store_result
inbox_keep_retain(struct db *db, struct inbox_req *req, int64_t now_t)
{
	enum store_result r;
	bool more = false;

	r = expire(db, req, BIT(DELIVERED) | BIT(DROPPED), req->retain.keep_ms, now_t);
	if (r == STORE_OK)
		r = expire(db, req, BIT(PARKED) | BIT(DEAD), req->retain.keep_failed_ms, now_t);
	if (r == STORE_OK)
		r = shrink(db, req);
	if (r == STORE_OK && !inbox_room_make(db, req, &more))
		r = STORE_FULL;
	if (r == STORE_OK && !seen_trim(db, now_t - LIMIT_INBOX_DEDUPE_MS))
		r = STORE_FULL;
	req->more = more || req->n_changed >= LIMIT_INBOX_STEP;
	return r;
}

/* --- counters, start-up --- */

/* The id of the oldest delivery of a source, 0: none. */
static int64_t
first_of(struct db *db, const struct walk_source *s)
{
	struct db_query q = db_query(db, SQL_WALK_UP);
	int64_t id = 0;

	db_put_int(&q, s->route);
	db_put_int(&q, s->state);
	db_put_int(&q, 0);
	db_put_int(&q, 1);
	if (db_next(&q))
		id = db_get_int(&q);
	db_end(&q);
	return id;
}

static void
note_oldest(struct db *db, const struct walk_source *s, struct inbox_counts *c, int64_t now_t)
{
	int64_t id = first_of(db, s);
	struct delivery d;

	if (id == 0 || damage_known(db, (uint64_t)id, DAMAGE_ROW) ||
	    !delivery_must_get(db, (uint64_t)id, &d))
		return;
	delivery_end(&d);
	if (c->oldest_ms == 0 || d.received_ms < c->oldest_ms)
		c->oldest_ms = d.received_ms;
	if (now_t - d.received_t > c->age_ms)
		c->age_ms = now_t - d.received_t;
}

enum store_result
inbox_keep_count(struct db *db, struct inbox_req *req, int64_t now_t)
{
	const struct walk_scope scope = { .account = req->account, .tunnel = req->tunnel };
	size_t n = 0;
	struct walk_source *s = walk_sources(db, &scope, WALK_ALL_STATES, &n);

	if (s == NULL)
		return STORE_FULL;
	for (size_t i = 0; i < n; i++) {
		if (s[i].state < 0 || s[i].state >= INBOX_N_STATES)
			continue;
		req->counts.n[s[i].state] += (uint64_t)s[i].n;
		req->counts.bytes[s[i].state] += (uint64_t)s[i].bytes;
		if (!delivery_finished((enum inbox_state)s[i].state))
			note_oldest(db, &s[i], &req->counts, now_t);
	}
	free(s);
	return req->account[0] != '\0' || inbox_untold_count(db, &req->counts) ? STORE_OK
									       : STORE_FULL;
}

static bool
release_source(struct db *db, const struct walk_source *s)
{
	struct walk w = { .db = db, .up = true, .n_sources = 1, .sources = { *s } };
	struct delivery d;
	int64_t id;

	while ((id = walk_next(&w)) != 0) {
		if (damage_known(db, (uint64_t)id, DAMAGE_ROW))
			continue;
		if (!delivery_must_get(db, (uint64_t)id, &d))
			return false;
		delivery_end(&d);
		d.lease = 0;
		if (!delivery_move(db, &d, INBOX_QUEUED))
			return false;
	}
	return db->fault == DB_FINE;
}

bool
inbox_keep_release(struct db *db)
{
	const struct walk_scope all = WALK_EVERYTHING;
	size_t n = 0;
	struct walk_source *s = walk_sources(db, &all, BIT(RECEIVED) | BIT(LEASED), &n);
	bool ok = s != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = release_source(db, &s[i]);
	free(s);
	/* Where not even the sources can be read there was nothing to take back, as it seemed. */
	return ok && db->fault == DB_FINE;
}
