-- A row for each state of each route, so that what counts a move has nothing to ask for: two statements, not three.
INSERT OR IGNORE INTO usage SELECT r.id, s.column1, 0, 0
FROM routes r JOIN (VALUES (0), (1), (2), (3), (4), (5), (6)) s;

CREATE TRIGGER routes_insert AFTER INSERT ON routes BEGIN
	INSERT OR FAIL INTO usage SELECT new.id, column1, 0, 0 FROM (VALUES (0), (1), (2), (3), (4), (5), (6));
END;

DROP TRIGGER deliveries_insert;
DROP TRIGGER deliveries_move;
CREATE TRIGGER deliveries_insert AFTER INSERT ON deliveries BEGIN
	UPDATE OR FAIL usage SET n = n + 1, bytes = bytes + new.size WHERE route = new.route AND state = new.state;
	UPDATE OR FAIL accounts SET inbox_bytes = inbox_bytes + new.size
	WHERE id = (SELECT account FROM routes WHERE id = new.route);
END;
CREATE TRIGGER deliveries_move AFTER UPDATE OF state, size ON deliveries
WHEN old.state <> new.state OR old.size <> new.size BEGIN
	UPDATE OR FAIL usage SET n = n - 1, bytes = bytes - old.size WHERE route = old.route AND state = old.state;
	UPDATE OR FAIL usage SET n = n + 1, bytes = bytes + new.size WHERE route = new.route AND state = new.state;
END;
