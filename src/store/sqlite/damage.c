/* SPDX-License-Identifier: Apache-2.0 */
/* One bad row is one bad row (damage.h). */
#include "store/sqlite/damage.h"

#include "store/sqlite/delivery.h"

static uint64_t
key_of(uint64_t id, enum damage what)
{
	return id << 1 | what;
}

/* Apart from all ids. */
static uint64_t
key_of_name(struct slice name)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 1099511628211u;
	return h | 1ull << 63;
}

static bool
known(const struct db *db, uint64_t key)
{
	for (size_t i = 0; i < db->n_bad; i++)
		if (db->bad[i] == key)
			return true;
	return false;
}

static void
note(struct db *db, uint64_t key)
{
	check(db->n_bad <= DB_BAD_MAX);
	/* With more bad rows than that each further one is one refusal, again and again. */
	if (db->fault == DB_DAMAGED && db->n_bad < DB_BAD_MAX && !known(db, key))
		db->bad[db->n_bad++] = key;
}

bool
damage_known(const struct db *db, uint64_t id, enum damage what)
{
	return known(db, key_of(id, what));
}

void
damage_note(struct db *db, uint64_t id, enum damage what)
{
	note(db, key_of(id, what));
}

bool
damage_known_name(const struct db *db, struct slice name)
{
	return known(db, key_of_name(name));
}

void
damage_note_name(struct db *db, struct slice name)
{
	note(db, key_of_name(name));
}

static void
park(struct db *db, uint64_t id)
{
	struct delivery d;

	if (!delivery_must_get(db, id, &d))
		return;
	delivery_end(&d);
	d.new_note =
	    S("The edge's database is damaged and has lost the head or body of this webhook.");
	if (d.state != INBOX_QUEUED || !delivery_move(db, &d, INBOX_LEASED) ||
	    !delivery_move(db, &d, INBOX_PARKED))
		return; /* or db->fault says why */
}

size_t
damage_set_aside(struct db *db, uint64_t *ids, size_t n, bool *ret_parked)
{
	size_t left = 0;

	*ret_parked = false;
	/* Nearly always. */
	if (db->n_bad == 0)
		return n;
	for (size_t i = 0; i < n; i++) {
		if (damage_known(db, ids[i], DAMAGE_ROW))
			continue;
		if (damage_known(db, ids[i], DAMAGE_PAYLOAD)) {
			park(db, ids[i]);
			*ret_parked = true;
		} else {
			ids[left++] = ids[i];
		}
	}
	check(left <= n);
	return left;
}
