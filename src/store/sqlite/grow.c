/* SPDX-License-Identifier: Apache-2.0 */
/* May an account have more: the disk's reserve, the account's bytes, whose name it is. */
#include "store/sqlite/grow.h"

enum store_result
grow_ask(const struct db *db)
{
	return db->low ? STORE_FULL : STORE_OK;
}

enum store_result
grow_ask_bytes(struct db *db, struct slice account, uint64_t bytes, uint64_t bytes_max)
{
	struct db_query q;
	int64_t have = 0;

	if (db->low)
		return STORE_FULL;
	if (bytes_max == 0)
		return STORE_OK;
	q = db_query(db, SQL_ACCOUNT_BYTES);
	db_put_text(&q, account);
	if (db_next(&q))
		have = db_get_int(&q);
	db_end(&q);
	return bytes > bytes_max || (have > 0 && (uint64_t)have > bytes_max - bytes) ? STORE_LIMIT
										     : STORE_OK;
}

enum store_result
grow_ask_name(struct db *db, struct slice account, struct slice name)
{
	struct db_query q = db_query(db, SQL_NAME_GET);
	bool ours = false;

	db_put_text(&q, name);
	if (db_next(&q)) {
		(void)db_get_int(&q);
		ours = db_get_int(&q) == 0 && slice_eq(db_get_bytes(&q), account);
	}
	db_end(&q);
	return ours ? STORE_OK : STORE_TAKEN;
}
