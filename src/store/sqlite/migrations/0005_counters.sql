-- The counters' triggers again, so that no statement of theirs can end in the middle and be undone by itself (an upsert
-- could, and so could plain ABORT): for that SQLite copies every page before it is written, a quarter of a delivery's time.
-- What goes wrong fails, and the store rolls the transaction back.
DROP TRIGGER deliveries_insert;
DROP TRIGGER deliveries_move;
DROP TRIGGER deliveries_delete;

CREATE TRIGGER deliveries_insert AFTER INSERT ON deliveries BEGIN
	INSERT OR FAIL INTO usage SELECT new.route, new.state, 0, 0
	WHERE NOT EXISTS (SELECT 1 FROM usage WHERE route = new.route AND state = new.state);
	UPDATE OR FAIL usage SET n = n + 1, bytes = bytes + new.bytes WHERE route = new.route AND state = new.state;
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes + new.bytes
	WHERE id = (SELECT account FROM routes WHERE id = new.route);
END;
CREATE TRIGGER deliveries_move AFTER UPDATE OF state ON deliveries WHEN old.state <> new.state BEGIN
	UPDATE OR FAIL usage SET n = n - 1, bytes = bytes - old.bytes WHERE route = old.route AND state = old.state;
	INSERT OR FAIL INTO usage SELECT new.route, new.state, 0, 0
	WHERE NOT EXISTS (SELECT 1 FROM usage WHERE route = new.route AND state = new.state);
	UPDATE OR FAIL usage SET n = n + 1, bytes = bytes + new.bytes WHERE route = new.route AND state = new.state;
END;
CREATE TRIGGER deliveries_delete AFTER DELETE ON deliveries BEGIN
	UPDATE OR FAIL usage SET n = n - 1, bytes = bytes - old.bytes WHERE route = old.route AND state = old.state;
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes - old.bytes
	WHERE id = (SELECT account FROM routes WHERE id = old.route);
	DELETE FROM payloads WHERE id = old.id;
	DELETE FROM attempts WHERE delivery = old.id;
END;
