"""What the style official takes from the management API.

Two things: what rabbitmq_prometheus lacks, under names of our own; and, where the plugin cannot be reached,
as many of the plugin's metrics as the API knows. Each node reports its own queues, connections, shovels and
links, as the plugin does, so that sums over all nodes are right.
"""

from collections.abc import Iterable, Iterator

from exporters.catalogue import Catalogue, Metric, Page
from exporters.families import FamilyType, Value
from exporters.rabbitmq.api import Item, field, length, number, string
from exporters.rabbitmq.queuefields import idle_since, limit
from exporters.version import VERSION

_QUEUE = ("vhost", "queue")
# Field of the API, metric, type, factor, help.
_Fields = tuple[tuple[str, str, FamilyType, float, str], ...]

_TOTALS: _Fields = (
    ("object_totals.connections", "connections", "gauge", 1, "Open connections."),
    ("object_totals.channels", "channels", "gauge", 1, "Open channels."),
    ("object_totals.consumers", "consumers", "gauge", 1, "Consumers."),
    ("object_totals.queues", "queues", "gauge", 1, "Queues."),
    ("churn_rates.connection_created", "connections_opened_total", "counter", 1, "Connections opened."),
    ("churn_rates.connection_closed", "connections_closed_total", "counter", 1, "Connections closed."),
    ("churn_rates.channel_created", "channels_opened_total", "counter", 1, "Channels opened."),
    ("churn_rates.channel_closed", "channels_closed_total", "counter", 1, "Channels closed."),
    ("churn_rates.queue_declared", "queues_declared_total", "counter", 1, "Queues declared."),
    ("churn_rates.queue_created", "queues_created_total", "counter", 1, "Queues created."),
    ("churn_rates.queue_deleted", "queues_deleted_total", "counter", 1, "Queues deleted."),
)
_NODE: _Fields = (
    ("fd_used", "process_open_fds", "gauge", 1, "Open file descriptors."),
    ("fd_total", "process_max_fds", "gauge", 1, "Limit of open file descriptors."),
    ("sockets_used", "process_open_tcp_sockets", "gauge", 1, "Open TCP sockets (RabbitMQ 3)."),
    ("sockets_total", "process_max_tcp_sockets", "gauge", 1, "Limit of open TCP sockets (RabbitMQ 3)."),
    ("mem_used", "process_resident_memory_bytes", "gauge", 1, "Memory in use."),
    ("mem_limit", "resident_memory_limit_bytes", "gauge", 1, "Memory at which the alarm goes off."),
    ("disk_free", "disk_space_available_bytes", "gauge", 1, "Free space of the disk."),
    ("disk_free_limit", "disk_space_available_limit_bytes", "gauge", 1, "Space at which the alarm goes off."),
    ("mem_alarm", "alarms_memory_used_watermark", "untyped", 1, "Whether the memory alarm is on."),
    ("disk_free_alarm", "alarms_free_disk_space_watermark", "untyped", 1, "Whether the disk alarm is on."),
    ("proc_used", "erlang_processes_used", "gauge", 1, "Erlang processes."),
    ("proc_total", "erlang_processes_limit", "gauge", 1, "Limit of Erlang processes."),
    ("run_queue", "erlang_scheduler_run_queue", "gauge", 1, "Processes that wait for a scheduler."),
    ("net_ticktime", "erlang_net_ticktime_seconds", "gauge", 1, "Time of the ticks between nodes."),
    ("uptime", "erlang_uptime_seconds", "gauge", 0.001, "Time since the node started."),
    ("gc_num", "erlang_gc_runs_total", "counter", 1, "Garbage collections."),
    ("gc_bytes_reclaimed", "erlang_gc_reclaimed_bytes_total", "counter", 1, "Bytes of garbage."),
    ("context_switches", "erlang_scheduler_context_switches_total", "counter", 1, "Context switches."),
    ("io_read_count", "io_read_ops_total", "counter", 1, "Reads by the persister."),
    ("io_read_bytes", "io_read_bytes_total", "counter", 1, "Bytes read by the persister."),
    ("io_write_count", "io_write_ops_total", "counter", 1, "Writes by the persister."),
    ("io_write_bytes", "io_write_bytes_total", "counter", 1, "Bytes written by the persister."),
    ("io_sync_count", "io_sync_ops_total", "counter", 1, "Calls of fsync by the persister."),
    ("io_seek_count", "io_seek_ops_total", "counter", 1, "Seeks by the persister."),
    ("io_reopen_count", "io_reopen_ops_total", "counter", 1, "Files opened again by the persister."),
    ("mnesia_ram_tx_count", "schema_db_ram_tx_total", "counter", 1, "Transactions in memory."),
    ("mnesia_disk_tx_count", "schema_db_disk_tx_total", "counter", 1, "Transactions on disk."),
    ("msg_store_read_count", "msg_store_read_total", "counter", 1, "Reads from the message store."),
    ("msg_store_write_count", "msg_store_write_total", "counter", 1, "Writes to the message store."),
    ("queue_index_read_count", "queue_index_read_ops_total", "counter", 1, "Reads from queue indexes."),
    ("queue_index_write_count", "queue_index_write_ops_total", "counter", 1, "Writes to queue indexes."),
)
_QUEUES: _Fields = (
    ("messages_ready", "queue_messages_ready", "gauge", 1, "Messages ready for consumers."),
    ("messages_unacknowledged", "queue_messages_unacked", "gauge", 1, "Messages not yet acknowledged."),
    ("messages", "queue_messages", "gauge", 1, "Ready and unacknowledged messages."),
    ("reductions", "queue_process_reductions_total", "counter", 1, "Reductions of the queue's process."),
    ("consumers", "queue_consumers", "gauge", 1, "Consumers."),
    ("consumer_capacity", "queue_consumer_capacity", "gauge", 1, "Share of time it can deliver at once."),
    ("consumer_utilisation", "queue_consumer_utilisation", "gauge", 1, "The same as consumer capacity."),
    ("memory", "queue_process_memory_bytes", "gauge", 1, "Memory of the queue's process."),
    ("messages_ram", "queue_messages_ram", "gauge", 1, "Messages in memory."),
    ("message_bytes_ram", "queue_messages_ram_bytes", "gauge", 1, "Bytes of messages in memory."),
    ("messages_ready_ram", "queue_messages_ready_ram", "gauge", 1, "Ready messages in memory."),
    ("messages_unacknowledged_ram", "queue_messages_unacked_ram", "gauge", 1, "Unacknowledged in memory."),
    ("messages_persistent", "queue_messages_persistent", "gauge", 1, "Persistent messages."),
    ("message_bytes_persistent", "queue_messages_persistent_bytes", "gauge", 1, "Bytes of persistent ones."),
    ("message_bytes", "queue_messages_bytes", "gauge", 1, "Bytes of all messages."),
    ("message_bytes_ready", "queue_messages_ready_bytes", "gauge", 1, "Bytes of ready messages."),
    ("message_bytes_unacknowledged", "queue_messages_unacked_bytes", "gauge", 1, "Bytes of unacknowledged."),
    ("messages_paged_out", "queue_messages_paged_out", "gauge", 1, "Messages paged out (RabbitMQ 3)."),
    ("message_bytes_paged_out", "queue_messages_paged_out_bytes", "gauge", 1, "Bytes of those paged out."),
    ("head_message_timestamp", "queue_head_message_timestamp", "gauge", 1, "Timestamp of the first message."),
    ("disk_reads", "queue_disk_reads_total", "counter", 1, "Messages read from disk."),
    ("disk_writes", "queue_disk_writes_total", "counter", 1, "Messages written to disk."),
)
_SUMS: _Fields = (
    ("queue_totals.messages_ready", "queue_messages_ready", "gauge", 1, ""),
    ("queue_totals.messages_unacknowledged", "queue_messages_unacked", "gauge", 1, ""),
    ("queue_totals.messages", "queue_messages", "gauge", 1, ""),
)
# The names of the plugin's page /metrics/memory-breakdown, which came with RabbitMQ 4.
_MEMORY: _Fields = (
    ("code", "memory_code_module_bytes", "gauge", 1, "Code."),
    ("connection_readers", "memory_client_connection_reader_bytes", "gauge", 1, "Readers of connections."),
    ("connection_writers", "memory_client_connection_writer_bytes", "gauge", 1, "Writers of connections."),
    ("connection_channels", "memory_client_connection_channel_bytes", "gauge", 1, "Channels."),
    ("connection_other", "memory_client_connection_other_bytes", "gauge", 1, "Other parts of connections."),
    ("queue_procs", "memory_classic_queue_erlang_process_bytes", "gauge", 1, "Classic queues."),
    ("quorum_queue_procs", "memory_quorum_queue_erlang_process_bytes", "gauge", 1, "Quorum queues."),
    (
        "quorum_queue_dlx_procs",
        "memory_quorum_queue_dlx_erlang_process_bytes",
        "gauge",
        1,
        "Dead lettering of quorum queues.",
    ),
    ("stream_queue_procs", "memory_stream_erlang_process_bytes", "gauge", 1, "Streams."),
    (
        "stream_queue_replica_reader_procs",
        "memory_stream_replica_reader_erlang_process_bytes",
        "gauge",
        1,
        "Readers of replicas of streams.",
    ),
    (
        "stream_queue_coordinator_procs",
        "memory_stream_coordinator_erlang_process_bytes",
        "gauge",
        1,
        "Coordinators of streams.",
    ),
    ("plugins", "memory_plugin_bytes", "gauge", 1, "Plugins."),
    ("metadata_store", "memory_modern_metadata_store_bytes", "gauge", 1, "Khepri (RabbitMQ 4)."),
    ("other_proc", "memory_other_erlang_process_bytes", "gauge", 1, "Other processes."),
    ("metrics", "memory_metrics_bytes", "gauge", 1, "Metrics of the node."),
    ("mgmt_db", "memory_management_stats_db_bytes", "gauge", 1, "Statistics of the management plugin."),
    ("mnesia", "memory_classic_metadata_store_bytes", "gauge", 1, "Mnesia."),
    ("quorum_ets", "memory_quorum_queue_ets_table_bytes", "gauge", 1, "Tables of quorum queues."),
    ("metadata_store_ets", "memory_modern_metadata_store_ets_table_bytes", "gauge", 1, "Tables of Khepri."),
    ("other_ets", "memory_other_ets_table_bytes", "gauge", 1, "Other tables."),
    ("binary", "memory_binary_heap_bytes", "gauge", 1, "Binaries, most of them bodies of messages."),
    ("msg_index", "memory_message_index_bytes", "gauge", 1, "Index of the message store."),
    ("atom", "memory_atom_table_bytes", "gauge", 1, "Atoms."),
    ("other_system", "memory_other_system_bytes", "gauge", 1, "Other memory of the runtime."),
    ("allocated_unused", "memory_runtime_allocated_unused_bytes", "gauge", 1, "Allocated and unused."),
    ("reserved_unallocated", "memory_runtime_reserved_unallocated_bytes", "gauge", 1, "Reserved only."),
)
_EXCHANGES: _Fields = (
    (
        "message_stats.publish_in",
        "exchange_messages_published_in_total",
        "counter",
        1,
        "Messages published in.",
    ),
    (
        "message_stats.publish_out",
        "exchange_messages_published_out_total",
        "counter",
        1,
        "Messages routed on.",
    ),
)
_NODES: _Fields = (
    ("running", "node_running", "gauge", 1, "Whether a node of the cluster runs, as this node sees it."),
    ("mem_alarm", "node_memory_alarm", "gauge", 1, "Whether the memory alarm of a node is on."),
    ("disk_free_alarm", "node_disk_alarm", "gauge", 1, "Whether the disk alarm of a node is on."),
)


def _declared() -> Iterator[Metric]:
    yield Metric("up", "gauge", "Whether the plugin or the management API answered.")
    yield Metric("exporter_scrape_error", "gauge", "Why RabbitMQ could not be read.", ("reason",))
    yield Metric(
        "exporter_collector_success", "gauge", "Whether this part of the scrape worked.", ("collector",)
    )
    yield Metric(
        "exporter_collector_error", "gauge", "Why this part of the scrape failed.", ("collector", "reason")
    )
    yield Metric("exporter_build_info", "gauge", "Version of the exporter.", ("version",))
    yield Metric("exporter_queues_dropped", "gauge", "Queues left out by --max-queues.")
    yield Metric(
        "exporter_queue_details_dropped", "gauge", "Queues the cap kept from the part queue_details."
    )
    yield Metric("exporter_exchanges_dropped", "gauge", "Exchanges left out by --max-exchanges.")
    yield Metric("exporter_connections_truncated", "gauge", "1 when --max-connections left some unread.")
    yield Metric(
        "exporter_families_truncated", "gauge", "Families of --plugin.families cut to 50,000 series."
    )
    yield Metric("health_check_success", "gauge", "Whether a health check passes.", ("check",))
    for _, name, type_, _, help_ in _NODES:
        yield Metric(name, type_, help_, ("node",))
    yield Metric("node_partitions", "gauge", "Nodes that a node is cut off from.", ("node",))
    yield Metric("shovel_state", "gauge", "The state of a shovel.", ("vhost", "shovel", "type", "state"))
    yield Metric(
        "federation_state",
        "gauge",
        "The state of a federation link.",
        ("vhost", "upstream", "queue", "exchange", "status"),
    )
    for _, name, type_, _, help_ in _EXCHANGES:
        yield Metric(name, type_, f"{help_} Part exchange.", ("vhost", "exchange"))
    yield Metric(
        "connections_by_state", "gauge", "Connections. Part connections.", ("vhost", "user", "state")
    )
    details = "Part queue_details."
    yield Metric(
        "queue_state", "gauge", f"The state of a queue; unused is idle. {details}", (*_QUEUE, "state")
    )
    yield Metric(
        "queue_info", "gauge", f"Properties of a queue. {details}", (*_QUEUE, "type", "durable", "policy")
    )
    yield Metric(
        "queue_idle_since_seconds", "gauge", f"Since when it is idle; since the epoch. {details}", _QUEUE
    )
    yield Metric(
        "queue_max_length", "gauge", f"The lower of its own and its policy's limit. {details}", _QUEUE
    )
    yield Metric("queue_max_length_bytes", "gauge", f"The same in bytes. {details}", _QUEUE)
    yield Metric("queue_members", "gauge", f"Members of a quorum queue or stream. {details}", _QUEUE)
    yield Metric("queue_members_online", "gauge", f"Members that are online. {details}", _QUEUE)
    for _, name, type_, _, help_ in _MEMORY:
        yield Metric(name, type_, f"{help_} Part memory.")
    without = "Without the plugin only."
    yield Metric("build_info", "untyped", f"Versions. {without}", ("rabbitmq_version", "erlang_version"))
    yield Metric(
        "identity_info", "untyped", f"Node and cluster. {without}", ("rabbitmq_node", "rabbitmq_cluster")
    )
    for _, name, type_, _, help_ in (*_TOTALS, *_NODE):
        yield Metric(name, type_, f"{help_} {without}")
    for _, name, type_, _, help_ in _QUEUES:
        yield Metric(name, type_, f"{help_} {without}", _QUEUE)


CATALOGUE = Catalogue(_declared())
NODE_COLUMNS = ("name", "partitions", *dict.fromkeys(path for path, *_ in (*_NODES, *_NODE)))
EXCHANGE_COLUMNS = ("vhost", "name", *(path for path, *_ in _EXCHANGES))
CONNECTION_COLUMNS = ("vhost", "user", "state", "node")
QUEUE_COLUMNS = ("vhost", "name", "node", *(path for path, *_ in _QUEUES))
DETAIL_COLUMNS = (
    *("vhost", "name", "node", "messages", "state", "type", "durable", "policy", "idle_since"),
    *("arguments", "effective_policy_definition", "members", "online"),
)


class OfficialStyle:
    """Items of the API to samples."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def add_exporter(self) -> None:
        self._page.add("exporter_build_info", 1, VERSION)

    def add_nodes(self, nodes: Iterable[Item]) -> None:
        for node in nodes:
            name = string(node, "name")
            self._add_fields(_NODES, node, name)
            self._add("node_partitions", length(node, "partitions"), name)

    def add_shovels(self, shovels: Iterable[Item]) -> None:
        labels = ("vhost", "name", "type", "state")
        self._add_states("shovel_state", [tuple(string(item, name) for name in labels) for item in shovels])

    def add_federation(self, links: Iterable[Item]) -> None:
        labels = ("vhost", "upstream", "queue", "exchange", "status")
        self._add_states("federation_state", [tuple(string(item, name) for name in labels) for item in links])

    def add_exchanges(self, exchanges: Iterable[Item]) -> None:
        for exchange in exchanges:
            self._add_fields(_EXCHANGES, exchange, string(exchange, "vhost"), string(exchange, "name"))

    def add_connections(self, connections: Iterable[Item]) -> None:
        counts: dict[tuple[str, ...], int] = {}
        for item in connections:
            labels = tuple(string(item, name) for name in ("vhost", "user", "state"))
            counts[labels] = counts.get(labels, 0) + 1
        for labels, count in counts.items():
            self._page.add("connections_by_state", count, *labels)

    def add_queue_details(self, queues: Iterable[Item]) -> None:
        for queue in queues:
            labels = (string(queue, "vhost"), string(queue, "name"))
            idle = idle_since(queue)
            state = string(queue, "state")
            self._page.add("queue_state", 1, *labels, "idle" if state == "running" and idle else state)
            properties = (string(queue, name) for name in ("type", "durable", "policy"))
            self._page.add("queue_info", 1, *labels, *properties)
            self._add("queue_idle_since_seconds", idle, *labels)
            self._add("queue_max_length", limit(queue, "max-length"), *labels)
            self._add("queue_max_length_bytes", limit(queue, "max-length-bytes"), *labels)
            self._add("queue_members", length(queue, "members"), *labels)
            self._add("queue_members_online", length(queue, "online"), *labels)

    def add_memory(self, node: Item) -> None:
        memory = field(node, "memory")
        self._add_fields(_MEMORY, memory if isinstance(memory, dict) else {})

    def add_without_plugin(self, overview: Item, nodes: Iterable[Item], own_node: str) -> None:
        """The plugin's metrics of the node and of the cluster, as far as the API knows them."""
        versions = (string(overview, "rabbitmq_version"), string(overview, "erlang_version"))
        self._page.add("build_info", 1, *versions)
        self._page.add("identity_info", 1, own_node, string(overview, "cluster_name"))
        self._add_fields(_TOTALS, overview)
        for node in nodes:
            if string(node, "name") == own_node:
                self._add_fields(_NODE, node)

    def add_queues(self, queues: Iterable[Item]) -> None:
        """The plugin's metrics of queues."""
        for queue in queues:
            self._add_fields(_QUEUES, queue, string(queue, "vhost"), string(queue, "name"))

    def add_queue_sums(self, overview: Item) -> None:
        """The sums over all queues that the overview holds, in place of the queues."""
        for path, name, _, _, _ in _SUMS:
            value = number(overview, path)
            if value is not None:
                self._page.family(name, ()).add(value)

    def _add_fields(self, fields: _Fields, item: Item, *labels: str) -> None:
        for path, name, _, factor, _ in fields:
            value = number(item, path)
            if value is not None:
                self._page.add(name, value if factor == 1 else value * factor, *labels)

    def _add(self, name: str, value: Value | None, *labels: str) -> None:
        if value is not None:
            self._page.add(name, value, *labels)

    def _add_states(self, name: str, states: Iterable[tuple[str, ...]]) -> None:
        """One series for each set of labels, however many items have it."""
        for labels in dict.fromkeys(states):
            self._page.add(name, 1, *labels)
