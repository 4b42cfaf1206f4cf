-- Accounts, tokens, names with their tombstones, ports, audit.
-- Dates are milliseconds since 1970 (wall clock); 0 or NULL where the comment says so.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE CHECK (name <> ''),
	created_ms INTEGER NOT NULL
) STRICT;

-- The secret itself is nowhere: hash is SHA-256 of the whole token.
CREATE TABLE tokens (
	id         TEXT PRIMARY KEY,
	account    INTEGER NOT NULL,
	hash       BLOB NOT NULL CHECK (length(hash) = 32),
	label      TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,           -- 0: never
	used_ms    INTEGER NOT NULL DEFAULT 0, -- at most a minute and one write behind
	revoked_ms INTEGER NOT NULL DEFAULT 0  -- 0: valid
) STRICT, WITHOUT ROWID;

-- A row is never deleted: a released name stays its last owner's for ever, and is gone for everyone else.
CREATE TABLE names (
	name        TEXT PRIMARY KEY CHECK (name <> ''),
	account     INTEGER NOT NULL,
	key         TEXT NOT NULL,             -- what a random name was made for; '' for a chosen one
	created_ms  INTEGER NOT NULL,
	released_ms INTEGER NOT NULL DEFAULT 0 -- 0: held
) STRICT, WITHOUT ROWID;
CREATE INDEX names_account ON names (account, released_ms);
CREATE UNIQUE INDEX names_key ON names (account, key) WHERE key <> '';

CREATE TABLE ports (
	port       INTEGER PRIMARY KEY CHECK (port BETWEEN 1 AND 65535),
	account    INTEGER NOT NULL,
	key        TEXT NOT NULL,
	created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX ports_account ON ports (account);
CREATE UNIQUE INDEX ports_key ON ports (account, key) WHERE key <> '';

CREATE TABLE audit (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ms   INTEGER NOT NULL,
	account TEXT NOT NULL,
	event   TEXT NOT NULL,
	text    TEXT NOT NULL
) STRICT;
