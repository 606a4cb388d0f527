"""The tables of a store of files: lines as they are; what is in them is found out when a query asks for it.

A store that lasts parses each record once, with the insert. Files are asked one question: to parse every
record in every way would take many times as long as the answer.
"""

# ruff: noqa: S608 - all of it is ours

from __future__ import annotations

from loghouse.formats.fields import message_sql, noted_keys_sql, text_fields_sql, words_sql
from loghouse.formats.view import BLOCK_ROWS, read_sql, unwrapped_sql
from loghouse.local.stamps import times_sql

PART_BYTES = 8 << 20  # of lines that wait in memory to be written
PIECES = "pieces"  # what is inserted: whole lines as they stand in a file

_PIECES = """CREATE TABLE pieces
(
    source_id UInt64, offset UInt64, span UInt32, wrapper LowCardinality(String),
    namespace LowCardinality(String), workload LowCardinality(String), pod LowCardinality(String),
    container LowCardinality(String), node LowCardinality(String), pod_uid LowCardinality(String),
    restart UInt32, labels Map(LowCardinality(String), LowCardinality(String)), data String
) ENGINE = Memory"""

# Lasts as long as the command: it need not survive a crash, and to sort or to merge it would be in vain.
_LINES = """CREATE TABLE lines
(
    timestamp DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    namespace LowCardinality(String), workload LowCardinality(String), pod LowCardinality(String),
    container LowCardinality(String), node LowCardinality(String), pod_uid LowCardinality(String),
    restart UInt32, labels_json LowCardinality(String), stream LowCardinality(String),
    raw String CODEC(ZSTD(1)),
    source_id UInt64, offset UInt64 CODEC(Delta, LZ4), overhead UInt32, wrapper_error LowCardinality(String)
)
ENGINE = MergeTree ORDER BY tuple() SETTINGS fsync_after_insert = 0, fsync_part_directory = 0"""

_LOGS = f"""CREATE VIEW logs AS
SELECT timestamp, toDateTime64(timestamp, 3, 'UTC') AS inserted_at,
    namespace, workload, pod, container, node, pod_uid, restart, labels_json, stream,
    level, format, raw, numbers, source_id, offset, overhead, parse_error,
    toUInt32(overhead + length(raw)) AS length, {message_sql()} AS message, {text_fields_sql()} AS strings,
    {words_sql()} AS words
FROM ({read_sql("SELECT * FROM lines")})"""

# No sums are kept of what is read once.
_COUNTS = """CREATE VIEW counts AS
SELECT toStartOfInterval(timestamp, INTERVAL 15 SECOND)::DateTime('UTC') AS time,
    namespace, workload, container, level, 1::UInt64 AS records, length(raw)::UInt64 AS bytes
FROM logs"""

# The catalogue of fields is looked at when a query finds nothing, so it is made then.
_FIELDS = f"""CREATE VIEW fields AS
SELECT toDate(timestamp) AS day, namespace, container, format, arrayJoin({noted_keys_sql()}) AS field,
    1::UInt64 AS records
FROM (SELECT timestamp, namespace, container, format, raw FROM logs LIMIT 20000 BY source_id LIMIT 200000)"""

TABLES = (_PIECES, _LINES, _LOGS, _COUNTS, _FIELDS)


def cut_sql(zone: str, year: int) -> str:
    """The INSERT that makes lines of all pieces; see `times_sql` for its arguments."""
    lines = unwrapped_sql(f"arrayMap(t -> fromUnixTimestamp64Nano(t, 'UTC'), {times_sql(zone, year)})")
    return f"""INSERT INTO lines
SELECT if(in_range, stamp, now64(9, 'UTC')) AS timestamp,
    namespace, workload, pod, container, node, pod_uid, restart, labels_json, stream,
    raw, source_id, offset, toUInt32(length - length(raw)) AS overhead, wrapper_error
FROM ({lines.replace("{ingest}", PIECES)})
SETTINGS short_circuit_function_evaluation = 'disable', max_block_size = {BLOCK_ROWS},
    min_insert_block_size_rows = 0, min_insert_block_size_bytes = {PART_BYTES}"""
