-- 1: commits were pushed to one branch, and nothing else: an older one may make way for a newer one.
ALTER TABLE deliveries ADD COLUMN push INTEGER NOT NULL DEFAULT 0;
