/* SPDX-License-Identifier: Apache-2.0 */
/* A page of the inbox that cannot be read: what stands on it is told, everything else goes on. */
#include "store/sqlite/check.h"
#include "unit/store/inbox_help.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { N = 100, PAGE = 8192, NEEDLE = 20 };

static char path[128];

/* N deliveries of a KiB each, so that several share a page; the middle one can be found in the
 * file. */
static void
new_filled(const char *target, const char *needle)
{
	static char body[1024];
	struct store *s = inbox_new();

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	memset(body, 'b', sizeof(body));
	for (int i = 0; i < N; i++) {
		struct inbox_req r = new_put("jenkins", "", "");

		memcpy(body, i == NEEDLE ? needle : "..........", 10);
		r.put.target = i == NEEDLE ? slice_str(target) : S("/");
		r.put.body = slice_of(body, sizeof(body));
		EXPECT_INT(ask(s, &r), STORE_OK);
	}
	store_close(s);
}

/* Fills the page that holds the needle with rubbish. With a log file as of a crash the store checks
 * itself when it is opened. */
static void
spoil(const char *needle, bool crashed)
{
	unsigned char *file;
	char wal[160];
	struct stat st;
	off_t at = -1;
	int fd = open(path, O_RDWR);

	EXPECT_INT(fstat(fd, &st), 0);
	file = malloc((size_t)st.st_size);
	EXPECT_INT(pread(fd, file, (size_t)st.st_size, 0), st.st_size);
	for (off_t i = 0; at < 0 && i + 10 <= st.st_size; i++)
		if (memcmp(file + i, needle, 10) == 0)
			at = i / PAGE * PAGE;
	EXPECT(at > 0);
	memset(file, 0xAA, PAGE);
	EXPECT_INT(pwrite(fd, file, PAGE, at), PAGE);
	free(file);
	close(fd);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	fd = crashed ? open(wal, O_CREAT | O_RDWR, 0600) : -1;
	if (fd >= 0) {
		EXPECT_INT(write(fd, "x", 1), 1);
		close(fd);
	}
}

static size_t
rows(struct store *s, enum inbox_op op)
{
	struct inbox_req r = { .op = op, .find.n_max = 4 * N };
	size_t n;

	EXPECT_INT(ask(s, &r), STORE_OK);
	n = r.n_items;
	inbox_req_fini(&r);
	/* with a filter, too, which SQL sees to */
	r.find.event = S("repo:push");
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(r.n_items, n);
	inbox_req_fini(&r);
	return n;
}

/* Delivers all that can be leased; returns how many. */
static size_t
deliver_all(struct store *s)
{
	size_t n = 0;

	for (;;) {
		struct inbox_req r = lease_all(s, "jenkins");
		size_t got = r.n_items;

		for (size_t i = 0; i < got; i++)
			EXPECT_INT(settle(s, r.items[i].id, INBOX_DELIVERED, 0), STORE_OK);
		inbox_req_fini(&r);
		n += got;
		if (got == 0)
			return n;
	}
}

TEST(a_damaged_body_is_parked_and_the_rest_goes_on)
{
	for (int crashed = 0; crashed < 2; crashed++) {
		struct inbox_req r = { .op = INBOX_SHOW, .show.id = NEEDLE + 1 };
		struct store *s;
		size_t n, left;

		new_filled("/", "needle-body");
		spoil("needle-bod", crashed != 0);
		s = help_open(path);
		EXPECT_INT(rows(s, INBOX_LIST), N);
		left = rows(s, INBOX_EXPORT);
		EXPECT(left < N && left > N / 2);
		EXPECT_INT(ask(s, &r), STORE_DAMAGED);
		EXPECT(store_healthy(s));
		EXPECT(slice_starts(slice_str(store_error(s)), S("damaged")));
		n = deliver_all(s);
		EXPECT_INT(n, left);
		EXPECT_INT(rows(s, INBOX_LIST), N);
		r = (struct inbox_req){ .op = INBOX_COUNT };
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(r.counts.n[INBOX_DELIVERED], left);
		EXPECT_INT(r.counts.n[INBOX_PARKED], N - left);
		/* and what comes is stored and delivered */
		EXPECT(store_one(s, "jenkins", "", "new") != 0);
		EXPECT_INT(deliver_all(s), 1);
		store_close(s);
		help_clean();
	}
}

TEST(a_damaged_row_is_passed_over)
{
	for (int crashed = 0; crashed < 2; crashed++) {
		struct inbox_req r = { .op = INBOX_SHOW, .show.id = NEEDLE + 1 };
		struct store *s;
		size_t left;

		new_filled("/needle-row", "..........");
		spoil("needle-row", crashed != 0);
		s = help_open(path);
		left = rows(s, INBOX_LIST);
		EXPECT(left < N);
		EXPECT_INT(rows(s, INBOX_EXPORT), left);
		EXPECT_INT(ask(s, &r), STORE_DAMAGED);
		EXPECT_INT(deliver_all(s), left);
		EXPECT(store_healthy(s));
		r = (struct inbox_req){ .op = INBOX_RETAIN, .retain.keep_ms = 1 };
		pass(10);
		EXPECT_INT(ask(s, &r), STORE_OK);
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "n"), STORE_OK);
		store_close(s);
		help_clean();
	}
}

/* What the check at the start had no time for is found while the store works. */
TEST(pieces_of_the_check_name_the_table)
{
	for (int i = 0; i < 2; i++) {
		char *error = NULL, names[160];
		struct db *db;

		new_filled(i == 0 ? "/" : "/needle-row", i == 0 ? "needle-body" : "..........");
		spoil(i == 0 ? "needle-bod" : "needle-row", false);
		db = db_open(path, &error);
		EXPECT_INT(db->hurt, 0);
		while (check_piece(db))
			EXPECT_INT(db->fault, DB_FINE);
		check_names(db->hurt, names, sizeof(names));
		EXPECT_SLICE(slice_str(names), i == 0 ? S("payloads") : S("deliveries"));
		EXPECT(db->damaged);
		db_close(db);
		help_clean();
	}
}

static void
claim(struct store *s, int i, const char *policy)
{
	struct store_req r = {
		.op = STORE_NAME_CLAIM, .route.set_policy = true, .route.policy = slice_str(policy)
	};

	PUT(r.account, "ann");
	snprintf(r.route.name, sizeof(r.route.name), "name%03d", i);
	EXPECT_INT(call(s, &r), STORE_OK);
	store_req_fini(&r);
}

static size_t
names(struct store *s, enum store_op op)
{
	struct store_req r = { .op = op };
	size_t n, n_max = op == STORE_NAME_LIST ? LIMIT_STORE_ROWS : LIMIT_STORE_POLICIES;
	size_t all = 0;

	do {
		EXPECT_INT(call(s, &r), STORE_OK);
		n = r.n_rows;
		all += n;
		if (n > 0)
			PUT(r.route.name, r.rows[n - 1].name);
		store_req_fini(&r);
	} while (n == n_max);
	return all;
}

/* Of those whose rows stand on another page nothing is missing, behind the damaged ones, too. */
TEST(names_are_listed_around_damage)
{
	for (int crashed = 0; crashed < 2; crashed++) {
		enum { NAMES = 300 };
		char policy[600];
		struct store *s = inbox_new();
		size_t left;

		snprintf(path, sizeof(path), "%s/adit.db", help_dir);
		memset(policy, 'p', sizeof(policy) - 1);
		policy[sizeof(policy) - 1] = '\0';
		for (int i = 0; i < NAMES; i++) {
			memcpy(policy, i == NEEDLE ? "needle-pol" : "pppppppppp", 10);
			claim(s, i, policy);
		}
		store_close(s);
		spoil("needle-pol", crashed != 0);
		s = help_open(path);
		left = names(s, STORE_NAME_POLICIES);
		EXPECT(left < NAMES && left > NAMES - 30);
		EXPECT_INT(names(s, STORE_NAME_LIST), left);
		EXPECT(slice_starts(slice_str(store_error(s)), S("damaged")));
		EXPECT(crashed == 0 || strstr(store_error(s), "some of names ") != NULL);
		EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "name020"), STORE_DAMAGED);
		EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "name299"), STORE_OK);
		EXPECT(store_one(s, "jenkins", "", "new") != 0);
		store_close(s);
		help_clean();
	}
}

/* The page on which the last rows of a table or index stand: its root's rightmost leaf. */
static int64_t
last_leaf(const char *name)
{
	sqlite3 *sqlite = NULL;
	sqlite3_stmt *st = NULL;
	unsigned char page[PAGE];
	int fd = open(path, O_RDONLY);
	int64_t n;

	EXPECT_INT(sqlite3_open(path, &sqlite), SQLITE_OK);
	EXPECT_INT(sqlite3_prepare_v2(sqlite, "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
		       -1, &st, NULL),
	    SQLITE_OK);
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	EXPECT_INT(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(sqlite);
	for (;;) {
		EXPECT_INT(pread(fd, page, PAGE, (n - 1) * PAGE), PAGE);
		if (page[0] != 2 && page[0] != 5) /* not an interior one (fileformat2.html, 1.6) */
			break;
		n = (int64_t)page[8] << 24 | page[9] << 16 | page[10] << 8 | page[11];
	}
	close(fd);
	return n;
}

static void
spoil_last(const char *name)
{
	unsigned char rubbish[PAGE];
	int64_t n = last_leaf(name);
	int fd = open(path, O_RDWR);

	memset(rubbish, 0xAA, PAGE);
	EXPECT_INT(pwrite(fd, rubbish, PAGE, (n - 1) * PAGE), PAGE);
	close(fd);
}

/* In two lanes, so that no row is of itself, each with a dedupe key and an attempt. */
static void
put_numbered(struct store *s, int i)
{
	struct inbox_req r = new_put("jenkins", i % 2 == 0 ? "even" : "odd", "");
	char key[16];
	static char body[1024];

	memset(body, 'b', sizeof(body));
	snprintf(body, sizeof(body), "%04d", i);
	snprintf(key, sizeof(key), "key%d", i);
	r.put.body = slice_of(body, sizeof(body));
	r.put.dedupe_key = slice_str(key);
	r.put.dedupe_ms = 3600000;
	r.put.hold = i < 2;
	EXPECT_INT(ask(s, &r), STORE_OK);
	if (r.put.hold)
		EXPECT_INT(settle(s, r.id, INBOX_QUEUED, 0), STORE_OK);
}

/* All that can be leased, settled one by one; each lane in order. Returns how many. */
static int
deliver_in_order(struct store *s)
{
	int last[2] = { -1, -1 }, n = 0;

	for (;;) {
		struct inbox_req r = lease_all(s, "jenkins");
		size_t got = r.n_items;

		for (size_t i = 0; i < got; i++) {
			int number = atoi(r.items[i].body.p);

			EXPECT(number > last[number % 2]);
			last[number % 2] = number;
			EXPECT_INT(settle(s, r.items[i].id, INBOX_DELIVERED, 0), STORE_OK);
			n++;
		}
		inbox_req_fini(&r);
		if (got == 0 && !r.more)
			return n;
	}
}

/* What new rows must be written to is damaged: they are stored and delivered all the same. */
static void
bad_end(const char *name, const char *table, int lost_max)
{
	enum { OLD = 60, NEW = 20 };
	struct inbox_req r = {
		.op = INBOX_RETAIN, .retain.keep_ms = 1, .retain.keep_failed_ms = 1
	};
	struct store *s = inbox_new();
	int n = 0, got, lost = 0;

	snprintf(path, sizeof(path), "%s/adit.db", help_dir);
	while (n < OLD)
		put_numbered(s, n++);
	store_close(s);
	spoil_last(name);
	for (int run = 0; run < 2; run++) { /* and after another start */
		s = help_open(path);
		for (int i = 0; i < NEW; i++)
			put_numbered(s, n++);
		EXPECT(store_healthy(s));
		got = deliver_in_order(s);
		EXPECT(got <= (run == 0 ? n : NEW) && got >= (run == 0 ? n - lost_max : NEW));
		EXPECT(strstr(store_error(s), table) != NULL || run == 1);
		lost = n - (int)rows(s, INBOX_LIST);
		EXPECT(lost >= 0 && lost <= lost_max);
		store_close(s);
	}
	s = help_open(path);
	pass(1000);
	EXPECT_INT(ask(s, &r), STORE_OK);
	r = (struct inbox_req){ .op = INBOX_COUNT };
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT(r.counts.n[INBOX_DELIVERED] + r.counts.n[INBOX_PARKED] <= (uint64_t)lost_max);
	store_close(s);
	help_clean();
}

TEST(a_damaged_end_of_a_table_stops_nobody)
{
	bad_end("payloads", "payloads", 10);
	bad_end("deliveries", "deliveries", 60);
	bad_end("seen", "seen", 0);
	bad_end("attempts", "attempts", 0);
	bad_end("usage", "usage", 0);
}

TEST(a_damaged_end_of_an_index_stops_nobody)
{
	bad_end("deliveries_state", "deliveries", 0);
	bad_end("deliveries_due", "deliveries", 0);
	bad_end("deliveries_behind", "deliveries", 0);
	bad_end("deliveries_first", "deliveries", 0);
}

/* clang-format off */
TESTS(
	TEST_ROW(a_damaged_body_is_parked_and_the_rest_goes_on)
	TEST_ROW(a_damaged_row_is_passed_over)
	TEST_ROW(pieces_of_the_check_name_the_table)
	TEST_ROW(names_are_listed_around_damage)
	TEST_ROW(a_damaged_end_of_a_table_stops_nobody)
	TEST_ROW(a_damaged_end_of_an_index_stops_nobody)
)
/* clang-format on */
