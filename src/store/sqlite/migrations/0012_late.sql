-- Where heads and bodies go when the last page of payloads is damaged: to that one all new rows of it would go (damage.h).
-- A row is in one of both. Whoever looks for it asks payloads_late first, and payloads only when it is not there: a look
-- for a new one in payloads would meet the damaged page.
CREATE TABLE payloads_late (
	id   INTEGER PRIMARY KEY,
	head BLOB NOT NULL,
	body BLOB NOT NULL
) STRICT;

DROP TRIGGER deliveries_delete;
CREATE TRIGGER deliveries_delete AFTER DELETE ON deliveries BEGIN
	UPDATE OR FAIL usage SET n = n - 1, bytes = bytes - old.size WHERE route = old.route AND state = old.state;
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes - old.size
	WHERE id = (SELECT account FROM routes WHERE id = old.route);
	DELETE FROM payloads WHERE id = (SELECT old.id WHERE NOT EXISTS (SELECT 1 FROM payloads_late WHERE id = old.id));
	DELETE FROM payloads_late WHERE id = old.id;
	DELETE FROM attempts WHERE delivery = old.id;
END;
