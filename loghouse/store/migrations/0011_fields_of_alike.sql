-- Of the records of an insert that have the same words one is taken apart and counts for all: a third of the work.
ALTER TABLE note_fields {on_cluster} MODIFY QUERY
SELECT day, namespace, container, format, arrayJoin({noted_keys}) AS field, sum(alike) AS records
FROM
(
    SELECT toDate(timestamp) AS day, namespace, container, format, words, any(raw) AS raw, count() AS alike
    FROM {local:logs} AS stored
    WHERE cityHash64(source_id, offset) % 16 = 0 AND length(stored.raw) < 65536
    GROUP BY day, namespace, container, format, words
)
GROUP BY day, namespace, container, format, field
-- Only the branch of a record's own format, where the view before it evaluates eagerly.
SETTINGS short_circuit_function_evaluation = 'enable';
