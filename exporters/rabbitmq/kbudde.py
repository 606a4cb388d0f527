"""The names, types and labels of kbudde's exporter, from the management API of RabbitMQ 3 and 4.

Counters of queues that the API leaves out are 0, as that exporter wrote them.
"""

from collections.abc import Collection, Iterable, Iterator

from exporters.catalogue import Catalogue, Metric, Page
from exporters.families import FamilyType, Value
from exporters.rabbitmq.api import Item, field, length, number, string
from exporters.rabbitmq.queuefields import idle_since, limit
from exporters.version import VERSION

_CLUSTER = ("cluster",)
_NODE = ("cluster", "node", "self")
_QUEUE = ("cluster", "vhost", "queue", "durable", "policy", "self")
_EXCHANGE = ("cluster", "vhost", "exchange")
_CONNECTION = ("cluster", "vhost", "node", "peer_host", "user", "self")

# Field of the API, metric, help.
_Fields = tuple[tuple[str, str, str], ...]
_OVERVIEW: _Fields = (
    ("object_totals.channels", "channels", "Open channels."),
    ("object_totals.connections", "connections", "Open connections."),
    ("object_totals.consumers", "consumers", "Consumers."),
    ("object_totals.queues", "queues", "Queues."),
    ("object_totals.exchanges", "exchanges", "Exchanges."),
    ("queue_totals.messages", "queue_messages_global", "Messages of all queues."),
    ("queue_totals.messages_ready", "queue_messages_ready_global", "Ready messages of all queues."),
    (
        "queue_totals.messages_unacknowledged",
        "queue_messages_unacknowledged_global",
        "Unacknowledged messages of all queues.",
    ),
    ("message_stats.publish_details.rate", "messages_publish_rate", "Messages published in a second."),
    (
        "message_stats.deliver_no_ack_details.rate",
        "messages_deliver_no_ack_rate",
        "Messages delivered without acknowledgement in a second.",
    ),
    (
        "message_stats.deliver_details.rate",
        "messages_deliver_rate",
        "Messages delivered with acknowledgement in a second.",
    ),
)
_NODES: _Fields = (
    ("uptime", "uptime", "Milliseconds since the node started."),
    ("running", "running", "Whether the node runs."),
    ("mem_used", "node_mem_used", "Bytes of memory in use."),
    ("mem_limit", "node_mem_limit", "Bytes of memory at which the alarm goes off."),
    ("mem_alarm", "node_mem_alarm", "Whether the memory alarm is on."),
    ("disk_free", "node_disk_free", "Free bytes of the disk."),
    ("disk_free_alarm", "node_disk_free_alarm", "Whether the disk alarm is on."),
    ("disk_free_limit", "node_disk_free_limit", "Free bytes at which the disk alarm goes off."),
    ("fd_used", "fd_used", "File descriptors in use."),
    ("fd_total", "fd_available", "File descriptors the node may use."),
    ("sockets_used", "sockets_used", "Sockets in use (RabbitMQ 3)."),
    ("sockets_total", "sockets_available", "Sockets the node may use (RabbitMQ 3)."),
)
_QUEUE_GAUGES: _Fields = (
    ("messages_ready", "queue_messages_ready", "Messages ready for consumers."),
    ("messages_unacknowledged", "queue_messages_unacknowledged", "Messages not yet acknowledged."),
    ("messages", "queue_messages", "Ready and unacknowledged messages."),
    ("messages_ready_ram", "queue_messages_ready_ram", "Ready messages in memory."),
    (
        "messages_unacknowledged_ram",
        "queue_messages_unacknowledged_ram",
        "Unacknowledged messages in memory.",
    ),
    ("messages_ram", "queue_messages_ram", "Messages in memory."),
    ("messages_persistent", "queue_messages_persistent", "Persistent messages."),
    ("message_bytes", "queue_message_bytes", "Bytes of the bodies of all messages."),
    ("message_bytes_ready", "queue_message_bytes_ready", "Bytes of ready messages."),
    (
        "message_bytes_unacknowledged",
        "queue_message_bytes_unacknowledged",
        "Bytes of unacknowledged messages.",
    ),
    ("message_bytes_ram", "queue_message_bytes_ram", "Bytes of messages in memory."),
    ("message_bytes_persistent", "queue_message_bytes_persistent", "Bytes of persistent messages."),
    ("consumers", "queue_consumers", "Consumers of the queue."),
    ("consumer_utilisation", "queue_consumer_utilisation", "Share of time the queue could deliver at once."),
    ("memory", "queue_memory", "Bytes of memory of the queue's process."),
    ("head_message_timestamp", "queue_head_message_timestamp", "Timestamp of the first message."),
    ("garbage_collection.min_heap_size", "queue_gc_min_heap", "Least heap of the queue's process, in words."),
    (
        "garbage_collection.min_bin_vheap_size",
        "queue_gc_min_vheap",
        "Least binary virtual heap of the queue's process, in words.",
    ),
    (
        "garbage_collection.fullsweep_after",
        "queue_gc_collections_before_fullsweep",
        "Generational collections before a full one.",
    ),
    (
        "message_stats.publish_details.rate",
        "queue_messages_publish_rate",
        "Messages published to the queue in a second.",
    ),
    (
        "message_stats.deliver_no_ack_details.rate",
        "queue_messages_deliver_no_ack_rate",
        "Messages delivered without acknowledgement in a second.",
    ),
    (
        "message_stats.deliver_details.rate",
        "queue_messages_deliver_rate",
        "Messages delivered with acknowledgement in a second.",
    ),
)
# Lists of nodes, whose length is exported.
_QUEUE_LISTS: _Fields = (
    ("slave_nodes", "queue_slaves_nodes_len", "Mirrors of the queue (RabbitMQ 3)."),
    (
        "synchronised_slave_nodes",
        "queue_synchronised_slave_nodes_len",
        "Mirrors in step with the queue (RabbitMQ 3).",
    ),
    ("members", "queue_member_nodes_len", "Members of a quorum queue or stream."),
    ("online", "queue_online_nodes_len", "Members that are online."),
)
_QUEUE_COUNTERS: _Fields = (
    ("disk_reads", "queue_disk_reads_total", "Messages read from disk."),
    ("disk_writes", "queue_disk_writes_total", "Messages written to disk."),
    ("message_stats.publish", "queue_messages_published_total", "Messages published to the queue."),
    ("message_stats.confirm", "queue_messages_confirmed_total", "Messages confirmed to publishers."),
    ("message_stats.deliver", "queue_messages_delivered_total", "Messages delivered with acknowledgement."),
    (
        "message_stats.deliver_no_ack",
        "queue_messages_delivered_noack_total",
        "Messages delivered without acknowledgement.",
    ),
    ("message_stats.get", "queue_messages_get_total", "Messages fetched with acknowledgement."),
    (
        "message_stats.get_no_ack",
        "queue_messages_get_noack_total",
        "Messages fetched without acknowledgement.",
    ),
    ("message_stats.redeliver", "queue_messages_redelivered_total", "Messages delivered again."),
    ("message_stats.return", "queue_messages_returned_total", "Always 0: queues return nothing."),
    ("message_stats.ack", "queue_messages_ack_total", "Messages acknowledged."),
    ("reductions", "queue_reductions_total", "Reductions of the queue's process."),
    ("garbage_collection.minor_gcs", "queue_gc_minor_collections_total", "Minor garbage collections."),
)
_EXCHANGES: _Fields = (
    ("message_stats.publish", "exchange_messages_published_total", "Messages published."),
    ("message_stats.publish_in", "exchange_messages_published_in_total", "Messages published in."),
    ("message_stats.publish_out", "exchange_messages_published_out_total", "Messages routed on."),
    ("message_stats.confirm", "exchange_messages_confirmed_total", "Messages confirmed."),
    ("message_stats.deliver", "exchange_messages_delivered_total", "Messages delivered."),
    ("message_stats.deliver_no_ack", "exchange_messages_delivered_noack_total", "Delivered without ack."),
    ("message_stats.get", "exchange_messages_get_total", "Messages fetched."),
    ("message_stats.get_no_ack", "exchange_messages_get_noack_total", "Fetched without ack."),
    ("message_stats.ack", "exchange_messages_ack_total", "Messages acknowledged."),
    ("message_stats.redeliver", "exchange_messages_redelivered_total", "Messages delivered again."),
    ("message_stats.return_unroutable", "exchange_messages_returned_total", "Messages returned: no route."),
)
_CONNECTIONS: _Fields = (
    ("channels", "connection_channels", "Channels of the connections."),
    ("recv_oct", "connection_received_bytes", "Bytes received."),
    ("recv_cnt", "connection_received_packets", "Packets received."),
    ("send_oct", "connection_send_bytes", "Bytes sent."),
    ("send_cnt", "connection_send_packets", "Packets sent."),
    ("send_pend", "connection_send_pending", "Bytes that wait to be sent."),
)
_MEMORY: _Fields = (
    ("allocated_unused", "memory_allocated_unused_bytes", "Allocated by the runtime and unused."),
    ("atom", "memory_atom_bytes", "Atoms."),
    ("binary", "memory_binary_bytes", "Binaries, most of them bodies of messages."),
    ("code", "memory_code_bytes", "Code."),
    ("connection_channels", "memory_connection_channels_bytes", "Channels."),
    ("connection_other", "memory_connection_other_bytes", "Connections, beside readers, writers, channels."),
    ("connection_readers", "memory_connection_readers", "Bytes of the readers of connections."),
    ("connection_writers", "memory_connection_writers_bytes", "Writers of connections."),
    ("metrics", "memory_metrics_bytes", "Metrics of the node."),
    ("mgmt_db", "memory_mgmt_db_bytes", "Statistics of the management plugin."),
    ("mnesia", "memory_mnesia_bytes", "Mnesia."),
    ("msg_index", "memory_msg_index_bytes", "Index of the message store."),
    ("other_ets", "memory_other_ets_bytes", "Other tables."),
    ("other_proc", "memory_other_proc_bytes", "Other processes."),
    ("other_system", "memory_other_system_bytes", "Other memory of the runtime."),
    ("plugins", "memory_plugins_bytes", "Plugins."),
    ("queue_procs", "memory_queue_procs_bytes", "Processes of classic queues."),
    ("queue_slave_procs", "memory_queue_slave_procs_bytes", "Processes of mirrors (RabbitMQ 3)."),
    ("reserved_unallocated", "memory_reserved_unallocated_bytes", "Reserved by the runtime, not allocated."),
    ("total.allocated", "memory_total_allocated_bytes", "Allocated by the runtime."),
    ("total.rss", "memory_total_rss_bytes", "Resident memory."),
    ("total.erlang", "memory_total_erlang_bytes", "In use by the runtime."),
)


def _declared() -> Iterator[Metric]:
    groups: tuple[tuple[_Fields, FamilyType, tuple[str, ...]], ...] = (
        (_OVERVIEW, "gauge", _CLUSTER),
        (_NODES, "gauge", _NODE),
        (_QUEUE_GAUGES, "gauge", _QUEUE),
        (_QUEUE_LISTS, "gauge", _QUEUE),
        (_QUEUE_COUNTERS, "counter", _QUEUE),
        (_EXCHANGES, "counter", _EXCHANGE),
        (_CONNECTIONS, "gauge", _CONNECTION),
        (_MEMORY, "gauge", _NODE),
    )
    yield Metric("up", "gauge", "Whether every part could be read.", ("cluster", "node"))
    yield Metric("module_up", "gauge", "Whether a part could be read.", ("cluster", "node", "module"))
    yield Metric(
        "module_scrape_duration_seconds",
        "gauge",
        "How long a part took.",
        ("cluster", "node", "module"),
    )
    yield Metric(
        "version_info",
        "gauge",
        "Versions of RabbitMQ and Erlang.",
        ("rabbitmq", "erlang", "node", "cluster"),
    )
    yield Metric(
        "exporter_build_info",
        "gauge",
        "Version of the exporter.",
        ("version", "revision", "branch", "builddate"),
    )
    for fields, type_, labels in groups:
        for _, name, help_ in fields:
            yield Metric(name, type_, help_, labels)
    yield Metric("partitions", "gauge", "Nodes this node is cut off from.", _NODE)
    yield Metric("queue_max_length", "gauge", "The lower of the queue's and its policy's limit.", _QUEUE)
    yield Metric("queue_max_length_bytes", "gauge", "The same in bytes.", _QUEUE)
    yield Metric("queue_idle_since_seconds", "gauge", "Since when nothing happened; since the epoch.", _QUEUE)
    yield Metric(
        "queue_state", "gauge", "The state of a queue; running and unused is idle.", (*_QUEUE, "state")
    )
    yield Metric(
        "connection_status",
        "gauge",
        "States of connections.",
        ("cluster", "vhost", "node", "peer_host", "user", "state", "self"),
    )
    yield Metric(
        "shovel_state",
        "gauge",
        "The state of a shovel.",
        ("cluster", "vhost", "shovel", "type", "self", "state"),
    )
    yield Metric(
        "federation_state",
        "gauge",
        "The state of a federation link.",
        ("cluster", "vhost", "node", "queue", "exchange", "self", "status"),
    )
    yield Metric("aliveness_test", "gauge", "Whether the aliveness test passed.", ("vhost",))
    yield Metric("aliveness_info", "gauge", "What the aliveness test said.", ("status", "error", "reason"))
    yield Metric("health_check_success", "gauge", "Whether a health check passes.", ("check",))
    yield Metric("exporter_queues_dropped", "gauge", "Queues left out by --max-queues.")
    yield Metric("exporter_exchanges_dropped", "gauge", "Exchanges left out by --max-exchanges.")
    yield Metric("exporter_connections_truncated", "gauge", "1 when --max-connections left some unread.")
    yield Metric("exporter_scrape_error", "gauge", "Why RabbitMQ could not be read.", ("reason",))
    yield Metric(
        "exporter_collector_success", "gauge", "Whether this part of the scrape worked.", ("collector",)
    )
    yield Metric(
        "exporter_collector_error", "gauge", "Why this part of the scrape failed.", ("collector", "reason")
    )


CATALOGUE = Catalogue(_declared())
NODE_COLUMNS = ("name", "partitions", *(path for path, _, _ in _NODES))
EXCHANGE_COLUMNS = ("vhost", "name", *(path for path, _, _ in _EXCHANGES))
CONNECTION_COLUMNS = ("vhost", "node", "peer_host", "user", "state", *(path for path, _, _ in _CONNECTIONS))
QUEUE_COLUMNS = (
    *("vhost", "name", "durable", "policy", "node", "state", "idle_since", "arguments"),
    "effective_policy_definition",
    *(path for fields in (_QUEUE_GAUGES, _QUEUE_LISTS, _QUEUE_COUNTERS) for path, _, _ in fields),
)


class KbuddeStyle:
    """Items of the API to samples. `cluster` and `own_node` come from the overview, empty if it failed."""

    def __init__(
        self, page: Page, cluster: str, own_node: str, loadbalancer: bool, excluded: Collection[str]
    ) -> None:
        self._page = page
        self._cluster = cluster
        self._own_node = own_node
        self._loadbalancer = loadbalancer
        self._excluded = excluded

    def add_exporter(self) -> None:
        self._page.add("exporter_build_info", 1, VERSION, "", "", "")

    def add_module(self, module: str, up: bool, seconds: float) -> None:
        labels = (self._cluster, self._own_node, module)
        self._page.add("module_up", int(up), *labels)
        self._page.add("module_scrape_duration_seconds", seconds, *labels)

    def add_up(self, up: bool) -> None:
        self._page.add("up", int(up), self._cluster, self._own_node)

    def add_overview(self, overview: Item) -> None:
        self._add_fields(_OVERVIEW, overview, (self._cluster,))
        versions = (string(overview, "rabbitmq_version"), string(overview, "erlang_version"))
        self._page.add("version_info", 1, *versions, self._own_node, self._cluster)

    def add_nodes(self, nodes: Iterable[Item]) -> None:
        for node in nodes:
            name = string(node, "name")
            labels = (self._cluster, name, self._self(name))
            self._add_fields(_NODES, node, labels)
            self._add("partitions", length(node, "partitions"), labels)

    def add_queues(self, queues: Iterable[Item]) -> None:
        for queue in queues:
            labels = (
                self._cluster,
                string(queue, "vhost"),
                string(queue, "name"),
                string(queue, "durable"),
                string(queue, "policy"),
                self._self(string(queue, "node")),
            )
            self._add_fields(_QUEUE_GAUGES, queue, labels)
            for path, name, _ in _QUEUE_LISTS:
                self._add(name, length(queue, path), labels)
            for path, name, _ in _QUEUE_COUNTERS:
                if path not in self._excluded:
                    self._add(name, number(queue, path) or 0, labels)
            self._add("queue_max_length", limit(queue, "max-length"), labels)
            self._add("queue_max_length_bytes", limit(queue, "max-length-bytes"), labels)
            idle = idle_since(queue)
            self._add("queue_idle_since_seconds", idle, labels)
            state = string(queue, "state")
            self._page.add("queue_state", 1, *labels, "idle" if state == "running" and idle else state)

    def add_exchanges(self, exchanges: Iterable[Item]) -> None:
        for exchange in exchanges:
            labels = (self._cluster, string(exchange, "vhost"), string(exchange, "name"))
            self._add_fields(_EXCHANGES, exchange, labels)

    def add_connections(self, connections: Iterable[Item]) -> None:
        """Sums by client and user: a connection of its own would be a series for every reconnect."""
        sums: dict[tuple[str, tuple[str, ...]], Value] = {}
        states: set[tuple[str, ...]] = set()
        for item in connections:
            where = tuple(string(item, name) for name in ("vhost", "node", "peer_host", "user"))
            own = self._self(string(item, "node"))
            states.add((self._cluster, *where, string(item, "state"), own))
            for path, name, _ in _CONNECTIONS:
                value = number(item, path)
                if value is not None and path not in self._excluded:
                    key = (name, (self._cluster, *where, own))
                    sums[key] = sums.get(key, 0) + value
        for (name, labels), value in sums.items():
            self._page.add(name, value, *labels)
        self._add_states("connection_status", states)

    def add_shovels(self, shovels: Iterable[Item]) -> None:
        self._add_states(
            "shovel_state",
            [
                (
                    self._cluster,
                    *(string(item, name) for name in ("vhost", "name", "type")),
                    self._self(string(item, "node")),
                    string(item, "state"),
                )
                for item in shovels
            ],
        )

    def add_federation(self, links: Iterable[Item]) -> None:
        self._add_states(
            "federation_state",
            [
                (
                    self._cluster,
                    *(string(item, name) for name in ("vhost", "node", "queue", "exchange")),
                    self._self(string(item, "node")),
                    string(item, "status"),
                )
                for item in links
            ],
        )

    def add_memory(self, node: Item) -> None:
        labels = (self._cluster, self._own_node, self._self(self._own_node))
        memory = field(node, "memory")
        self._add_fields(_MEMORY, memory if isinstance(memory, dict) else {}, labels)

    def add_aliveness(self, vhost: str, answer: Item) -> None:
        status = string(answer, "status")
        self._page.add("aliveness_test", int(status == "ok"), vhost)
        self._page.add("aliveness_info", 1, status, string(answer, "error"), string(answer, "reason"))

    def _self(self, node: str) -> str:
        if self._loadbalancer:
            return "lb"
        return "1" if node == self._own_node else "0"

    def _add_fields(self, fields: _Fields, item: Item, labels: tuple[str, ...]) -> None:
        for path, name, _ in fields:
            if path not in self._excluded:
                self._add(name, number(item, path), labels)

    def _add(self, name: str, value: Value | None, labels: tuple[str, ...]) -> None:
        if value is not None:
            self._page.add(name, value, *labels)

    def _add_states(self, name: str, states: Iterable[tuple[str, ...]]) -> None:
        """One series for each set of labels, however many items have it."""
        for labels in dict.fromkeys(states):
            self._page.add(name, 1, *labels)
