/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/seen.h"

#include "store/sqlite/db.h"
#include "unit/store/help.h"

static struct db *
open_db(const char *path)
{
	char *error;
	struct db *db = db_open(path, &error);

	if (db == NULL) {
		printf("%s\n", error);
		exit(1);
	}
	return db;
}

static void
hash_of(struct db *db, unsigned i, unsigned char hash[SEEN_HASH_BYTES])
{
	EXPECT(seen_hash(&db->seen, 1, slice_of(&i, sizeof(i)), hash));
}

static void
put_range(struct db *db, unsigned from, unsigned to)
{
	unsigned char hash[SEEN_HASH_BYTES];

	for (unsigned i = from; i < to; i++) {
		hash_of(db, i, hash);
		EXPECT(seen_put(db, hash, (int64_t)i + 1, i));
	}
}

static int64_t
get(struct db *db, unsigned i, int64_t since_t)
{
	unsigned char hash[SEEN_HASH_BYTES];

	hash_of(db, i, hash);
	return seen_get(db, hash, since_t);
}

/* How many of the keys are known with their own number. */
static unsigned
known(struct db *db, unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += get(db, i, 0) == (int64_t)i + 1;
	return n;
}

TEST(many_runs)
{
	enum { N = 3 * SEEN_RUN_KEYS + 100 };
	const char *path = help_path();
	struct db *db = open_db(path);
	uint64_t before;

	EXPECT(db_begin(db, true));
	put_range(db, 0, N);
	EXPECT(db_commit(db));
	EXPECT_INT(db->seen.n_runs, 4);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(known(db, 0, N), N);
		/* What is not known costs next to no look-up. */
		before = db->n_run;
		EXPECT_INT(known(db, N, 2 * N), 0);
		EXPECT(db->n_run - before < N / 50);
		db_close(db);
		db = open_db(path);
	}
	EXPECT_INT(get(db, 5, 5), 6);
	EXPECT_INT(get(db, 5, 6), 0);
	db_close(db);
	help_clean();
}

TEST(the_newest_one_counts)
{
	struct db *db = open_db(help_path());
	unsigned char hash[SEEN_HASH_BYTES], other[SEEN_HASH_BYTES];
	unsigned key = 7;

	hash_of(db, key, hash);
	EXPECT(seen_hash(&db->seen, 2, slice_of(&key, sizeof(key)), other));
	EXPECT(memcmp(hash, other, sizeof(hash)) != 0);
	EXPECT(db_begin(db, true));
	EXPECT(seen_put(db, hash, 1, 10));
	EXPECT(seen_put(db, hash, 2, 20));
	EXPECT_INT(seen_get(db, hash, 15), 2);
	put_range(db, 100, 100 + SEEN_RUN_KEYS);
	EXPECT(seen_put(db, hash, 3, 99999));
	EXPECT_INT(seen_get(db, hash, 0), 3);
	EXPECT(db_commit(db));
	db_close(db);
	help_clean();
}

/* A transaction that has closed a run and is rolled back leaves neither keys nor runs behind. */
TEST(rollback_over_a_full_run)
{
	const char *path = help_path();
	struct db *db = open_db(path);

	EXPECT(db_begin(db, true));
	put_range(db, 0, 10);
	EXPECT(db_commit(db));
	for (int i = 0; i < 2; i++) {
		EXPECT(db_begin(db, true));
		put_range(db, 10, 10 + 2 * SEEN_RUN_KEYS);
		db_rollback(db);
		EXPECT_INT(known(db, 0, 10), 10);
		EXPECT_INT(known(db, 10, 10 + 2 * SEEN_RUN_KEYS), 0);
		EXPECT_INT(db->seen.n_runs, 1);
	}
	EXPECT(db_begin(db, true));
	put_range(db, 10, 10 + 2 * SEEN_RUN_KEYS);
	EXPECT(db_commit(db));
	db_close(db);
	db = open_db(path);
	EXPECT_INT(known(db, 0, 10 + 2 * SEEN_RUN_KEYS), 10 + 2 * SEEN_RUN_KEYS);
	EXPECT_INT(db->seen.n_runs, 3);
	db_close(db);
	help_clean();
}

TEST(old_runs_are_forgotten)
{
	const char *path = help_path();
	struct db *db = open_db(path);

	EXPECT(db_begin(db, true));
	put_range(db, 0, 2 * SEEN_RUN_KEYS + 1);
	EXPECT(seen_trim(db, SEEN_RUN_KEYS));
	EXPECT_INT(db->seen.n_runs, 3); /* the last key of the first run is not old enough */
	EXPECT(seen_trim(db, SEEN_RUN_KEYS + 1));
	EXPECT_INT(db->seen.n_runs, 2);
	EXPECT(seen_trim(db, SEEN_RUN_KEYS + 1));
	EXPECT_INT(db->seen.n_runs, 2);
	EXPECT(db_commit(db));
	EXPECT_INT(known(db, 0, SEEN_RUN_KEYS), 0);
	EXPECT_INT(known(db, SEEN_RUN_KEYS, 2 * SEEN_RUN_KEYS + 1), SEEN_RUN_KEYS + 1);
	/* The run that grows stays, however old it is. */
	EXPECT(db_begin(db, true));
	EXPECT(seen_trim(db, INT64_MAX));
	EXPECT(seen_trim(db, INT64_MAX));
	EXPECT(db_commit(db));
	EXPECT_INT(db->seen.n_runs, 1);
	db_close(db);
	db = open_db(path);
	EXPECT_INT(known(db, 0, 2 * SEEN_RUN_KEYS + 1), 1);
	db_close(db);
	help_clean();
}

/* clang-format off */
TESTS(
	TEST_ROW(many_runs)
	TEST_ROW(the_newest_one_counts)
	TEST_ROW(rollback_over_a_full_run)
	TEST_ROW(old_runs_are_forgotten)
)
