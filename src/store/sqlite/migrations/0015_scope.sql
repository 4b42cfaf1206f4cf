-- What a token is for: '' an agent's, else names of dynamic DNS, "home,nas". key: its secret for signed DNS updates, sealed by the edge.
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN key BLOB;
