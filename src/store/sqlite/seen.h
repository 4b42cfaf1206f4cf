/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which dedupe keys came lately.  Keys are hashes, so one ordered table of all of them would write
 * a random page for each delivery: with a million keys, most of what the disk does.  They are
 * therefore kept in runs of SEEN_RUN_KEYS: only the newest run grows, and its few pages are written
 * once per commit.  A Bloom filter per run, in memory and beside the run, says which runs need not
 * be looked at.  A run is forgotten as a whole.
 */
#ifndef ADIT_STORE_SQLITE_SEEN_H
#define ADIT_STORE_SQLITE_SEEN_H

#include "base/check.h"
#include "base/slice.h"

#include <openssl/types.h>

struct db;

enum {
	SEEN_HASH_BYTES = 16,
	SEEN_RUN_KEYS = 8192,
	SEEN_FILTER_BYTES = SEEN_RUN_KEYS * 2, /* 16 bits a key: 1 in 1,000 is looked up in vain */
};

struct seen_run {
	int64_t run, last_t; /* last_t: of its newest key; INT64_MAX while it grows */
	unsigned char *filter;
};

/* What is in memory: a part of struct db, read from the file when it is needed first. */
struct seen {
	struct seen_run *runs;           /* oldest first; the last one grows */
	size_t n_runs, cap_runs, n_keys; /* n_keys: of the last run */
	bool loaded, changed; /* changed: runs were added or taken away in this transaction */
	EVP_MD_CTX *md;       /* SHA-256, ready for the next key */
};

void seen_fini(struct seen *s);
/* The transaction was rolled back: what is in memory may be wrong. */
void seen_rolled_back(struct seen *s);
void seen_committed(struct seen *s);

/* The 128-bit hash of a route's key; false when the library has no memory. */
bool seen_hash(struct seen *s, int64_t route, struct slice key,
    unsigned char hash[SEEN_HASH_BYTES]) must_use;
/* The delivery that came with it at since_t or later, 0 when there is none; db->fault. */
int64_t seen_get(struct db *db, const unsigned char hash[SEEN_HASH_BYTES], int64_t since_t);
bool seen_put(struct db *db, const unsigned char hash[SEEN_HASH_BYTES], int64_t id,
    int64_t now_t) must_use;
/* Forgets one run all of whose keys are older than before_t, if there is one. */
bool seen_trim(struct db *db, int64_t before_t) must_use;

#endif
