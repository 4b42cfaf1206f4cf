-- The policy of a name's route, sealed by the edge (hook/seal.h): it holds while no agent is there.
ALTER TABLE names ADD COLUMN policy BLOB;
