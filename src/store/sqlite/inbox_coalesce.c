/* SPDX-License-Identifier: Apache-2.0 */
/* A newer push of a branch takes the place of older ones that nobody has seen (inbox_coalesce.h). */
#include "store/sqlite/inbox_coalesce.h"

#include "store/sqlite/damage.h"
#include "store/sqlite/inbox_moved.h"

#include <stdio.h>

bool
inbox_coalesce(struct db *db, struct inbox_req *req, const struct delivery *d)
{
	struct db_query q = db_query(db, SQL_LANE_PUSHES);
	uint64_t ids[LIMIT_INBOX_STEP + 1];
	struct delivery old;
	char note[96];
	size_t n = 0;

	db_put_int(&q, d->lane);
	db_put_int(&q, d->id);
	db_put_int(&q, LIMIT_INBOX_STEP);
	db_put_text(&q, d->event);
	db_put_text(&q, d->order_key);
	/* One more than its limit, by the index of first ones; in a damaged file that may give more. */
	while (n < LIMIT_INBOX_STEP + 1 && db_next(&q))
		ids[n++] = (uint64_t)db_get_int(&q);
	db_end(&q);
	snprintf(note, sizeof(note), "A newer push of the branch took its place: delivery %lld.",
	    (long long)d->id);
	for (size_t i = 0; i < n; i++) {
		if (damage_known(db, ids[i], DAMAGE_ROW))
			continue;
		if (!delivery_must_get(db, ids[i], &old))
			return false;
		inbox_moved_note(req, &old, INBOX_DROPPED);
		delivery_end(&old);
		old.push = PUSH_REPLACED;
		old.new_note = slice_str(note);
		if (!delivery_move(db, &old, INBOX_DROPPED))
			return false;
	}
	req->n_changed += (uint32_t)n;
	return db->fault == DB_FINE;
}
