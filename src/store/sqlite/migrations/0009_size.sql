-- size: what a delivery takes of its account's bytes in all: head, body, the texts of its row, the attempts that are
-- kept, and a share for row and indexes (delivery_size(), DELIVERY_ROW_BYTES and DELIVERY_ATTEMPT_BYTES: 512 and 128).
-- bytes stays what people see of one: head and body.
ALTER TABLE deliveries ADD COLUMN size INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER deliveries_insert;
DROP TRIGGER deliveries_move;
DROP TRIGGER deliveries_delete;

UPDATE deliveries SET size = bytes + 512 + length(CAST(event AS BLOB)) + length(CAST(provider_id AS BLOB))
	+ length(CAST(order_key AS BLOB)) + length(CAST(method AS BLOB)) + length(CAST(target AS BLOB))
	+ (SELECT coalesce(sum(128 + length(answer)), 0) FROM attempts WHERE delivery = deliveries.id);
DELETE FROM usage;
INSERT INTO usage SELECT route, state, count(*), sum(size) FROM deliveries GROUP BY route, state;
UPDATE accounts SET inbox_bytes = (SELECT coalesce(sum(u.bytes), 0) FROM routes r JOIN usage u ON u.route = r.id
	WHERE r.account = accounts.id);

CREATE TRIGGER deliveries_insert AFTER INSERT ON deliveries BEGIN
	INSERT OR FAIL INTO usage SELECT new.route, new.state, 0, 0
	WHERE NOT EXISTS (SELECT 1 FROM usage WHERE route = new.route AND state = new.state);
	UPDATE OR FAIL usage SET n = n + 1, bytes = bytes + new.size WHERE route = new.route AND state = new.state;
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes + new.size
	WHERE id = (SELECT account FROM routes WHERE id = new.route);
END;
CREATE TRIGGER deliveries_move AFTER UPDATE OF state, size ON deliveries
WHEN old.state <> new.state OR old.size <> new.size BEGIN
	UPDATE OR FAIL usage SET n = n - 1, bytes = bytes - old.size WHERE route = old.route AND state = old.state;
	INSERT OR FAIL INTO usage SELECT new.route, new.state, 0, 0
	WHERE NOT EXISTS (SELECT 1 FROM usage WHERE route = new.route AND state = new.state);
	UPDATE OR FAIL usage SET n = n + 1, bytes = bytes + new.size WHERE route = new.route AND state = new.state;
END;
CREATE TRIGGER deliveries_grow AFTER UPDATE OF size ON deliveries WHEN old.size <> new.size BEGIN
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes + new.size - old.size
	WHERE id = (SELECT account FROM routes WHERE id = new.route);
END;
CREATE TRIGGER deliveries_delete AFTER DELETE ON deliveries BEGIN
	UPDATE OR FAIL usage SET n = n - 1, bytes = bytes - old.size WHERE route = old.route AND state = old.state;
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes - old.size
	WHERE id = (SELECT account FROM routes WHERE id = old.route);
	DELETE FROM payloads WHERE id = old.id;
	DELETE FROM attempts WHERE delivery = old.id;
END;
