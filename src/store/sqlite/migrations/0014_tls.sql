-- The TLS of this name's visitors ends at its agent: the edge must not answer it, also while no agent is there.
ALTER TABLE names ADD COLUMN tls INTEGER NOT NULL DEFAULT 0;
