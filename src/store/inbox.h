/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inbox: deliveries (stored webhooks), in the same store and the same commits as everything
 * else (store.h).  What was answered STORE_OK to a PUT is on the disk and survives kill -9 and
 * power cuts; it is delivered at least once or stands in a list until a person has decided.
 *
 *	                        +------------- REPLAY -------------+
 *	                        v                                  |
 *	PUT --------------> queued --LEASE--> leased --SETTLE--> delivered
 *	   \                 ^  ^               |   |   \-----> parked
 *	    \ hold (relay)   |  +---- retry ----+   |    \----> dead
 *	     +-> received ----+  (SETTLE)            +--DROP--> dropped
 *	              \------SETTLE as from leased;  DROP from any state
 *
 * Lanes: deliveries of a tunnel with the same order key form a lane.  Only its oldest may be
 * leased; the next one follows when that is delivered, parked, dead, dropped, or has failed
 * `skip_after` times (then it goes on by itself and holds up nobody).  Lanes are parallel to each
 * other; an empty order key means no order.
 *
 * Time: a delivery's next attempt is kept on the inbox's own clock, which runs with mono_ms and
 * never goes back: a wall clock that jumps neither delivers again nor lets anything wait or
 * expire.  While the edge is down this clock runs for INBOX_PAUSE_MS_MAX at most, since then only
 * the wall clock knows how long that was.  Wall time is for people.
 *
 * Schedule: a delivery is given up when it has spent the time of its schedule (hook/result.h), not
 * after a number of attempts.  Time counts up to the planned end of each pause; what it waits longer
 * for an agent does not.  An attempt before that planned end (WAKE made it due) is recorded, but is
 * no failure that lets its lane pass.
 *
 * Leases are not timed: they end with SETTLE, DROP, or the process (store_open() puts them back
 * into the queue).
 */
#ifndef ADIT_STORE_INBOX_H
#define ADIT_STORE_INBOX_H

#include "base/limits.h"
#include "store/store.h"

/* X(NAME, word, number in the database, what it means) */
#define INBOX_STATES(X)                                                                            \
	X(RECEIVED, "received", 0, "stored; its sender still waits for the origin's answer")       \
	X(QUEUED, "queued", 1, "waits for its turn or its next attempt")                           \
	X(LEASED, "leased", 2, "on its way to the origin")                                         \
	X(DELIVERED, "delivered", 3, "the origin has taken it")                                    \
	X(PARKED, "parked", 4, "the set-up is wrong; a person must replay or drop it")             \
	X(DEAD, "dead", 5, "given up after many attempts")                                         \
	X(DROPPED, "dropped", 6, "dropped by hand or by a newer one")

enum inbox_state {
#define X(name, word, number, what) INBOX_##name = (number),
	INBOX_STATES(X)
#undef X
};

/* A pause of the edge counts at most so much on the inbox's clock. */
#define INBOX_PAUSE_MS_MAX (3600 * 1000LL)
/* An agent that reconnects all the time is no reason to try all the time. */
#define INBOX_WAKE_PAUSE_MS 1000

#define INBOX_STATE_BIT(state) (1u << (state))
enum { INBOX_N_STATES = 7 };

const char *inbox_state_text(enum inbox_state state);
bool inbox_state_parse(struct slice word, enum inbox_state *ret_state);

/* One webhook stored for one more tunnel. */
struct inbox_copy {
	char tunnel[64];
	bool coalesce; /* that tunnel asks for it */
	uint64_t id;
};

enum inbox_op {
	/*
	 * in: account (must exist), tunnel, event .. body, dedupe_ms, account_bytes_max, hold
	 * out: id, state, and lease when it is RECEIVED; or duplicate and the id of the first one
	 * STORE_FULL: before the disk is full; STORE_LIMIT: the account's bytes (grow.h).
	 * A duplicate has the state of the first one; after one that was parked, given up or
	 * dropped by a person it is none (inbox_again.h).
	 * copies: the same is stored for other tunnels of the account, or nothing is at all; out:
	 * their ids.  coalesce: older ones of the lane and event that are `push`, too, and of which
	 * nothing was ever sent are dropped; each copy has an own one; out: n_changed.
	 */
	INBOX_PUT,
	/*
	 * in: account, tunnel, n_max, bytes_max (one item is always given); synced: a power cut
	 * must not forget that what is leased may have been sent (coalesce); else it may
	 * out: items with head and body; more: others are due; else wait_ms
	 */
	INBOX_LEASE,
	/*
	 * in: id, lease, to (DELIVERED, QUEUED = try again after delay_ms, PARKED, DEAD), note,
	 * skip_after; tried: an attempt was made and is recorded and counted, without it (the
	 * agent went away first) nothing is; spent_ms of the schedule; early: as its item said;
	 * firm: a WAKE does not shorten delay_ms; unsent: its item was, and not a byte of it has
	 * been sent since
	 * out: state, attempt.number.  STORE_NONE: that lease is over, nothing was changed.
	 * n_max > 0: and a LEASE in the same transaction, of items that fit into bytes_max.
	 * DELIVERED without synced: a power cut may take it back within LIMIT_STORE_LATE_MS.
	 */
	INBOX_SETTLE,
	/*
	 * What waits for a later attempt is due now (the origin is back), but for those that were
	 * tried within INBOX_WAKE_PAUSE_MS, and those whose pause is firm.
	 * in: account, tunnel; n_max: no more than so many, 0: all; out: n_changed, more
	 */
	INBOX_WAKE,
	/* in: filter, n_max. out: items without head and body, newest first; cursor, more */
	INBOX_LIST,
	/* in: filter, n_max, bytes_max. out: items whole, oldest first; cursor, more */
	INBOX_EXPORT,
	/* in: account ("" = operator), id. out: one item with head and body, attempts */
	INBOX_SHOW,
	/*
	 * in: account, id or filter (id 0), to_tunnel ("" = its own; else a copy). Oldest first.
	 * out: n_changed, cursor, more; id of the copy when one was named
	 * A copy is new and takes account_bytes_max: STORE_FULL and STORE_LIMIT as of a PUT, when
	 * not even the first one fits; STORE_TAKEN: to_tunnel is not the delivery's account's.
	 */
	INBOX_REPLAY,
	/* in: account, id or filter (id 0), note. out: n_changed, cursor, more */
	INBOX_DROP,
	/*
	 * in: account ("" = all), keep_ms (delivered and dropped), keep_failed_ms (dead and
	 * parked), 0 = for ever; account_bytes_max: of an account above it the oldest delivered,
	 * then dropped ones are deleted.  What nobody has decided on is never deleted for room:
	 * queued, parked and dead ones.
	 * out: n_changed, more
	 */
	INBOX_RETAIN,
	/* in: account ("" = all), tunnel ("" = all). out: counts */
	INBOX_COUNT,
	/* People know now of told_parked and told_dead: the counts' untold_* go down by so much. */
	INBOX_TOLD,
};

struct inbox_attempt {
	uint32_t number;
	int64_t at_ms; /* wall clock */
	int status;    /* of the origin, 0 = there was none */
	uint32_t latency_ms;
	char reason[64]; /* result class, "refused", "timeout" */
	char answer[LIMIT_INBOX_ANSWER_BYTES];
	size_t n_answer;
};

struct inbox_delivery {
	uint64_t id, lease, replay_of;
	enum inbox_state state;
	uint32_t attempts, fails; /* fails: since it was queued or replayed */
	bool waits;               /* behind an older one of its lane */
	bool early;               /* before its schedule wanted an attempt: it was woken */
	int64_t spent_ms;         /* of its schedule */
	bool unsent;              /* a push of which nothing was sent before this lease */
	int64_t received_ms;      /* wall clock */
	int64_t due_ms;           /* until its next attempt when it is queued, <= 0 = due */
	int64_t age_ms;           /* since its receipt, by the inbox's own clock */
	size_t bytes;             /* of its head and body */
	/* Slices of one malloced block, each followed by a NUL. */
	struct slice account, tunnel, event, provider_id, order_key, method, target, note;
	struct slice head, body; /* {NULL, 0} when not asked for */
	void *block;
};

struct inbox_counts {
	uint64_t n[INBOX_N_STATES], bytes[INBOX_N_STATES];
	int64_t oldest_ms; /* receipt of the oldest one that is not finished, 0 = there is none */
	int64_t age_ms;    /* the age of the oldest one by the inbox's own clock */
	uint64_t untold_parked, untold_dead; /* of all accounts: since INBOX_TOLD, over restarts */
};

struct inbox_req {
	enum inbox_op op;
	void (*done)(struct inbox_req *req);
	void *owner;
	int64_t now_ms; /* wall clock, 0 = the store looks itself */
	/* A clock that never jumps, 0 = the store takes CLOCK_BOOTTIME; not both in one store. */
	int64_t mono_ms;
	/* in, see the operations; strings end with NUL */
	char account[64], tunnel[64], to_tunnel[64], note[320];
	/* in: what a PUT stores, the caller's until done(); event, order_key also for the filter */
	struct slice event, provider_id, order_key, dedupe_key, method, target, head, body;
	int64_t dedupe_ms; /* window in which an equal dedupe_key of the tunnel is a duplicate */
	uint64_t account_bytes_max;
	bool hold, tried, early, firm, unsent, synced;
	int64_t spent_ms;
	bool push, coalesce; /* push: a newer one of its lane and event says all that it says */
	struct inbox_copy *copies; /* the caller's until done(); at most LIMIT_FAN_OUT */
	size_t n_copies;
	uint64_t id, lease;
	enum inbox_state to;
	int64_t delay_ms;
	uint32_t skip_after; /* 0 = never */
	struct inbox_attempt attempt;
	uint32_t n_max;   /* at most LIMIT_STORE_ROWS, or LIMIT_INBOX_LEASE */
	size_t bytes_max; /* of heads and bodies; one item is always given */
	/*
	 * The filter: account, tunnel, event, order_key (a prefix: "repository" or all of it) where
	 * they are not empty; states: a mask of INBOX_STATE_BIT, 0 = all; received from from_ms
	 * until before to_ms, 0 = open; before_id: only older ones.  cursor: where the last answer
	 * ended, 0 = at the start.
	 */
	uint32_t states;
	int64_t from_ms, to_ms;
	uint64_t before_id, cursor;
	int64_t keep_ms, keep_failed_ms;
	uint64_t told_parked, told_dead;
	/* out */
	enum store_result result;
	enum inbox_state state;
	bool duplicate;
	bool more; /* there is more to do or to look at: ask again with this cursor */
	uint32_t n_changed;
	int64_t wait_ms; /* until something is due, -1 = nothing waits for time */
	struct inbox_delivery *items;
	size_t n_items;
	struct inbox_attempt *attempts; /* oldest first */
	size_t n_attempts;
	struct inbox_counts counts;
	/* private */
	uint64_t asked_id, asked_cursor; /* as they came: run() may be called again */
	struct store_job job;
};

/* As store_submit(): the request and its slices stay the caller's and must live until done(). */
void inbox_submit(struct store *s, struct inbox_req *req);
/* Frees items and attempts; the request may then be submitted again. */
void inbox_req_fini(struct inbox_req *req);

#endif
