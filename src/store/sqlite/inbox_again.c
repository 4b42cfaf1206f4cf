/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a webhook that comes a second time is stored a second time. */
#include "store/sqlite/inbox_again.h"

#include <stdio.h>

static bool
is_over(const struct delivery *d)
{
	return d->state == INBOX_PARKED || d->state == INBOX_DEAD ||
	       (d->state == INBOX_DROPPED && d->push != PUSH_REPLACED);
}

bool
inbox_again(struct db *db, struct inbox_req *req, int64_t first)
{
	struct delivery d;

	/* What is not there any more had arrived, or was dropped: room is made from nothing else. */
	req->state = INBOX_DELIVERED;
	if (delivery_get(db, (uint64_t)first, &d)) {
		delivery_end(&d);
		if (is_over(&d))
			return false;
		req->state = d.state;
	}
	req->id = (uint64_t)first;
	req->duplicate = true;
	return true;
}

bool
inbox_again_note(struct db *db, int64_t first, int64_t id)
{
	char note[sizeof(((struct inbox_change *)NULL)->note)];
	struct delivery d;

	if (!delivery_get(db, (uint64_t)first, &d))
		return db->fault == DB_FINE;
	snprintf(note, sizeof(note), "%.*s%sIt was sent again: delivery %lld.",
	    (int)(d.note.n < 240 ? d.note.n : 240), d.note.n > 0 ? d.note.p : "",
	    d.note.n > 0 ? " " : "", (long long)id);
	delivery_end(&d);
	return delivery_note(db, first, slice_str(note));
}
