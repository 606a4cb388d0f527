-- Nothing asked for this alias column any more, yet every query and every view of an insert had to resolve it.
ALTER TABLE {local:logs} {on_cluster} DROP COLUMN IF EXISTS keys;
