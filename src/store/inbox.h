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

enum inbox_op {
	INBOX_PUT,    /* put */
	INBOX_LEASE,  /* leases */
	INBOX_SETTLE, /* settle */
	INBOX_WAKE,   /* wake */
	INBOX_LIST,   /* find; items without head and body, newest first */
	INBOX_EXPORT, /* find; items whole, oldest first */
	INBOX_SHOW,   /* show */
	INBOX_REPLAY, /* change: queued again, or copied */
	INBOX_DROP,   /* change */
	INBOX_RETAIN, /* retain */
	INBOX_COUNT,  /* of account ("" = all) and tunnel ("" = all); out: counts */
	INBOX_TOLD,   /* told */
};

/* --- what is asked, a struct for each operation; slices are the caller's until done() --- */

/* One webhook stored for one more tunnel. */
struct inbox_copy {
	char tunnel[64];
	bool coalesce; /* that tunnel asks for it */
	uint64_t id;   /* out */
};

/*
 * For account (it must exist) and tunnel.  out: id, state, and lease when it is RECEIVED; or
 * duplicate and the id of the first one.  STORE_FULL: before the disk is full; STORE_LIMIT: the
 * account's bytes.  A duplicate has the state of the first one; after one that was parked, given up
 * or dropped by a person it is none.
 */
struct inbox_put {
	struct slice event, provider_id, order_key, dedupe_key, method, target, head, body;
	int64_t dedupe_ms; /* window in which an equal dedupe_key of the tunnel is a duplicate */
	uint64_t account_bytes_max; /* 0 = no limit */
	bool hold;                  /* received and leased, where it can be tried at once */
	bool push;                  /* a newer one of its lane and event says all that it says */
	/* Older ones of the lane and event that are `push`, too, and of which nothing was ever sent
	 * are dropped; each copy has an own one.  out: n_changed. */
	bool coalesce;
	/* The same for other tunnels of the account, or nothing is stored at all. */
	struct inbox_copy *copies; /* the caller's until done(); at most LIMIT_FAN_OUT */
	size_t n_copies;
};

/* Of account and tunnel.  out: items with head and body; more: others are due; else wait_ms. */
struct inbox_leases {
	uint32_t n_max;   /* at most LIMIT_INBOX_LEASE */
	size_t bytes_max; /* of heads and bodies, 0 = any; one item is always given */
	/* A power cut must not forget that what is leased may have been sent (coalesce); else it may. */
	bool synced;
};

struct inbox_attempt {
	uint32_t number; /* out */
	int64_t at_ms;   /* wall clock */
	int status;      /* of the origin, 0 = there was none */
	uint32_t latency_ms;
	char reason[64]; /* result class, "refused", "timeout" */
	char answer[LIMIT_INBOX_ANSWER_BYTES];
	size_t n_answer;
};

/*
 * out: state, attempt.number.  STORE_NONE: that lease is over, nothing was changed.
 * DELIVERED without synced: a power cut may take it back within LIMIT_STORE_LATE_MS.
 */
struct inbox_settle {
	uint64_t id, lease;
	enum inbox_state to; /* DELIVERED, QUEUED = try again after delay_ms, PARKED, DEAD */
	char note[320];
	int64_t delay_ms;
	uint32_t skip_after; /* 0 = never */
	/* An attempt was made and is recorded and counted, without it (the agent went away first)
	 * nothing is; spent_ms of the schedule; early: as its item said. */
	bool tried, early;
	int64_t spent_ms;
	bool firm;   /* a WAKE does not shorten delay_ms */
	bool unsent; /* its item was, and not a byte of it has been sent since */
	bool synced;
	struct inbox_attempt attempt;
	/* n_max > 0: and leases in the same transaction, of items that fit into bytes_max; for them
	 * account and tunnel. */
	struct inbox_leases leases;
};

/*
 * What waits for a later attempt of account and tunnel is due now (the origin is back), but for
 * those that were tried within INBOX_WAKE_PAUSE_MS, and those whose pause is firm.
 * out: n_changed, more
 */
struct inbox_wake {
	uint32_t n_max; /* no more than so many, 0 = all */
};

/*
 * Of account ("" = all) and tunnel ("" = all), where these are not empty: event, order_key (a
 * prefix: "repository" or all of it).  out: items, more, cursor
 */
struct inbox_find {
	struct slice event, order_key;
	uint32_t states;        /* a mask of INBOX_STATE_BIT, 0 = all */
	int64_t from_ms, to_ms; /* received from .. until before ..; 0 = open */
	uint64_t before_id;     /* only older ones, 0 = all */
	uint64_t cursor;        /* where the last answer ended, 0 = at the start */
	uint32_t n_max;         /* at most LIMIT_STORE_ROWS; LIST, EXPORT */
	size_t bytes_max;       /* of heads and bodies; one item is always given; EXPORT */
};

/* Of account ("" = operator).  out: one item with head and body, attempts */
struct inbox_show {
	uint64_t id;
};

/*
 * Of account ("" = operator), oldest first.  out: n_changed, cursor, more; id: the one, or its copy.
 * A copy is new and takes account_bytes_max: STORE_FULL and STORE_LIMIT as of a PUT, when not even
 * the first one fits; STORE_TAKEN: to_tunnel is not the delivery's account's.
 */
struct inbox_change {
	uint64_t id;            /* this one; 0 = those that find finds */
	struct inbox_find find; /* states 0: those for which it makes sense */
	char to_tunnel[64];     /* REPLAY: "" = its own; else a copy */
	char note[320];
	uint64_t account_bytes_max; /* 0 = no limit */
};

/*
 * Of account ("" = all).  Of an account above its bytes the oldest delivered, then dropped ones are
 * deleted.  What nobody has decided on is never deleted for room: queued, parked and dead ones.
 * out: n_changed, more
 */
struct inbox_retain {
	int64_t keep_ms;        /* delivered and dropped; 0 = for ever */
	int64_t keep_failed_ms; /* dead and parked; 0 = for ever */
	uint64_t account_bytes_max;
};

/* People know now of so many: the counts' untold_* go down. */
struct inbox_told {
	uint64_t parked, dead;
};

/* --- what is answered --- */

/* A delivery that a PUT, REPLAY or DROP has moved besides, or copied. */
struct inbox_moved {
	uint64_t id;
	enum inbox_state state;
	char account[64], tunnel[64];
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
	char account[64], tunnel[64]; /* whose, as the operation says; they end with NUL */
	union {                       /* by op */
		struct inbox_put put;
		struct inbox_leases leases;
		struct inbox_settle settle;
		struct inbox_wake wake;
		struct inbox_find find;
		struct inbox_show show;
		struct inbox_change change;
		struct inbox_retain retain;
		struct inbox_told told;
	};
	/* out: what the operation says */
	enum store_result result;
	enum inbox_state state;
	uint64_t id, lease;
	bool duplicate;
	bool more;       /* there is more to do or to look at: ask again, with this cursor */
	uint64_t cursor; /* where it ended */
	uint32_t n_changed;
	int64_t wait_ms; /* until something is due, -1 = nothing waits for time */
	struct inbox_delivery *items;
	size_t n_items;
	struct inbox_attempt *attempts; /* oldest first */
	size_t n_attempts;
	/* For those who watch: of n_changed, as far as there was memory. */
	struct inbox_moved *moved;
	size_t n_moved;
	struct inbox_counts counts;
	/* private */
	struct store_job job;
};

/* As store_submit(): the request and its slices stay the caller's and must live until done(). */
void inbox_submit(struct store *s, struct inbox_req *req);
/* Frees items, attempts and moved; the request may then be submitted again. */
void inbox_req_fini(struct inbox_req *req);

#endif
