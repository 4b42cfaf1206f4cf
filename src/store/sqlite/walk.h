/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking over many deliveries.  A filter names tunnels and states; each pair that has rows (the
 * table usage knows) is a source, whose ids stand in order in an index.  A walk merges the sources:
 * it collects a chunk of ids, oldest or newest first, and gives each once.  With very many sources
 * it goes through all ids instead, and whoever looks at the rows has to ask for their states.
 */
#ifndef ADIT_STORE_SQLITE_WALK_H
#define ADIT_STORE_SQLITE_WALK_H

#include "store/sqlite/delivery.h"

enum {
	WALK_CHUNK = 128,
	WALK_SOURCES = 512,
	WALK_ALL_STATES = (1 << INBOX_N_STATES) - 1,
};

struct walk_source {
	int64_t route, state, n, bytes;
};

/* Whose deliveries, and from where on. */
struct walk_scope {
	const char *account, *tunnel; /* "" = all */
	uint64_t before_id, cursor;   /* as those of struct inbox_find */
};

#define WALK_EVERYTHING                                                                            \
	{                                                                                          \
		.account = "", .tunnel = ""                                                        \
	}

struct walk {
	struct db *db;
	bool up;    /* oldest first */
	int64_t at; /* the last id that was given */
	unsigned states;
	bool all; /* through all ids, too many sources */
	size_t n_sources;
	struct walk_source sources[WALK_SOURCES + 1];
	size_t n_ids, next_id;
	bool ended;
	int64_t ids[WALK_CHUNK];
};

/* states: a mask, 0 = all. */
void walk_start(struct walk *w, struct db *db, const struct walk_scope *scope, unsigned states,
    bool up);
/* The next id; rows may be changed between the calls. 0: the end, or db->fault. */
int64_t walk_next(struct walk *w);
/*
 * Puts what a query of ids gives, in the order of the walk, to ids[0..n), which are sorted: none
 * beyond WALK_CHUNK that are there already, or many tunnels would be read through for each chunk.
 * ids has room for twice as many.  Ends the query; returns how many there are then.
 */
size_t walk_take(struct db_query *q, bool up, int64_t *ids, size_t n);
/* All sources of the scope's account and tunnel, malloced. NULL: no memory. */
struct walk_source *walk_sources(struct db *db, const struct walk_scope *scope, unsigned states,
    size_t *ret_n);

#endif
