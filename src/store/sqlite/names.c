/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns which name and which port. */
#include "store/sqlite/names.h"

#include "base/limits.h"
#include "base/rand.h"
#include "store/sqlite/accounts.h"
#include "store/sqlite/grow.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	RANDOM_NAME_CHARS = 16, /* 80 bits */
	TOMBSTONES_PER_NAME =
	    10 /* so that claim and release in a loop cannot burn names without end */
};

struct owned {
	bool found, released, ours, disabled;
};

static struct owned
look_up(struct db *db, const char *name, int64_t account, char *ret_owner, size_t cap)
{
	struct db_query q = db_query(db, SQL_NAME_GET);
	struct owned o = { 0 };

	db_put_text(&q, slice_str(name));
	if (db_next(&q)) {
		o.found = true;
		o.ours = db_get_int(&q) == account;
		o.released = db_get_int(&q) != 0;
		if (ret_owner != NULL)
			db_get_z(&q, ret_owner, cap);
		else
			(void)db_get_bytes(&q);
		o.disabled = db_get_int(&q) != 0;
	}
	db_end(&q);
	return o;
}

static bool
may_have_more(struct db *db, int64_t account, uint32_t max, bool new_row)
{
	struct db_query q = db_query(db, SQL_NAME_COUNT);
	int64_t all = 0, held = 0;

	if (max == 0) {
		db_end(&q);
		return true;
	}
	db_put_int(&q, account);
	if (db_next(&q)) {
		all = db_get_int(&q);
		held = db_get_int(&q);
	}
	db_end(&q);
	return held < max && (!new_row || all < (int64_t)max * TOMBSTONES_PER_NAME);
}

static enum store_result
set_released(struct db *db, const char *name, int64_t released_ms)
{
	struct db_query q = db_query(db, SQL_NAME_RELEASE);

	db_put_int(&q, released_ms);
	db_put_text(&q, slice_str(name));
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

static enum store_result
add(struct db *db, struct store_req *req, int64_t account, const char *name, const char *key)
{
	struct db_query q;

	if (grow_ask(db) != STORE_OK)
		return STORE_FULL;
	if (!may_have_more(db, account, req->route.per_account_max, true))
		return STORE_LIMIT;
	q = db_query(db, SQL_NAME_ADD);
	db_put_text(&q, slice_str(name));
	db_put_int(&q, account);
	db_put_text(&q, slice_str(key));
	db_put_int(&q, req->now_ms);
	return db_run(&q) ? STORE_OK : STORE_TAKEN;
}

static enum store_result
take_back(struct db *db, struct store_req *req, int64_t account, const char *name)
{
	if (!may_have_more(db, account, req->route.per_account_max, false))
		return STORE_LIMIT;
	return set_released(db, name, 0);
}

/* A name of 80 random bits that stays the account's for the same key. */
static enum store_result
claim_random(struct db *db, struct store_req *req, int64_t account)
{
	struct db_query q = db_query(db, SQL_NAME_BY_KEY);
	char name[sizeof(req->route.name)] = "";
	bool found = false, released = false;
	enum store_result r;

	db_put_int(&q, account);
	db_put_text(&q, slice_str(req->route.key));
	if (db_next(&q)) {
		found = true;
		db_get_z(&q, name, sizeof(name));
		released = db_get_int(&q) != 0;
	}
	db_end(&q);
	if (!found) {
		rand_name(name, RANDOM_NAME_CHARS);
		r = add(db, req, account, name, req->route.key);
	} else {
		r = released ? take_back(db, req, account, name) : STORE_OK;
	}
	if (r == STORE_OK)
		snprintf(req->route.name, sizeof(req->route.name), "%s", name);
	return r;
}

static enum store_result
claim(struct db *db, struct store_req *req)
{
	int64_t account;
	struct owned o;

	account = accounts_id(db, slice_str(req->account), req->now_ms, false);
	if (account == 0)
		return STORE_NONE;
	if (req->route.name[0] == '\0')
		return claim_random(db, req, account);
	o = look_up(db, req->route.name, account, NULL, 0);
	if (!o.found)
		return add(db, req, account, req->route.name, "");
	if (!o.ours)
		return o.released ? STORE_GONE : STORE_TAKEN;
	return o.released ? take_back(db, req, account, req->route.name) : STORE_OK;
}

enum store_result
names_claim(struct db *db, struct store_req *req)
{
	enum store_result r;
	struct db_query q;

	if (req->account[0] == '\0' ||
	    (req->route.set_policy && req->route.policy.n > 2 * LIMIT_POLICY_BYTES))
		return STORE_INVALID;
	r = claim(db, req);
	if (r != STORE_OK || !req->route.set_policy)
		return r;
	q = db_query(db, SQL_NAME_POLICY);
	if (req->route.policy.n > 0)
		db_put_blob(&q, req->route.policy);
	else
		db_put_null(&q);
	db_put_int(&q, req->route.tls);
	db_put_text(&q, slice_str(req->route.name));
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

enum store_result
names_release(struct db *db, struct store_req *req)
{
	int64_t account = 0;
	struct owned o;

	if (req->route.name[0] == '\0')
		return STORE_INVALID;
	if (req->account[0] != '\0') {
		account = accounts_id(db, slice_str(req->account), req->now_ms, false);
		if (account == 0)
			return STORE_NONE;
	}
	o = look_up(db, req->route.name, account, NULL, 0);
	if (!o.found)
		return STORE_NONE;
	if (account != 0 && !o.ours)
		return o.released ? STORE_GONE : STORE_TAKEN;
	return o.released ? STORE_OK : set_released(db, req->route.name, req->now_ms);
}

/* One that is off stays off since when it was, and one that is on may be switched on again. */
enum store_result
names_switch(struct db *db, struct store_req *req)
{
	bool off = req->op == STORE_NAME_DISABLE;
	struct db_query q;
	struct owned o;

	if (req->route.name[0] == '\0')
		return STORE_INVALID;
	o = look_up(db, req->route.name, 0, req->account, sizeof(req->account));
	if (!o.found)
		return STORE_NONE;
	if (o.released)
		return STORE_GONE;
	if (o.disabled == off)
		return STORE_OK;
	q = db_query(db, SQL_NAME_DISABLED);
	db_put_int(&q, off ? req->now_ms : 0);
	db_put_text(&q, slice_str(req->route.name));
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

enum store_result
names_lookup(struct db *db, struct store_req *req)
{
	char owner[sizeof(req->account)] = "";
	struct owned o;

	if (req->route.name[0] == '\0')
		return STORE_INVALID;
	o = look_up(db, req->route.name, 0, owner, sizeof(owner));
	if (!o.found)
		return STORE_NONE;
	memcpy(req->account, owner, sizeof(owner));
	return o.released ? STORE_GONE : STORE_OK;
}

/* --- ports --- */

/* A free port of the range, at random so that a released one is not handed on at once; 0
 * when there is none. */
static uint16_t
free_port(struct db *db, uint16_t min, uint16_t max)
{
	struct db_query q = db_query(db, SQL_PORT_RANGE);
	unsigned char taken[65536 / 8] = { 0 };
	uint32_t left = (uint32_t)max - min + 1, nth;

	db_put_int(&q, min);
	db_put_int(&q, max);
	while (db_next(&q)) {
		int64_t port = db_get_int(&q);

		taken[port / 8] |= (unsigned char)(1 << port % 8);
		left--;
	}
	if (left == 0 || db->fault != DB_FINE)
		return 0;
	nth = (uint32_t)rand_below(left);
	for (uint32_t port = min; port <= max; port++) {
		if (taken[port / 8] >> port % 8 & 1)
			continue;
		if (nth-- == 0)
			return (uint16_t)port;
	}
	return 0;
}

static enum store_result
port_del(struct db *db, uint16_t port)
{
	struct db_query q = db_query(db, SQL_PORT_DEL);

	db_put_int(&q, port);
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

static enum store_result
port_add(struct db *db, struct store_req *req, int64_t account, uint16_t port, const char *key)
{
	struct db_query q = db_query(db, SQL_PORT_COUNT);
	int64_t have = 0;

	db_put_int(&q, account);
	if (db_next(&q))
		have = db_get_int(&q);
	db_end(&q);
	if (grow_ask(db) != STORE_OK)
		return STORE_FULL;
	if (req->route.per_account_max != 0 && have >= req->route.per_account_max)
		return STORE_LIMIT;
	q = db_query(db, SQL_PORT_ADD);
	db_put_int(&q, port);
	db_put_int(&q, account);
	db_put_text(&q, slice_str(key));
	db_put_int(&q, req->now_ms);
	return db_run(&q) ? STORE_OK : STORE_TAKEN;
}

/* The account's port of that key; one that no longer lies in the range is given up
 * for a new one. */
static enum store_result
claim_any_port(struct db *db, struct store_req *req, int64_t account)
{
	struct db_query q = db_query(db, SQL_PORT_BY_KEY);
	enum store_result r;
	uint16_t kept = 0, port;

	if (req->route.port_min == 0 || req->route.port_max < req->route.port_min) {
		db_end(&q);
		return STORE_INVALID;
	}
	db_put_int(&q, account);
	db_put_text(&q, slice_str(req->route.key));
	if (db_next(&q))
		kept = (uint16_t)db_get_int(&q);
	db_end(&q);
	if (kept >= req->route.port_min && kept <= req->route.port_max) {
		req->route.port = kept;
		return STORE_OK;
	}
	port = free_port(db, req->route.port_min, req->route.port_max);
	if (port == 0)
		return STORE_LIMIT;
	if (kept != 0 && port_del(db, kept) != STORE_OK)
		return STORE_FULL;
	r = port_add(db, req, account, port, req->route.key);
	if (r == STORE_OK)
		req->route.port = port;
	return r;
}

/* -1 when nobody has it. */
static int64_t
port_owner(struct db *db, uint16_t port)
{
	struct db_query q = db_query(db, SQL_PORT_GET);
	int64_t owner = -1;

	db_put_int(&q, port);
	if (db_next(&q))
		owner = db_get_int(&q);
	db_end(&q);
	return owner;
}

enum store_result
ports_claim(struct db *db, struct store_req *req)
{
	int64_t account, owner;

	if (req->account[0] == '\0')
		return STORE_INVALID;
	account = accounts_id(db, slice_str(req->account), req->now_ms, false);
	if (account == 0)
		return STORE_NONE;
	if (req->route.port == 0)
		return claim_any_port(db, req, account);
	if (req->route.port_max != 0 &&
	    (req->route.port < req->route.port_min || req->route.port > req->route.port_max))
		return STORE_INVALID;
	owner = port_owner(db, req->route.port);
	if (owner >= 0)
		return owner == account ? STORE_OK : STORE_TAKEN;
	return port_add(db, req, account, req->route.port, "");
}

enum store_result
ports_release(struct db *db, struct store_req *req)
{
	int64_t account = 0, owner;

	if (req->route.port == 0)
		return STORE_INVALID;
	if (req->account[0] != '\0') {
		account = accounts_id(db, slice_str(req->account), req->now_ms, false);
		if (account == 0)
			return STORE_NONE;
	}
	owner = port_owner(db, req->route.port);
	if (owner < 0)
		return STORE_NONE;
	if (account != 0 && owner != account)
		return STORE_TAKEN;
	return port_del(db, req->route.port);
}

enum store_result
ports_list(struct db *db, struct store_req *req)
{
	struct db_query q = db_query(db, SQL_PORT_LIST);

	if (!accounts_rows(req))
		return STORE_FULL;
	db_put_int(&q, req->route.port);
	db_put_int(&q, LIMIT_STORE_ROWS);
	while (db_next(&q)) {
		struct store_row *row = &req->rows[req->n_rows++];

		row->port = (uint16_t)db_get_int(&q);
		db_get_z(&q, row->account, sizeof(row->account));
		row->stopped_ms = db_get_int(&q);
	}
	return STORE_OK;
}

/* --- both --- */

enum store_result
names_stopped(struct db *db, struct store_req *req)
{
	bool port = req->route.name[0] == '\0';
	struct db_query q = db_query(db, port ? SQL_PORT_STOPPED : SQL_NAME_STOPPED);

	db_put_int(&q, req->route.stopped ? req->now_ms : 0);
	if (port)
		db_put_int(&q, req->route.port);
	else
		db_put_text(&q, slice_str(req->route.name));
	return db_run(&q) ? STORE_OK : STORE_FULL;
}
