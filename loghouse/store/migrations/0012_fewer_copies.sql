-- The same rows. Lines are cut with two copies of the text in place of five, each of them as large as the insert.
ALTER TABLE parse {on_cluster} MODIFY QUERY
{parse};

-- The labels of one record stand for those of its container in the insert: to copy the map of each was a sixth of it.
ALTER TABLE note_streams {on_cluster} MODIFY QUERY
SELECT
    namespace, workload, pod, container, node, pod_uid,
    CAST(any(stored.labels), 'Map(String, String)') AS labels,
    min(timestamp)::DateTime('UTC') AS first_seen,
    max(timestamp)::DateTime('UTC') AS last_seen,
    count() AS records,
    sum(length(raw)) AS bytes
FROM {local:logs} AS stored
GROUP BY namespace, workload, pod, container, node, pod_uid;
