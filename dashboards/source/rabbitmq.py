"""RabbitMQ, under the names of its own Prometheus plugin."""

from dashboards.source.panels import Board, Target, graph, listing, number

LOGS = Target(container="rabbitmq*")


def board() -> Board:
    """Do messages get through, and is the broker well?"""
    made = Board(
        "lq-rabbitmq", "RabbitMQ", "Queues, consumers, alarms and resources of RabbitMQ.", ("rabbitmq",)
    )
    made.prometheus("rabbitmq_build_info")
    made.row(
        "Now",
        number("Nodes", "Nodes that answer.", "short", "count(rabbitmq_build_info{<S>})", logs_of=LOGS),
        number(
            "Alarms",
            "Memory and disk alarms: while there is one, nobody can publish.",
            "short",
            "sum(rabbitmq_alarms_memory_used_watermark{<S>}) + sum(rabbitmq_alarms_free_disk_space_watermark{<S>})",
            bad=1,
            logs_of=Target(container="rabbitmq*", search="alarm"),
        ),
        number(
            "Ready",
            "Messages that wait for a consumer.",
            "short",
            "sum(rabbitmq_queue_messages_ready{<S>})",
            warn=1000,
            bad=10000,
            logs_of=LOGS,
        ),
        number(
            "Unacknowledged",
            "Messages that consumers have not acknowledged.",
            "short",
            "sum(rabbitmq_queue_messages_unacked{<S>})",
            warn=1000,
            bad=10000,
            logs_of=LOGS,
        ),
        number(
            "Consumers",
            "Consumers of all queues.",
            "short",
            "sum(rabbitmq_consumers{<S>})",
            warn=1,
            bad=0.5,
            logs_of=LOGS,
        ),
        number("Connections", "Open connections.", "short", "sum(rabbitmq_connections{<S>})", logs_of=LOGS),
    )
    made.row(
        "Queues",
        graph(
            "Ready by queue",
            "The ten longest queues.",
            "short",
            ("topk(10, sum by (vhost, queue) (rabbitmq_queue_messages_ready{<S>}))", "{{vhost}} {{queue}}"),
            logs_of=LOGS,
        ),
        graph(
            "Unacknowledged by queue",
            "The ten queues with most messages out.",
            "short",
            ("topk(10, sum by (vhost, queue) (rabbitmq_queue_messages_unacked{<S>}))", "{{vhost}} {{queue}}"),
            logs_of=LOGS,
        ),
        graph(
            "Consumers by queue",
            "The ten queues with fewest consumers.",
            "short",
            ("bottomk(10, sum by (vhost, queue) (rabbitmq_queue_consumers{<S>}))", "{{vhost}} {{queue}}"),
            logs_of=LOGS,
        ),
        graph(
            "Bytes by queue",
            "The ten largest queues.",
            "bytes",
            ("topk(10, sum by (vhost, queue) (rabbitmq_queue_messages_bytes{<S>}))", "{{vhost}} {{queue}}"),
            logs_of=LOGS,
        ),
        graph(
            "Memory by queue",
            "Memory of the queues' processes.",
            "bytes",
            (
                "topk(10, sum by (vhost, queue) (rabbitmq_queue_process_memory_bytes{<S>}))",
                "{{vhost}} {{queue}}",
            ),
            logs_of=LOGS,
        ),
        listing(
            "Queues without consumers",
            "Messages wait here and nobody comes.",
            "short",
            (
                "sum by (vhost, queue) (rabbitmq_queue_messages_ready{<S>}) > 0 and sum by (vhost, queue) (rabbitmq_queue_consumers{<S>}) == 0",
                "",
            ),
            width=8,
            logs_of=LOGS,
        ),
    )
    made.row(
        "Clients",
        graph(
            "Connections opened and closed",
            "A high rate means clients that connect for each message.",
            "cps",
            ("sum(rate(rabbitmq_connections_opened_total{<S>}[$__rate_interval]))", "opened"),
            ("sum(rate(rabbitmq_connections_closed_total{<S>}[$__rate_interval]))", "closed"),
            logs_of=Target(container="rabbitmq*", search="connection"),
        ),
        graph(
            "Channels opened and closed",
            "A high rate means channels that are not reused.",
            "cps",
            ("sum(rate(rabbitmq_channels_opened_total{<S>}[$__rate_interval]))", "opened"),
            ("sum(rate(rabbitmq_channels_closed_total{<S>}[$__rate_interval]))", "closed"),
            logs_of=LOGS,
        ),
        graph(
            "Connections and channels",
            "How many there are.",
            "short",
            ("sum by (instance) (rabbitmq_connections{<S>})", "{{instance}} connections"),
            ("sum by (instance) (rabbitmq_channels{<S>})", "{{instance}} channels"),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Nodes",
        graph(
            "Memory",
            "In percent of the limit at which publishers are blocked.",
            "percent",
            (
                "100 * rabbitmq_process_resident_memory_bytes{<S>} / rabbitmq_resident_memory_limit_bytes{<S>}",
                "{{instance}}",
            ),
            warn=80,
            bad=90,
            logs_of=Target(container="rabbitmq*", search="memory"),
        ),
        graph(
            "Free disk",
            "Free disk, and the limit at which publishers are blocked.",
            "bytes",
            ("rabbitmq_disk_space_available_bytes{<S>}", "{{instance}} free"),
            ("rabbitmq_disk_space_available_limit_bytes{<S>}", "{{instance}} limit"),
            logs_of=Target(container="rabbitmq*", search="disk"),
        ),
        graph(
            "File descriptors",
            "In percent of the limit.",
            "percent",
            ("100 * rabbitmq_process_open_fds{<S>} / rabbitmq_process_max_fds{<S>}", "{{instance}}"),
            warn=80,
            bad=90,
            top=100,
            logs_of=LOGS,
        ),
        graph(
            "Erlang processes",
            "In percent of the limit.",
            "percent",
            (
                "100 * rabbitmq_erlang_processes_used{<S>} / rabbitmq_erlang_processes_limit{<S>}",
                "{{instance}}",
            ),
            warn=80,
            bad=90,
            top=100,
            logs_of=LOGS,
        ),
        graph(
            "Run queue",
            "Erlang processes that wait for a CPU.",
            "short",
            ("rabbitmq_erlang_scheduler_run_queue{<S>}", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Uptime",
            "Since the Erlang VM started.",
            "s",
            ("rabbitmq_erlang_uptime_seconds{<S>}", "{{instance}}"),
            logs_of=Target(container="rabbitmq*", search="Starting"),
        ),
    )
    return made
