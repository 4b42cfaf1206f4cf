/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of rows: the newest LIMIT_CAPTURE_ROWS exchanges in memory, in a fixed amount of it,
 * oldest first out. Beside it counters and percentiles per tunnel, and who wants to know of changes.
 *
 * Of the agent's loop thread alone.  Whatever is read is a copy of the numbers and borrows the text
 * until the caller returns to the loop, or changes a row.
 *
 *	struct capture_row r;
 *	for (bool more = rows_newest(rows, &r); more; more = rows_before(rows, r.id, &r))
 *		...
 */
#ifndef ADIT_AGENT_CAPTURE_ROWS_H
#define ADIT_AGENT_CAPTURE_ROWS_H

#include "agent/capture/row.h"
#include "base/list.h"
#include "net/loop.h"

struct rows;

/* Of one tunnel: since the start, but the percentiles, which are of the last 5 to 10 minutes. */
struct tunnel_figures {
	uint64_t requests;              /* that have passed through */
	uint64_t open;                  /* of them, still running */
	uint64_t failed;                /* of them, without an answer of the origin */
	uint64_t refused;               /* by the edge */
	uint64_t unlisted;              /* of requests: too many came to give each a row */
	int64_t p50_us, p90_us, p99_us; /* 0: none has ended */
	/* The inbox at the edge, as it said last: deliveries that wait, that are parked, and since
	 * when the oldest of them waits (wall clock, 0: none does). */
	uint64_t wait, parked;
	int64_t oldest_ms;
};

struct rows_listener {
	/* Something has changed: at most once a turn of the loop, at its end. */
	void (*fn)(struct rows_listener *l);
	struct list node; /* private */
};

/* max: rows at most. NULL without memory. */
struct rows *rows_new(struct loop *l, size_t max) must_use;
void rows_free(struct rows *r);

size_t rows_count(const struct rows *r);
bool rows_newest(const struct rows *r, struct capture_row *ret);
bool rows_oldest(const struct rows *r, struct capture_row *ret);
bool rows_find(const struct rows *r, uint64_t id, struct capture_row *ret);
/* The next older, the next newer one; no row need have this id. */
bool rows_before(const struct rows *r, uint64_t id, struct capture_row *ret);
bool rows_after(const struct rows *r, uint64_t id, struct capture_row *ret);
/* The newest one of a delivery; the older ones by rows_before() and their number. */
bool rows_of_delivery(const struct rows *r, uint64_t delivery, struct capture_row *ret);

/*
 * Rows in the order in which they changed. *seq: what the caller has seen, 0 at first; it moves on to
 * the row's number. False: nothing has changed since.  Each row comes once, as it is now.
 */
bool rows_changed(const struct rows *r, uint64_t *seq, struct capture_row *ret);
/* Number of the last change. */
uint64_t rows_seq(const struct rows *r);
/* Who has seen less than this has missed changes, and reads the list anew. */
uint64_t rows_seq_known(const struct rows *r);

void rows_listen(struct rows *r, struct rows_listener *l);
/* Harmless where it does not listen (but was zeroed). */
void rows_unlisten(struct rows_listener *l);

/* tunnel: index in the agent's list, at most LIMIT_AGENT_TUNNELS of them. */
void rows_figures(const struct rows *r, size_t tunnel, struct tunnel_figures *ret);

/* --- who fills it: tap.c, capture.c --- */

/*
 * Adds a row whose id is larger than all others, or changes the one that has it; `changed` is set
 * here.  False: it is older than the oldest one that is kept.
 */
bool rows_put(struct rows *r, const struct capture_row *row);
/* By request id: the newest row of the last few thousand. */
bool rows_of_request(const struct rows *r, struct slice request_id, struct capture_row *ret);
/* All rows but pinned ones are forgotten. */
void rows_clear(struct rows *r);
/* Rows at the old end whose last record is in a segment of this folder before that one are forgotten. */
void rows_forget(struct rows *r, uint32_t segment, unsigned folder);

/* Another tunnel has this place. */
void rows_figures_anew(struct rows *r, size_t tunnel);
/* One has begun; it has a row or none. */
void rows_begun(struct rows *r, size_t tunnel, bool listed);
void rows_ended(struct rows *r, size_t tunnel, int64_t took_us, bool failed);
void rows_refused(struct rows *r, size_t tunnel);
void rows_inbox(struct rows *r, size_t tunnel, uint64_t wait, uint64_t parked, int64_t oldest_ms);

#endif
