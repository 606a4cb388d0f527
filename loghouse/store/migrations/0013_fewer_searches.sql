-- The same rows. A regular expression runs over the records of its own format, and no longer over '' for each of all others.
ALTER TABLE parse {on_cluster} MODIFY QUERY
{parse};

-- The labels of a record that has them: the first lines of a pod may come before its labels are known.
ALTER TABLE note_streams {on_cluster} MODIFY QUERY
SELECT
    namespace, workload, pod, container, node, pod_uid,
    CAST(anyIf(stored.labels, notEmpty(stored.labels)), 'Map(String, String)') AS labels,
    min(timestamp)::DateTime('UTC') AS first_seen,
    max(timestamp)::DateTime('UTC') AS last_seen,
    count() AS records,
    sum(length(raw)) AS bytes
FROM {local:logs} AS stored
GROUP BY namespace, workload, pod, container, node, pod_uid;
