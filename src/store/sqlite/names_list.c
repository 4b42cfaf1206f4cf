/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and policies in the order of their names.  In a damaged file the names come from an index,
 * and each row is read by itself: one that cannot be read is left out, and the others are there.
 */
#include "store/sqlite/names_list.h"

#include "base/limits.h"
#include "store/sqlite/accounts.h"
#include "store/sqlite/damage.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = sizeof(((struct store_row *)NULL)->name) };

/* False: no memory. */
typedef bool (*take_fn)(struct db_query *q, struct store_row *row);

static bool
take_name(struct db_query *q, struct store_row *row)
{
	db_get_z(q, row->name, sizeof(row->name));
	db_get_z(q, row->account, sizeof(row->account));
	db_get_z(q, row->label, sizeof(row->label));
	row->created_ms = db_get_int(q);
	row->tombstone = db_get_int(q) != 0;
	row->stopped_ms = db_get_int(q);
	row->tls = db_get_int(q) != 0;
	row->disabled = db_get_int(q) != 0;
	return true;
}

static bool
take_policy(struct db_query *q, struct store_row *row)
{
	struct slice policy;

	db_get_z(q, row->name, sizeof(row->name));
	policy = db_get_bytes(q);
	row->n_policy = policy.n;
	row->policy = malloc(policy.n + 1);
	if (row->policy != NULL && policy.n > 0)
		memcpy(row->policy, policy.p, policy.n);
	return row->policy != NULL;
}

/* Up to LIMIT_STORE_ROWS names behind `after`; returns how many. */
static size_t
keys_behind(struct db *db, const char *after, char (*keys)[NAME_BYTES])
{
	struct db_query q = db_query(db, SQL_NAME_KEYS);
	size_t n = 0;

	db_put_text(&q, slice_str(after));
	db_put_int(&q, LIMIT_STORE_ROWS);
	while (n < LIMIT_STORE_ROWS && db_next(&q))
		db_get_z(&q, keys[n++], NAME_BYTES);
	db_end(&q);
	return n;
}

static bool
take_one(struct db *db, struct store_req *req, enum sql one, const char *key, take_fn take)
{
	struct db_query q;
	bool memory = true;

	if (damage_known_name(db, slice_str(key)))
		return true;
	q = db_query(db, one);
	db_put_text(&q, slice_str(key));
	if (one == SQL_NAME_ONE)
		db_put_text(&q, slice_str(req->account));
	if (db_next(&q))
		memory = take(&q, &req->rows[req->n_rows++]);
	db_end(&q);
	damage_note_name(db, slice_str(key)); /* if it is: then all of this is run again */
	return memory;
}

static enum store_result
around_damage(struct db *db, struct store_req *req, enum sql one, size_t n_max, take_fn take)
{
	char(*keys)[NAME_BYTES] = calloc(LIMIT_STORE_ROWS, sizeof(*keys)), after[NAME_BYTES];
	bool memory = keys != NULL;
	size_t n = LIMIT_STORE_ROWS;

	snprintf(after, sizeof(after), "%s", req->route.name);
	while (memory && n == LIMIT_STORE_ROWS && req->n_rows < n_max && db->fault == DB_FINE) {
		n = keys_behind(db, after, keys);
		for (size_t i = 0; i < n && memory && req->n_rows < n_max && db->fault == DB_FINE;
		     i++)
			memory = take_one(db, req, one, keys[i], take);
		if (n > 0)
			memcpy(after, keys[n - 1], sizeof(after));
	}
	free(keys);
	return memory ? STORE_OK : STORE_FULL;
}

enum store_result
names_list(struct db *db, struct store_req *req)
{
	struct db_query q;

	if (!accounts_rows(req))
		return STORE_FULL;
	if (db->damaged)
		return around_damage(db, req, SQL_NAME_ONE, LIMIT_STORE_ROWS, take_name);
	q = db_query(db, SQL_NAME_LIST);
	db_put_text(&q, slice_str(req->route.name));
	db_put_text(&q, slice_str(req->account));
	db_put_int(&q, LIMIT_STORE_ROWS);
	while (db_next(&q))
		(void)take_name(&q, &req->rows[req->n_rows++]);
	return STORE_OK;
}

enum store_result
names_policies(struct db *db, struct store_req *req)
{
	struct db_query q;
	bool memory = true;

	if (!accounts_rows(req))
		return STORE_FULL;
	if (db->damaged)
		return around_damage(db, req, SQL_NAME_POLICY_ONE, LIMIT_STORE_POLICIES,
		    take_policy);
	q = db_query(db, SQL_NAME_POLICIES);
	db_put_text(&q, slice_str(req->route.name));
	db_put_int(&q, LIMIT_STORE_POLICIES);
	while (memory && db_next(&q))
		memory = take_policy(&q, &req->rows[req->n_rows++]);
	db_end(&q);
	return memory ? STORE_OK : STORE_FULL;
}
