/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter names tunnels and states; each pair that has rows (the table usage knows) is a source,
 * whose ids stand in order in an index.  A walk merges the sources: it collects a chunk of ids,
 * oldest or newest first, and looks at each row once.  With very many sources it goes through all
 * ids instead.
 */
#include "store/inbox_walk.h"

#include "base/limits.h"
#include "store/inbox_kind.h"
#include "store/seen.h"

#include <stdlib.h>

enum { CHUNK = 128, SOURCES = 512, ALL_STATES = (1 << INBOX_N_STATES) - 1 };

#define BIT(state) INBOX_STATE_BIT(INBOX_##state)

struct source {
	int64_t route, state, n, bytes;
};

struct walk {
	struct db *db;
	bool up;    /* oldest first */
	int64_t at; /* the last id that was given */
	unsigned states;
	bool all; /* through all ids, too many sources */
	size_t n_sources;
	struct source sources[SOURCES + 1];
	size_t n_ids, next_id;
	bool ended;
	int64_t ids[CHUNK];
};

/* How many sources there are, at most n_max. */
static size_t
sources(
    struct db *db, const struct inbox_req *req, unsigned states, struct source *to, size_t n_max)
{
	struct db_query q = db_query(db, req->account[0] == '\0' ? SQL_USAGE_ALL : SQL_USAGE);
	size_t n = 0;

	db_put_text(&q, slice_str(req->account));
	db_put_text(&q, slice_str(req->tunnel));
	db_put_int(&q, states);
	db_put_int(&q, (int64_t)n_max);
	while (db_next(&q)) {
		to[n].route = db_get_int(&q);
		to[n].state = db_get_int(&q);
		to[n].n = db_get_int(&q);
		to[n++].bytes = db_get_int(&q);
	}
	return n;
}

/* Every route and state that has rows: what the counters are the sum of. NULL: no memory. */
static struct source *
all_sources(struct db *db, const struct inbox_req *req, unsigned states, size_t *ret_n)
{
	size_t cap = SOURCES, n;
	struct source *s = NULL;

	for (;;) {
		struct source *bigger = realloc(s, cap * sizeof(*s));

		if (bigger == NULL) {
			free(s);
			return NULL;
		}
		s = bigger;
		n = sources(db, req, states, s, cap);
		if (n < cap)
			break;
		cap *= 4;
	}
	*ret_n = n;
	return s;
}

static void
walk_start(struct walk *w, struct db *db, const struct inbox_req *req, unsigned states, bool up)
{
	int64_t before = req->before_id != 0 && req->before_id <= INT64_MAX
			     ? (int64_t)req->before_id
			     : INT64_MAX;
	int64_t cursor = req->cursor <= INT64_MAX ? (int64_t)req->cursor : INT64_MAX;

	w->db = db;
	w->up = up;
	w->at = up ? cursor : (cursor != 0 && cursor < before ? cursor : before);
	w->states = states == 0 ? ALL_STATES : states;
	w->n_sources = sources(db, req, w->states, w->sources, SOURCES + 1);
	w->all = w->n_sources > SOURCES;
	w->n_ids = w->next_id = 0;
	w->ended = false;
}

static int
by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Up to CHUNK ids of one source behind those in ids[0..n); returns how many there are then. */
static size_t
take_source(struct walk *w, const struct source *s, int64_t *ids, size_t n)
{
	struct db_query q;

	if (w->all)
		q = db_query(w->db, w->up ? SQL_WALK_ALL_UP : SQL_WALK_ALL_DOWN);
	else
		q = db_query(w->db, w->up ? SQL_WALK_UP : SQL_WALK_DOWN);
	if (!w->all) {
		db_put_int(&q, s->route);
		db_put_int(&q, s->state);
	}
	db_put_int(&q, w->at);
	db_put_int(&q, CHUNK);
	while (db_next(&q))
		ids[n++] = db_get_int(&q);
	return n;
}

/* The next CHUNK ids of all sources. */
static void
fill(struct walk *w)
{
	int64_t ids[2 * CHUNK];
	size_t n = 0, n_sources = w->all ? 1 : w->n_sources;

	for (size_t i = 0; i < n_sources; i++) {
		n = take_source(w, &w->sources[i], ids, n);
		qsort(ids, n, sizeof(*ids), by_id);
		if (n > CHUNK && !w->up)
			memmove(ids, ids + n - CHUNK, CHUNK * sizeof(*ids));
		n = n < CHUNK ? n : CHUNK;
	}
	for (size_t i = 0; i < n; i++)
		w->ids[i] = w->up ? ids[i] : ids[n - 1 - i];
	w->n_ids = n;
	w->next_id = 0;
	w->ended = n < CHUNK;
}

/* 0 at the end. */
static int64_t
walk_next(struct walk *w)
{
	if (w->next_id == w->n_ids && !w->ended)
		fill(w);
	if (w->next_id == w->n_ids)
		return 0;
	w->at = w->ids[w->next_id++];
	return w->at;
}

/* --- the filter's rest --- */

static bool
matches(const struct delivery *d, const struct inbox_req *req, unsigned states)
{
	struct slice account = slice_str(req->account), tunnel = slice_str(req->tunnel);

	return (states >> d->state & 1) != 0 && (account.n == 0 || slice_eq(account, d->account)) &&
	       (tunnel.n == 0 || slice_eq(tunnel, d->tunnel)) &&
	       (req->event.n == 0 || slice_eq(req->event, d->event)) &&
	       slice_starts(d->order_key, req->order_key) &&
	       (req->from_ms == 0 || d->received_ms >= req->from_ms) &&
	       (req->to_ms == 0 || d->received_ms < req->to_ms);
}

/* The next row that matches, within what may be looked at; its reading has to be ended. False at
 * the end. */
static bool
next_match(struct walk *w, struct inbox_req *req, size_t *n_looked, struct delivery *d)
{
	for (; *n_looked < LIMIT_INBOX_SCAN; (*n_looked)++) {
		int64_t id = walk_next(w);

		if (id == 0 || (w->up && req->before_id != 0 && (uint64_t)id >= req->before_id) ||
		    !delivery_must_get(w->db, (uint64_t)id, d)) {
			req->more = false;
			return false;
		}
		req->cursor = (uint64_t)id;
		if (matches(d, req, w->states)) {
			(*n_looked)++;
			return true;
		}
		delivery_end(d);
	}
	req->more = true;
	return false;
}

/* --- LIST, EXPORT, SHOW --- */

enum store_result
inbox_walk_list(struct db *db, struct inbox_req *req, int64_t now_t)
{
	bool payload = req->op == INBOX_EXPORT;
	struct delivery d;
	struct walk w;
	size_t n_looked = 0, n_bytes = 0;

	if (req->n_max == 0 || req->n_max > LIMIT_STORE_ROWS)
		return STORE_INVALID;
	req->items = calloc(req->n_max, sizeof(*req->items));
	if (req->items == NULL)
		return STORE_FULL;
	walk_start(&w, db, req, req->states, payload);
	while (next_match(&w, req, &n_looked, &d)) {
		bool ok = delivery_item(db, &d, payload, now_t, &req->items[req->n_items]);

		delivery_end(&d);
		if (!ok)
			return STORE_FULL;
		n_bytes += req->items[req->n_items++].bytes;
		if (req->n_items == req->n_max ||
		    (payload && req->bytes_max != 0 && n_bytes >= req->bytes_max)) {
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

	req->attempts = calloc(LIMIT_INBOX_ATTEMPTS, sizeof(*req->attempts));
	if (req->attempts == NULL) {
		db_end(&q);
		return false;
	}
	db_put_int(&q, (int64_t)req->id);
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
inbox_walk_show(struct db *db, struct inbox_req *req, int64_t now_t)
{
	struct slice account = slice_str(req->account);
	struct delivery d;
	bool ours, ok;

	if (!delivery_get(db, req->id, &d))
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

static bool
is_finished(enum inbox_state s)
{
	return s == INBOX_DELIVERED || s == INBOX_PARKED || s == INBOX_DEAD || s == INBOX_DROPPED;
}

/* A copy for another tunnel of the same account, in that tunnel's lane.  d is being read. */
static enum store_result
copy(struct db *db, struct inbox_req *req, const struct delivery *d, int64_t now_t)
{
	struct delivery to = *d;
	char account[64];
	int64_t route;

	/* Nor are copies copied again, when the filter takes all tunnels. */
	if (slice_eq(slice_str(req->to_tunnel), d->tunnel))
		return STORE_NONE;
	if (!slice_z(d->account, account, sizeof(account)))
		return STORE_INVALID;
	route = inbox_route(db, account, req->to_tunnel, NULL);
	if (route == 0)
		route = inbox_route_make(db, account, req->to_tunnel);
	if (route == 0)
		return STORE_NONE;
	to.route = route;
	to.lane = delivery_lane(route, d->order_key);
	to.place = delivery_place_for(db, to.lane);
	to.state = INBOX_QUEUED;
	to.next_t = now_t;
	to.lease = 0;
	to.received_t = now_t;
	if (!inbox_add(db, &to, d->id, S(""), S("")))
		return STORE_FULL;
	req->id = (uint64_t)to.id;
	return STORE_OK;
}

/* d is being read; ends it.  STORE_NONE: there was nothing to change. */
static enum store_result
change(struct db *db, struct inbox_req *req, struct delivery *d, int64_t now_t)
{
	enum store_result r;
	bool ok;

	if (req->op == INBOX_REPLAY && req->to_tunnel[0] != '\0') {
		r = copy(db, req, d, now_t);
		delivery_end(d);
		return r;
	}
	delivery_end(d);
	if (req->op == INBOX_REPLAY) {
		if (!is_finished(d->state))
			return STORE_NONE;
		ok = delivery_requeue(db, d, now_t);
	} else {
		if (d->state == INBOX_DROPPED)
			return STORE_NONE;
		d->lease = 0;
		ok = delivery_move(db, d, INBOX_DROPPED);
	}
	if (ok && req->note[0] != '\0')
		ok = delivery_note(db, d->id, slice_str(req->note));
	return ok ? STORE_OK : STORE_FULL;
}

static enum store_result
change_one(struct db *db, struct inbox_req *req, int64_t now_t)
{
	struct slice account = slice_str(req->account);
	enum store_result r;
	struct delivery d;

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
	if (req->states != 0)
		return req->states;
	return req->op == INBOX_REPLAY ? BIT(PARKED) | BIT(DEAD)
				       : BIT(QUEUED) | BIT(PARKED) | BIT(DEAD);
}

enum store_result
inbox_walk_change(struct db *db, struct inbox_req *req, int64_t now_t)
{
	size_t n_looked = 0;
	struct delivery d;
	struct walk w;

	if (req->id != 0)
		return change_one(db, req, now_t);
	walk_start(&w, db, req, default_states(req), true);
	while (next_match(&w, req, &n_looked, &d)) {
		enum store_result r = change(db, req, &d, now_t);

		if (r != STORE_OK && r != STORE_NONE)
			return r;
		req->n_changed += r == STORE_OK;
		if (req->n_changed == LIMIT_INBOX_STEP) {
			req->more = true;
			break;
		}
	}
	req->id = 0;
	return STORE_OK;
}

/* --- retention --- */

static bool
delete_one(struct db *db, struct inbox_req *req, int64_t id)
{
	struct db_query q = db_query(db, SQL_DELIVERY_DEL);

	db_put_int(&q, id);
	if (!db_run(&q))
		return false;
	req->n_changed++;
	return true;
}

/* What was received longer ago than keep_ms. In each source ids stand in the order of receipt. */
static bool
expire_source(struct db *db, struct inbox_req *req, struct walk *w, int64_t keep_ms, int64_t now_t)
{
	struct delivery d;
	int64_t id;

	while (req->n_changed < LIMIT_INBOX_STEP && (id = walk_next(w)) != 0) {
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
	struct inbox_req only = { 0 };
	struct source *s;
	size_t n = 0;
	bool ok = true;

	if (keep_ms == 0)
		return STORE_OK;
	memcpy(only.account, req->account, sizeof(only.account));
	s = all_sources(db, &only, states, &n);
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

	db_put_int(
	    &q, req->account_bytes_max < INT64_MAX ? (int64_t)req->account_bytes_max : INT64_MAX);
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
	struct inbox_req only = { 0 };
	struct walk w;
	int64_t id;

	memcpy(only.account, name, sizeof(only.account));
	walk_start(&w, db, &only, states, true);
	/* With very many sources: the first of them, and the rest when they are empty. */
	w.n_sources = w.all ? SOURCES : w.n_sources;
	w.all = false;
	while (req->n_changed < LIMIT_INBOX_STEP &&
	       account_bytes(db, name) > req->account_bytes_max && (id = walk_next(&w)) != 0) {
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

	if (req->account_bytes_max == 0)
		return STORE_OK;
	while (r == STORE_OK && req->n_changed < LIMIT_INBOX_STEP && next_over(db, req, name)) {
		r = shrink_account(db, req, name, BIT(DELIVERED) | BIT(DROPPED));
		if (r == STORE_OK)
			r = shrink_account(db, req, name, BIT(DEAD));
	}
	return r;
}

enum store_result
inbox_walk_retain(struct db *db, struct inbox_req *req, int64_t now_t)
{
	enum store_result r;

	r = expire(db, req, BIT(DELIVERED) | BIT(DROPPED), req->keep_ms, now_t);
	if (r == STORE_OK)
		r = expire(db, req, BIT(PARKED) | BIT(DEAD), req->keep_failed_ms, now_t);
	if (r == STORE_OK)
		r = shrink(db, req);
	if (r == STORE_OK && !seen_trim(db, now_t - LIMIT_INBOX_DEDUPE_MS))
		r = STORE_FULL;
	req->more = req->n_changed == LIMIT_INBOX_STEP;
	return r;
}

/* --- counters, start-up --- */

static void
note_oldest(struct db *db, const struct source *s, struct inbox_counts *c)
{
	struct db_query q = db_query(db, SQL_WALK_UP);
	struct delivery d;
	int64_t id = 0;

	db_put_int(&q, s->route);
	db_put_int(&q, s->state);
	db_put_int(&q, 0);
	db_put_int(&q, 1);
	if (db_next(&q))
		id = db_get_int(&q);
	db_end(&q);
	if (id == 0 || !delivery_must_get(db, (uint64_t)id, &d))
		return;
	delivery_end(&d);
	if (c->oldest_ms == 0 || d.received_ms < c->oldest_ms)
		c->oldest_ms = d.received_ms;
}

enum store_result
inbox_walk_count(struct db *db, struct inbox_req *req)
{
	size_t n = 0;
	struct source *s = all_sources(db, req, ALL_STATES, &n);

	if (s == NULL)
		return STORE_FULL;
	for (size_t i = 0; i < n; i++) {
		if (s[i].state < 0 || s[i].state >= INBOX_N_STATES)
			continue;
		req->counts.n[s[i].state] += (uint64_t)s[i].n;
		req->counts.bytes[s[i].state] += (uint64_t)s[i].bytes;
		if (!is_finished((enum inbox_state)s[i].state))
			note_oldest(db, &s[i], &req->counts);
	}
	free(s);
	return STORE_OK;
}

static bool
release_source(struct db *db, const struct source *s)
{
	for (;;) {
		struct db_query q = db_query(db, SQL_WALK_UP);
		struct delivery d;
		int64_t id = 0;

		db_put_int(&q, s->route);
		db_put_int(&q, s->state);
		db_put_int(&q, 0);
		db_put_int(&q, 1);
		if (db_next(&q))
			id = db_get_int(&q);
		db_end(&q);
		if (id == 0)
			return db->fault == DB_FINE;
		if (!delivery_must_get(db, (uint64_t)id, &d))
			return false;
		delivery_end(&d);
		d.lease = 0;
		if (!delivery_move(db, &d, INBOX_QUEUED))
			return false;
	}
}

bool
inbox_walk_release(struct db *db)
{
	struct inbox_req all = { 0 };
	size_t n = 0;
	struct source *s = all_sources(db, &all, BIT(RECEIVED) | BIT(LEASED), &n);
	bool ok = s != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = release_source(db, &s[i]);
	free(s);
	return ok;
}
