-- The inbox: deliveries and their attempts.  *_ms is wall clock, *_t is the inbox's own clock (inbox.h).
-- state: see INBOX_STATES.  place: 0 in no lane any more, 1 behind another, 2 first of its lane, 3 on its own.

CREATE TABLE routes (
	id      INTEGER PRIMARY KEY,
	account INTEGER NOT NULL,
	tunnel  TEXT NOT NULL CHECK (tunnel <> ''),
	UNIQUE (account, tunnel)
) STRICT;

-- Small rows, so that lists and leases read few pages; heads and bodies are beside them.
CREATE TABLE deliveries (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	route       INTEGER NOT NULL,
	state       INTEGER NOT NULL,
	place       INTEGER NOT NULL,
	lane        INTEGER NOT NULL,           -- 0: no order
	next_t      INTEGER NOT NULL,
	lease       INTEGER NOT NULL DEFAULT 0, -- which lease may report
	attempts    INTEGER NOT NULL DEFAULT 0,
	fails       INTEGER NOT NULL DEFAULT 0,
	received_ms INTEGER NOT NULL,
	received_t  INTEGER NOT NULL,
	bytes       INTEGER NOT NULL,
	replay_of   INTEGER NOT NULL DEFAULT 0,
	event       TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	order_key   TEXT NOT NULL,
	method      TEXT NOT NULL,
	target      TEXT NOT NULL,
	note        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX deliveries_state ON deliveries (route, state, id);
CREATE INDEX deliveries_due ON deliveries (route, next_t, id) WHERE place >= 2 AND state = 1;
CREATE INDEX deliveries_behind ON deliveries (lane, id) WHERE place = 1;
CREATE UNIQUE INDEX deliveries_first ON deliveries (lane) WHERE place = 2;

CREATE TABLE payloads (
	id   INTEGER PRIMARY KEY,
	head BLOB NOT NULL,
	body BLOB NOT NULL
) STRICT;

CREATE TABLE attempts (
	delivery   INTEGER NOT NULL,
	number     INTEGER NOT NULL,
	at_ms      INTEGER NOT NULL,
	status     INTEGER NOT NULL,
	latency_ms INTEGER NOT NULL,
	reason     TEXT NOT NULL,
	answer     BLOB NOT NULL,
	PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- Keys of deliveries that came lately, in runs (seen.h): SHA-256 of route and dedupe key, cut to 128 bits.
-- A key outlives its delivery.
CREATE TABLE seen (
	run      INTEGER NOT NULL,
	hash     BLOB NOT NULL,
	delivery INTEGER NOT NULL,
	at_t     INTEGER NOT NULL,
	PRIMARY KEY (run, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen_runs (
	run    INTEGER PRIMARY KEY,
	last_t INTEGER NOT NULL DEFAULT 0,
	filter BLOB -- NULL while the run grows
) STRICT;

-- Counters, kept by triggers so that no statement can forget them.
CREATE TABLE usage (
	route INTEGER NOT NULL,
	state INTEGER NOT NULL,
	n     INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (route, state)
) STRICT, WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN inbox_bytes INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER deliveries_insert AFTER INSERT ON deliveries BEGIN
	INSERT INTO usage VALUES (new.route, new.state, 1, new.bytes)
	ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
	UPDATE accounts SET inbox_bytes = inbox_bytes + new.bytes
	WHERE id = (SELECT account FROM routes WHERE id = new.route);
END;
CREATE TRIGGER deliveries_move AFTER UPDATE OF state ON deliveries WHEN old.state <> new.state BEGIN
	UPDATE usage SET n = n - 1, bytes = bytes - old.bytes WHERE route = old.route AND state = old.state;
	INSERT INTO usage VALUES (new.route, new.state, 1, new.bytes)
	ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER deliveries_delete AFTER DELETE ON deliveries BEGIN
	UPDATE usage SET n = n - 1, bytes = bytes - old.bytes WHERE route = old.route AND state = old.state;
	UPDATE accounts SET inbox_bytes = inbox_bytes - old.bytes
	WHERE id = (SELECT account FROM routes WHERE id = old.route);
	DELETE FROM payloads WHERE id = old.id;
	DELETE FROM attempts WHERE delivery = old.id;
END;

INSERT INTO meta (key, value) VALUES ('inbox_clock', '0');
