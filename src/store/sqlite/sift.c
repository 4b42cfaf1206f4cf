/* SPDX-License-Identifier: Apache-2.0 */
/* Lets SQL pass over the deliveries that a filter does not match. */
#include "store/sqlite/sift.h"

#include "base/limits.h"
#include "store/sqlite/damage.h"

enum { WINDOW_MIN = 1024, WINDOW_MAX = 65536 };
/* A row that is read whole takes the time in which SQL passes over so many, of so many steps each. */
enum { ROW_COST = 8, STEPS_OF_ROW = 12 };

static bool
has_filter(const struct inbox_find *find)
{
	return find->event.n > 0 || find->order_key.n > 0 || find->from_ms != 0 || find->to_ms != 0;
}

static int64_t
newest(struct db *db)
{
	struct db_query q = db_query(db, SQL_DELIVERY_NEWEST);
	int64_t id = 0;

	if (db_next(&q))
		id = db_get_int(&q);
	db_end(&q);
	return id;
}

static void
choose_way(struct sift *s)
{
	const struct walk *w = &s->walk;
	int64_t n = 0;

	s->route_min = w->all ? 0 : INT64_MAX;
	s->route_max = w->all ? INT64_MAX : 0;
	for (size_t i = 0; i < w->n_sources && !w->all; i++) {
		const struct walk_source *from = &w->sources[i];

		n += from->n;
		s->route_min = from->route < s->route_min ? from->route : s->route_min;
		s->route_max = from->route > s->route_max ? from->route : s->route_max;
	}
	s->through = w->all || n >= s->last / 4;
}

void
sift_start(struct sift *s, struct db *db, struct inbox_req *req, const struct inbox_find *find,
    unsigned states, bool up)
{
	const struct walk_scope scope = { .account = req->account,
		.tunnel = req->tunnel,
		.before_id = find->before_id,
		.cursor = find->cursor };

	s->req = req;
	s->find = find;
	req->cursor = find->cursor;
	s->plain = !has_filter(find) || db->damaged;
	s->window = WINDOW_MIN;
	s->ended = false;
	s->looked = s->n_ids = s->next_id = 0;
	walk_start(&s->walk, db, &scope, states, up);
	if (s->plain)
		return;
	s->from = s->walk.at;
	s->last = newest(db);
	if (up && find->before_id != 0 && find->before_id <= (uint64_t)s->last)
		s->last = (int64_t)find->before_id - 1;
	choose_way(s);
	if (!up && s->from > s->last)
		s->from = s->last + 1;
}

/* --- what matches --- */

static bool
matches(const struct delivery *d, const struct inbox_req *req, const struct inbox_find *find,
    unsigned states)
{
	struct slice account = slice_str(req->account), tunnel = slice_str(req->tunnel);

	return (states >> d->state & 1) != 0 && (account.n == 0 || slice_eq(account, d->account)) &&
	       (tunnel.n == 0 || slice_eq(tunnel, d->tunnel)) &&
	       (find->event.n == 0 || slice_eq(find->event, d->event)) &&
	       slice_starts(d->order_key, find->order_key) &&
	       (find->from_ms == 0 || d->received_ms >= find->from_ms) &&
	       (find->to_ms == 0 || d->received_ms < find->to_ms);
}

/* Ids of one source within the window that ends before `stop`, to those that others gave. */
static size_t
find_source(struct sift *s, const struct walk_source *from, int64_t stop, int64_t *ids, size_t n)
{
	const struct inbox_find *find = s->find;
	const struct walk *w = &s->walk;
	enum sql id = s->through ? (w->up ? SQL_FIND_ALL_UP : SQL_FIND_ALL_DOWN)
				 : (w->up ? SQL_FIND_UP : SQL_FIND_DOWN);
	struct db_query q = db_query(w->db, id);
	char end[257]; /* a key is as long as a member of a request, or of a delivery */
	size_t n_end = find->order_key.n < sizeof(end) - 1 ? find->order_key.n : sizeof(end) - 1;

	check(n_end < sizeof(end));
	/* Behind all that begin with it: no text has this byte. */
	if (n_end > 0)
		memcpy(end, find->order_key.p, n_end);
	end[n_end] = '\xff';
	db_put_int(&q, w->up ? s->from : stop);
	db_put_int(&q, w->up ? stop : s->from);
	db_put_int(&q, WALK_CHUNK);
	db_put_text(&q, find->event);
	db_put_text(&q, find->order_key);
	db_put_text(&q, slice_of(end, n_end + 1));
	db_put_int(&q, find->from_ms);
	db_put_int(&q, find->to_ms != 0 ? find->to_ms : INT64_MAX);
	db_put_int(&q, s->through ? s->route_min : from->route);
	db_put_int(&q, s->through ? s->route_max : from->state);
	if (s->through)
		db_put_int(&q, w->states);
	n = walk_take(&q, w->up, ids, n);
	if (w->db->statements[id] != NULL)
		s->looked += (size_t)sqlite3_stmt_status(w->db->statements[id],
				 SQLITE_STMTSTATUS_VM_STEP, 1) /
			     STEPS_OF_ROW;
	return n;
}

/* Of the next window. */
static void
fill_window(struct sift *s)
{
	int64_t ids[2 * WALK_CHUNK], stop;
	size_t n = 0, looked = s->looked;
	bool up = s->walk.up;

	if (up)
		stop = s->last - s->from > s->window ? s->from + s->window : s->last + 1;
	else
		stop = s->from > s->window ? s->from - s->window : 0;
	for (size_t i = 0; i < (s->through ? 1 : s->walk.n_sources); i++)
		n = find_source(s, &s->walk.sources[i], stop, ids, n);
	for (size_t i = 0; i < n; i++)
		/* find_source() wrote ids[0..n). */
		/* cppcheck-suppress uninitvar */
		s->ids[i] = ids[up ? i : n - 1 - i];
	check(n <= WALK_CHUNK);
	s->n_ids = n;
	s->next_id = 0;
	if (n == WALK_CHUNK) { /* there may be more of them in this window */
		s->from = s->ids[n - 1];
		return;
	}
	s->ended = up ? stop > s->last : stop == 0;
	s->from = up ? stop - 1 : stop + 1;
	/* Numbers of other tunnels cost nothing here: a window that has shown few rows may be wider. */
	if (s->looked - looked < LIMIT_INBOX_SCAN / 16 && s->window < WINDOW_MAX)
		s->window *= 4;
}

/* 0: at the end, or for now: then req->more. */
static int64_t
next_id(struct sift *s)
{
	check(s->next_id <= s->n_ids);
	if (s->plain)
		return walk_next(&s->walk);
	while (s->next_id == s->n_ids && !s->ended && s->walk.db->fault == DB_FINE) {
		if (s->looked >= LIMIT_INBOX_SCAN) {
			s->req->more = true;
			s->req->cursor = (uint64_t)s->from;
			return 0;
		}
		fill_window(s);
	}
	return s->next_id < s->n_ids ? s->ids[s->next_id++] : 0;
}

bool
sift_next(struct sift *s, struct delivery *d)
{
	struct inbox_req *req = s->req;
	struct db *db = s->walk.db;

	for (req->more = false; s->looked < LIMIT_INBOX_SCAN || !s->plain; s->looked += ROW_COST) {
		int64_t id = next_id(s);

		if (id == 0 ||
		    (s->walk.up && s->find->before_id != 0 && (uint64_t)id >= s->find->before_id))
			return false;
		if (damage_known(db, (uint64_t)id, DAMAGE_ROW))
			continue;
		if (!delivery_must_get(db, (uint64_t)id, d))
			return false;
		req->cursor = (uint64_t)id;
		if (matches(d, req, s->find, s->walk.states)) {
			s->looked += ROW_COST;
			return true;
		}
		delivery_end(d);
	}
	req->more = true;
	return false;
}
