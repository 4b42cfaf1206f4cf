/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers which webhooks came lately, in runs that only grow at their end. */
#include "store/sqlite/seen.h"

#include "base/limits.h"
#include "store/sqlite/db.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { PROBES = 8, FILTER_BITS = SEEN_FILTER_BYTES * 8 };

/* --- filters --- */

struct probe {
	uint64_t at, step;
};

static struct probe
probe_start(const unsigned char *hash)
{
	struct probe p;

	memcpy(&p.at, hash, sizeof(p.at));
	memcpy(&p.step, hash + sizeof(p.at), sizeof(p.step));
	p.step |= 1;
	return p;
}

static void
filter_add(unsigned char *filter, const unsigned char *hash)
{
	struct probe p = probe_start(hash);

	for (int i = 0; i < PROBES; i++, p.at += p.step)
		filter[p.at % FILTER_BITS / 8] |= (unsigned char)(1 << p.at % 8);
}

static bool
filter_may_hold(const unsigned char *filter, struct probe p)
{
	for (int i = 0; i < PROBES; i++, p.at += p.step) {
		if ((filter[p.at % FILTER_BITS / 8] >> p.at % 8 & 1) == 0)
			return false;
	}
	return true;
}

/* --- memory --- */

static void
unload(struct seen *s)
{
	for (size_t i = 0; i < s->n_runs; i++)
		free(s->runs[i].filter);
	free(s->runs);
	*s = (struct seen){ .md = s->md };
}

void
seen_fini(struct seen *s)
{
	unload(s);
	EVP_MD_CTX_free(s->md);
	s->md = NULL;
}

void
seen_rolled_back(struct seen *s)
{
	/* A key too much in a filter costs a look-up in vain; runs have to be right. */
	if (s->changed)
		unload(s);
}

void
seen_committed(struct seen *s)
{
	s->changed = false;
}

static struct seen_run *
add_run(struct db *db, int64_t run, int64_t last_t)
{
	struct seen *s = &db->seen;
	struct seen_run *r;

	if (s->n_runs == s->cap_runs) {
		size_t cap = s->cap_runs == 0 ? 16 : s->cap_runs * 2;
		struct seen_run *runs = realloc(s->runs, cap * sizeof(*runs));

		if (runs == NULL) {
			db_failed(db, SQLITE_NOMEM);
			return NULL;
		}
		s->runs = runs;
		s->cap_runs = cap;
	}
	check(s->n_runs < s->cap_runs);
	r = &s->runs[s->n_runs];
	*r = (struct seen_run){ .run = run, .last_t = last_t };
	r->filter = calloc(1, SEEN_FILTER_BYTES);
	if (r->filter == NULL) {
		db_failed(db, SQLITE_NOMEM);
		return NULL;
	}
	s->n_runs++;
	return r;
}

/* The last run has no filter in the file: its keys are read. */
static void
load_keys(struct db *db, struct seen_run *r)
{
	struct db_query q = db_query(db, SQL_SEEN_KEYS);

	db->seen.n_keys = 0;
	db_put_int(&q, r->run);
	while (db_next(&q)) {
		struct slice hash = db_get_bytes(&q);

		if (hash.n != SEEN_HASH_BYTES)
			continue;
		filter_add(r->filter, (const unsigned char *)hash.p);
		db->seen.n_keys++;
	}
}

static bool
load(struct db *db)
{
	struct db_query q = { 0 };
	struct seen *s = &db->seen;

	if (s->loaded)
		return true;
	unload(s);
	q = db_query(db, SQL_SEEN_RUNS);
	while (db_next(&q)) {
		int64_t run = db_get_int(&q), last_t = db_get_int(&q);
		struct slice filter = db_get_bytes(&q);
		struct seen_run *r = add_run(db, run, last_t);

		if (r == NULL)
			break;
		if (filter.n == SEEN_FILTER_BYTES)
			memcpy(r->filter, filter.p, filter.n);
	}
	db_end(&q);
	if (db->fault == DB_FINE && s->n_runs > 0) {
		load_keys(db, &s->runs[s->n_runs - 1]);
		s->runs[s->n_runs - 1].last_t = INT64_MAX;
	}
	s->loaded = db->fault == DB_FINE;
	return s->loaded;
}

/* --- runs --- */

static bool
forget_first(struct db *db)
{
	static const enum sql both[] = { SQL_SEEN_DEL, SQL_SEEN_RUN_DEL };
	struct seen *s = &db->seen;

	check(s->n_runs > 0);
	for (size_t i = 0; i < 2; i++) {
		struct db_query q = db_query(db, both[i]);

		db_put_int(&q, s->runs[0].run);
		if (!db_run(&q))
			return false;
	}
	s->changed = true;
	free(s->runs[0].filter);
	s->n_runs--;
	memmove(s->runs, s->runs + 1, s->n_runs * sizeof(*s->runs));
	return true;
}

/* The last run is full: its filter goes to the file beside it. */
static bool
seal(struct db *db, int64_t now_t)
{
	struct seen_run *r = &db->seen.runs[db->seen.n_runs - 1];
	struct db_query q = db_query(db, SQL_SEEN_SEAL);

	db->seen.changed = true;
	r->last_t = now_t;
	db_put_int(&q, r->run);
	db_put_int(&q, now_t);
	db_put_blob(&q, slice_of(r->filter, SEEN_FILTER_BYTES));
	return db_run(&q);
}

static bool
start_run(struct db *db)
{
	struct seen *s = &db->seen;
	int64_t run = s->n_runs == 0 ? 1 : s->runs[s->n_runs - 1].run + 1;
	struct db_query q = db_query(db, SQL_SEEN_RUN_ADD);

	s->changed = true;
	s->n_keys = 0;
	db_put_int(&q, run);
	return db_run(&q) && add_run(db, run, INT64_MAX) != NULL;
}

/* Room for one more key in the last run. */
static bool
make_room(struct db *db, int64_t now_t)
{
	struct seen *s = &db->seen;

	if (s->n_runs > 0 && s->n_keys < SEEN_RUN_KEYS)
		return true;
	if (s->n_runs > 0 && !seal(db, now_t))
		return false;
	/* The window of so many deliveries gets shorter, the memory does not grow. */
	if (s->n_runs == LIMIT_INBOX_DEDUPE_RUNS && !forget_first(db))
		return false;
	return start_run(db);
}

/* --- the contract --- */

bool
seen_hash(struct seen *s, int64_t route, struct slice key, unsigned char hash[SEEN_HASH_BYTES])
{
	unsigned char full[EVP_MAX_MD_SIZE];
	bool ok;

	/* A digest that is found and set up anew for each key costs more than the digest. */
	if (s->md == NULL && (s->md = EVP_MD_CTX_new()) != NULL &&
	    EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) != 1)
		return false;
	ok = s->md != NULL && EVP_DigestInit_ex(s->md, NULL, NULL) == 1 &&
	     EVP_DigestUpdate(s->md, &route, sizeof(route)) == 1 &&
	     EVP_DigestUpdate(s->md, key.p, key.n) == 1 &&
	     EVP_DigestFinal_ex(s->md, full, NULL) == 1;
	if (ok)
		memcpy(hash, full, SEEN_HASH_BYTES);
	return ok;
}

int64_t
seen_get(struct db *db, const unsigned char hash[SEEN_HASH_BYTES], int64_t since_t)
{
	struct probe p = probe_start(hash);

	if (!load(db))
		return 0;
	for (size_t i = db->seen.n_runs; i-- > 0;) {
		const struct seen_run *r = &db->seen.runs[i];
		struct db_query q;
		int64_t id = 0, at_t = 0;

		/* And so are all before it. */
		if (r->last_t < since_t)
			break;
		if (!filter_may_hold(r->filter, p))
			continue;
		q = db_query(db, SQL_SEEN_GET);
		db_put_int(&q, r->run);
		db_put_blob(&q, slice_of(hash, SEEN_HASH_BYTES));
		if (db_next(&q)) {
			id = db_get_int(&q);
			at_t = db_get_int(&q);
		}
		db_end(&q);
		if (id != 0)
			return at_t >= since_t ? id : 0; /* the newest one of this key */
	}
	return 0;
}

bool
seen_put(struct db *db, const unsigned char hash[SEEN_HASH_BYTES], int64_t id, int64_t now_t)
{
	struct seen *s = &db->seen;
	struct db_query q;

	if (!load(db) || !make_room(db, now_t))
		return false;
	check(s->n_runs > 0); /* make_room() has started one */
	q = db_query(db, SQL_SEEN_PUT);
	db_put_int(&q, s->runs[s->n_runs - 1].run);
	db_put_blob(&q, slice_of(hash, SEEN_HASH_BYTES));
	db_put_int(&q, id);
	db_put_int(&q, now_t);
	if (!db_run(&q))
		return false;
	filter_add(s->runs[s->n_runs - 1].filter, hash);
	s->n_keys++;
	return true;
}

bool
seen_trim(struct db *db, int64_t before_t)
{
	if (!load(db))
		return false;
	if (db->seen.n_runs > 0 && db->seen.runs[0].last_t < before_t)
		return forget_first(db);
	return true;
}
