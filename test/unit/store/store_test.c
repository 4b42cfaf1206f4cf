/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "store/store.h"

#include "store/sqlite/accounts.h"
#include "store/sqlite/db.h"
#include "store/sqlite/migrate.h"
#include "store/token.h"
#include "unit/store/help.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- tokens --- */

TEST(token_form)
{
	char token[TOKEN_BYTES + 1], id[TOKEN_ID_BYTES + 1], other[TOKEN_BYTES + 1];
	char changed[TOKEN_BYTES + 2];

	token_make(token, id);
	token_make(other, id);
	EXPECT(strcmp(token, other) != 0);
	EXPECT(store_token_ok(slice_str(token)));
	EXPECT(slice_starts(slice_str(token), S("adit_")));
	EXPECT(!store_token_ok(S("")));
	EXPECT(!store_token_ok(slice_head(slice_str(token), TOKEN_BYTES - 1)));
	snprintf(changed, sizeof(changed), "%sx", token);
	EXPECT(!store_token_ok(slice_str(changed)));
	/* One changed character anywhere is seen. */
	for (size_t i = 0; i < TOKEN_BYTES; i++) {
		snprintf(changed, sizeof(changed), "%s", token);
		changed[i] = changed[i] == 'a' ? 'b' : 'a';
		EXPECT(!store_token_ok(slice_str(changed)));
		changed[i] = '\0';
		EXPECT(!store_token_ok(slice_of(changed, TOKEN_BYTES)));
	}
}

static enum store_result
login(struct store *s, const char *token, int64_t now_ms, struct store_req *r)
{
	*r = (struct store_req){ .op = STORE_LOGIN, .now_ms = now_ms };
	PUT(r->grant.token, token);
	return call(s, r);
}

TEST(token_life)
{
	struct store *s = help_open(help_path());
	struct store_req r,
	    add = { .op = STORE_TOKEN_ADD, .now_ms = 1000, .grant.expires_ms = 5000 };
	char token[128], other[TOKEN_BYTES + 1], id[24];

	PUT(add.account, "ann");
	PUT(add.grant.label, "laptop");
	EXPECT_INT(call(s, &add), STORE_OK);
	put(token, sizeof(token), add.grant.token);
	EXPECT(store_token_ok(slice_str(token)));

	EXPECT_INT(login(s, token, 4999, &r), STORE_OK);
	EXPECT_INT(r.grant.expires_ms, 5000); /* its link ends then, too */
	EXPECT_SLICE(slice_str(r.account), S("ann"));
	EXPECT_SLICE(slice_str(r.grant.id), slice_str(add.grant.id));
	EXPECT_INT(login(s, token, 5000, &r), STORE_REVOKED);

	/* An unknown id, a known id with another secret, rubbish. */
	token_make(other, id);
	EXPECT_INT(login(s, other, 2000, &r), STORE_NONE);
	EXPECT_SLICE(slice_str(r.account), S(""));
	memcpy(other + 5, token + 5, TOKEN_ID_BYTES);
	EXPECT_INT(login(s, other, 2000, &r), STORE_NONE);
	EXPECT_INT(login(s, "", 2000, &r), STORE_NONE);
	EXPECT_INT(login(s, "adit_' OR 1=1 --", 2000, &r), STORE_NONE);

	r = (struct store_req){ .op = STORE_TOKEN_REVOKE };
	PUT(r.grant.id, "nobody");
	EXPECT_INT(call(s, &r), STORE_NONE);
	PUT(r.grant.id, add.grant.id);
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_SLICE(slice_str(r.account), S("ann"));
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(login(s, token, 2000, &r), STORE_REVOKED);

	r = (struct store_req){ .op = STORE_TOKEN_LIST };
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.n_rows, 1);
	EXPECT(r.rows[0].revoked);
	EXPECT_SLICE(slice_str(r.rows[0].label), S("laptop"));
	EXPECT_INT(r.rows[0].expires_ms, 5000);
	store_req_fini(&r);
	r = (struct store_req){ .op = STORE_TOKEN_LIST };
	PUT(r.account, "bob");
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.n_rows, 0);
	store_req_fini(&r);
	store_req_fini(&add);
	EXPECT_SLICE(slice_str(add.grant.token), S(""));
	store_close(s);
	help_clean();
}

static enum store_result
add_scoped(struct store *s, const char *account, const char *scope, struct store_req *r)
{
	*r = (struct store_req){ .op = STORE_TOKEN_ADD, .now_ms = 1000 };
	PUT(r->account, account);
	PUT(r->grant.scope, scope);
	return call(s, r);
}

/* A token for names: the names are the account's from then on, and the token says which they are. */
TEST(tokens_with_a_scope)
{
	struct store *s = help_open(help_path());
	struct store_req r, list = { .op = STORE_TOKEN_KEYS };
	char token[128], id[24];

	EXPECT_INT(add_scoped(s, "ann", "home,nas", &r), STORE_OK);
	put(token, sizeof(token), r.grant.token);
	EXPECT_INT(login(s, token, 2000, &r), STORE_OK);
	EXPECT_SLICE(slice_str(r.grant.scope), S("home,nas"));
	r = (struct store_req){ .op = STORE_NAME_LOOKUP };
	PUT(r.route.name, "nas");
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_SLICE(slice_str(r.account), S("ann"));
	/* all or nothing */
	EXPECT_INT(add_scoped(s, "bob", "his,nas", &r), STORE_TAKEN);
	EXPECT_SLICE(slice_str(r.grant.refused), S("nas"));
	r = (struct store_req){ .op = STORE_NAME_LOOKUP };
	PUT(r.route.name, "his");
	EXPECT_INT(call(s, &r), STORE_NONE);
	EXPECT_INT(add_scoped(s, "bob", ",", &r), STORE_INVALID);
	EXPECT_INT(add_scoped(s, "ann", "nas,third", &r), STORE_OK);
	/* a tombstone of another account */
	r = (struct store_req){ .op = STORE_NAME_RELEASE };
	PUT(r.route.name, "third");
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(add_scoped(s, "bob", "third", &r), STORE_GONE);
	EXPECT_INT(add_scoped(s, "ann", "third", &r), STORE_OK);
	/* keys: only what has one, and was not revoked */
	r = (struct store_req){ .op = STORE_TOKEN_ADD, .now_ms = 1000, .grant.key = S("se\0aled") };
	PUT(r.account, "ann");
	PUT(r.grant.scope, "home");
	EXPECT_INT(call(s, &r), STORE_OK);
	put(id, sizeof(id), r.grant.id);
	EXPECT_INT(call(s, &list), STORE_OK);
	EXPECT_INT(list.n_rows, 1);
	EXPECT_SLICE(slice_str(list.rows[0].token_id), slice_str(id));
	EXPECT_SLICE(slice_str(list.rows[0].scope), S("home"));
	EXPECT_SLICE(slice_of(list.rows[0].key, list.rows[0].n_key), S("se\0aled"));
	store_req_fini(&list);
	r = (struct store_req){ .op = STORE_TOKEN_REVOKE };
	PUT(r.grant.id, id);
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(call(s, &list), STORE_OK);
	EXPECT_INT(list.n_rows, 0);
	store_req_fini(&list);
	store_close(s);
}

/* One row, one token: what list says about its last use after the store was closed and opened. */
static int64_t
used_after_reopen(struct store **s, const char *path)
{
	struct store_req r = { .op = STORE_TOKEN_LIST };
	int64_t used;

	store_close(*s);
	*s = help_open(path);
	EXPECT_INT(call(*s, &r), STORE_OK);
	used = r.n_rows == 1 ? r.rows[0].used_ms : -1;
	store_req_fini(&r);
	return used;
}

TEST(last_used_is_lazy)
{
	const char *path = help_path();
	struct store *s = help_open(path);
	struct store_req r;
	char token[128];

	help_account(s, "ann", token, sizeof(token));
	EXPECT_INT(login(s, token, 100000, &r), STORE_OK);
	EXPECT_INT(used_after_reopen(&s, path), 100000);
	/* Within the minute nothing is written, after it is. */
	EXPECT_INT(login(s, token, 159999, &r), STORE_OK);
	EXPECT_INT(used_after_reopen(&s, path), 100000);
	EXPECT_INT(login(s, token, 160000, &r), STORE_OK);
	EXPECT_INT(used_after_reopen(&s, path), 160000);
	store_close(s);
	help_clean();
}

/* S-05: a known id, an unknown one and rubbish cost the same statements. */
TEST(s05_login_same_work)
{
	const char *path = help_path();
	char *error, id[24], other[TOKEN_BYTES + 1];
	struct store_req add = { .op = STORE_TOKEN_ADD, .now_ms = 1 },
			 r = { .op = STORE_LOGIN, .now_ms = 2 };
	struct db *db = db_open(path, &error);
	uint64_t before, known;

	EXPECT(db != NULL);
	PUT(add.account, "ann");
	EXPECT_INT(accounts_run(db, &add), STORE_OK);
	before = db->n_run;
	PUT(r.grant.token, add.grant.token);
	EXPECT_INT(accounts_run(db, &r), STORE_OK);
	known = db->n_run - before;
	EXPECT_INT(known, 1);
	token_make(other, id);
	before = db->n_run;
	PUT(r.grant.token, other);
	EXPECT_INT(accounts_run(db, &r), STORE_NONE);
	EXPECT_INT(db->n_run - before, known);
	before = db->n_run;
	PUT(r.grant.token, "rubbish");
	EXPECT_INT(accounts_run(db, &r), STORE_NONE);
	EXPECT_INT(db->n_run - before, known);
	db_close(db);
	help_clean();
}

/* True when one of the directory's files holds the bytes. */
static bool
files_hold(const char *needle)
{
	DIR *d = opendir(help_dir);
	struct dirent *e;
	bool held = false;

	while (d != NULL && (e = readdir(d)) != NULL) {
		static char all[1 << 20];
		int fd = openat(dirfd(d), e->d_name, O_RDONLY);
		ssize_t n = fd < 0 ? 0 : read(fd, all, sizeof(all));

		held = held || (n > 0 && memmem(all, (size_t)n, needle, strlen(needle)) != NULL);
		if (fd >= 0)
			close(fd);
	}
	closedir(d);
	return held;
}

/* S-04, S-23: the secret is in none of the store's files, open or closed; its id is (so the scan
 * works). */
TEST(s04_no_secret_at_rest)
{
	struct store *s = help_open(help_path());
	struct store_req r;
	char token[128], id[24], secret[TOKEN_SECRET_BYTES + 1];

	help_account(s, "ann", token, sizeof(token));
	EXPECT_INT(login(s, token, 1000, &r), STORE_OK);
	put(id, sizeof(id), r.grant.id);
	memcpy(secret, token + 6 + TOKEN_ID_BYTES, TOKEN_SECRET_BYTES);
	secret[TOKEN_SECRET_BYTES] = '\0';
	EXPECT(files_hold(id));
	EXPECT(!files_hold(secret));
	store_close(s);
	EXPECT(files_hold(id));
	EXPECT(!files_hold(secret));
	help_clean();
}

/* --- names --- */

/* S-01: a released name is a tombstone for everyone but its last owner, for ever. */
TEST(s01_takeover_after_release)
{
	const char *path = help_path();
	struct store *s = help_open(path);

	help_account(s, "ann", NULL, 0);
	help_account(s, "eve", NULL, 0);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "jenkins"), STORE_NONE);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", "jenkins"), STORE_TAKEN);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "eve", "jenkins"), STORE_TAKEN);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "jenkins"), STORE_OK);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", "jenkins"), STORE_GONE);
		EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "eve", "jenkins"), STORE_GONE);
		EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "jenkins"), STORE_GONE);
		store_close(s);
		s = help_open(path);
	}
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", "jenkins"), STORE_TAKEN);
	/* The operator may release what is anybody's. */
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "", "jenkins"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", "jenkins"), STORE_GONE);
	store_close(s);
	help_clean();
}

TEST(name_forms)
{
	struct store *s = help_open(help_path());
	struct store_req r = { .op = STORE_NAME_LOOKUP };

	help_account(s, "ann", NULL, 0);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", ""), STORE_INVALID);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", ""), STORE_INVALID);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "", "x"), STORE_INVALID);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "nobody", "x"), STORE_NONE);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "nobody", "x"), STORE_NONE);
	memset(r.route.name, 'a', sizeof(r.route.name));
	EXPECT_INT(call(s, &r), STORE_INVALID);
	r.op = STORE_NAME_CLAIM;
	EXPECT_INT(call(s, &r), STORE_INVALID);
	r.route.name[63] = '\0';
	PUT(r.account, "ann");
	EXPECT_INT(call(s, &r), STORE_OK);
	store_close(s);
	help_clean();
}

static void
random_name(struct store *s, const char *account, const char *key, char name[64])
{
	struct store_req r = { .op = STORE_NAME_CLAIM };

	PUT(r.account, account);
	PUT(r.route.key, key);
	EXPECT_INT(call(s, &r), STORE_OK);
	memcpy(name, r.route.name, 64);
	EXPECT(strlen(name) >= 16);
}

TEST(random_names_are_kept)
{
	const char *path = help_path();
	struct store *s = help_open(path);
	char a[64], b[64], c[64];

	help_account(s, "ann", NULL, 0);
	help_account(s, "eve", NULL, 0);
	random_name(s, "ann", "host1:8080", a);
	random_name(s, "ann", "host1:8080", b);
	EXPECT_SLICE(slice_str(a), slice_str(b));
	random_name(s, "ann", "host1:9090", b);
	EXPECT(strcmp(a, b) != 0);
	/* The same key of another account is another name. */
	random_name(s, "eve", "host1:8080", b);
	EXPECT(strcmp(a, b) != 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", a), STORE_TAKEN);
	random_name(s, "ann", "", b);
	random_name(s, "ann", "", c);
	EXPECT(strcmp(b, c) != 0);
	store_close(s);
	s = help_open(path);
	random_name(s, "ann", "host1:8080", b);
	EXPECT_SLICE(slice_str(a), slice_str(b));
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", a), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "eve", a), STORE_GONE);
	random_name(s, "ann", "host1:8080", b);
	EXPECT_SLICE(slice_str(a), slice_str(b));
	store_close(s);
	help_clean();
}

static enum store_result
claim_within(struct store *s, const char *name, uint32_t max)
{
	struct store_req r = { .op = STORE_NAME_CLAIM, .route.per_account_max = max };

	PUT(r.account, "ann");
	PUT(r.route.name, name);
	return call(s, &r);
}

TEST(name_limit)
{
	struct store *s = help_open(help_path());
	char name[16];
	int burnt = 0;

	help_account(s, "ann", NULL, 0);
	EXPECT_INT(claim_within(s, "a", 2), STORE_OK);
	EXPECT_INT(claim_within(s, "b", 2), STORE_OK);
	EXPECT_INT(claim_within(s, "c", 2), STORE_LIMIT);
	EXPECT_INT(claim_within(s, "a", 2), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "b"), STORE_OK);
	EXPECT_INT(claim_within(s, "c", 2), STORE_OK);
	EXPECT_INT(claim_within(s, "b", 2), STORE_LIMIT);
	/* Tombstones cannot be made without end. */
	for (; burnt < 100; burnt++) {
		EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "c"), STORE_OK);
		snprintf(name, sizeof(name), "n%d", burnt);
		if (claim_within(s, name, 2) != STORE_OK)
			break;
		EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", name), STORE_OK);
	}
	EXPECT_INT(burnt, 17);
	store_close(s);
	help_clean();
}

TEST(name_list_pages)
{
	enum { N = 1500 };
	struct store *s = help_open(help_path());
	struct store_req *all = calloc(N, sizeof(*all)), r = { .op = STORE_NAME_LIST };
	struct waiter w = WAITER;
	char after[64];

	help_account(s, "ann", NULL, 0);
	for (size_t i = 0; i < N; i++) {
		all[i] =
		    (struct store_req){ .op = STORE_NAME_CLAIM, .done = help_done, .owner = &w };
		PUT(all[i].account, "ann");
		snprintf(all[i].route.name, sizeof(all[i].route.name), "n%05zu", i);
		store_submit(s, &all[i]);
	}
	waiter_wait(&w, N);
	for (size_t i = 0; i < N; i++)
		EXPECT_INT(all[i].result, STORE_OK);
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.n_rows, 1000);
	EXPECT_SLICE(slice_str(r.rows[0].name), S("n00000"));
	EXPECT_SLICE(slice_str(r.rows[0].account), S("ann"));
	put(after, sizeof(after), r.rows[999].name);
	store_req_fini(&r);
	PUT(r.route.name, after);
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.n_rows, 500);
	EXPECT_SLICE(slice_str(r.rows[499].name), S("n01499"));
	store_req_fini(&r);
	free(all);
	store_close(s);
	help_clean();
}

/* --- ports --- */

static enum store_result
port(struct store *s, enum store_op op, const char *account, uint16_t *number, const char *key)
{
	struct store_req r = {
		.op = op, .route.port = *number, .route.port_min = 20000, .route.port_max = 20002
	};

	PUT(r.account, account);
	PUT(r.route.key, key);
	(void)call(s, &r);
	*number = r.route.port;
	return r.result;
}

TEST(ports)
{
	struct store *s = help_open(help_path());
	uint16_t a = 0, b = 0, c = 0, d = 0, outside = 22, free_one = 20001;

	help_account(s, "ann", NULL, 0);
	help_account(s, "eve", NULL, 0);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &a, "ssh"), STORE_OK);
	EXPECT(a >= 20000 && a <= 20002);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &b, "ssh"), STORE_OK);
	EXPECT_INT(b, a);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "eve", &b, ""), STORE_TAKEN);
	EXPECT_INT(port(s, STORE_PORT_RELEASE, "eve", &a, ""), STORE_TAKEN);
	b = 0;
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "eve", &b, "ssh"), STORE_OK);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "eve", &c, "db"), STORE_OK);
	EXPECT(a != b && b != c && a != c);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &d, "more"), STORE_LIMIT);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &outside, ""), STORE_INVALID);
	EXPECT_INT(port(s, STORE_PORT_RELEASE, "ann", &a, ""), STORE_OK);
	EXPECT_INT(port(s, STORE_PORT_RELEASE, "ann", &a, ""), STORE_NONE);
	EXPECT_INT(port(s, STORE_PORT_RELEASE, "", &b, ""), STORE_OK);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &a, ""), STORE_OK);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &free_one, ""),
	    free_one == c ? STORE_TAKEN : STORE_OK);
	store_close(s);
	help_clean();
}

static bool
name_is_disabled(struct store *s)
{
	struct store_req r = { .op = STORE_NAME_LIST };
	bool is;

	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.n_rows, 1);
	is = r.rows[0].disabled;
	store_req_fini(&r);
	return is;
}

/* A name that the operator has switched off is so after a restart, and whatever its account does. */
TEST(disabled_names)
{
	const char *path = help_path();
	struct store *s = help_open(path);

	help_account(s, "ann", NULL, 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "web"), STORE_OK);
	EXPECT(!name_is_disabled(s));
	EXPECT_INT(help_name(s, STORE_NAME_DISABLE, "", ""), STORE_INVALID);
	EXPECT_INT(help_name(s, STORE_NAME_DISABLE, "", "nobody"), STORE_NONE);
	EXPECT_INT(help_name(s, STORE_NAME_ENABLE, "", "web"), STORE_OK); /* changes nothing */
	EXPECT(!name_is_disabled(s));
	EXPECT_INT(help_name(s, STORE_NAME_DISABLE, "", "web"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_DISABLE, "", "web"), STORE_OK);
	store_close(s);
	s = help_open(path);
	EXPECT(name_is_disabled(s));
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "web"), STORE_OK);
	EXPECT(name_is_disabled(s));
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "web"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_ENABLE, "", "web"), STORE_GONE);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "web"), STORE_OK);
	EXPECT(name_is_disabled(s));
	EXPECT_INT(help_name(s, STORE_NAME_ENABLE, "", "web"), STORE_OK);
	EXPECT(!name_is_disabled(s));
	store_close(s);
	help_clean();
}

/* What is off, and since when, stays over a close; a released port forgets it. */
TEST(stopped_tunnels)
{
	const char *path = help_path();
	struct store *s = help_open(path);
	struct store_req r = { .op = STORE_NAME_LIST };
	uint16_t at = 20001;

	help_account(s, "ann", NULL, 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "web"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "jobs"), STORE_OK);
	EXPECT_INT(port(s, STORE_PORT_CLAIM, "ann", &at, ""), STORE_OK);
	EXPECT_INT(call(s, &(struct store_req){ .op = STORE_STOPPED,
			       .route.name = "web",
			       .route.stopped = true,
			       .now_ms = 7 }),
	    STORE_OK);
	EXPECT_INT(call(s, &(struct store_req){ .op = STORE_STOPPED,
			       .route.name = "jobs",
			       .route.stopped = true,
			       .now_ms = 8 }),
	    STORE_OK);
	EXPECT_INT(call(s, &(struct store_req){ .op = STORE_STOPPED, .route.name = "jobs" }),
	    STORE_OK);
	EXPECT_INT(call(s, &(struct store_req){ .op = STORE_STOPPED,
			       .route.port = at,
			       .route.stopped = true,
			       .now_ms = 9 }),
	    STORE_OK);
	EXPECT_INT(call(s,
		       &(struct store_req){
			   .op = STORE_STOPPED, .route.name = "nobody", .route.stopped = true }),
	    STORE_OK);
	store_close(s);
	s = help_open(path);
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT(r.n_rows == 2 && r.rows[0].stopped_ms == 0 && r.rows[1].stopped_ms == 7);
	store_req_fini(&r);
	r = (struct store_req){ .op = STORE_PORT_LIST, .route.port = 20000 };
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT(r.n_rows == 1 && r.rows[0].port == 20001 && r.rows[0].stopped_ms == 9);
	EXPECT_SLICE(slice_str(r.rows[0].account), S("ann"));
	store_req_fini(&r);
	r = (struct store_req){ .op = STORE_PORT_LIST, .route.port = 20001 };
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.n_rows, 0);
	store_req_fini(&r);
	store_close(s);
	help_clean();
}

/* A kept port that the operator's range no longer holds is exchanged. */
TEST(port_range_moves)
{
	struct store *s = help_open(help_path());
	struct store_req r = { .op = STORE_PORT_CLAIM,
		.route.port_min = 65535,
		.route.port_max = 65535,
		.route.per_account_max = 1 };

	help_account(s, "ann", NULL, 0);
	PUT(r.account, "ann");
	PUT(r.route.key, "ssh");
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.route.port, 65535);
	r.route.port = 0;
	r.route.port_min = r.route.port_max = 1024;
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT_INT(r.route.port, 1024);
	r.route.port = 2000;
	r.route.port_min = r.route.port_max = 0;
	EXPECT_INT(call(s, &r), STORE_LIMIT);
	r.route.port = 0;
	EXPECT_INT(call(s, &r), STORE_INVALID);
	store_close(s);
	help_clean();
}

TEST(audit_and_stat)
{
	struct store *s = help_open(help_path());
	struct store_req r = { .op = STORE_AUDIT };

	help_account(s, "ann", NULL, 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "a"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "b"), STORE_OK);
	EXPECT_INT(help_name(s, STORE_NAME_RELEASE, "ann", "b"), STORE_OK);
	PUT(r.account, "ann");
	PUT(r.note.event, "login");
	PUT(r.note.text, "from 127.0.0.1'; DROP TABLE names; --");
	EXPECT_INT(call(s, &r), STORE_OK);
	r = (struct store_req){ .op = STORE_STAT };
	EXPECT_INT(call(s, &r), STORE_OK);
	EXPECT(strstr(r.note.text, "accounts=1 tokens=1 names=1 tombstones=1 ports=0") != NULL);
	store_close(s);
	help_clean();
}

/* --- the file --- */

TEST(file_is_private)
{
	const char *path = help_path();
	char wal[160];
	struct stat st;
	int fd = open(path, O_CREAT | O_RDWR, 0644);
	struct store *s;

	close(fd);
	s = help_open(path);
	help_account(s, "ann", NULL, 0);
	EXPECT_INT(stat(path, &st), 0);
	EXPECT_INT(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	EXPECT_INT(stat(wal, &st), 0);
	EXPECT_INT(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s.lock", path);
	EXPECT_INT(stat(wal, &st), 0);
	EXPECT_INT(st.st_mode & 0777, 0600);
	/* Exclusive locking needs no shared memory, which a second connection would. */
	snprintf(wal, sizeof(wal), "%s-shm", path);
	EXPECT(stat(wal, &st) != 0);
	store_close(s);
	help_clean();
}

static void
expect_refused(const char *path, const char *part)
{
	char *error;
	struct store *s = store_open(&sqlite_engine, path, &error);

	EXPECT(s == NULL);
	EXPECT(error != NULL && strstr(error, part) != NULL);
	if (error != NULL && strstr(error, part) == NULL)
		printf("said: %s\n", error);
	free(error);
}

TEST(one_process_only)
{
	const char *path = help_path();
	struct store *s = help_open(path);
	char *error;
	sqlite3 *other;
	pid_t child;
	int status;

	help_account(s, "ann", NULL, 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct store *second = store_open(&sqlite_engine, path, &error);

		_exit(second == NULL && strstr(error, "in use by another process") != NULL ? 0 : 1);
	}
	EXPECT_INT(waitpid(child, &status, 0), child);
	EXPECT_INT(status, 0);
	expect_refused(path, "in use by another process");
	/* Nor does the file open for a program that knows nothing of our lock. */
	fflush(stdout);
	child = fork();
	if (child == 0) {
		int rc = sqlite3_open(path, &other);

		if (rc == SQLITE_OK)
			rc = sqlite3_exec(other, "SELECT count(*) FROM names", NULL, NULL, NULL);
		_exit(rc == SQLITE_BUSY ? 0 : 1);
	}
	EXPECT_INT(waitpid(child, &status, 0), child);
	EXPECT_INT(status, 0);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "a"), STORE_OK);
	store_close(s);
	s = help_open(path);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "", "a"), STORE_OK);
	store_close(s);
	help_clean();
}

static void
sql(const char *path, const char *text)
{
	sqlite3 *db;

	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	EXPECT_INT(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

TEST(newer_schema_is_refused)
{
	const char *path = help_path();
	struct store *s = help_open(path);

	store_close(s);
	sql(path,
	    "PRAGMA user_version = 99; UPDATE meta SET value = '7.8.9' WHERE key = 'program'");
	expect_refused(path, "has schema 99");
	expect_refused(path, "install adit 7.8.9 or newer");
	sql(path, "DROP TABLE meta");
	expect_refused(path, "of a newer version");
	help_clean();
}

TEST(other_files_are_refused)
{
	const char *path = help_path();
	int fd;

	sql(path, "CREATE TABLE x (y)");
	expect_refused(path, "another program");
	help_clean();
	path = help_path();
	fd = open(path, O_CREAT | O_RDWR, 0600);
	EXPECT_INT(write(fd, "this is not a database, it is a text that is long enough", 56), 56);
	close(fd);
	expect_refused(path, "not a database");
	help_clean();
	expect_refused("/nonexistent/adit.db", "No such file");
}

/* Every older schema, with rows in it, comes up to the newest one. */
TEST(q08_migrates_from_each_schema)
{
	for (int version = 0; version <= migrate_latest(); version++) {
		const char *path = help_path();
		char *error = NULL;
		struct store *s;
		sqlite3 *db;

		EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
		EXPECT_INT(migrate_run(db, path, version, &error), 0);
		if (version >= 1)
			EXPECT_INT(
			    sqlite3_exec(db,
				"INSERT INTO accounts (id, name, created_ms) VALUES (5, 'ann', 1);"
				"INSERT INTO names (name, account, key, created_ms) VALUES ('old', "
				"5, '', 1)",
				NULL, NULL, NULL),
			    SQLITE_OK);
		sqlite3_close(db);
		s = help_open(path);
		if (version >= 1) {
			EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "old"), STORE_OK);
		} else {
			help_account(s, "ann", NULL, 0);
		}
		EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "new"), STORE_OK);
		store_close(s);
		help_clean();
	}
}

TEST(damage_after_a_crash_is_found)
{
	const char *path = help_path();
	struct store *s = help_open(path);
	unsigned char page[4096];
	char wal[160];
	struct stat st;
	int fd, good = 0;

	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "ann%d", i);
		help_account(s, name, NULL, 0);
	}
	store_close(s);
	/* As if the program had been killed: a log file is there; and one page is rubbish. */
	snprintf(wal, sizeof(wal), "%s-wal", path);
	fd = open(wal, O_CREAT | O_RDWR, 0600);
	EXPECT_INT(write(fd, "x", 1), 1);
	close(fd);
	fd = open(path, O_RDWR);
	EXPECT_INT(fstat(fd, &st), 0);
	memset(page, 0xAA, sizeof(page));
	EXPECT_INT(pwrite(fd, page, sizeof(page), st.st_size - 4096), 4096);
	close(fd);
	/* It starts, and says which; whose account can be read goes on. */
	s = help_open(path);
	EXPECT(slice_starts(slice_str(store_error(s)), S("damaged: some of ")));
	EXPECT(strstr(store_error(s), "accounts") != NULL ||
	       strstr(store_error(s), "tokens") != NULL);
	for (int i = 0; i < 300; i++) {
		char account[16], name[16];
		enum store_result r;

		snprintf(account, sizeof(account), "ann%d", i);
		snprintf(name, sizeof(name), "name%d", i);
		r = help_name(s, STORE_NAME_CLAIM, account, name);
		EXPECT(r == STORE_OK || r == STORE_DAMAGED);
		good += r == STORE_OK;
	}
	EXPECT(good > 0);
	EXPECT(store_healthy(s));
	store_close(s);
	help_clean();
}

/* --- many at once --- */

static size_t order_next;
static bool order_kept;

static void
order_done(struct store_req *req)
{
	order_kept = order_kept && req->route.port_min == order_next;
	order_next++;
	if (req->route.key[0] == 'l')
		waiter_post(req->owner);
}

/* Answers come in the order of submission, and what fails takes nobody with it. */
TEST(batches_keep_order)
{
	enum { N = 3000 };
	struct store *s = help_open(help_path());
	struct store_req *all = calloc(N, sizeof(*all));
	struct waiter w = WAITER;
	size_t ok = 0, taken = 0;
	uint64_t commits;

	help_account(s, "ann", NULL, 0);
	help_account(s, "eve", NULL, 0);
	order_next = 0;
	order_kept = true;
	for (size_t i = 0; i < N; i++) {
		all[i] = (struct store_req){ .op = STORE_NAME_CLAIM,
			.route.port_min = (uint16_t)i,
			.done = order_done,
			.owner = &w };
		PUT(all[i].account, i % 3 == 0 ? "eve" : "ann");
		snprintf(all[i].route.name, sizeof(all[i].route.name), "n%zu", i / 3);
		all[i].route.key[0] = i == N - 1 ? 'l' : '\0';
	}
	all[0].op = STORE_NAME_LOOKUP;
	for (size_t i = 0; i < N; i++)
		store_submit(s, &all[i]);
	waiter_wait(&w, 1);
	for (size_t i = 1; i < N; i++) {
		ok += all[i].result == STORE_OK;
		taken += all[i].result == STORE_TAKEN;
	}
	/* The first of each name is eve's, but that of n0, which was never claimed. */
	EXPECT_INT(ok, 1001);
	EXPECT_INT(taken, 1998);
	EXPECT_INT(order_next, N);
	EXPECT(order_kept);
	/* Each writing commit is counted once, and what only reads is none. */
	commits = store_commits(s);
	EXPECT(commits >= 2 + (uint64_t)N / LIMIT_STORE_BATCH && commits <= 2 + (uint64_t)N);
	EXPECT_INT(help_name(s, STORE_NAME_LOOKUP, "ann", "n1"), STORE_OK);
	EXPECT_INT(store_commits(s), commits);
	EXPECT_INT(help_name(s, STORE_NAME_CLAIM, "ann", "one-more"), STORE_OK);
	EXPECT_INT(store_commits(s), commits + 1);
	free(all);
	store_close(s);
	help_clean();
}

/* --- crashes --- */

static volatile sig_atomic_t never;

static void
crash_done(struct store_req *req)
{
	/* Acknowledged: whole names into a pipe, atomically. */
	if (req->result == STORE_OK)
		never |= write(*(int *)req->owner, req->route.name, sizeof(req->route.name)) < 0;
	req->route.key[0] = '\0';
	free(req);
}

/* Claims names in a loop, many under way at once, until it is killed. */
static void
claim_for_ever(const char *path, int fd, int round)
{
	struct store *s = help_open(path);

	for (int i = 0;; i++) {
		struct store_req *r = calloc(1, sizeof(*r));

		*r = (struct store_req){ .op = STORE_NAME_CLAIM, .done = crash_done, .owner = &fd };
		PUT(r->account, "ann");
		snprintf(r->route.name, sizeof(r->route.name), "r%d-%d", round, i);
		if (i % 40 == 39)
			(void)help_name(s, STORE_NAME_LOOKUP, "",
			    "x"); /* waits: bounds the queue */
		store_submit(s, r);
	}
}

/* whatever was acknowledged before SIGKILL is there afterwards, and so is a whole database.
 */
TEST(q01_kill_at_any_point)
{
	enum { ROUNDS = 30 };
	static char acked[1 << 16][64];
	const char *path = help_path();
	struct store *s = help_open(path);
	size_t n_acked = 0, n_lost = 0;

	help_account(s, "ann", NULL, 0);
	store_close(s);
	for (int round = 0; round < ROUNDS; round++) {
		/* The point of the kill is a number of acknowledgements, not a time. */
		size_t kill_after = (size_t)(round * round * 7 % 500 + 1), got = 0;
		int fds[2];
		pid_t child;

		EXPECT_INT(pipe(fds), 0);
		fflush(stdout);
		child = fork();
		if (child == 0) {
			close(fds[0]);
			claim_for_ever(path, fds[1], round);
		}
		close(fds[1]);
		while (read(fds[0], acked[n_acked], 64) == 64 && n_acked < (1 << 16) - 1) {
			n_acked++;
			if (++got == kill_after)
				kill(child, SIGKILL);
		}
		close(fds[0]);
		EXPECT_INT(waitpid(child, NULL, 0), child);
		EXPECT(got >= kill_after);
	}
	s = help_open(path);
	for (size_t i = 0; i < n_acked; i++)
		n_lost += help_name(s, STORE_NAME_LOOKUP, "", acked[i]) != STORE_OK;
	EXPECT_INT(n_lost, 0);
	EXPECT(n_acked > 1000);
	store_close(s);
	help_clean();
}

/* clang-format off */
TESTS(
	TEST_ROW(token_form)
	TEST_ROW(token_life) TEST_ROW(tokens_with_a_scope)
	TEST_ROW(last_used_is_lazy)
	TEST_ROW(s05_login_same_work)
	TEST_ROW(s04_no_secret_at_rest)
	TEST_ROW(s01_takeover_after_release)
	TEST_ROW(name_forms)
	TEST_ROW(random_names_are_kept)
	TEST_ROW(name_limit)
	TEST_ROW(disabled_names) TEST_ROW(stopped_tunnels) TEST_ROW(name_list_pages)
	TEST_ROW(ports)
	TEST_ROW(port_range_moves)
	TEST_ROW(audit_and_stat)
	TEST_ROW(file_is_private)
	TEST_ROW(one_process_only)
	TEST_ROW(newer_schema_is_refused)
	TEST_ROW(other_files_are_refused)
	TEST_ROW(q08_migrates_from_each_schema)
	TEST_ROW(damage_after_a_crash_is_found)
	TEST_ROW(batches_keep_order)
	TEST_ROW(q01_kill_at_any_point)
)
