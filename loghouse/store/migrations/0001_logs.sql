-- Records, as written and taken apart. Sorted so that one container's lines lie together (they compress five
-- times better than lines in order of time) and in time order within it.
CREATE TABLE IF NOT EXISTS {local:logs} {on_cluster}
(
    timestamp DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    namespace LowCardinality(String) CODEC(ZSTD(1)),
    workload LowCardinality(String) CODEC(ZSTD(1)),
    pod LowCardinality(String) CODEC(ZSTD(1)),
    container LowCardinality(String) CODEC(ZSTD(1)),
    node LowCardinality(String) CODEC(ZSTD(1)),
    pod_uid LowCardinality(String) CODEC(ZSTD(1)),
    restart UInt32 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    -- Tables that were made before have it from 0014. It stands here too because the view, of which only the newest
    -- form is known, writes it.
    labels_json LowCardinality(String) DEFAULT {labels_as_json} CODEC(ZSTD(1)),
    stream LowCardinality(String) CODEC(ZSTD(1)),
    level Enum8({levels}) CODEC(ZSTD(1)),
    format LowCardinality(String) CODEC(ZSTD(1)),
    -- Blocks of 4 MB instead of 1 MB: a sixth fewer bytes on disk. Larger ones save little more, and a search that shows
    -- the newest records of forty containers unpacks a whole block of each.
    raw String CODEC(ZSTD(3)) SETTINGS (min_compress_block_size = 4194304, max_compress_block_size = 4194304),
    numbers Map(LowCardinality(String), Float64) CODEC(ZSTD(3)),
    source_id UInt64 CODEC(ZSTD(1)),
    offset UInt64 CODEC(Delta, ZSTD(1)),
    -- What the runtime's prefix and line end add to `raw` in the file: nearly constant, where `length` would not be.
    overhead UInt32 CODEC(T64, ZSTD(1)),
    parse_error LowCardinality(String) CODEC(ZSTD(1)),
    length UInt32 ALIAS toUInt32(overhead + length(raw)),
    message String ALIAS {message},
    strings Map(String, String) ALIAS {text_fields},
    INDEX tokens {indexed} TYPE tokenbf_v1(16384, 2, 0) GRANULARITY 1,
    INDEX time timestamp TYPE minmax GRANULARITY 1,
    INDEX stored inserted_at TYPE minmax GRANULARITY 1
)
ENGINE = {MergeTree:logs}
PARTITION BY toDate(timestamp)
ORDER BY (namespace, workload, container, pod, timestamp)
SETTINGS
    -- Few rows of a column are read at a time, so its blocks are small.
    min_compress_block_size = 262144,
    max_compress_block_size = 262144,
    -- An insert that is repeated after a lost answer is stored once.
    {dedup_window},
    -- An acknowledged insert survives a crash of the machine.
    fsync_after_insert = 1,
    fsync_part_directory = 1;

{distributed:logs};

-- What senders insert into: pieces of files, whole lines. Nothing is stored here, the view below cuts and parses.
CREATE TABLE IF NOT EXISTS ingest {on_cluster}
(
    source_id UInt64,
    offset UInt64,
    span UInt32,
    wrapper LowCardinality(String),
    namespace LowCardinality(String),
    workload LowCardinality(String),
    pod LowCardinality(String),
    container LowCardinality(String),
    node LowCardinality(String),
    pod_uid String,
    restart UInt32,
    labels Map(LowCardinality(String), LowCardinality(String)),
    data String
)
ENGINE = Null;
