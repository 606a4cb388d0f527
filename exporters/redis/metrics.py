"""Every metric of redis-exporter, for making families, the documentation and the comparison with upstream."""

from collections.abc import Iterator

from exporters.catalogue import Catalogue, Metric
from exporters.redis.fields import COUNTERS, GAUGES

_MASTER = ("master_name", "master_address")
_UPLINK = ("master_host", "master_port")
_REPLICA = ("slave_ip", "slave_port", "slave_state")
_STREAM = ("db", "stream")
_GROUP = (*_STREAM, "group")
_CONSUMER = (*_GROUP, "consumer")
_CLIENT = ("id", "name")

_INSTANCE = (
    Metric("up", "gauge", "Whether Redis answered."),
    Metric(
        "instance_info",
        "gauge",
        "Role, versions and identity of the server; the valkey labels only on Valkey.",
        (
            "role",
            "redis_version",
            "redis_build_id",
            "redis_mode",
            "os",
            "maxmemory_policy",
            "tcp_port",
            "run_id",
            "process_id",
            "master_replid",
            "valkey_version",
            "valkey_release_stage",
        ),
    ),
    Metric("start_time_seconds", "gauge", "Start of the server since the epoch."),
    Metric("configured_hz", "gauge", "Configured frequency of the server's timer."),
    Metric("hz", "gauge", "Current frequency of the server's timer."),
    Metric("total_system_memory_bytes", "gauge", "Memory of the host (with --include-system-metrics)."),
    Metric("active_time_io_thread_seconds_total", "counter", "Active time of an I/O thread.", ("thread",)),
)
_KEYSPACE = (
    Metric("db_keys", "gauge", "Keys of a database.", ("db",)),
    Metric("db_keys_expiring", "gauge", "Keys of a database that expire.", ("db",)),
    Metric("db_avg_ttl_seconds", "gauge", "Average time to live of the expiring keys.", ("db",)),
    Metric("db_keys_cached", "gauge", "Cached keys of a database (KeyDB).", ("db",)),
    Metric("db_keys_with_expiring_items", "gauge", "Keys that hold items with an expiry.", ("db",)),
)
_REPLICATION = (
    Metric("connected_slave_offset_bytes", "gauge", "Replication offset of a replica.", _REPLICA),
    Metric("connected_slave_lag_seconds", "gauge", "Time since a replica acknowledged.", _REPLICA),
    Metric("master_link_up", "gauge", "Whether the link to the master is up.", _UPLINK),
    Metric("master_last_io_seconds_ago", "gauge", "Time since the master was heard.", _UPLINK),
    Metric("master_sync_in_progress", "gauge", "Whether the master sends a full copy.", _UPLINK),
    Metric("slave_repl_offset", "gauge", "Replication offset of this replica.", _UPLINK),
    Metric("slave_info", "gauge", "The master of this replica.", (*_UPLINK, "read_only")),
)
_COMMANDS = (
    Metric("commands_total", "counter", "Calls of a command.", ("cmd",)),
    Metric("commands_duration_seconds_total", "counter", "Time spent in a command.", ("cmd",)),
    Metric("commands_rejected_calls_total", "counter", "Calls refused before they ran.", ("cmd",)),
    Metric("commands_failed_calls_total", "counter", "Calls that failed while they ran.", ("cmd",)),
    Metric("errors_total", "counter", "Error replies by their first word.", ("err",)),
    Metric("latency_percentiles_usec", "summary", "Latency by command; quantiles from 0 to 100.", ("cmd",)),
    Metric("commands_latencies_usec", "histogram", "Latency by command in microseconds.", ("cmd",)),
    Metric(
        "latency_spike_last", "gauge", "Time of the latest latency spike since the epoch.", ("event_name",)
    ),
    Metric("latency_spike_duration_seconds", "gauge", "Length of the latest latency spike.", ("event_name",)),
    Metric("slowlog_length", "gauge", "Entries of the slow log."),
    Metric("slowlog_last_id", "gauge", "Number of the newest entry of the slow log."),
    Metric("last_slow_execution_duration_seconds", "gauge", "Duration of the newest entry of the slow log."),
    Metric("commandlog_slow_length", "gauge", "Entries of the log of slow commands (Valkey)."),
    Metric("commandlog_large_request_length", "gauge", "Entries of the log of large requests (Valkey)."),
    Metric("commandlog_large_reply_length", "gauge", "Entries of the log of large replies (Valkey)."),
)
_CONFIG = (
    Metric("config_maxclients", "gauge", "CONFIG maxclients."),
    Metric("config_maxmemory", "gauge", "CONFIG maxmemory."),
    Metric("config_io_threads", "gauge", "CONFIG io-threads."),
    Metric("config_repl_backlog_size", "gauge", "CONFIG repl-backlog-size."),
    Metric(
        "config_client_output_buffer_limit_bytes",
        "gauge",
        "Limit of a client's output buffer.",
        ("class", "limit"),
    ),
    Metric(
        "config_client_output_buffer_limit_overcome_seconds",
        "gauge",
        "How long a client may be above the soft limit.",
        ("class", "limit"),
    ),
    Metric("commandlog_execution_slower_than", "gauge", "CONFIG commandlog-execution-slower-than."),
    Metric("commandlog_request_larger_than", "gauge", "CONFIG commandlog-request-larger-than."),
    Metric("commandlog_reply_larger_than", "gauge", "CONFIG commandlog-reply-larger-than."),
    Metric("commandlog_slow_execution_max_len", "gauge", "CONFIG commandlog-slow-execution-max-len."),
    Metric("commandlog_large_request_max_len", "gauge", "CONFIG commandlog-large-request-max-len."),
    Metric("commandlog_large_reply_max_len", "gauge", "CONFIG commandlog-large-reply-max-len."),
    Metric("config_key_value", "gauge", "Every setting (with --include-config-metrics).", ("key", "value")),
    Metric("config_value", "gauge", "Every numeric setting (with --include-config-metrics).", ("key",)),
    Metric("rdb_current_size_bytes", "gauge", "Size of the RDB file (with --include-rdb-file-size-metric)."),
)
_SENTINEL = (
    Metric("sentinel_masters", "gauge", "Masters that this Sentinel watches."),
    Metric("sentinel_tilt", "gauge", "Whether this Sentinel is in TILT mode."),
    Metric("sentinel_running_scripts", "gauge", "Scripts that run now."),
    Metric("sentinel_scripts_queue_length", "gauge", "Scripts that wait."),
    Metric("sentinel_simulate_failure_flags", "gauge", "Failures that are simulated."),
    Metric(
        "sentinel_master_status", "gauge", "1 when the master's status is ok.", (*_MASTER, "master_status")
    ),
    Metric("sentinel_master_slaves", "gauge", "Replicas of a master.", _MASTER),
    Metric("sentinel_master_sentinels", "gauge", "Sentinels of a master.", _MASTER),
    Metric("sentinel_master_ok_slaves", "gauge", "Replicas of a master that are not down.", _MASTER),
    Metric("sentinel_master_ok_sentinels", "gauge", "Sentinels of a master that are not down.", _MASTER),
    Metric("sentinel_master_setting_ckquorum", "gauge", "Quorum of a master.", _MASTER),
    Metric("sentinel_master_setting_failover_timeout", "gauge", "Setting failover-timeout.", _MASTER),
    Metric("sentinel_master_setting_parallel_syncs", "gauge", "Setting parallel-syncs.", _MASTER),
    Metric(
        "sentinel_master_setting_down_after_milliseconds",
        "gauge",
        "Setting down-after-milliseconds.",
        _MASTER,
    ),
    Metric("sentinel_master_config_epoch", "gauge", "Configuration epoch of a master.", _MASTER),
    Metric(
        "sentinel_master_last_ok_ping_reply_seconds", "gauge", "Time since a master answered a ping.", _MASTER
    ),
    Metric(
        "sentinel_master_ckquorum_status",
        "gauge",
        "Whether the quorum can be reached.",
        ("master_name", "message"),
    ),
    Metric(
        "sentinel_peer_info",
        "gauge",
        "Other Sentinels of a master (with --include-sentinel-peer-info).",
        (*_MASTER, "name", "ip", "port", "runid", "flags"),
    ),
    Metric(
        "sentinel_config_key_value",
        "gauge",
        "Settings of Sentinel (with --include-config-metrics).",
        ("key", "value"),
    ),
    Metric(
        "sentinel_config_value",
        "gauge",
        "Numeric settings of Sentinel (with --include-config-metrics).",
        ("key",),
    ),
)
_KEYS = (
    Metric("key_size", "gauge", "Length or number of elements of a checked key.", ("db", "key")),
    Metric("key_value", "gauge", "Value of a checked key that holds a number.", ("db", "key")),
    Metric("key_value_as_string", "gauge", "Value of a checked key as a label.", ("db", "key", "val")),
    Metric("key_memory_usage_bytes", "gauge", "Memory of a checked key.", ("db", "key")),
    Metric("keys_count", "gauge", "Keys that match a pattern.", ("db", "key")),
    Metric("key_group_count", "gauge", "Keys of a group.", ("db", "key_group")),
    Metric("key_group_memory_usage_bytes", "gauge", "Memory of the keys of a group.", ("db", "key_group")),
    Metric("number_of_distinct_key_groups", "gauge", "Groups found in a database.", ("db",)),
    Metric("last_key_groups_scrape_duration_milliseconds", "gauge", "Time spent on grouping keys."),
    Metric(
        "exporter_keys_truncated",
        "gauge",
        "1 when --max-keys kept matching keys or streams from being checked.",
        ("collector",),
    ),
)
_STREAMS = (
    Metric("stream_length", "gauge", "Entries of a stream.", _STREAM),
    Metric("stream_groups", "gauge", "Consumer groups of a stream.", _STREAM),
    Metric("stream_radix_tree_keys", "gauge", "Keys of the stream's radix tree.", _STREAM),
    Metric("stream_radix_tree_nodes", "gauge", "Nodes of the stream's radix tree.", _STREAM),
    Metric("stream_last_generated_id", "gauge", "Milliseconds of the newest id ever.", _STREAM),
    Metric("stream_first_entry_id", "gauge", "Milliseconds of the first entry's id.", _STREAM),
    Metric("stream_last_entry_id", "gauge", "Milliseconds of the last entry's id.", _STREAM),
    Metric("stream_max_deleted_entry_id", "gauge", "Milliseconds of the highest deleted id.", _STREAM),
    Metric("stream_entries_added_total", "counter", "Entries ever added to a stream.", _STREAM),
    Metric("stream_group_consumers", "gauge", "Consumers of a group.", _GROUP),
    Metric("stream_group_messages_pending", "gauge", "Delivered entries without acknowledgement.", _GROUP),
    Metric("stream_group_last_delivered_id", "gauge", "Milliseconds of the last delivered id.", _GROUP),
    Metric("stream_group_entries_read", "gauge", "Entries the group has read.", _GROUP),
    Metric("stream_group_lag", "gauge", "Entries the group has still to read.", _GROUP),
    Metric("stream_group_consumer_messages_pending", "gauge", "Pending entries of a consumer.", _CONSUMER),
    Metric("stream_group_consumer_idle_seconds", "gauge", "Time since a consumer's last try.", _CONSUMER),
)
_CLIENTS = (
    Metric(
        "connected_client_info",
        "gauge",
        "A client (with --export-client-list; the port with --export-client-port).",
        ("id", "name", "flags", "db", "host", "port", "user", "resp"),
    ),
    Metric("connected_client_output_buffer_memory_usage_bytes", "gauge", "omem of a client.", _CLIENT),
    Metric("connected_client_total_memory_consumed_bytes", "gauge", "tot-mem of a client.", _CLIENT),
    Metric("connected_client_created_at_timestamp", "gauge", "When a client connected.", _CLIENT),
    Metric("connected_client_idle_since_timestamp", "gauge", "When a client sent its last command.", _CLIENT),
    Metric("connected_client_channel_subscriptions_count", "gauge", "sub of a client.", _CLIENT),
    Metric("connected_client_pattern_matching_subscriptions_count", "gauge", "psub of a client.", _CLIENT),
    Metric("connected_client_query_buffer_length_bytes", "gauge", "qbuf of a client.", _CLIENT),
    Metric("connected_client_query_buffer_free_space_bytes", "gauge", "qbuf-free of a client.", _CLIENT),
    Metric("connected_client_output_buffer_length_bytes", "gauge", "obl of a client.", _CLIENT),
    Metric("connected_client_output_list_length", "gauge", "oll of a client.", _CLIENT),
    Metric("connected_client_shard_channel_subscriptions_count", "gauge", "ssub of a client.", _CLIENT),
    Metric("connected_client_shard_channel_watched_keys", "gauge", "watch of a client.", _CLIENT),
    Metric("clients", "gauge", "Clients by the name they set (with --count-clients).", ("name",)),
    Metric(
        "idle_clients",
        "gauge",
        "Clients idle for at least so many seconds (with --count-clients).",
        ("threshold",),
    ),
    Metric(
        "exporter_clients_truncated",
        "gauge",
        "1 when --max-clients kept clients or client names from the page.",
    ),
)
_SCRIPTS = (
    Metric("script_values", "gauge", "A value a script returned.", ("key", "filename")),
    Metric(
        "script_result", "gauge", "0: the script failed, 1: it returned values, 2: nothing.", ("filename",)
    ),
)
_MODULES = (
    Metric(
        "module_info",
        "gauge",
        "A loaded module (with --include-modules-metrics).",
        ("name", "ver", "api", "filters", "usedby", "using"),
    ),
)
# Field of FT.INFO, metric, multiplier.
SEARCH_INDEX_FIELDS: tuple[tuple[str, str, float], ...] = (
    ("num_docs", "search_index_num_docs", 1),
    ("max_doc_id", "search_index_max_doc_id", 1),
    ("num_terms", "search_index_num_terms", 1),
    ("num_records", "search_index_num_records", 1),
    ("inverted_sz_mb", "search_index_inverted_size_bytes", 1048576),
    ("total_inverted_index_blocks", "search_index_total_inverted_index_blocks", 1),
    ("vector_index_sz_mb", "search_index_vector_index_size_bytes", 1048576),
    ("offset_vectors_sz_mb", "search_index_offset_vectors_size_bytes", 1048576),
    ("doc_table_size_mb", "search_index_doc_table_size_bytes", 1048576),
    ("sortable_values_size_mb", "search_index_sortable_values_size_bytes", 1048576),
    ("key_table_size_mb", "search_index_key_table_size_bytes", 1048576),
    ("tag_overhead_sz_mb", "search_index_tag_overhead_size_bytes", 1048576),
    ("text_overhead_sz_mb", "search_index_text_overhead_size_bytes", 1048576),
    ("total_index_memory_sz_mb", "search_index_total_index_memory_size_bytes", 1048576),
    ("geoshapes_sz_mb", "search_index_geoshapes_size_bytes", 1048576),
    ("records_per_doc_avg", "search_index_avg_per_doc_records", 1),
    ("bytes_per_record_avg", "search_index_avg_per_record_bytes", 1),
    ("offsets_per_term_avg", "search_index_avg_per_term_offsets", 1),
    ("offset_bits_per_record_avg", "search_index_avg_per_record_offset_bits", 1),
    ("indexing", "search_index_indexing", 1),
    ("percent_indexed", "search_index_percent_indexed", 1),
    ("hash_indexing_failures", "search_index_hash_indexing_failures", 1),
    ("number_of_uses", "search_index_number_of_uses_total", 1),
    ("cleaning", "search_index_cleaning", 1),
)
_EXPORTER = (
    Metric("exporter_last_scrape_error", "gauge", "1 and the reason when Redis could not be read.", ("err",)),
    Metric("exporter_last_scrape_duration_seconds", "gauge", "Duration of this scrape."),
    Metric("exporter_last_scrape_connect_time_seconds", "gauge", "Time to connect in this scrape."),
    Metric(
        "exporter_last_scrape_ping_time_seconds",
        "gauge",
        "Time of a PING in this scrape (with --ping-on-connect).",
    ),
    Metric("exporter_scrapes_total", "counter", "Scrapes so far."),
    Metric("exporter_scrape_duration_seconds", "summary", "Durations of the scrapes so far."),
    Metric("target_scrape_request_errors_total", "counter", "Refused requests to /scrape and /probe."),
    Metric(
        "exporter_build_info",
        "gauge",
        "Version of the exporter.",
        ("version", "commit_sha", "build_date", "golang_version"),
    ),
    Metric("exporter_command_denied", "gauge", "1 for a command the ACL refused.", ("command",)),
    Metric("exporter_collector_success", "gauge", "Whether this part of the scrape worked.", ("collector",)),
    Metric(
        "exporter_collector_error", "gauge", "Why this part of the scrape failed.", ("collector", "reason")
    ),
)


def _info_metrics() -> Iterator[Metric]:
    for field, name in GAUGES.items():
        yield Metric(name, "gauge", f"INFO field {field}.")
    for field, name in COUNTERS.items():
        yield Metric(name, "counter", f"INFO field {field}.")


CATALOGUE = Catalogue(
    (
        *_INSTANCE,
        *_info_metrics(),
        *_KEYSPACE,
        *_REPLICATION,
        *_COMMANDS,
        *_CONFIG,
        *_SENTINEL,
        *_KEYS,
        *_STREAMS,
        *_CLIENTS,
        *_SCRIPTS,
        *_MODULES,
        *(
            Metric(name, "gauge", f"FT.INFO {field} of an index.", ("index_name",))
            for field, name, _ in SEARCH_INDEX_FIELDS
        ),
        *_EXPORTER,
    )
)
