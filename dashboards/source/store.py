"""ClickHouse: disk, parts, inserts, queries."""

from dashboards.source.panels import Board, Target, graph, sql_graph, sql_number, sql_table

LOGS = Target(container="clickhouse*")
ERRORS = Target(container="clickhouse*", level="error")
PARTS = "FROM system.parts WHERE database = currentDatabase() AND active"
R = "[$__rate_interval]"


def board() -> Board:
    """Is there room, and does the store keep up?"""
    made = Board("lq-store", "Log store", "Disk, parts, inserts and queries of ClickHouse.", ("logs",))
    made.prometheus(logs_source=True)
    made.sql_variable("namespace", "Namespace", "SELECT DISTINCT namespace FROM streams ORDER BY namespace")
    made.variable("instance", "Instance", "label_values(ClickHouseProfileEvents_Query, instance)")
    made.row(
        "Now",
        sql_number(
            "Records", "All that are stored.", "short", f"SELECT sum(rows) AS rows {PARTS} AND table = 'logs'"
        ),
        sql_number("On disk", "All tables.", "bytes", f"SELECT sum(bytes_on_disk) AS bytes {PARTS}"),
        sql_number(
            "Bytes a record",
            "On disk, indexes included.",
            "bytes",
            f"SELECT sum(bytes_on_disk) / greatest(1, sum(rows)) AS bytes {PARTS} AND table = 'logs'",
            warn=60,
            bad=120,
        ),
        sql_number(
            "Parts",
            "In one partition, at most. Inserts are slowed down at 1000.",
            "short",
            f"SELECT max(parts) AS parts FROM (SELECT count() AS parts {PARTS} GROUP BY table, partition)",
            warn=300,
            bad=1000,
        ),
        sql_number(
            "Free disk",
            "Of the fullest disk, in percent.",
            "percent",
            "SELECT min(100 * free_space / greatest(1, total_space)) AS free FROM system.disks",
            warn=20,
            bad=10,
        ),
        sql_number(
            "Late inserts",
            "Seconds between the newest record and its arrival.",
            "s",
            "SELECT greatest(0, dateDiff('second', max(timestamp), max(inserted_at))) AS seconds FROM logs WHERE $__timeFilter(timestamp)",
            warn=30,
            bad=300,
        ),
    )
    made.row(
        "Disk",
        sql_table(
            "Tables",
            "Rows, bytes and parts.",
            f"SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts, round(sum(data_uncompressed_bytes) / greatest(1, sum(data_compressed_bytes)), 1) AS ratio {PARTS} GROUP BY table ORDER BY bytes DESC",
        ),
        sql_table(
            "Days",
            "What each day takes; how much longer could be kept?",
            f"SELECT partition AS day, sum(rows) AS records, sum(bytes_on_disk) AS bytes, count() AS parts, round(bytes / records, 1) AS \"bytes a record\" {PARTS} AND table = 'logs' GROUP BY day ORDER BY day DESC LIMIT 60",
        ),
        sql_table(
            "Columns",
            "Where the bytes are.",
            "SELECT name AS column, data_compressed_bytes AS bytes, round(data_uncompressed_bytes / greatest(1, data_compressed_bytes), 1) AS ratio FROM system.columns WHERE database = currentDatabase() AND table = 'logs' ORDER BY bytes DESC",
        ),
        sql_table(
            "Disks",
            "Free and total space.",
            'SELECT name, path, free_space, total_space, round(100 * free_space / greatest(1, total_space), 1) AS "free %" FROM system.disks',
        ),
    )
    made.row(
        "Inserts",
        sql_graph(
            "Records stored",
            "By the time they were inserted.",
            "short",
            "SELECT $__timeInterval(inserted_at) AS time, count() AS records FROM logs WHERE $__timeFilter(inserted_at) AND $__timeFilter(timestamp) GROUP BY time ORDER BY time",
            logs_of=LOGS,
        ),
        sql_graph(
            "Delay",
            "From the time of a record to its insert: half and nearly all of them.",
            "s",
            "SELECT $__timeInterval(timestamp) AS time, quantile(0.5)(greatest(0, dateDiff('millisecond', timestamp, inserted_at))) / 1000 AS half, quantile(0.99)(greatest(0, dateDiff('millisecond', timestamp, inserted_at))) / 1000 AS nearly_all FROM logs WHERE $__timeFilter(timestamp) GROUP BY time ORDER BY time",
            stacked=False,
            logs_of=LOGS,
        ),
    )
    made.row(
        "Queries",
        sql_table(
            "Running",
            "Queries of this moment.",
            "SELECT query_id, user, round(elapsed, 1) AS seconds, read_rows, memory_usage, substring(query, 1, 200) AS query FROM system.processes ORDER BY elapsed DESC",
        ),
        sql_table(
            "Merges",
            "Of this moment.",
            'SELECT table, round(elapsed, 1) AS seconds, round(100 * progress, 1) AS "done %", num_parts AS parts, rows_read FROM system.merges ORDER BY elapsed DESC',
        ),
        sql_table(
            "Since the start",
            "Counters of ClickHouse.",
            "SELECT event, value, description FROM system.events WHERE event IN ('Query', 'SelectQuery', 'InsertQuery', 'FailedQuery', 'FailedSelectQuery', 'FailedInsertQuery', 'InsertedRows', 'InsertedBytes', 'SelectedRows', 'SelectedBytes', 'MergedRows', 'DelayedInserts', 'RejectedInserts') ORDER BY event",
            width=24,
        ),
    )
    made.row(
        "A ClickHouse server's own metrics",
        graph(
            "Queries",
            "Each second.",
            "ops",
            (
                f'sum by (instance) (rate(ClickHouseProfileEvents_Query{{instance=~"$instance"}}{R}))',
                "{{instance}}",
            ),
            (
                f'sum by (instance) (rate(ClickHouseProfileEvents_FailedQuery{{instance=~"$instance"}}{R}))',
                "{{instance}} failed",
            ),
            logs_of=ERRORS,
        ),
        graph(
            "Rows inserted",
            "Each second.",
            "cps",
            (
                f'sum by (instance) (rate(ClickHouseProfileEvents_InsertedRows{{instance=~"$instance"}}{R}))',
                "{{instance}}",
            ),
            logs_of=LOGS,
        ),
        graph(
            "Memory",
            "Tracked by ClickHouse.",
            "bytes",
            ('ClickHouseMetrics_MemoryTracking{instance=~"$instance"}', "{{instance}}"),
            logs_of=ERRORS,
        ),
    )
    return made
