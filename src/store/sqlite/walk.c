/* SPDX-License-Identifier: Apache-2.0 */
/* Merges the deliveries of many tunnels and states in the order of their numbers. */
#include "store/sqlite/walk.h"

#include <stdlib.h>

/* How many sources there are, at most n_max. */
static size_t
sources(struct db *db, const struct walk_scope *scope, unsigned states, struct walk_source *to,
    size_t n_max)
{
	struct db_query q = db_query(db, scope->account[0] == '\0' ? SQL_USAGE_ALL : SQL_USAGE);
	size_t n = 0;

	db_put_text(&q, slice_str(scope->account));
	db_put_text(&q, slice_str(scope->tunnel));
	db_put_int(&q, states);
	db_put_int(&q, (int64_t)n_max);
	while (db_next(&q)) {
		check(n < n_max); /* the statement's own limit */
		to[n].route = db_get_int(&q);
		to[n].state = db_get_int(&q);
		to[n].n = db_get_int(&q);
		to[n++].bytes = db_get_int(&q);
	}
	return n;
}

struct walk_source *
walk_sources(struct db *db, const struct walk_scope *scope, unsigned states, size_t *ret_n)
{
	size_t cap = WALK_SOURCES, n;
	struct walk_source *s = NULL;

	for (;;) {
		struct walk_source *bigger = realloc(s, cap * sizeof(*s));

		if (bigger == NULL) {
			free(s);
			return NULL;
		}
		s = bigger;
		n = sources(db, scope, states, s, cap);
		/* A full list may have been cut: asked again with more room. */
		if (n < cap)
			break;
		cap *= 4;
	}
	*ret_n = n;
	return s;
}

void
walk_start(struct walk *w, struct db *db, const struct walk_scope *scope, unsigned states, bool up)
{
	int64_t before = scope->before_id != 0 && scope->before_id <= INT64_MAX
			     ? (int64_t)scope->before_id
			     : INT64_MAX;
	int64_t cursor = scope->cursor <= INT64_MAX ? (int64_t)scope->cursor : INT64_MAX;

	check(scope->account != NULL && scope->tunnel != NULL);
	w->db = db;
	w->up = up;
	w->at = up ? cursor : (cursor != 0 && cursor < before ? cursor : before);
	w->states = states == 0 ? WALK_ALL_STATES : states;
	w->n_sources = sources(db, scope, w->states, w->sources, WALK_SOURCES + 1);
	w->all = w->n_sources > WALK_SOURCES;
	w->n_ids = w->next_id = 0;
	w->ended = false;
}

static int
by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

size_t
walk_take(struct db_query *q, bool up, int64_t *ids, size_t n)
{
	int64_t id, last = n < WALK_CHUNK ? 0 : ids[up ? n - 1 : 0];
	size_t had = n;

	check(n <= WALK_CHUNK);
	while (n < 2 * WALK_CHUNK && db_next(q)) {
		id = db_get_int(q);
		if (last != 0 && (up ? id > last : id < last))
			break;
		ids[n++] = id;
	}
	db_end(q);
	if (n > had)
		qsort(ids, n, sizeof(*ids), by_id);
	if (n > WALK_CHUNK && !up)
		memmove(ids, ids + n - WALK_CHUNK, WALK_CHUNK * sizeof(*ids));
	return n < WALK_CHUNK ? n : WALK_CHUNK;
}

/* Ids of one source, behind those that were given. */
static size_t
take_source(struct walk *w, const struct walk_source *s, int64_t *ids, size_t n)
{
	struct db_query q;

	if (w->all)
		q = db_query(w->db, w->up ? SQL_WALK_ALL_UP : SQL_WALK_ALL_DOWN);
	else
		q = db_query(w->db, w->up ? SQL_WALK_UP : SQL_WALK_DOWN);
	if (!w->all) {
		db_put_int(&q, s->route);
		db_put_int(&q, s->state);
	}
	db_put_int(&q, w->at);
	db_put_int(&q, WALK_CHUNK);
	return walk_take(&q, w->up, ids, n);
}

/* The next WALK_CHUNK ids of all sources. */
static void
fill(struct walk *w)
{
	int64_t ids[2 * WALK_CHUNK];
	size_t n = 0, n_sources = w->all ? 1 : w->n_sources;

	for (size_t i = 0; i < n_sources; i++)
		n = take_source(w, &w->sources[i], ids, n);
	check(n <= WALK_CHUNK);
	/* ids go up; a walk down gives the last one first. */
	for (size_t i = 0; i < n; i++)
		w->ids[i] = w->up ? ids[i] : ids[n - 1 - i];
	w->n_ids = n;
	w->next_id = 0;
	w->ended = n < WALK_CHUNK;
}

int64_t
walk_next(struct walk *w)
{
	check(w->next_id <= w->n_ids && w->n_ids <= WALK_CHUNK);
	if (w->next_id == w->n_ids && !w->ended)
		fill(w);
	if (w->next_id == w->n_ids)
		return 0;
	w->at = w->ids[w->next_id++];
	return w->at;
}
