/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of an agent's segments while it writes: the segment that grows, its index, and the
 * older ones, of which the oldest go when there are too many bytes or they are too old.  Of the
 * writer's thread alone.  The first error is kept in words, and nothing is written behind it.
 */
#ifndef ADIT_AGENT_CAPTURE_SHELF_H
#define ADIT_AGENT_CAPTURE_SHELF_H

#include "agent/capture/segment.h"
#include "base/buf.h"

struct shelf {
	int folder;
	int segment, index; /* descriptors of the files that grow, -1: none */
	uint32_t current;   /* number of that segment, 0: none */
	uint32_t first;     /* of the oldest one that there is, 0: none */
	struct shelf_file {
		uint32_t number;
		uint64_t bytes;
		int64_t changed_ms;
	} * files; /* by number, the current one last */
	size_t n_files, n_room;
	uint64_t bytes, bytes_max;
	int64_t age_ms_max;
	struct buf waiting; /* records of the index that are not written yet */
	bool failed;
	char why[160];
};

/* What is there already is known from now on. */
void shelf_open(struct shelf *s, int folder, uint64_t bytes_max, int64_t age_ms_max);
void shelf_close(struct shelf *s);
/* What is written from now on goes into this segment. False after a failure. */
bool shelf_segment(struct shelf *s, uint32_t number, int64_t now_ms) must_use;
/* Unlinks all segments before this one; the one that grows is closed where it is one of them. */
void shelf_clear(struct shelf *s, uint32_t number);
void shelf_write(struct shelf *s, struct slice bytes);
/* A copy of a record for the index; it is written with the next shelf_write(). */
void shelf_index(struct shelf *s, const struct segment_record *r, struct slice payload,
    uint64_t place);

#endif
