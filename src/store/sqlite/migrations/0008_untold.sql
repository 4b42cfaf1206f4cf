-- What was parked or given up, and no alert has told anybody yet.
INSERT INTO meta (key, value) VALUES ('untold_parked', '0'), ('untold_dead', '0');
