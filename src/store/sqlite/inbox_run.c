/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox's clock, and which function runs which request. */
#include "store/sqlite/inbox_run.h"

#include "store/sqlite/inbox_keep.h"
#include "store/sqlite/inbox_list.h"
#include "store/sqlite/inbox_queue.h"
#include "store/sqlite/inbox_untold.h"

#include <stdlib.h>

static int64_t
read_clock(struct db *db)
{
	struct db_query q = db_query(db, SQL_META_GET);
	char text[32] = "0";
	int64_t saved, last = 0;

	db_put_text(&q, S("inbox_clock"));
	if (db_next(&q))
		db_get_z(&q, text, sizeof(text));
	db_end(&q);
	saved = strtoll(text, NULL, 10);
	q = db_query(db, SQL_DELIVERY_LAST);
	if (db_next(&q))
		last = db_get_int(&q);
	db_end(&q);
	return last > saved ? last : saved;
}

static int64_t
after_pause(int64_t saved, int64_t now_ms)
{
	if (saved == 0 || now_ms <= saved) /* a new store; a wall clock that was set back */
		return saved > now_ms ? saved : now_ms;
	return now_ms - saved < INBOX_PAUSE_MS_MAX ? now_ms : saved + INBOX_PAUSE_MS_MAX;
}

/*
 * At the store's opening what it was when it was closed, and the time since then, as far as that is
 * to be believed (inbox.h); from then on the monotonic clock alone.
 */
static int64_t
inbox_time(struct db *db, const struct inbox_req *req)
{
	if (!db->clock_set) {
		int64_t saved = read_clock(db);

		db->clock_base_ms = after_pause(saved, req->now_ms);
		db->clock_mono_ms = req->mono_ms;
		db->clock_saved_ms = saved;
		db->clock_set = true;
	}
	return db->clock_base_ms + (req->mono_ms - db->clock_mono_ms);
}

enum store_result
inbox_run(struct db *db, struct inbox_req *req)
{
	int64_t now_t = inbox_time(db, req);

	switch (req->op) {
	case INBOX_PUT:
		return inbox_queue_put(db, req, now_t);
	case INBOX_LEASE:
		if (db->unordered) /* the next start of order takes all leases back */
			return STORE_FULL;
		return inbox_queue_lease(db, req, &req->leases, now_t);
	case INBOX_SETTLE:
		return inbox_queue_settle(db, req, now_t);
	case INBOX_WAKE:
		return inbox_queue_wake(db, req, now_t);
	case INBOX_LIST:
	case INBOX_EXPORT:
		return inbox_list_page(db, req, now_t);
	case INBOX_SHOW:
		return inbox_list_show(db, req, now_t);
	case INBOX_REPLAY:
	case INBOX_DROP:
		return inbox_list_change(db, req, now_t);
	case INBOX_RETAIN:
		return inbox_keep_retain(db, req, now_t);
	case INBOX_COUNT:
		return inbox_keep_count(db, req, now_t);
	case INBOX_TOLD:
		return inbox_untold_told(db, req);
	}
	return STORE_INVALID;
}
