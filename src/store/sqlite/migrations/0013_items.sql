-- Small things that are kept whole (item.h): a certificate with its order, a CA's account, the records of a name.
CREATE TABLE items (
	id         INTEGER PRIMARY KEY,
	kind       TEXT NOT NULL,
	name       TEXT NOT NULL,
	account    TEXT NOT NULL, -- '': the edge's own
	version    INTEGER NOT NULL, -- from 1 on, one more with each change
	changed_ms INTEGER NOT NULL,
	bytes      BLOB NOT NULL,
	UNIQUE (kind, name)
) STRICT;
