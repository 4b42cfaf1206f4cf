/* SPDX-License-Identifier: Apache-2.0 */
/* What a delivery takes of its account's bytes: everything that is kept of it, and nothing after it has gone. */
#include "store/sqlite/migrate.h"
#include "unit/store/inbox_help.h"

#include <sqlite3.h>

static char path[128];

static uint64_t
bytes_of(struct store *s, const char *account)
{
	struct inbox_req r = { .op = INBOX_COUNT };
	uint64_t n = 0;

	PUT(r.account, account);
	EXPECT_INT(ask(s, &r), STORE_OK);
	for (int i = 0; i < INBOX_N_STATES; i++)
		n += r.counts.bytes[i];
	return n;
}

/* A failed attempt whose answer is n bytes long. */
static void
fail_once(struct store *s, uint64_t id, const char *tunnel, enum inbox_state to, size_t n)
{
	struct inbox_req r = lease_all(s, tunnel);

	inbox_req_fini(&r);
	r = (struct inbox_req){ .op = INBOX_SETTLE,
		.settle.id = id,
		.settle.lease = lease_of(s, id),
		.settle.to = to,
		.settle.tried = true,
		.settle.attempt = { .status = 500, .reason = "5xx", .n_answer = n } };
	memset(r.settle.attempt.answer, 'x', sizeof(r.settle.attempt.answer));
	EXPECT_INT(ask(s, &r), STORE_OK);
}

/* Statements of the test's own on the closed store; the first column of the first row. */
static int64_t
number(const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;
	sqlite3 *db;

	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	else
		printf("%s\n", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* What stands in the tables, counted anew. */
#define KEPT                                                                                       \
	"(SELECT coalesce(sum(512 + length(p.head) + length(p.body) + length(d.event)"             \
	" + length(d.provider_id) + length(d.order_key) + length(d.method) + length(d.target)"     \
	" + (SELECT coalesce(sum(128 + length(a.answer)), 0) FROM attempts a"                      \
	" WHERE a.delivery = d.id)), 0) FROM deliveries d JOIN payloads p ON p.id = d.id"          \
	" JOIN routes r ON r.id = d.route WHERE "

static void
recount(void)
{
	EXPECT_INT(number("SELECT count(*) FROM accounts x WHERE inbox_bytes <> " KEPT
			  "r.account = x.id)"),
	    0);
	EXPECT_INT(number("SELECT count(*) FROM usage u WHERE bytes <> " KEPT
			  "d.route = u.route AND d.state = u.state)"),
	    0);
}

TEST(q07_what_is_kept_of_attempts_counts)
{
	struct store *s = inbox_new();
	uint64_t id = store_one(s, "jenkins", "", "x"), had = bytes_of(s, "ann"), full;
	struct inbox_req r;

	for (int i = 0; i < LIMIT_INBOX_ATTEMPTS; i++)
		fail_once(s, id, "jenkins", INBOX_QUEUED, LIMIT_INBOX_ANSWER_BYTES);
	full = bytes_of(s, "ann");
	EXPECT(full - had >= LIMIT_INBOX_ATTEMPTS * LIMIT_INBOX_ANSWER_BYTES);
	/* no more are kept than so many: the oldest one's bytes are given back */
	fail_once(s, id, "jenkins", INBOX_QUEUED, 24);
	EXPECT_INT(bytes_of(s, "ann"), full - LIMIT_INBOX_ANSWER_BYTES + 24);
	/* and what they take is not there for new ones */
	r = new_put("jenkins", "", "y");
	r.put.account_bytes_max = full - LIMIT_INBOX_ANSWER_BYTES + 24 + 100;
	EXPECT_INT(ask(s, &r), STORE_LIMIT);
	r.put.account_bytes_max = full + 2048;
	EXPECT_INT(ask(s, &r), STORE_OK);
	EXPECT_INT(bytes_of(s, "eve"), 0);
	inbox_end(s);
}

/* --- a random life --- */

static uint32_t seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static const char *
any(void)
{
	static const char *const tunnels[] = { "jenkins", "gitea", "other" };

	return tunnels[dice(3)];
}

static void
store_any(struct store *s)
{
	static const char *const keys[] = { "", "app main", "app topic", "lib main" };
	static char body[3000];
	struct inbox_copy copies[2] = { { .tunnel = "other", .coalesce = true },
		{ .tunnel = "gitea" } };
	struct inbox_req r = new_put(any(), keys[dice(4)], "");
	static char target[200];

	memset(target, '/', sizeof(target));
	r.put.body = slice_of(body, dice(sizeof(body)));
	r.put.target = slice_of(target, 1 + dice(sizeof(target) - 1));
	r.put.push = dice(2) == 0;
	r.put.coalesce = dice(2) == 0;
	r.put.hold = dice(4) == 0;
	r.put.copies = copies;
	r.put.n_copies = dice(3);
	if (dice(4) == 0)
		PUT(r.account, "eve");
	r.put.account_bytes_max = 300000;
	EXPECT(ask(s, &r) != STORE_INVALID);
}

static void
try_any(struct store *s)
{
	static const enum inbox_state to[] = { INBOX_DELIVERED, INBOX_QUEUED, INBOX_QUEUED,
		INBOX_QUEUED, INBOX_PARKED, INBOX_DEAD };
	struct inbox_req l = lease_all(s, any());

	for (size_t i = 0; i < l.n_items; i++) {
		struct inbox_req r = { .op = INBOX_SETTLE,
			.settle.id = l.items[i].id,
			.settle.lease = l.items[i].lease,
			.settle.to = to[dice(6)],
			.settle.tried = dice(5) != 0,
			.settle.leases.n_max = dice(3) == 0 ? 1 : 0,
			.settle.skip_after = 3 };

		PUT(r.account, "ann");
		PUT(r.tunnel, "jenkins");
		snprintf(r.settle.note, sizeof(r.settle.note), "%s", dice(2) == 0 ? "a note" : "");
		r.settle.attempt.n_answer = dice(LIMIT_INBOX_ANSWER_BYTES + 1);
		EXPECT_INT(ask(s, &r), STORE_OK);
		inbox_req_fini(&r);
	}
	inbox_req_fini(&l);
}

static void
decide_any(struct store *s)
{
	struct inbox_req r = { .op = dice(3) == 0 ? INBOX_DROP : INBOX_REPLAY,
		.change.id = dice(2) == 0 ? 0 : 1 + dice(400),
		.change.find.states = 1 + dice(126),
		.change.account_bytes_max = 300000 };

	if (r.op == INBOX_REPLAY && dice(3) == 0)
		PUT(r.change.to_tunnel, "other");
	EXPECT(ask(s, &r) != STORE_INVALID);
}

static void
retain_any(struct store *s)
{
	struct inbox_req r = { .op = INBOX_RETAIN,
		.retain.keep_ms = 20000 + dice(60000),
		.retain.keep_failed_ms = 50000 + dice(60000),
		.retain.account_bytes_max = 150000 + dice(150000) };

	EXPECT_INT(ask(s, &r), STORE_OK);
}

static void
live(struct store *s, int steps)
{
	for (int i = 0; i < steps; i++) {
		pass(dice(1000));
		switch (dice(20)) {
		case 0:
			decide_any(s);
			break;
		case 1:
			retain_any(s);
			break;
		case 2:
		case 3:
		case 4:
		case 5:
			store_any(s);
			break;
		default:
			try_any(s);
		}
	}
}

TEST(q07_the_bytes_of_an_account_are_what_is_kept)
{
	for (uint32_t round = 0; round < 4; round++) {
		struct store *s;
		struct inbox_req r = {
			.op = INBOX_RETAIN, .retain.keep_ms = 1, .retain.keep_failed_ms = 1
		};

		seed = round;
		s = inbox_new();
		snprintf(path, sizeof(path), "%s/adit.db", help_dir);
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "other"), STORE_OK);
		for (int life = 0; life < 3; life++) {
			live(s, 300);
			store_close(s);
			recount();
			s = help_open(path);
		}
		EXPECT(bytes_of(s, "") > 0);
		/* and with the last one of all of them the last byte goes */
		for (uint32_t states = 0; states < 2; states++) {
			struct inbox_req drop = { .op = INBOX_DROP, .change.find.states = 127 };

			do {
				EXPECT_INT(ask(s, &drop), STORE_OK);
				drop.change.find.cursor = drop.cursor;
			} while (drop.more);
		}
		pass(1000000);
		do
			EXPECT_INT(ask(s, &r), STORE_OK);
		while (r.more);
		EXPECT_INT(bytes_of(s, ""), 0);
		store_close(s);
		EXPECT_INT(number("SELECT sum(inbox_bytes) FROM accounts"), 0);
		EXPECT_INT(number("SELECT count(*) FROM attempts"), 0);
		help_clean();
	}
}

/* A store of the schema before, which counted heads and bodies alone. */
TEST(q08_an_older_store_is_recounted)
{
	static const char rows[] =
	    "INSERT INTO accounts (id, name, created_ms) VALUES (1, 'ann', 1), (2, 'eve', 1);"
	    "INSERT INTO routes VALUES (1, 1, 'web'), (2, 2, 'eves');"
	    "INSERT INTO deliveries (id, route, state, place, lane, next_t, received_ms, "
	    "received_t,"
	    " bytes, event, provider_id, order_key, method, target) VALUES"
	    " (1, 1, 1, 3, 0, 0, 1, 1, 3, 'push', 'u', '', 'POST', '/hook'),"
	    " (2, 1, 3, 0, 0, 0, 1, 1, 3, 'push', '', 'a b', 'POST', '/'),"
	    " (3, 2, 4, 0, 0, 0, 1, 1, 3, '', '', '', 'GET', '/x');"
	    "INSERT INTO payloads VALUES (1, x'aabb', x'cc'), (2, x'aa', x'bbcc'), (3, x'', "
	    "x'aabbcc');"
	    "INSERT INTO attempts VALUES (2, 1, 1, 500, 1, '5xx', x'414243'), (2, 2, 1, 200, 1, "
	    "'', x'')";
	char *error = NULL;
	struct store *s;
	sqlite3 *db;

	PUT(path, help_path());
	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	EXPECT_INT(migrate_run(db, path, 8, &error), 0);
	EXPECT_INT(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	s = help_open(path);
	EXPECT_INT(bytes_of(s, "eve"), 3 + 512 + 3 + 2);
	store_close(s);
	recount();
	help_clean();
}

/* clang-format off */
TESTS(
	TEST_ROW(q07_what_is_kept_of_attempts_counts)
	TEST_ROW(q07_the_bytes_of_an_account_are_what_is_kept)
	TEST_ROW(q08_an_older_store_is_recounted)
)
/* clang-format on */
