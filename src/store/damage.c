/* SPDX-License-Identifier: Apache-2.0 */
/* One bad row is one bad row (damage.h). */
#include "store/damage.h"

#include "store/delivery.h"

static uint64_t
key_of(uint64_t id, enum damage what)
{
	return id << 1 | what;
}

bool
damage_known(const struct db *db, uint64_t id, enum damage what)
{
	for (size_t i = 0; i < db->n_bad; i++)
		if (db->bad[i] == key_of(id, what))
			return true;
	return false;
}

void
damage_note(struct db *db, uint64_t id, enum damage what)
{
	if (db->fault == DB_DAMAGED && db->n_bad < DB_BAD_MAX && !damage_known(db, id, what))
		db->bad[db->n_bad++] = key_of(id, what);
}

static void
park(struct db *db, uint64_t id)
{
	struct delivery d;

	if (!delivery_must_get(db, id, &d))
		return;
	delivery_end(&d);
	if (d.state != INBOX_QUEUED || !delivery_move(db, &d, INBOX_LEASED) ||
	    !delivery_move(db, &d, INBOX_PARKED) ||
	    !delivery_note(db, d.id,
		S("The edge's database is damaged and has lost the head or body of this "
		  "webhook.")))
		return; /* or db->fault says why */
}

size_t
damage_set_aside(struct db *db, uint64_t *ids, size_t n)
{
	size_t left = 0;

	if (db->n_bad == 0)
		return n;
	for (size_t i = 0; i < n; i++) {
		if (damage_known(db, ids[i], DAMAGE_ROW))
			continue;
		if (damage_known(db, ids[i], DAMAGE_PAYLOAD))
			park(db, ids[i]);
		else
			ids[left++] = ids[i];
	}
	return left;
}
