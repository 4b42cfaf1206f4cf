/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of the store; they are prepared once, at their first use.  Only
 * migrations run other text. */
#ifndef ADIT_STORE_SQLITE_STATEMENTS_H
#define ADIT_STORE_SQLITE_STATEMENTS_H

/* clang-format off */
#define FIND_WHERE "SELECT id FROM deliveries WHERE id > ?1 AND id < ?2"                           \
	" AND (?4 = '' OR event = ?4) AND order_key >= ?5 AND order_key < ?6"                      \
	" AND received_ms >= ?7 AND received_ms < ?8"
/* In this order, and no further than to the row: see 0012_late.sql. */
#define PAYLOAD(id) "SELECT head, body FROM payloads_late WHERE id = " id                          \
	" UNION ALL SELECT head, body FROM payloads WHERE id = " id " LIMIT 1"
#define STATEMENTS(X)                                                                              \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(ACCOUNT_ID, "SELECT id FROM accounts WHERE name = ?1")                                   \
	X(ACCOUNT_ADD, "INSERT INTO accounts (name, created_ms) VALUES (?1, ?2)")                  \
	X(TOKEN_ADD, "INSERT INTO tokens (id, account, hash, label, created_ms, expires_ms,"       \
	    " scope, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                \
	X(TOKEN_GET, "SELECT t.hash, t.expires_ms, t.revoked_ms, t.used_ms, a.name, t.scope"       \
	    " FROM tokens t JOIN accounts a ON a.id = t.account WHERE t.id = ?1")                  \
	X(TOKEN_LIST, "SELECT t.id, a.name, t.label, t.created_ms, t.expires_ms, t.used_ms,"       \
	    " t.revoked_ms, t.scope FROM tokens t JOIN accounts a ON a.id = t.account"             \
	    " WHERE t.id > ?1 AND (?2 = '' OR a.name = ?2) ORDER BY t.id LIMIT ?3")                \
	X(TOKEN_KEYS, "SELECT t.id, a.name, t.expires_ms, t.scope, t.key"                          \
	    " FROM tokens t JOIN accounts a ON a.id = t.account WHERE t.id > ?1"                   \
	    " AND t.key IS NOT NULL AND t.revoked_ms = 0 ORDER BY t.id LIMIT ?2")                  \
	X(TOKEN_REVOKE, "UPDATE tokens SET revoked_ms = ?1 WHERE id = ?2 AND revoked_ms = 0")      \
	X(TOKEN_USED, "UPDATE tokens SET used_ms = ?1 WHERE id = ?2 AND used_ms < ?1")             \
	X(NAME_GET, "SELECT n.account, n.released_ms, a.name, n.disabled_ms"                       \
	    " FROM names n JOIN accounts a ON a.id = n.account WHERE n.name = ?1")                 \
	X(NAME_BY_KEY, "SELECT name, released_ms FROM names WHERE account = ?1 AND key = ?2"       \
	    " AND key <> ''")                                                                      \
	X(NAME_COUNT, "SELECT count(*), coalesce(sum(released_ms = 0), 0)"                         \
	    " FROM names WHERE account = ?1")                                                      \
	X(NAME_ADD, "INSERT INTO names (name, account, key, created_ms) VALUES (?1, ?2, ?3, ?4)")  \
	X(NAME_RELEASE, "UPDATE names SET released_ms = ?1, policy = NULL, tls = 0 WHERE name = ?2") \
	X(NAME_POLICY, "UPDATE names SET policy = ?1, tls = ?2 WHERE name = ?3")                   \
	X(NAME_POLICIES, "SELECT name, policy FROM names WHERE name > ?1 AND policy IS NOT NULL"   \
	    " AND released_ms = 0 ORDER BY name LIMIT ?2")                                         \
	X(NAME_LIST, "SELECT n.name, a.name, n.key, n.created_ms, n.released_ms,"                  \
	    " n.stopped_ms, n.tls, n.disabled_ms FROM names n JOIN accounts a ON a.id = n.account" \
	    " WHERE n.name > ?1 AND (?2 = '' OR a.name = ?2) ORDER BY n.name LIMIT ?3")            \
	X(NAME_KEYS, "SELECT name FROM names INDEXED BY names_account WHERE name > ?1"              \
	    " ORDER BY name LIMIT ?2")                                                             \
	X(NAME_ONE, "SELECT n.name, a.name, n.key, n.created_ms, n.released_ms,"                   \
	    " n.stopped_ms, n.tls, n.disabled_ms FROM names n JOIN accounts a ON a.id = n.account" \
	    " WHERE n.name = ?1 AND (?2 = '' OR a.name = ?2)")                                     \
	X(NAME_POLICY_ONE, "SELECT name, policy FROM names WHERE name = ?1 AND policy IS NOT NULL" \
	    " AND released_ms = 0")                                                                \
	X(NAME_DISABLED, "UPDATE names SET disabled_ms = ?1 WHERE name = ?2")               \
	X(NAME_STOPPED, "UPDATE names SET stopped_ms = ?1 WHERE name = ?2")                 \
	X(PORT_STOPPED, "UPDATE ports SET stopped_ms = ?1 WHERE port = ?2")                 \
	X(PORT_LIST, "SELECT p.port, a.name, p.stopped_ms FROM ports p"                            \
	    " JOIN accounts a ON a.id = p.account WHERE p.port > ?1 ORDER BY p.port LIMIT ?2")     \
	X(PORT_GET, "SELECT account FROM ports WHERE port = ?1")                                   \
	X(PORT_BY_KEY, "SELECT port FROM ports WHERE account = ?1 AND key = ?2 AND key <> ''")     \
	X(PORT_COUNT, "SELECT count(*) FROM ports WHERE account = ?1")                             \
	X(PORT_RANGE, "SELECT port FROM ports WHERE port BETWEEN ?1 AND ?2")                       \
	X(PORT_ADD, "INSERT INTO ports (port, account, key, created_ms) VALUES (?1, ?2, ?3, ?4)")  \
	X(PORT_DEL, "DELETE FROM ports WHERE port = ?1")                                           \
	X(AUDIT_ADD, "INSERT INTO audit (at_ms, account, event, text) VALUES (?1, ?2, ?3, ?4)")    \
	X(AUDIT_TRIM, "DELETE FROM audit WHERE id <= ?1")                                          \
	X(STAT, "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM tokens),"           \
	    " (SELECT count(*) FROM names WHERE released_ms = 0),"                                 \
	    " (SELECT count(*) FROM names WHERE released_ms <> 0), (SELECT count(*) FROM ports)")  \
	X(FREE_PAGES, "PRAGMA freelist_count")                                                     \
	X(META_GET, "SELECT value FROM meta WHERE key = ?1")                                       \
	X(META_SET, "UPDATE meta SET value = ?2 WHERE key = ?1")                                   \
	X(META_ADD, "UPDATE OR FAIL meta SET value = max(0, value + ?2) WHERE key = ?1")           \
	X(ROUTE_GET, "SELECT r.id FROM accounts a"                                                 \
	    " JOIN routes r ON r.account = a.id WHERE a.name = ?1 AND r.tunnel = ?2")              \
	X(ROUTE_ADD, "INSERT INTO routes (account, tunnel) SELECT id, ?2 FROM accounts WHERE name = ?1") \
	X(DELIVERY_ADD, "INSERT OR FAIL INTO deliveries (route, state, place, lane, next_t, lease," \
	    " received_ms, received_t, bytes, size, replay_of, push, event, provider_id, order_key," \
	    " method, target)"                                                                     \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)") \
	X(PAYLOAD_ADD, "INSERT INTO payloads (id, head, body) VALUES (?1, ?2, ?3)")                \
	X(PAYLOAD_ADD_LATE, "INSERT INTO payloads_late (id, head, body) VALUES (?1, ?2, ?3)")      \
	X(PAYLOAD_GET, PAYLOAD("?1"))                                                              \
	X(PAYLOAD_COPY, "INSERT INTO payloads (id, head, body) SELECT ?1, * FROM (" PAYLOAD("?2") ")") \
	X(PAYLOAD_COPY_LATE, "INSERT INTO payloads_late (id, head, body)"                          \
	    " SELECT ?1, * FROM (" PAYLOAD("?2") ")")                                              \
	X(DELIVERY_GET, "SELECT d.id, d.route, d.state, d.place, d.lane, d.next_t, d.lease,"       \
	    " d.attempts, d.fails, d.received_ms, d.received_t, d.bytes, d.size, d.replay_of, d.push,"    \
	    " d.spent_ms, d.tried_t, d.planned_t, d.firm_t,"                                       \
	    " a.name, r.tunnel, d.event, d.provider_id, d.order_key, d.method, d.target, d.note"   \
	    " FROM deliveries d JOIN routes r ON r.id = d.route JOIN accounts a ON a.id = r.account" \
	    " WHERE d.id = ?1")                                                                    \
	X(DELIVERY_SET, "UPDATE OR FAIL deliveries SET state = ?2, place = ?3, next_t = ?4, lease = ?5," \
	    " attempts = ?6, fails = ?7, spent_ms = ?8, tried_t = ?9, planned_t = ?10, firm_t = ?11," \
	    " push = ?12, size = ?13, note = coalesce(?14, note) WHERE id = ?1")      \
	X(DELIVERY_LEASE, "UPDATE OR FAIL deliveries SET state = ?2, lease = ?3, push = ?4 WHERE id = ?1") \
	X(DELIVERY_NOTE, "UPDATE deliveries SET note = ?2 WHERE id = ?1")                          \
	X(DELIVERY_DEL, "DELETE FROM deliveries WHERE id = ?1")                                    \
	X(DELIVERY_LAST, "SELECT received_t FROM deliveries ORDER BY id DESC LIMIT 1")             \
	X(LANE_FIRST, "SELECT id FROM deliveries WHERE lane = ?1 AND place = 2")                   \
	X(LANE_BEHIND, "SELECT id FROM deliveries WHERE lane = ?1 AND place = 1 ORDER BY id LIMIT 1") \
	X(LANE_ADVANCE, "UPDATE deliveries SET place = 2 WHERE id = ?1")                             \
	X(LANE_PUSHES, "SELECT id FROM deliveries WHERE lane = ?1 AND place = 2 AND state = 1"     \
	    " AND id < ?2 AND push = 1 AND event = ?4 AND order_key = ?5"         \
	    " UNION ALL SELECT id FROM (SELECT id, push, event, order_key"                         \
	    " FROM deliveries WHERE lane = ?1 AND place = 1 AND id < ?2 ORDER BY id DESC LIMIT ?3)" \
	    " WHERE push = 1 AND event = ?4 AND order_key = ?5")                  \
	X(DUE, "SELECT id FROM deliveries WHERE route = ?1 AND place >= 2 AND state = 1"           \
	    " AND next_t <= ?2 ORDER BY next_t, id LIMIT ?3")                                      \
	X(DUE_LATER, "SELECT id, next_t FROM deliveries WHERE route = ?1 AND place >= 2"           \
	    " AND state = 1 AND next_t > ?2 ORDER BY next_t, id LIMIT ?3")                         \
	X(DUE_WAKE, "SELECT id FROM deliveries WHERE route = ?1 AND place >= 2 AND state = 1"      \
	    " AND next_t > ?2 AND next_t > tried_t + ?4 AND firm_t <= ?2 ORDER BY next_t, id LIMIT ?3") \
	X(ATTEMPT_ADD, "INSERT INTO attempts (delivery, number, at_ms, status, latency_ms, reason,"\
	    " answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                        \
	X(ATTEMPT_BYTES, "SELECT count(*), coalesce(sum(length(answer)), 0) FROM attempts"          \
	    " WHERE delivery = ?1 AND number <= ?2")                                               \
	X(ATTEMPT_TRIM, "DELETE FROM attempts WHERE delivery = ?1 AND number <= ?2")               \
	X(ATTEMPT_LIST, "SELECT number, at_ms, status, latency_ms, reason, answer FROM attempts"   \
	    " WHERE delivery = ?1 ORDER BY number LIMIT ?2")                                       \
	X(SEEN_RUNS, "SELECT run, last_t, filter FROM seen_runs ORDER BY run")                     \
	X(SEEN_KEYS, "SELECT hash FROM seen WHERE run = ?1")                                       \
	X(SEEN_GET, "SELECT delivery, at_t FROM seen WHERE run = ?1 AND hash = ?2")                \
	X(SEEN_PUT, "INSERT INTO seen (run, hash, delivery, at_t) VALUES (?1, ?2, ?3, ?4)"         \
	    " ON CONFLICT DO UPDATE SET delivery = excluded.delivery, at_t = excluded.at_t")       \
	X(SEEN_DEL, "DELETE FROM seen WHERE run = ?1")                                             \
	X(SEEN_RUN_ADD, "INSERT INTO seen_runs (run) VALUES (?1)")                                 \
	X(SEEN_RUN_DEL, "DELETE FROM seen_runs WHERE run = ?1")                                    \
	X(SEEN_SEAL, "UPDATE seen_runs SET last_t = ?2, filter = ?3 WHERE run = ?1")               \
	X(USAGE, "SELECT u.route, u.state, u.n, u.bytes FROM accounts a"                           \
	    " JOIN routes r ON r.account = a.id JOIN usage u ON u.route = r.id WHERE a.name = ?1"  \
	    " AND (?2 = '' OR r.tunnel = ?2) AND u.n > 0 AND (?3 >> u.state) & 1 LIMIT ?4")        \
	X(USAGE_ALL, "SELECT u.route, u.state, u.n, u.bytes FROM usage u"                          \
	    " JOIN routes r ON r.id = u.route WHERE ?1 = '' AND (?2 = '' OR r.tunnel = ?2)"        \
	    " AND u.n > 0 AND (?3 >> u.state) & 1 LIMIT ?4")                                       \
	X(WALK_UP, "SELECT id FROM deliveries WHERE route = ?1 AND state = ?2 AND id > ?3"         \
	    " ORDER BY id LIMIT ?4")                                                               \
	X(WALK_DOWN, "SELECT id FROM deliveries WHERE route = ?1 AND state = ?2 AND id < ?3"       \
	    " ORDER BY id DESC LIMIT ?4")                                                          \
	X(WALK_ALL_UP, "SELECT id FROM deliveries WHERE id > ?1 ORDER BY id LIMIT ?2")             \
	X(WALK_ALL_DOWN, "SELECT id FROM deliveries WHERE id < ?1 ORDER BY id DESC LIMIT ?2")      \
	X(FIND_UP, FIND_WHERE " AND route = ?9 AND state = ?10 ORDER BY id LIMIT ?3")              \
	X(FIND_DOWN, FIND_WHERE " AND route = ?9 AND state = ?10 ORDER BY id DESC LIMIT ?3")       \
	X(FIND_ALL_UP, FIND_WHERE " AND route BETWEEN ?9 AND ?10 AND (?11 >> state) & 1"           \
	    " ORDER BY id LIMIT ?3")                                                               \
	X(FIND_ALL_DOWN, FIND_WHERE " AND route BETWEEN ?9 AND ?10 AND (?11 >> state) & 1"         \
	    " ORDER BY id DESC LIMIT ?3")                                                          \
	X(DELIVERY_NEWEST, "SELECT coalesce(max(id), 0) FROM deliveries")                          \
	X(OVER_BYTES, "SELECT name FROM accounts WHERE inbox_bytes > ?1 AND (?2 = '' OR name = ?2)" \
	    " AND name > ?3 ORDER BY name LIMIT 1")                                                \
	X(ACCOUNT_BYTES, "SELECT inbox_bytes FROM accounts WHERE name = ?1")                       \
	X(ITEM_VERSION, "SELECT version FROM items WHERE kind = ?1 AND name = ?2")                 \
	X(ITEM_PUT, "INSERT INTO items (kind, name, account, version, changed_ms, bytes)"          \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (kind, name) DO UPDATE SET"              \
	    " account = excluded.account, version = excluded.version,"                             \
	    " changed_ms = excluded.changed_ms, bytes = excluded.bytes")                           \
	X(ITEM_DEL, "DELETE FROM items WHERE kind = ?1 AND name = ?2")                             \
	X(ITEM_LIST, "SELECT name, account, version, changed_ms, bytes FROM items"                 \
	    " WHERE kind = ?1 AND name > ?2 AND (?3 = '' OR account = ?3) ORDER BY name LIMIT ?4")
/* clang-format on */

#endif
