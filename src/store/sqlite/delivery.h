/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery's row: reading it, its lane, and delivery_move(), the only writer of its state. */
#ifndef ADIT_STORE_SQLITE_DELIVERY_H
#define ADIT_STORE_SQLITE_DELIVERY_H

#include "store/sqlite/db.h"
#include "store/inbox.h"

/* Counted for a row with its indexes and note, and for an attempt (0009_size.sql). */
enum { DELIVERY_ROW_BYTES = 512, DELIVERY_ATTEMPT_BYTES = 128 };

enum delivery_place {
	PLACE_NONE,   /* not to be delivered */
	PLACE_BEHIND, /* waits behind another of its lane */
	PLACE_FIRST,  /* first of its lane: holds up the others */
	PLACE_FREE,   /* of no lane, or has failed too often to hold up others */
};

/* Whether a newer push of the branch may take its place. */
enum delivery_push {
	PUSH_NO,       /* says something that a newer one does not */
	PUSH_UNSENT,   /* yes */
	PUSH_SENT,     /* no more: the origin may have seen it, even if nobody saw an answer */
	PUSH_REPLACED, /* one has */
};

struct delivery {
	int64_t id, route, lane, next_t, lease, received_ms, received_t;
	int64_t attempts, fails, bytes, size, replay_of;
	enum delivery_push push;
	int64_t spent_ms, tried_t, planned_t, firm_t; /* its schedule, see inbox.h */
	enum inbox_state state;
	enum delivery_place place;
	bool was_first;        /* as it stands in the database */
	struct slice new_note; /* the caller's; empty: it keeps the one that it has */
	/* Text of the row, until the next statement of this module. */
	struct slice account, tunnel, event, provider_id, order_key, method, target, note;
	struct db_query query;
};

/* False: there is none, or db->fault.  The text lives until delivery_end(). */
bool delivery_get(struct db *db, uint64_t id, struct delivery *ret);
/* Of an id that an index has given in this transaction: when there is none, the file is damaged. */
bool delivery_must_get(struct db *db, uint64_t id, struct delivery *ret);
/* Ends the reading; the numbers stay. */
void delivery_end(struct delivery *d);
/* Copies it into an item; with its head and body when `payload`. False: no memory, or
 * the payload is missing. */
bool delivery_item(struct db *db, const struct delivery *d, bool payload, int64_t now_t,
    struct inbox_delivery *ret) must_use;

/* Delivered, parked, dead or dropped: nothing will happen by itself. */
bool delivery_finished(enum inbox_state s);
/* The lane of an order key; 0 for an empty one. */
int64_t delivery_lane(int64_t route, struct slice order_key);
/* What it takes of its account's bytes before anything was tried; d->bytes and its texts. */
int64_t delivery_size(const struct delivery *d);
/* Where a delivery that wants to be queued stands. */
enum delivery_place delivery_place_for(struct db *db, int64_t lane);
/*
 * Writes d's numbers with the state `to`, checks that the move is a legal one, and lets the next of
 * the lane follow when d does not hold it up any more.  d->next_t, lease, attempts, fails, size are the
 * caller's to set before, and new_note; a lease changes of them lease and push only.
 */
bool delivery_move(struct db *db, struct delivery *d, enum inbox_state to) must_use;
/* Queues it again: at once, in its lane, with no fails and its whole schedule before it. */
bool delivery_requeue(struct db *db, struct delivery *d, int64_t now_t) must_use;
bool delivery_note(struct db *db, int64_t id, struct slice note) must_use;

#endif
