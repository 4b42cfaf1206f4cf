-- When the agent of this name or port was stopped in order, if none came since: the tunnel is off, not away. 0: it was not.
ALTER TABLE names ADD COLUMN stopped_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ports ADD COLUMN stopped_ms INTEGER NOT NULL DEFAULT 0;
