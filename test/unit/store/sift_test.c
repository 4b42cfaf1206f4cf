/* SPDX-License-Identifier: Apache-2.0 */
/* Lists with a filter, over many rows: what SQL would select, page by page, and few requests for it. */
#include "store/sqlite/migrate.h"
#include "unit/store/inbox_help.h"

#include <sqlite3.h>

enum { N = 60000 };

/* Of 60 tunnels of two accounts, with rare events, a clock that was set back, and gaps. */
static const char rows[] =
    "INSERT INTO accounts (id, name, created_ms) VALUES (1, 'ann', 1), (2, 'eve', 1);"
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
    " INSERT INTO routes SELECT i, 1 + (i % 5 = 0), 't' || i FROM n;"
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
    " INSERT INTO deliveries (id, route, state, place, lane, next_t, received_ms, received_t, "
    "bytes,"
    " event, provider_id, order_key, method, target)"
    " SELECT i, CASE WHEN i % 3 = 0 THEN 1 ELSE 1 + i * 7 % 60 END,"
    " CASE WHEN i % 100 = 0 THEN 4 WHEN i % 7 = 0 THEN 6 ELSE 3 END, 0, 0, 0,"
    " 1000 + i - 20000 * (i > 40000), i, 0,"
    " CASE WHEN i % 9001 = 0 THEN 'rare' WHEN i % 2 THEN 'repo:push' ELSE 'pr:opened' END, '',"
    " CASE WHEN i % 4000 = 1 THEN 'team/app main' ELSE 'team/apple b' || (i % 50) END, 'POST', '/'"
    " FROM n WHERE i % 11 <> 5;"
    "INSERT INTO payloads SELECT id, x'', x'' FROM deliveries";

struct wish {
	const char *account, *tunnel, *event, *key;
	uint32_t states;
	int64_t from_ms, to_ms;
	const char *sql; /* the same */
};

#define BIT(state) INBOX_STATE_BIT(INBOX_##state)

static const struct wish wishes[] = {
	{ .event = "rare", .sql = "event = 'rare'" },
	{ .event = "none", .sql = "0" },
	{ .account = "ann", .event = "rare", .sql = "event = 'rare' AND route % 5" },
	{ .account = "eve", .event = "pr:opened", .sql = "event = 'pr:opened' AND route % 5 = 0" },
	{ .tunnel = "t1", .key = "team/app ", .sql = "route = 1 AND order_key LIKE 'team/app %'" },
	{ .tunnel = "t8", .event = "repo:push", .sql = "route = 8 AND event = 'repo:push'" },
	{ .key = "team/app", .states = BIT(PARKED), .sql = "state = 4" },
	{ .states = BIT(PARKED) | BIT(DROPPED),
	    .event = "rare",
	    .sql = "state IN (4, 6) AND event = 'rare'" },
	{ .from_ms = 35000, .to_ms = 36000, .sql = "received_ms BETWEEN 35000 AND 35999" },
	{ .to_ms = 1500,
	    .event = "pr:opened",
	    .sql = "received_ms < 1500 AND event = 'pr:opened'" },
	{ .from_ms = 40990, .states = BIT(PARKED), .sql = "received_ms >= 40990 AND state = 4" },
};

static sqlite3 *beside; /* a copy of the rows, for the test */

static struct store *
new_filled(void)
{
	const char *path = help_path();
	char *error = NULL;
	sqlite3 *db;

	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	EXPECT_INT(migrate_run(db, path, migrate_latest(), &error), 0);
	EXPECT_INT(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	EXPECT_INT(sqlite3_open(":memory:", &beside), SQLITE_OK);
	EXPECT_INT(migrate_run(beside, "", migrate_latest(), &error), 0);
	EXPECT_INT(sqlite3_exec(beside, rows, NULL, NULL, NULL), SQLITE_OK);
	return help_open(path);
}

static struct inbox_req
request(const struct wish *w, enum inbox_op op, uint32_t page)
{
	struct inbox_req r = { .op = op,
		.find.n_max = page,
		.find.states = w->states,
		.find.from_ms = w->from_ms,
		.find.to_ms = w->to_ms };

	PUT(r.account, w->account != NULL ? w->account : "");
	PUT(r.tunnel, w->tunnel != NULL ? w->tunnel : "");
	if (w->event != NULL)
		r.find.event = slice_str(w->event);
	if (w->key != NULL)
		r.find.order_key = slice_str(w->key);
	return r;
}

/* All pages of one wish are the rows of its SQL, in order. Returns how many requests that took. */
static int
compare(struct store *s, const struct wish *w, enum inbox_op op, uint32_t page)
{
	struct inbox_req r = request(w, op, page);
	sqlite3_stmt *st;
	char sql[512];
	int n = 0;

	snprintf(sql, sizeof(sql), "SELECT id FROM deliveries WHERE %s ORDER BY id %s", w->sql,
	    op == INBOX_LIST ? "DESC" : "");
	EXPECT_INT(sqlite3_prepare_v2(beside, sql, -1, &st, NULL), SQLITE_OK);
	do {
		n++;
		EXPECT_INT(ask(s, &r), STORE_OK);
		for (size_t i = 0; i < r.n_items; i++) {
			EXPECT_INT(sqlite3_step(st), SQLITE_ROW);
			EXPECT_INT(r.items[i].id, sqlite3_column_int64(st, 0));
		}
		inbox_req_fini(&r);
		r.find.cursor = r.cursor;
	} while (r.more && n < N);
	EXPECT_INT(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
	return n;
}

TEST(a_list_that_filters_gives_what_sql_selects)
{
	struct store *s = new_filled();

	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
		for (uint32_t page = 7; page <= 1000; page = page * 11 + 1) {
			(void)compare(s, &wishes[i], INBOX_LIST, page);
			(void)compare(s, &wishes[i], INBOX_EXPORT, page);
		}
	sqlite3_close(beside);
	inbox_end(s);
}

/* What does not match costs no request of its own. */
TEST(a_list_that_filters_needs_few_requests)
{
	struct store *s = new_filled();

	for (size_t i = 0; i < 3; i++) {
		EXPECT(compare(s, &wishes[i], INBOX_LIST, 1000) <= 8);
		EXPECT(compare(s, &wishes[i], INBOX_EXPORT, 1000) <= 8);
	}
	sqlite3_close(beside);
	inbox_end(s);
}

/* clang-format off */
TESTS(
	TEST_ROW(a_list_that_filters_gives_what_sql_selects)
	TEST_ROW(a_list_that_filters_needs_few_requests)
)
/* clang-format on */
