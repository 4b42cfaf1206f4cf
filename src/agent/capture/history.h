/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list as it was before a restart: rows are read from the indexes of all folders, newest segments
 * first. A segment of our own that has no whole index was being written when its agent died: it is
 * looked through, what is torn at its end is cut off, and it gets one.
 */
#ifndef ADIT_AGENT_CAPTURE_HISTORY_H
#define ADIT_AGENT_CAPTURE_HISTORY_H

#include "agent/capture/segment.h"
#include "base/buf.h"

struct history {
	/* Rows by id, as they were last; `at` is their last record's place. */
	struct history_row {
		uint64_t id, order; /* order: later ones are newer */
		struct slice payload;
		uint64_t at;
		bool pinned;
	} * rows;
	size_t n, room;
	struct buf *indexes; /* that the payloads lie in */
	size_t n_indexes, bytes;
	bool full; /* older ones are not read */
};

void history_init(struct history *h);
void history_fini(struct history *h);
/* Reads a folder. own: it is mended where it must be. *ret_last: its largest segment, 0: none. */
void history_read(struct history *h, int folder, bool own, uint32_t *ret_last);
/* Sorted, each id once, the newest `max` of them. */
void history_sort(struct history *h, size_t max);

/*
 * What a segment's index would be; *ret_good: its bytes up to the first that is no good record. An
 * exchange whose end is not in it gets a row that says so, as long as `orphans` are wanted.
 */
bool history_index(struct slice segment, uint32_t number, bool orphans, struct buf *ret_index,
    size_t *ret_good);

#endif
