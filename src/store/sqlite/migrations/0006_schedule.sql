-- The schedule of a delivery is time, not a number of attempts: what an agent that reconnects or an edge that restarts
-- makes of attempts does not use it up. All on the inbox's clock.
ALTER TABLE deliveries ADD COLUMN spent_ms INTEGER NOT NULL DEFAULT 0;  -- of the schedule, when it was last tried
ALTER TABLE deliveries ADD COLUMN tried_t INTEGER NOT NULL DEFAULT 0;   -- when that was
ALTER TABLE deliveries ADD COLUMN planned_t INTEGER NOT NULL DEFAULT 0; -- when the schedule wants the next attempt
ALTER TABLE deliveries ADD COLUMN firm_t INTEGER NOT NULL DEFAULT 0;    -- nobody wakes it before: the origin's Retry-After
