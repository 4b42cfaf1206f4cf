/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery's row, its lane, and the only writer of its state. */
#include "store/sqlite/delivery.h"

#include "store/sqlite/damage.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* --- reading --- */

bool
delivery_get(struct db *db, uint64_t id, struct delivery *d)
{
	struct db_query q = db_query(db, SQL_DELIVERY_GET);

	db_put_int(&q, (int64_t)id);
	if (!db_next(&q))
		return false;
	*d = (struct delivery){ .id = db_get_int(&q) };
	d->route = db_get_int(&q);
	d->state = (enum inbox_state)db_get_int(&q);
	d->place = (enum delivery_place)db_get_int(&q);
	d->was_first = d->place == PLACE_FIRST;
	d->lane = db_get_int(&q);
	d->next_t = db_get_int(&q);
	d->lease = db_get_int(&q);
	d->attempts = db_get_int(&q);
	d->fails = db_get_int(&q);
	d->received_ms = db_get_int(&q);
	d->received_t = db_get_int(&q);
	d->bytes = db_get_int(&q);
	d->size = db_get_int(&q);
	d->replay_of = db_get_int(&q);
	d->push = (enum delivery_push)db_get_int(&q);
	d->spent_ms = db_get_int(&q);
	d->tried_t = db_get_int(&q);
	d->planned_t = db_get_int(&q);
	d->firm_t = db_get_int(&q);
	d->account = db_get_bytes(&q);
	d->tunnel = db_get_bytes(&q);
	d->event = db_get_bytes(&q);
	d->provider_id = db_get_bytes(&q);
	d->order_key = db_get_bytes(&q);
	d->method = db_get_bytes(&q);
	d->target = db_get_bytes(&q);
	d->note = db_get_bytes(&q);
	d->query = q;
	if ((unsigned)d->state < INBOX_N_STATES && (unsigned)d->place <= PLACE_FREE &&
	    (unsigned)d->push <= PUSH_REPLACED)
		return true;
	/* Numbers that only a damaged file holds. */
	delivery_end(d);
	db_corrupt(db);
	return false;
}

bool
delivery_must_get(struct db *db, uint64_t id, struct delivery *d)
{
	if (delivery_get(db, id, d))
		return true;
	if (db->fault == DB_FINE)
		db_corrupt(db);
	damage_note(db, id, DAMAGE_ROW);
	return false;
}

void
delivery_end(struct delivery *d)
{
	db_end(&d->query);
}

static void
copy_in(char **at, struct slice from, struct slice *to)
{
	if (from.n > 0)
		memcpy(*at, from.p, from.n);
	(*at)[from.n] = '\0';
	*to = slice_of(*at, from.n);
	*at += from.n + 1;
}

/* One block holds all that is of variable length. */
static bool
fill(const struct delivery *d, struct slice head, struct slice body, struct inbox_delivery *it)
{
	struct slice from[] = { d->account, d->tunnel, d->event, d->provider_id, d->order_key,
		d->method, d->target, d->note, head, body };
	struct slice *to[] = { &it->account, &it->tunnel, &it->event, &it->provider_id,
		&it->order_key, &it->method, &it->target, &it->note, &it->head, &it->body };
	enum { N = sizeof(from) / sizeof(*from) };
	size_t n = 0;
	char *at;

	for (size_t i = 0; i < N; i++)
		n += from[i].n + 1;
	it->block = at = malloc(n);
	if (at == NULL)
		return false;
	for (size_t i = 0; i < N; i++)
		copy_in(&at, from[i], to[i]);
	return true;
}

/* How much of its schedule has passed: what the pauses took, without the time that it waited after
 * them for an agent. */
static int64_t
spent_of(const struct delivery *d, int64_t now_t)
{
	int64_t until_t = now_t < d->planned_t ? now_t : d->planned_t;

	return d->spent_ms + (until_t > d->tried_t ? until_t - d->tried_t : 0);
}

bool
delivery_item(struct db *db, const struct delivery *d, bool payload, int64_t now_t,
    struct inbox_delivery *it)
{
	struct slice head = { NULL, 0 }, body = { NULL, 0 };
	struct db_query q = { 0 };
	bool ok = true;

	*it = (struct inbox_delivery){
		.id = (uint64_t)d->id,
		.lease = (uint64_t)d->lease,
		.replay_of = (uint64_t)d->replay_of,
		.state = d->state,
		.attempts = (uint32_t)d->attempts,
		.fails = (uint32_t)d->fails,
		.waits = d->place == PLACE_BEHIND,
		.spent_ms = spent_of(d, now_t),
		.early = now_t < d->planned_t,
		.unsent = d->push == PUSH_UNSENT,
		.received_ms = d->received_ms,
		.due_ms = d->next_t - now_t,
		.age_ms = now_t - d->received_t,
		.bytes = (size_t)d->bytes,
	};
	if (payload) {
		q = db_query(db, SQL_PAYLOAD_GET);
		db_put_int(&q, d->id);
		/* A delivery without a payload is one of a damaged file, too: both go in one commit. */
		ok = db_next(&q);
		if (ok) {
			head = db_get_bytes(&q);
			body = db_get_bytes(&q);
		} else if (db->fault == DB_FINE) {
			db_corrupt(db);
		}
		if (!ok)
			damage_note(db, (uint64_t)d->id, DAMAGE_PAYLOAD);
	}
	ok = ok && fill(d, head, body, it);
	db_end(&q);
	if (ok && !payload)
		it->head = it->body = (struct slice){ NULL, 0 };
	return ok;
}

/* --- lanes --- */

int64_t
delivery_lane(int64_t route, struct slice order_key)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned char key[sizeof(route) + 256];
	int64_t lane;

	if (order_key.n == 0)
		return 0;
	check(order_key.n <= 256);
	/* Two keys of one hash share a lane, which costs them only some parallelism. */
	memcpy(key, &route, sizeof(route));
	memcpy(key + sizeof(route), order_key.p, order_key.n);
	if (EVP_Digest(key, sizeof(route) + order_key.n, hash, NULL, EVP_sha256(), NULL) != 1)
		return 1;
	memcpy(&lane, hash, sizeof(lane));
	lane &= INT64_MAX;
	return lane == 0 ? 1 : lane;
}

static int64_t
lane_at(struct db *db, int64_t lane, enum delivery_place place)
{
	struct db_query q = db_query(db, place == PLACE_FIRST ? SQL_LANE_FIRST : SQL_LANE_BEHIND);
	int64_t id = 0;

	db_put_int(&q, lane);
	if (db_next(&q))
		id = db_get_int(&q);
	db_end(&q);
	return id;
}

enum delivery_place
delivery_place_for(struct db *db, int64_t lane)
{
	if (lane == 0)
		return PLACE_FREE;
	return lane_at(db, lane, PLACE_FIRST) != 0 ? PLACE_BEHIND : PLACE_FIRST;
}

static bool
advance(struct db *db, int64_t lane)
{
	int64_t id = lane_at(db, lane, PLACE_BEHIND);
	struct db_query q;

	if (id == 0)
		return db->fault == DB_FINE;
	q = db_query(db, SQL_LANE_ADVANCE);
	db_put_int(&q, id);
	return db_run(&q);
}

/* --- states --- */

int64_t
delivery_size(const struct delivery *d)
{
	size_t texts = d->event.n + d->provider_id.n + d->order_key.n + d->method.n + d->target.n;

	return d->bytes + DELIVERY_ROW_BYTES + (int64_t)texts;
}

bool
delivery_finished(enum inbox_state s)
{
	return s == INBOX_DELIVERED || s == INBOX_PARKED || s == INBOX_DEAD || s == INBOX_DROPPED;
}

#define TO(state) INBOX_STATE_BIT(INBOX_##state)

static unsigned
may_become(enum inbox_state from)
{
	switch (from) {
	case INBOX_RECEIVED:
		return TO(QUEUED) | TO(DELIVERED) | TO(PARKED) | TO(DEAD) | TO(DROPPED);
	case INBOX_QUEUED:
		return TO(QUEUED) | TO(LEASED) | TO(DROPPED);
	case INBOX_LEASED:
		return TO(QUEUED) | TO(DELIVERED) | TO(PARKED) | TO(DEAD) | TO(DROPPED);
	case INBOX_DELIVERED:
	case INBOX_PARKED:
	case INBOX_DEAD:
	case INBOX_DROPPED:
		return TO(QUEUED) | TO(DROPPED);
	}
	return 0;
}

/* Half of all moves: the indexes on what stays as it is are not looked at. */
static bool
set_leased(struct db *db, struct delivery *d)
{
	struct db_query q = db_query(db, SQL_DELIVERY_LEASE);

	db_put_int(&q, d->id);
	db_put_int(&q, INBOX_LEASED);
	db_put_int(&q, d->lease);
	db_put_int(&q, d->push);
	d->state = INBOX_LEASED;
	return db_run(&q);
}

bool
delivery_move(struct db *db, struct delivery *d, enum inbox_state to)
{
	struct db_query q;
	bool was_first = d->was_first;

	/* Every caller has asked for the state first. */
	check((may_become(d->state) & INBOX_STATE_BIT(to)) != 0);
	if (to == INBOX_LEASED)
		return set_leased(db, d);
	check(to != INBOX_RECEIVED); /* only a PUT makes that */
	q = db_query(db, SQL_DELIVERY_SET);
	if (to != INBOX_QUEUED && to != INBOX_RECEIVED)
		d->place = PLACE_NONE;
	db_put_int(&q, d->id);
	db_put_int(&q, to);
	db_put_int(&q, d->place);
	db_put_int(&q, d->next_t);
	db_put_int(&q, d->lease);
	db_put_int(&q, d->attempts);
	db_put_int(&q, d->fails);
	db_put_int(&q, d->spent_ms);
	db_put_int(&q, d->tried_t);
	db_put_int(&q, d->planned_t);
	db_put_int(&q, d->firm_t);
	db_put_int(&q, d->push);
	db_put_int(&q, d->size);
	if (d->new_note.n > 0)
		db_put_text(&q, d->new_note);
	else
		db_put_null(&q);
	if (!db_run(&q))
		return false;
	d->state = to;
	d->was_first = d->place == PLACE_FIRST;
	return !was_first || d->was_first || advance(db, d->lane);
}

bool
delivery_requeue(struct db *db, struct delivery *d, int64_t now_t)
{
	d->place = delivery_place_for(db, d->lane);
	d->next_t = now_t;
	d->fails = d->spent_ms = d->tried_t = d->planned_t = d->firm_t = 0;
	d->lease = 0;
	if (d->push == PUSH_REPLACED)
		d->push = PUSH_UNSENT;
	return delivery_move(db, d, INBOX_QUEUED);
}

bool
delivery_note(struct db *db, int64_t id, struct slice note)
{
	struct db_query q = db_query(db, SQL_DELIVERY_NOTE);

	db_put_int(&q, id);
	db_put_text(&q, note);
	return db_run(&q);
}
