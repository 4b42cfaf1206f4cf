/* SPDX-License-Identifier: Apache-2.0 */
/* Two counters of what people do not know yet. */
#include "store/sqlite/inbox_untold.h"

#include <stdlib.h>

#define PARKED S("untold_parked")
#define DEAD S("untold_dead")

static bool
add(struct db *db, struct slice key, int64_t n)
{
	struct db_query q = db_query(db, SQL_META_ADD);

	db_put_text(&q, key);
	db_put_int(&q, n);
	return db_run(&q);
}

bool
inbox_untold_add(struct db *db, enum inbox_state state)
{
	if (state == INBOX_PARKED)
		return add(db, PARKED, 1);
	return state != INBOX_DEAD || add(db, DEAD, 1);
}

static uint64_t
get(struct db *db, struct slice key)
{
	struct db_query q = db_query(db, SQL_META_GET);
	char text[32] = "0";

	db_put_text(&q, key);
	if (db_next(&q))
		db_get_z(&q, text, sizeof(text));
	db_end(&q);
	return strtoull(text, NULL, 10);
}

bool
inbox_untold_count(struct db *db, struct inbox_counts *counts)
{
	counts->untold_parked = get(db, PARKED);
	counts->untold_dead = get(db, DEAD);
	return db->fault == DB_FINE;
}

enum store_result
inbox_untold_told(struct db *db, const struct inbox_req *req)
{
	if (req->told.parked > INT64_MAX || req->told.dead > INT64_MAX)
		return STORE_INVALID;
	return add(db, PARKED, -(int64_t)req->told.parked) &&
		       add(db, DEAD, -(int64_t)req->told.dead)
		   ? STORE_OK
		   : STORE_FULL;
}
