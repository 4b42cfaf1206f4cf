-- push 2: a push of which something may have been sent, so that no newer one takes its place any more. What was queued
-- before this is known may have been; the edge was killed, or the agent went away before the answer.
UPDATE deliveries SET push = 2
WHERE route IN (SELECT id FROM routes) AND state IN (0, 1, 2) AND push = 1;
