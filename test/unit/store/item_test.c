/* SPDX-License-Identifier: Apache-2.0 */
#include "store/item.h"

#include "base/limits.h"
#include "unit/store/help.h"

static void
on_done(struct item_req *req)
{
	waiter_post(req->owner);
}

static enum store_result
ask(struct store *s, struct item_req *req)
{
	struct waiter w = WAITER;

	req->done = on_done;
	req->owner = &w;
	item_submit(s, req);
	waiter_wait(&w, 1);
	return req->result;
}

static enum store_result
put_item(struct store *s, const char *kind, const char *name, const char *text, uint64_t *version)
{
	struct item_req r = { .op = ITEM_PUT, .version = *version, .bytes = slice_str(text) };
	enum store_result result;

	PUT(r.kind, kind);
	PUT(r.name, name);
	PUT(r.account, "ann");
	result = ask(s, &r);
	*version = r.version;
	return result;
}

static enum store_result
del_item(struct store *s, const char *kind, const char *name, uint64_t version)
{
	struct item_req r = { .op = ITEM_DEL, .version = version };

	PUT(r.kind, kind);
	PUT(r.name, name);
	return ask(s, &r);
}

static void
list_items(struct store *s, struct item_req *r, const char *kind, const char *after,
    const char *account)
{
	*r = (struct item_req){ .op = ITEM_LIST };
	PUT(r->kind, kind);
	PUT(r->name, after);
	PUT(r->account, account);
	EXPECT_INT(ask(s, r), STORE_OK);
}

TEST(version_by_version)
{
	struct store *s = help_open(help_path());
	struct item_req r;
	uint64_t first = 0, stale, any = ITEM_ANY, none = 0;

	EXPECT_INT(put_item(s, "ca", "a.example", "one", &first), STORE_OK);
	EXPECT_INT(first, 1);
	/* Made twice: the second has not seen the first. */
	EXPECT_INT(put_item(s, "ca", "a.example", "other", &none), STORE_CHANGED);
	stale = first;
	EXPECT_INT(put_item(s, "ca", "a.example", "two", &first), STORE_OK);
	EXPECT_INT(first, 2);
	EXPECT_INT(put_item(s, "ca", "a.example", "lost", &stale), STORE_CHANGED);
	EXPECT_INT(del_item(s, "ca", "a.example", 1), STORE_CHANGED);
	list_items(s, &r, "ca", "", "");
	EXPECT_INT(r.n_rows, 1);
	EXPECT_SLICE(slice_str(r.rows[0].bytes), S("two"));
	EXPECT_INT(r.rows[0].version, 2);
	EXPECT_SLICE(slice_str(r.rows[0].account), S("ann"));
	item_req_fini(&r);
	EXPECT_INT(put_item(s, "ca", "a.example", "three", &any), STORE_OK);
	EXPECT_INT(any, 3);
	EXPECT_INT(del_item(s, "ca", "a.example", 3), STORE_OK);
	EXPECT_INT(del_item(s, "ca", "a.example", ITEM_ANY), STORE_NONE);
	list_items(s, &r, "ca", "", "");
	EXPECT_INT(r.n_rows, 0);
	item_req_fini(&r);
	store_close(s);
	help_clean();
}

TEST(kinds_and_accounts_are_apart)
{
	struct store *s = help_open(help_path());
	struct item_req r;
	uint64_t v[3] = { 0, 0, 0 };

	EXPECT_INT(put_item(s, "ca", "x", "c", &v[0]), STORE_OK);
	EXPECT_INT(put_item(s, "dns", "x", "d", &v[1]), STORE_OK);
	EXPECT_INT(put_item(s, "dns", "y", "", &v[2]), STORE_OK);
	list_items(s, &r, "dns", "", "ann");
	EXPECT_INT(r.n_rows, 2);
	EXPECT_SLICE(slice_str(r.rows[0].bytes), S("d"));
	EXPECT_INT(r.rows[1].n, 0);
	item_req_fini(&r);
	list_items(s, &r, "dns", "x", "");
	EXPECT_INT(r.n_rows, 1);
	EXPECT_SLICE(slice_str(r.rows[0].name), S("y"));
	item_req_fini(&r);
	list_items(s, &r, "dns", "", "bob");
	EXPECT_INT(r.n_rows, 0);
	item_req_fini(&r);
	store_close(s);
	help_clean();
}

TEST(more_than_one_answer_and_a_restart)
{
	enum { N = LIMIT_STORE_ROWS + 3 };
	const char *path = help_path();
	struct store *s = help_open(path);
	struct item_req r;
	char name[ITEM_NAME_BYTES];

	for (int i = 0; i < N; i++) {
		uint64_t version = 0;

		snprintf(name, sizeof(name), "name%05d", i);
		EXPECT_INT(put_item(s, "dns", name, name, &version), STORE_OK);
	}
	store_close(s);
	s = help_open(path);
	list_items(s, &r, "dns", "", "");
	EXPECT_INT(r.n_rows, LIMIT_STORE_ROWS);
	EXPECT(r.more);
	put(name, sizeof(name), r.rows[r.n_rows - 1].name);
	item_req_fini(&r);
	list_items(s, &r, "dns", name, "");
	EXPECT_INT(r.n_rows, 3);
	EXPECT(!r.more);
	EXPECT_SLICE(slice_str(r.rows[2].bytes), S("name01002"));
	item_req_fini(&r);
	store_close(s);
	help_clean();
}

TEST(large_ones_and_malformed_requests)
{
	static char big[LIMIT_ITEM_BYTES + 1];
	struct store *s = help_open(help_path());
	struct item_req r = { .op = ITEM_PUT };
	uint64_t version = 0;

	memset(big, 'b', sizeof(big) - 1);
	for (int i = 0; i < 10; i++) {
		snprintf(r.name, sizeof(r.name), "big%d", i);
		PUT(r.kind, "ca");
		r.version = 0;
		r.bytes = slice_of(big, LIMIT_ITEM_BYTES);
		EXPECT_INT(ask(s, &r), STORE_OK);
	}
	r.bytes = slice_of(big, sizeof(big));
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	EXPECT_INT(put_item(s, "", "x", "", &version), STORE_INVALID);
	EXPECT_INT(put_item(s, "ca", "", "", &version), STORE_INVALID);
	memset(r.name, 'x', sizeof(r.name));
	EXPECT_INT(ask(s, &r), STORE_INVALID);
	/* An answer has a bound in bytes, too. */
	list_items(s, &r, "ca", "", "");
	EXPECT(r.more && r.n_rows > LIMIT_STORE_BATCH_BYTES / LIMIT_ITEM_BYTES && r.n_rows < 10);
	item_req_fini(&r);
	store_close(s);
	help_clean();
}

/* clang-format off */
TESTS(
	TEST_ROW(version_by_version)
	TEST_ROW(kinds_and_accounts_are_apart)
	TEST_ROW(more_than_one_answer_and_a_restart)
	TEST_ROW(large_ones_and_malformed_requests)
)
/* clang-format on */
