"""Redis and Valkey, under oliver006's names."""

from dashboards.source.panels import Board, Target, graph, listing, number

LOGS = Target(container="redis*")


def board() -> Board:
    """Is there memory, are commands fast, are replicas there?"""
    made = Board(
        "lq-redis",
        "Redis",
        "Memory, commands, keys, clients and replication of Redis and Valkey.",
        ("redis",),
    )
    made.prometheus("redis_up")
    made.row(
        "Now",
        number("Up", "Servers that answer.", "short", "sum(redis_up{<S>})", logs_of=LOGS),
        number(
            "Down",
            "Servers that do not answer.",
            "short",
            "count(redis_up{<S>} == 0) or vector(0)",
            bad=1,
            logs_of=LOGS,
        ),
        number(
            "Memory",
            "Of the server that is fullest, in percent of maxmemory.",
            "percent",
            "max(100 * redis_memory_used_bytes{<S>} / (redis_memory_max_bytes{<S>} > 0))",
            warn=80,
            bad=90,
            logs_of=Target(container="redis*", search="memory"),
        ),
        number(
            "Commands",
            "Commands each second.",
            "ops",
            "sum(rate(redis_commands_processed_total{<S>}[$__rate_interval]))",
            logs_of=LOGS,
        ),
        number(
            "Hits",
            "Keys found, in percent of those looked for.",
            "percent",
            "100 * sum(rate(redis_keyspace_hits_total{<S>}[$__rate_interval])) / (sum(rate(redis_keyspace_hits_total{<S>}[$__rate_interval])) + sum(rate(redis_keyspace_misses_total{<S>}[$__rate_interval])))",
            warn=80,
            bad=50,
            logs_of=LOGS,
        ),
        number("Clients", "Connected clients.", "short", "sum(redis_connected_clients{<S>})", logs_of=LOGS),
    )
    made.row(
        "Memory and keys",
        graph(
            "Memory",
            "Used memory, what the system sees of it, and the limit.",
            "bytes",
            ("redis_memory_used_bytes{<S>}", "{{instance}} used"),
            ("redis_memory_used_rss_bytes{<S>}", "{{instance}} resident"),
            ("redis_memory_max_bytes{<S>} > 0", "{{instance}} limit"),
            logs_of=Target(container="redis*", search="memory"),
        ),
        graph(
            "Keys",
            "Keys by database.",
            "short",
            ("sum by (instance, db) (redis_db_keys{<S>})", "{{instance}} {{db}}"),
            logs_of=LOGS,
        ),
        graph(
            "Expired and evicted keys",
            "Evicted keys were removed for lack of memory, not of age.",
            "cps",
            (
                "sum by (instance) (rate(redis_expired_keys_total{<S>}[$__rate_interval]))",
                "{{instance}} expired",
            ),
            (
                "sum by (instance) (rate(redis_evicted_keys_total{<S>}[$__rate_interval]))",
                "{{instance}} evicted",
            ),
            logs_of=LOGS,
        ),
        graph(
            "Fragmentation",
            "Resident in times of used memory; above 1.5 memory is wasted, below 1 it is swapped.",
            "short",
            ("redis_mem_fragmentation_ratio{<S>}", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Keys that expire",
            "Share of keys with an expiry.",
            "percent",
            (
                "100 * sum by (instance) (redis_db_keys_expiring{<S>}) / sum by (instance) (redis_db_keys{<S>})",
                "{{instance}}",
            ),
            top=100,
            logs_of=LOGS,
        ),
        graph(
            "Hits",
            "Keys found, in percent of those looked for.",
            "percent",
            (
                "100 * rate(redis_keyspace_hits_total{<S>}[$__rate_interval]) / (rate(redis_keyspace_hits_total{<S>}[$__rate_interval]) + rate(redis_keyspace_misses_total{<S>}[$__rate_interval]))",
                "{{instance}}",
            ),
            top=100,
            logs_of=LOGS,
        ),
    )
    made.row(
        "Commands",
        graph(
            "Commands",
            "The ten most frequent.",
            "ops",
            ("topk(10, sum by (cmd) (rate(redis_commands_total{<S>}[$__rate_interval])))", "{{cmd}}"),
            logs_of=LOGS,
        ),
        graph(
            "Time of a command",
            "The ten slowest on average.",
            "s",
            (
                "topk(10, sum by (cmd) (rate(redis_commands_duration_seconds_total{<S>}[$__rate_interval])) / sum by (cmd) (rate(redis_commands_total{<S>}[$__rate_interval])))",
                "{{cmd}}",
            ),
            logs_of=LOGS,
        ),
        graph(
            "Time spent",
            "Seconds of a second that each command takes.",
            "percentunit",
            (
                "topk(10, sum by (cmd) (rate(redis_commands_duration_seconds_total{<S>}[$__rate_interval])))",
                "{{cmd}}",
            ),
            stacked=True,
            logs_of=LOGS,
        ),
        graph(
            "Failed and rejected commands",
            "Commands that ended with an error.",
            "ops",
            (
                "sum by (cmd) (rate(redis_commands_failed_calls_total{<S>}[$__rate_interval])) > 0",
                "{{cmd}} failed",
            ),
            (
                "sum by (cmd) (rate(redis_commands_rejected_calls_total{<S>}[$__rate_interval])) > 0",
                "{{cmd}} rejected",
            ),
            logs_of=Target(container="redis*", level="error"),
        ),
        graph(
            "Errors",
            "Error answers by their first word.",
            "ops",
            ("sum by (err) (rate(redis_errors_total{<S>}[$__rate_interval]))", "{{err}}"),
            logs_of=LOGS,
        ),
        graph(
            "Slow log",
            "Entries in the slow log.",
            "short",
            ("redis_slowlog_length{<S>}", "{{instance}}"),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Clients and network",
        graph(
            "Clients",
            "Connected and blocked clients.",
            "short",
            ("redis_connected_clients{<S>}", "{{instance}} connected"),
            ("redis_blocked_clients{<S>}", "{{instance}} blocked"),
            logs_of=LOGS,
        ),
        graph(
            "Rejected connections",
            "Beyond maxclients.",
            "cps",
            ("rate(redis_rejected_connections_total{<S>}[$__rate_interval])", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Network",
            "Bytes in and out each second.",
            "Bps",
            ("rate(redis_net_input_bytes_total{<S>}[$__rate_interval])", "{{instance}} in"),
            ("rate(redis_net_output_bytes_total{<S>}[$__rate_interval])", "{{instance}} out"),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Replication and persistence",
        graph(
            "Replicas",
            "Replicas connected to each master.",
            "short",
            ("redis_connected_slaves{<S>}", "{{instance}}"),
            logs_of=Target(container="redis*", search="replica"),
        ),
        graph(
            "Lag of replicas",
            "Seconds since the master heard of a replica.",
            "s",
            ("redis_connected_slave_lag_seconds{<S>}", "{{instance}} {{slave_ip}}:{{slave_port}}"),
            warn=5,
            bad=30,
            logs_of=Target(container="redis*", search="replica"),
        ),
        graph(
            "Age of the last save",
            "Since the last RDB file was written.",
            "s",
            ("time() - redis_rdb_last_save_timestamp_seconds{<S>}", "{{instance}}"),
            logs_of=Target(container="redis*", search="saving"),
        ),
        listing(
            "Servers",
            "Role, version and mode.",
            "short",
            ("redis_instance_info{<S>}", ""),
            width=24,
            logs_of=LOGS,
        ),
    )
    return made
