/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deliveries that a list's filter matches, in the order of their numbers.  SQL passes over those
 * that do not match, in windows of numbers, so that one request holds the store's thread for some
 * milliseconds at most: it looks at LIMIT_INBOX_SCAN rows, and its cursor says where to go on.
 *
 * No index helps it: 200,000 rows are passed over in 30 to 140 ms of processor time, and an index on
 * what is filtered would cost every webhook a page more to write.
 */
#ifndef ADIT_STORE_SQLITE_SIFT_H
#define ADIT_STORE_SQLITE_SIFT_H

#include "store/sqlite/walk.h"

struct sift {
	struct walk walk;
	struct inbox_req *req; /* whose they are; and where more and cursor go */
	const struct inbox_find *find;
	/* Each row is read and looked at: the filter names no more than sources, or the file is
	 * damaged, and only what is read one by one can be passed over. */
	bool plain;
	/* Through the rows of all tunnels between these two: reading on is five times faster than
	 * looking each row up by an index. */
	bool through;
	int64_t route_min, route_max;
	int64_t from, last; /* numbers behind `from` are to be looked at, up to `last` */
	int64_t window;
	bool ended;
	size_t looked;
	size_t n_ids, next_id;
	int64_t ids[WALK_CHUNK];
};

/* states: a mask in place of find's, 0 = all.  find lives as long as the sift. */
void sift_start(struct sift *s, struct db *db, struct inbox_req *req, const struct inbox_find *find,
    unsigned states, bool up);
/* The next that matches; its reading has to be ended.  False: req->more and req->cursor say
 * whether and where it goes on, or db->fault. */
bool sift_next(struct sift *s, struct delivery *ret);

#endif
