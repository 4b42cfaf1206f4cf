/* SPDX-License-Identifier: Apache-2.0 */
/* What is finished makes room on a disk that is low (inbox_room.h). */
#include "store/sqlite/inbox_room.h"

#include "base/limits.h"
#include "store/sqlite/damage.h"
#include "store/sqlite/walk.h"

#define FINISHED (INBOX_STATE_BIT(INBOX_DELIVERED) | INBOX_STATE_BIT(INBOX_DROPPED))
/* In one commit: the write-ahead log must find room for it on a full disk. */
#define STEP 32

bool
inbox_room_delete(struct db *db, struct inbox_req *req, int64_t id)
{
	struct db_query q = db_query(db, SQL_DELIVERY_DEL);

	db_put_int(&q, id);
	if (!db_run(&q)) {
		damage_note(db, (uint64_t)id, DAMAGE_PAYLOAD);
		return false;
	}
	req->n_changed++;
	return true;
}

bool
inbox_room_make(struct db *db, struct inbox_req *req, bool *ret_more)
{
	const struct walk_scope all = WALK_EVERYTHING;
	struct delivery d;
	struct walk w;
	int64_t id;

	*ret_more = false;
	if (!db->low || req->account[0] != '\0')
		return true;
	walk_start(&w, db, &all, FINISHED, true);
	for (int n = 0; n < STEP && (id = walk_next(&w)) != 0;) {
		if (w.all) { /* of any state */
			if (!delivery_must_get(db, (uint64_t)id, &d))
				return false;
			delivery_end(&d);
			if ((FINISHED & INBOX_STATE_BIT(d.state)) == 0)
				continue;
		}
		if (!db_space_low(db))
			break;
		if (damage_known(db, (uint64_t)id, DAMAGE_PAYLOAD))
			continue;
		if (!inbox_room_delete(db, req, id))
			return false;
		*ret_more = ++n == STEP;
	}
	return db->fault == DB_FINE;
}
