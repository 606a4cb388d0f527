-- Counts per 15 seconds: histograms over days read these instead of the records.
CREATE TABLE IF NOT EXISTS {local:counts} {on_cluster}
(
    time DateTime('UTC') CODEC(Delta, ZSTD(1)),
    namespace LowCardinality(String),
    workload LowCardinality(String),
    container LowCardinality(String),
    level Enum8({levels}),
    records UInt64 CODEC(T64, ZSTD(1)),
    bytes UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = {SummingMergeTree:counts}
PARTITION BY toYYYYMM(time)
ORDER BY (namespace, workload, container, level, time)
SETTINGS {dedup_window}, fsync_after_insert = 1, fsync_part_directory = 1;

{distributed:counts};

CREATE MATERIALIZED VIEW IF NOT EXISTS count_records {on_cluster} TO {local:counts} AS
SELECT
    toStartOfInterval(timestamp, INTERVAL 15 SECOND)::DateTime('UTC') AS time,
    namespace, workload, container, level,
    count() AS records,
    sum(length(raw)) AS bytes
FROM {local:logs}
GROUP BY time, namespace, workload, container, level;

-- Who writes: one row for each container of each pod, found before the records are read.
CREATE TABLE IF NOT EXISTS {local:streams} {on_cluster}
(
    namespace LowCardinality(String),
    workload LowCardinality(String),
    pod LowCardinality(String),
    container LowCardinality(String),
    node LowCardinality(String),
    pod_uid LowCardinality(String),
    labels SimpleAggregateFunction(anyLast, Map(String, String)),
    first_seen SimpleAggregateFunction(min, DateTime('UTC')),
    last_seen SimpleAggregateFunction(max, DateTime('UTC')),
    records SimpleAggregateFunction(sum, UInt64),
    bytes SimpleAggregateFunction(sum, UInt64)
)
ENGINE = {AggregatingMergeTree:streams}
ORDER BY (namespace, workload, pod, container, node, pod_uid)
SETTINGS {dedup_window}, fsync_after_insert = 1, fsync_part_directory = 1;

{distributed:streams};

CREATE MATERIALIZED VIEW IF NOT EXISTS note_streams {on_cluster} TO {local:streams} AS
SELECT
    namespace, workload, pod, container, node, pod_uid,
    anyLast(CAST(labels, 'Map(String, String)')) AS labels,
    min(timestamp)::DateTime('UTC') AS first_seen,
    max(timestamp)::DateTime('UTC') AS last_seen,
    count() AS records,
    sum(length(raw)) AS bytes
FROM {local:logs}
GROUP BY namespace, workload, pod, container, node, pod_uid;

-- Which fields there are, from one record in sixteen: completion, `logq fields` and "did you mean".
CREATE TABLE IF NOT EXISTS {local:fields} {on_cluster}
(
    day Date,
    namespace LowCardinality(String),
    container LowCardinality(String),
    format LowCardinality(String),
    field LowCardinality(String),
    records SimpleAggregateFunction(sum, UInt64)
)
ENGINE = {AggregatingMergeTree:fields}
PARTITION BY toYYYYMM(day)
ORDER BY (namespace, container, format, field, day)
SETTINGS {dedup_window}, fsync_after_insert = 1, fsync_part_directory = 1;

{distributed:fields};

CREATE MATERIALIZED VIEW IF NOT EXISTS note_fields {on_cluster} TO {local:fields} AS
SELECT
    toDate(timestamp) AS day, namespace, container, format, arrayJoin({noted_keys}) AS field, count() AS records
FROM {local:logs}
WHERE cityHash64(source_id, offset) % 16 = 0 AND length(raw) < 65536
GROUP BY day, namespace, container, format, field
-- Only the branch of a record's own format, where the view before it evaluates eagerly.
SETTINGS short_circuit_function_evaluation = 'enable';
