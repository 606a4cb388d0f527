-- Waits until every part has the texts: then the maps can go.
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

ALTER TABLE {local:logs} {on_cluster} MODIFY COLUMN labels_json DEFAULT '';

ALTER TABLE {local:logs} {on_cluster} DROP COLUMN IF EXISTS labels;

ALTER TABLE logs {on_cluster} DROP COLUMN IF EXISTS labels;

-- For SQL of people: `labels['app']`. The language asks the text.
ALTER TABLE {local:logs} {on_cluster}
ADD COLUMN IF NOT EXISTS labels Map(String, String) ALIAS {labels_of_json} AFTER labels_json;

ALTER TABLE logs {on_cluster}
ADD COLUMN IF NOT EXISTS labels Map(String, String) ALIAS {labels_of_json} AFTER labels_json;
