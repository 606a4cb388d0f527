-- The labels of a record as one text, which it shares with all records of its pod: see formats/labels.py. Until the next
-- migration there may be both, the map and the text of it.
ALTER TABLE {local:logs} {on_cluster}
ADD COLUMN IF NOT EXISTS labels_json LowCardinality(String) DEFAULT {labels_as_json}
CODEC(ZSTD(1)) AFTER labels;

ALTER TABLE logs {on_cluster} ADD COLUMN IF NOT EXISTS labels_json LowCardinality(String) AFTER labels;

-- Before the maps stay empty: a stream has the labels of its last insert.
ALTER TABLE note_streams {on_cluster} MODIFY QUERY
SELECT
    namespace, workload, pod, container, node, pod_uid,
    JSONExtract(CAST(anyIf(labels_json, labels_json != ''), 'String'), 'Map(String, String)') AS labels,
    min(timestamp)::DateTime('UTC') AS first_seen,
    max(timestamp)::DateTime('UTC') AS last_seen,
    count() AS records,
    sum(length(raw)) AS bytes
FROM {local:logs}
GROUP BY namespace, workload, pod, container, node, pod_uid;

ALTER TABLE parse {on_cluster} MODIFY QUERY
{parse};

-- In the background; until it is done they are made of the maps with each query.
ALTER TABLE {local:logs} {on_cluster} MATERIALIZE COLUMN labels_json SETTINGS mutations_sync = 0;
