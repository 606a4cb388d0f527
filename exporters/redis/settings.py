"""The settings of redis-exporter: the flags and variables of oliver006's exporter, and the few it lacks."""

from dataclasses import dataclass
from typing import Annotated

from exporters.settings import Duration, Flag, Secret, Words


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Everything that can be set; the shared settings of all exporters come in addition."""

    addr: Annotated[
        str,
        Flag(
            "redis.addr",
            "Server to scrape: redis://host:port, rediss:// (TLS), valkey://, unix:///path.",
            env=("REDIS_ADDR",),
        ),
    ] = "redis://localhost:6379"
    user: Annotated[str, Flag("redis.user", "User name (ACL).", env=("REDIS_USER",))] = ""
    password: Annotated[
        Secret, Flag("redis.password", "Password of the user.", env=("REDIS_PASSWORD",), from_file=False)
    ] = Secret("")
    password_file: Annotated[
        str,
        Flag(
            "redis.password-file",
            "File with the password, or a JSON object of server URIs and passwords; read at each scrape.",
            env=("REDIS_PASSWORD_FILE",),
        ),
    ] = ""
    namespace: Annotated[str, Flag("namespace", "First part of the metric names.")] = "redis"
    check_keys: Annotated[
        str,
        Flag(
            "check-keys",
            "Comma separated patterns of keys (db0=queue:*) whose size and value are exported.",
        ),
    ] = ""
    check_single_keys: Annotated[
        str, Flag("check-single-keys", "Comma separated keys whose size and value are exported.")
    ] = ""
    check_key_groups: Annotated[
        str,
        Flag(
            "check-key-groups",
            "Comma separated Lua patterns that group keys; count and memory are exported by group.",
        ),
    ] = ""
    max_distinct_key_groups: Annotated[
        int,
        Flag(
            "max-distinct-key-groups",
            "Groups exported by database, the largest first; the rest becomes the group overflow.",
        ),
    ] = 100
    check_streams: Annotated[
        str, Flag("check-streams", "Comma separated patterns of streams, found with SCAN.")
    ] = ""
    check_single_streams: Annotated[str, Flag("check-single-streams", "Comma separated streams.")] = ""
    streams_exclude_consumers: Annotated[
        bool, Flag("streams-exclude-consumer-metrics", "Leave out the metrics of single consumers.")
    ] = False
    count_keys: Annotated[
        str,
        Flag(
            "count-keys", "Comma separated patterns of keys to count, e.g. db0=production_*,db3=sessions:*."
        ),
    ] = ""
    batch_size: Annotated[
        int, Flag("check-keys-batch-size", "COUNT of SCAN: keys looked at in one step.")
    ] = 1000
    max_keys: Annotated[
        int,
        Flag(
            "max-keys",
            "Keys and streams checked at most; more are left out and exporter_keys_truncated is 1.",
        ),
    ] = 10000
    disable_key_values: Annotated[
        bool, Flag("disable-exporting-key-values", "Never put values of keys into labels.")
    ] = False
    skip_keys_on_master: Annotated[
        bool, Flag("skip-checkkeys-for-role-master", "Check keys only on replicas.")
    ] = False
    scripts: Annotated[
        Words, Flag("script", "Comma separated paths of Lua scripts that return names and values.")
    ] = ()
    scripts_read_only: Annotated[
        bool, Flag("lua-script-read-only", "Run scripts with EVAL_RO, also on read-only replicas.")
    ] = False
    config_command: Annotated[
        str, Flag("config-command", "Name of the CONFIG command if it was renamed; - leaves it out.")
    ] = "CONFIG"
    connection_timeout: Annotated[
        Duration,
        Flag(
            "connection-timeout",
            "How long Redis may take for a whole scrape; --scrape.timeout applies as well.",
        ),
    ] = Duration(15)
    set_client_name: Annotated[
        bool, Flag("set-client-name", "Set the name of the connection to redis_exporter.")
    ] = True
    ping_on_connect: Annotated[
        bool, Flag("ping-on-connect", "Send a PING first and export how long it took.")
    ] = False
    is_cluster: Annotated[
        bool, Flag("is-cluster", "Check keys and streams on all masters of the cluster.")
    ] = False
    discover_hostnames: Annotated[
        bool,
        Flag(
            "cluster-discover-hostnames", "Give host names instead of addresses on /discover-cluster-nodes."
        ),
    ] = False
    is_tile38: Annotated[bool, Flag("is-tile38", "Export the metrics of Tile38.")] = False
    export_client_list: Annotated[
        bool, Flag("export-client-list", "Export every client; see --count-clients for totals.")
    ] = False
    export_client_port: Annotated[bool, Flag("export-client-port", "Add the port to every client.")] = False
    count_clients: Annotated[
        bool, Flag("count-clients", "Export the number of clients by name and by idle time.")
    ] = False
    max_clients: Annotated[
        int,
        Flag(
            "max-clients",
            "Clients and client names exported at most; exporter_clients_truncated is 1 when there are more.",
        ),
    ] = 1000
    redis_only: Annotated[
        bool, Flag("redis-only-metrics", "Leave out the exporter's own process metrics.")
    ] = False
    include_go: Annotated[
        bool, Flag("include-go-runtime-metrics", "Accepted for compatibility: there is no Go runtime here.")
    ] = False
    include_config: Annotated[
        bool,
        Flag(
            "include-config-metrics",
            "Export every setting of the server.",
            env=("REDIS_EXPORTER_INCL_CONFIG_METRICS",),
        ),
    ] = False
    redact_config: Annotated[
        bool, Flag("redact-config-metrics", "Leave out settings that hold passwords.")
    ] = True
    include_system: Annotated[
        bool,
        Flag(
            "include-system-metrics",
            "Export redis_total_system_memory_bytes, which common alert rules need.",
            env=("REDIS_EXPORTER_INCL_SYSTEM_METRICS",),
        ),
    ] = False
    include_modules: Annotated[
        bool,
        Flag(
            "include-modules-metrics",
            "Export the metrics of modules.",
            env=("REDIS_EXPORTER_INCL_MODULES_METRICS",),
        ),
    ] = False
    include_search_indexes: Annotated[
        bool,
        Flag(
            "include-search-indexes-metrics",
            "Export the metrics of search indexes.",
            env=("REDIS_EXPORTER_INCL_SEARCH_INDEXES_METRICS",),
        ),
    ] = False
    check_search_indexes: Annotated[
        str, Flag("check-search-indexes", "Regular expression of the search indexes to export.")
    ] = ".*"
    include_sentinel_peers: Annotated[
        bool,
        Flag(
            "include-sentinel-peer-info",
            "Export the other Sentinels of each master.",
            env=("REDIS_EXPORTER_INCL_SENTINEL_PEER_INFO",),
        ),
    ] = False
    include_rdb_size: Annotated[
        bool,
        Flag(
            "include-rdb-file-size-metric",
            "Export the size of the RDB file, when the exporter can see it.",
            env=("REDIS_EXPORTER_INCL_RDB_FILE_SIZE_METRIC",),
        ),
    ] = False
    include_empty_databases: Annotated[
        bool,
        Flag(
            "include-metrics-for-empty-databases",
            "Export zeros for databases without keys.",
            env=("REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES",),
        ),
    ] = True
    exclude_latency_histogram: Annotated[
        bool, Flag("exclude-latency-histogram-metrics", "Leave out the latency histograms.")
    ] = False
    append_role: Annotated[
        bool, Flag("append-instance-role-label", "Add the label instance_role to the metrics of the server.")
    ] = False
    disable_scrape_endpoint: Annotated[
        bool,
        Flag(
            "disable-scrape-endpoint",
            "Accepted for compatibility: /scrape and /probe are off unless --targets allows some.",
        ),
    ] = False
    tls_client_key: Annotated[
        str, Flag("tls-client-key-file", "Key of the client certificate for Redis.")
    ] = ""
    tls_client_cert: Annotated[str, Flag("tls-client-cert-file", "Client certificate for Redis.")] = ""
    tls_ca: Annotated[str, Flag("tls-ca-cert-file", "CA of the server's certificate.")] = ""
    tls_server_name: Annotated[str, Flag("tls-server-name", "Name expected in the server's certificate.")] = (
        ""
    )
    skip_tls_verification: Annotated[
        bool, Flag("skip-tls-verification", "Accept any certificate of the server.")
    ] = False
    tls_server_key: Annotated[str, Flag("tls-server-key-file", "Key for the exporter's own pages.")] = ""
    tls_server_cert: Annotated[
        str, Flag("tls-server-cert-file", "Certificate for the exporter's own pages.")
    ] = ""
    tls_server_ca: Annotated[
        str, Flag("tls-server-ca-cert-file", "CA of the clients that may read the exporter's pages.")
    ] = ""
    tls_server_min_version: Annotated[
        str, Flag("tls-server-min-version", "Lowest TLS version of the exporter's pages: TLS1.2 or TLS1.3.")
    ] = "TLS1.2"
    basic_auth_username: Annotated[
        str, Flag("basic-auth-username", "User who may read the exporter's pages.")
    ] = ""
    basic_auth_password: Annotated[Secret, Flag("basic-auth-password", "Their password.")] = Secret("")
    basic_auth_hash: Annotated[
        Secret, Flag("basic-auth-hash-password", "Their password as a bcrypt hash.")
    ] = Secret("")
    debug: Annotated[bool, Flag("debug", "Log more; the same as --log.level=debug.")] = False
