/* SPDX-License-Identifier: Apache-2.0 */
/* Things that are kept whole, by kind and name. */
#include "store/sqlite/items.h"

#include "base/limits.h"
#include "store/sqlite/grow.h"

#include <stdlib.h>

/* The version that is there, 0: none. */
static uint64_t
version_of(struct db *db, const struct item_req *req)
{
	struct db_query q = db_query(db, SQL_ITEM_VERSION);
	uint64_t version = 0;

	db_put_text(&q, slice_str(req->kind));
	db_put_text(&q, slice_str(req->name));
	if (db_next(&q))
		version = (uint64_t)db_get_int(&q);
	db_end(&q);
	return version;
}

static bool
is_expected(const struct item_req *req, uint64_t version)
{
	return req->version == ITEM_ANY || req->version == version;
}

/* One that replaces another does not grow the store: it may be written when new ones may not. */
static enum store_result
put(struct db *db, struct item_req *req)
{
	uint64_t version = version_of(db, req);
	struct db_query q;

	if (!is_expected(req, version))
		return STORE_CHANGED;
	if (version == 0 && grow_ask(db) != STORE_OK)
		return STORE_FULL;
	q = db_query(db, SQL_ITEM_PUT);
	db_put_text(&q, slice_str(req->kind));
	db_put_text(&q, slice_str(req->name));
	db_put_text(&q, slice_str(req->account));
	db_put_int(&q, (int64_t)(version + 1));
	db_put_int(&q, req->now_ms);
	db_put_blob(&q, req->bytes);
	if (!db_run(&q))
		return STORE_FULL;
	req->version = version + 1;
	return STORE_OK;
}

static enum store_result
del(struct db *db, struct item_req *req)
{
	uint64_t version = version_of(db, req);
	struct db_query q;

	if (version == 0)
		return STORE_NONE;
	if (!is_expected(req, version))
		return STORE_CHANGED;
	q = db_query(db, SQL_ITEM_DEL);
	db_put_text(&q, slice_str(req->kind));
	db_put_text(&q, slice_str(req->name));
	return db_run(&q) ? STORE_OK : STORE_FULL;
}

/* False: no memory. */
static bool
take(struct db_query *q, struct item_row *row)
{
	struct slice bytes;

	db_get_z(q, row->name, sizeof(row->name));
	db_get_z(q, row->account, sizeof(row->account));
	row->version = (uint64_t)db_get_int(q);
	row->changed_ms = db_get_int(q);
	bytes = db_get_bytes(q);
	row->bytes = malloc(bytes.n + 1);
	if (row->bytes == NULL)
		return false;
	if (bytes.n > 0)
		memcpy(row->bytes, bytes.p, bytes.n);
	row->bytes[bytes.n] = '\0';
	row->n = bytes.n;
	return true;
}

static enum store_result
list(struct db *db, struct item_req *req)
{
	struct db_query q;
	size_t n_bytes = 0;

	req->rows = calloc(LIMIT_STORE_ROWS, sizeof(*req->rows));
	if (req->rows == NULL)
		return STORE_FULL;
	q = db_query(db, SQL_ITEM_LIST);
	db_put_text(&q, slice_str(req->kind));
	db_put_text(&q, slice_str(req->name));
	db_put_text(&q, slice_str(req->account));
	db_put_int(&q, LIMIT_STORE_ROWS + 1);
	while (db_next(&q)) {
		if (req->n_rows == LIMIT_STORE_ROWS || n_bytes > LIMIT_STORE_BATCH_BYTES) {
			req->more = true;
			break;
		}
		if (!take(&q, &req->rows[req->n_rows])) {
			db_end(&q);
			return STORE_FULL;
		}
		n_bytes += req->rows[req->n_rows++].n;
	}
	db_end(&q);
	return STORE_OK;
}

enum store_result
items_run(struct db *db, struct item_req *req)
{
	switch (req->op) {
	case ITEM_PUT:
		return put(db, req);
	case ITEM_DEL:
		return del(db, req);
	case ITEM_LIST:
		return list(db, req);
	}
	return STORE_INVALID;
}
