-- The labels of a record as one text, which it shares with all records of its pod: see formats/labels.py. Until the next
-- migration there may be both, the map and the text of it.
ALTER TABLE {local:logs} {on_cluster}
ADD COLUMN IF NOT EXISTS labels_json LowCardinality(String) DEFAULT {labels_as_json}
CODEC(ZSTD(1)) AFTER labels;

ALTER TABLE logs {on_cluster} ADD COLUMN IF NOT EXISTS labels_json LowCardinality(String) AFTER labels;

ALTER TABLE parse {on_cluster} MODIFY QUERY
{parse};

-- In the background; until it is done they are made of the maps with each query.
ALTER TABLE {local:logs} {on_cluster} MATERIALIZE COLUMN labels_json SETTINGS mutations_sync = 0;
