-- Since when the operator has switched a name off, 0: it is on. It stays so whoever releases the name or gets it back.
ALTER TABLE names ADD COLUMN disabled_ms INTEGER NOT NULL DEFAULT 0;
