-- The words of a record that have no digit in them. Records of one template share them, so they are a byte a record,
-- and a word is looked for in a dictionary of some thousand texts and not in the records.
ALTER TABLE {local:logs} {on_cluster}
ADD COLUMN IF NOT EXISTS words LowCardinality(String) DEFAULT {words} CODEC(ZSTD(1)) AFTER parse_error;

ALTER TABLE logs {on_cluster} ADD COLUMN IF NOT EXISTS words LowCardinality(String) AFTER parse_error;

-- Of what is stored already they are taken out with each query until this is done, in the background.
ALTER TABLE {local:logs} {on_cluster} MATERIALIZE COLUMN words SETTINGS mutations_sync = 0;
