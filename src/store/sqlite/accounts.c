/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the requests about accounts, tokens, names and ports. */
#include "store/sqlite/accounts.h"

#include "base/limits.h"
#include "store/sqlite/db.h"
#include "store/sqlite/names.h"
#include "store/sqlite/names_list.h"
#include "store/token.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { USED_EVERY_MS = 60000 };

int64_t
accounts_id(struct db *db, struct slice name, int64_t now_ms, bool make)
{
	struct db_query q = db_query(db, SQL_ACCOUNT_ID);
	int64_t id = 0;

	db_put_text(&q, name);
	if (db_next(&q))
		id = db_get_int(&q);
	db_end(&q);
	if (id != 0 || !make || db->fault != DB_FINE)
		return id;
	q = db_query(db, SQL_ACCOUNT_ADD);
	db_put_text(&q, name);
	db_put_int(&q, now_ms);
	return db_run(&q) ? db_inserted(db) : 0;
}

bool
accounts_rows(struct store_req *req)
{
	check(req->rows == NULL); /* begin() has forgotten a former run */
	req->rows = calloc(LIMIT_STORE_ROWS, sizeof(*req->rows));
	return req->rows != NULL;
}

/* --- tokens --- */

/* Each name of a scope in turn, as a request of its own. */
static enum store_result
each_name(struct db *db, struct store_req *req,
    enum store_result (*run)(struct db *db, struct store_req *one))
{
	struct slice scope = slice_str(req->grant.scope);

	while (scope.n > 0) {
		struct store_req one = { .now_ms = req->now_ms };
		struct slice name = slice_cut(&scope, ',');
		enum store_result r = STORE_INVALID;

		memcpy(one.account, req->account, sizeof(one.account));
		if (name.n > 0 && slice_z(name, one.route.name, sizeof(one.route.name)))
			r = run(db, &one);
		if (r == STORE_OK)
			continue;
		memcpy(req->grant.refused, one.route.name, sizeof(req->grant.refused));
		return r;
	}
	return STORE_OK;
}

/* Nobody else has it, or had it: what follows can be refused for want of room alone. */
static enum store_result
may_have(struct db *db, struct store_req *one)
{
	char account[sizeof(one->account)];
	enum store_result r;

	memcpy(account, one->account, sizeof(account));
	r = names_lookup(db, one);
	if (r == STORE_NONE || strcmp(account, one->account) == 0)
		return STORE_OK;
	return r == STORE_OK ? STORE_TAKEN : r;
}

static enum store_result
token_add(struct db *db, struct store_req *req)
{
	unsigned char hash[TOKEN_HASH_BYTES];
	enum store_result r;
	struct db_query q;
	int64_t account;
	bool ok;

	req->grant.refused[0] = '\0';
	if (req->account[0] == '\0')
		return STORE_INVALID;
	r = each_name(db, req, may_have);
	if (r != STORE_OK)
		return r;
	account = accounts_id(db, slice_str(req->account), req->now_ms, true);
	r = account == 0 ? STORE_FULL : each_name(db, req, names_claim);
	if (r != STORE_OK)
		return r;
	token_make(req->grant.token, req->grant.id);
	if (!token_hash(slice_str(req->grant.token), hash))
		return STORE_FULL;
	q = db_query(db, SQL_TOKEN_ADD);
	db_put_text(&q, slice_str(req->grant.id));
	db_put_int(&q, account);
	db_put_blob(&q, slice_of(hash, sizeof(hash)));
	db_put_text(&q, slice_str(req->grant.label));
	db_put_int(&q, req->now_ms);
	db_put_int(&q, req->grant.expires_ms);
	db_put_text(&q, slice_str(req->grant.scope));
	if (req->grant.key.n > 0)
		db_put_blob(&q, req->grant.key);
	else
		db_put_null(&q);
	ok = db_run(&q);
	if (!ok)
		OPENSSL_cleanse(req->grant.token, sizeof(req->grant.token));
	return ok ? STORE_OK : STORE_FULL;
}

/* Malloced, and ends with a NUL, which is not counted. False without memory. */
static bool
copy_out(struct slice s, char **ret, size_t *ret_n)
{
	char *p = malloc(s.n + 1);

	if (p == NULL)
		return false;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	*ret = p;
	if (ret_n != NULL)
		*ret_n = s.n;
	return true;
}

static enum store_result
token_list(struct db *db, struct store_req *req)
{
	struct db_query q = db_query(db, SQL_TOKEN_LIST);

	if (!accounts_rows(req))
		return STORE_FULL;
	db_put_text(&q, slice_str(req->grant.id));
	db_put_text(&q, slice_str(req->account));
	db_put_int(&q, LIMIT_STORE_ROWS);
	while (db_next(&q)) {
		struct store_row *row = &req->rows[req->n_rows++];

		check(req->n_rows <= LIMIT_STORE_ROWS); /* the statement's own limit */
		db_get_z(&q, row->token_id, sizeof(row->token_id));
		db_get_z(&q, row->account, sizeof(row->account));
		db_get_z(&q, row->label, sizeof(row->label));
		row->created_ms = db_get_int(&q);
		row->expires_ms = db_get_int(&q);
		row->used_ms = db_get_int(&q);
		row->revoked = db_get_int(&q) != 0;
		if (!copy_out(db_get_bytes(&q), &row->scope, NULL)) {
			db_end(&q);
			return STORE_FULL;
		}
	}
	return STORE_OK;
}

static enum store_result
token_keys(struct db *db, struct store_req *req)
{
	struct db_query q = db_query(db, SQL_TOKEN_KEYS);
	bool memory = true;

	if (!accounts_rows(req))
		return STORE_FULL;
	db_put_text(&q, slice_str(req->grant.id));
	db_put_int(&q, LIMIT_STORE_ROWS);
	while (memory && db_next(&q)) {
		struct store_row *row = &req->rows[req->n_rows++];

		check(req->n_rows <= LIMIT_STORE_ROWS);
		db_get_z(&q, row->token_id, sizeof(row->token_id));
		db_get_z(&q, row->account, sizeof(row->account));
		row->expires_ms = db_get_int(&q);
		memory = copy_out(db_get_bytes(&q), &row->scope, NULL) &&
			 copy_out(db_get_bytes(&q), &row->key, &row->n_key);
	}
	db_end(&q);
	return memory ? STORE_OK : STORE_FULL;
}

static enum store_result
token_revoke(struct db *db, struct store_req *req)
{
	struct db_query q = db_query(db, SQL_TOKEN_GET);
	bool found = false, revoked = false;

	db_put_text(&q, slice_str(req->grant.id));
	if (db_next(&q)) {
		found = true;
		(void)db_get_bytes(&q);
		(void)db_get_int(&q);
		revoked = db_get_int(&q) != 0;
		(void)db_get_int(&q);
		db_get_z(&q, req->account, sizeof(req->account));
	}
	db_end(&q);
	if (!found)
		return STORE_NONE;
	if (revoked)
		return STORE_OK;
	q = db_query(db, SQL_TOKEN_REVOKE);
	db_put_int(&q, req->now_ms);
	db_put_text(&q, slice_str(req->grant.id));
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

/* At most once a minute for each token, and never a commit of its own. */
static void
note_used(struct db *db, const char *id, int64_t used_ms, int64_t now_ms)
{
	/* A clock that was set back must not stop the column for years. */
	if (now_ms - used_ms < USED_EVERY_MS && now_ms >= used_ms)
		return;
	for (size_t i = 0; i < db->n_used; i++) {
		if (strcmp(db->used[i].token_id, id) == 0)
			return;
	}
	/* The next batch writes them, since they are so many; this one is noted at its next login. */
	if (db->n_used == DB_USED_MAX)
		return;
	snprintf(db->used[db->n_used].token_id, sizeof(db->used->token_id), "%s", id);
	db->used[db->n_used++].used_ms = now_ms;
}

void
accounts_put_used(struct db *db)
{
	check(db->n_used <= DB_USED_MAX);
	for (size_t i = 0; i < db->n_used; i++) {
		struct db_query q = db_query(db, SQL_TOKEN_USED);

		db_put_int(&q, db->used[i].used_ms);
		db_put_text(&q, slice_str(db->used[i].token_id));
		if (!db_run(&q))
			return;
	}
}

/*
 * The same statements, one hash and one comparison whether the id is known or not (S-05).
 * What is malformed is looked up as an empty id; the id is public, so the look-up itself may
 * take what it takes.
 */
static enum store_result
login(struct db *db, struct store_req *req)
{
	unsigned char want[TOKEN_HASH_BYTES] = { 0 }, have[TOKEN_HASH_BYTES] = { 1 };
	struct slice token = slice_str(req->grant.token);
	char account[sizeof(req->account)] = "", id[sizeof(req->grant.id)] = "";
	char scope[sizeof(req->grant.scope)] = "";
	struct db_query q = db_query(db, SQL_TOKEN_GET);
	int64_t expires_ms = 0, revoked_ms = 0, used_ms = 0;
	bool found = false, hashed, equal;

	if (store_token_ok(token))
		(void)slice_z(token_id(token), id, sizeof(id));
	db_put_text(&q, slice_str(id));
	if (db_next(&q)) {
		struct slice hash = db_get_bytes(&q);

		found = hash.n == sizeof(want);
		if (found)
			memcpy(want, hash.p, sizeof(want));
		expires_ms = db_get_int(&q);
		revoked_ms = db_get_int(&q);
		used_ms = db_get_int(&q);
		db_get_z(&q, account, sizeof(account));
		db_get_z(&q, scope, sizeof(scope));
	}
	db_end(&q);
	hashed = token_hash(token, have);
	equal = CRYPTO_memcmp(want, have, sizeof(want)) == 0;
	if (!hashed || !found || !equal)
		return STORE_NONE;
	memcpy(req->account, account, sizeof(account));
	memcpy(req->grant.id, id, sizeof(id));
	memcpy(req->grant.scope, scope, sizeof(scope));
	req->grant.expires_ms = expires_ms;
	if (revoked_ms != 0 || (expires_ms != 0 && expires_ms <= req->now_ms))
		return STORE_REVOKED;
	note_used(db, id, used_ms, req->now_ms);
	return STORE_OK;
}

/* --- audit, counters --- */

static enum store_result
audit(struct db *db, struct store_req *req)
{
	struct db_query q = db_query(db, SQL_AUDIT_ADD);
	int64_t id;

	db_put_int(&q, req->now_ms);
	db_put_text(&q, slice_str(req->account));
	db_put_text(&q, slice_str(req->note.event));
	db_put_text(&q, slice_str(req->note.text));
	if (!db_run(&q))
		return STORE_FULL;
	id = db_inserted(db);
	if (id <= LIMIT_AUDIT_ROWS)
		return STORE_OK;
	q = db_query(db, SQL_AUDIT_TRIM);
	db_put_int(&q, id - LIMIT_AUDIT_ROWS);
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

static enum store_result
stat_line(struct db *db, struct store_req *req)
{
	struct db_query q = db_query(db, SQL_STAT);
	long long n[5] = { 0 };

	if (db_next(&q)) {
		for (size_t i = 0; i < 5; i++)
			n[i] = db_get_int(&q);
	}
	db_end(&q);
	snprintf(req->note.text, sizeof(req->note.text),
	    "accounts=%lld tokens=%lld names=%lld tombstones=%lld ports=%lld wal_bytes=%lld "
	    "space_low=%d",
	    n[0], n[1], n[2], n[3], n[4], (long long)(db->wal_frames * db->page_bytes),
	    db_space_low(db));
	return STORE_OK;
}

/* --- the contract --- */

enum store_result
accounts_run(struct db *db, struct store_req *req)
{
	switch (req->op) {
	case STORE_TOKEN_ADD:
		return token_add(db, req);
	case STORE_TOKEN_LIST:
		return token_list(db, req);
	case STORE_TOKEN_KEYS:
		return token_keys(db, req);
	case STORE_TOKEN_REVOKE:
		return token_revoke(db, req);
	case STORE_LOGIN:
		return login(db, req);
	case STORE_NAME_CLAIM:
		return names_claim(db, req);
	case STORE_NAME_RELEASE:
		return names_release(db, req);
	case STORE_NAME_DISABLE:
	case STORE_NAME_ENABLE:
		return names_switch(db, req);
	case STORE_NAME_LIST:
		return names_list(db, req);
	case STORE_NAME_POLICIES:
		return names_policies(db, req);
	case STORE_NAME_LOOKUP:
		return names_lookup(db, req);
	case STORE_PORT_CLAIM:
		return ports_claim(db, req);
	case STORE_PORT_RELEASE:
		return ports_release(db, req);
	case STORE_PORT_LIST:
		return ports_list(db, req);
	case STORE_STOPPED:
		return names_stopped(db, req);
	case STORE_AUDIT:
		return audit(db, req);
	case STORE_STAT:
		return stat_line(db, req);
	}
	return STORE_INVALID;
}
