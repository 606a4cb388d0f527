"""One namespace: its pods, its services, its logs, side by side."""

from dashboards.source.logs import COUNTS, NAMESPACE
from dashboards.source.panels import Board, Target, graph, listing, number, sql_graph, sql_number, sql_table

N = '{namespace=~"$namespace"}'
R = "[$__rate_interval]"


def board() -> Board:
    """Where to look first when somebody says that it is broken."""
    made = Board(
        "lq-namespace",
        "Namespace overview",
        "Pods, services and logs of a namespace, joined by namespace and pod.",
        ("kubernetes", "logs"),
    )
    made.prometheus(logs_source=True)
    made.namespaces_of("up")
    made.row(
        "Now",
        number(
            "Alerts",
            "That fire in this namespace.",
            "short",
            'count(ALERTS{alertstate="firing",namespace=~"$namespace"}) or vector(0)',
            warn=1,
            bad=5,
            logs_of=Target(level="error"),
        ),
        number(
            "Targets down",
            "That Prometheus cannot scrape.",
            "short",
            f"count(up{N} == 0) or vector(0)",
            bad=1,
            logs_of=Target(),
        ),
        number(
            "Restarts",
            "Of containers, in the last hour.",
            "short",
            f"sum(increase(kube_pod_container_status_restarts_total{N}[1h])) or vector(0)",
            warn=1,
            bad=5,
            logs_of=Target(level="error"),
        ),
        sql_number(
            "Errors",
            "Records of level error and above, in the time shown.",
            "short",
            f"SELECT sum(records) AS errors FROM counts WHERE {COUNTS} AND level >= 'error'",
            warn=1,
            bad=1000,
        ),
        sql_number(
            "Error share",
            "Of all records, in percent.",
            "percent",
            f"SELECT if(sum(records) = 0, 0, 100 * sumIf(records, level >= 'error') / sum(records)) AS share FROM counts WHERE {COUNTS}",
            warn=1,
            bad=5,
        ),
        number(
            "Waiting requests",
            "In the queues of PHP-FPM.",
            "short",
            f"sum(phpfpm_listen_queue{N}) or vector(0)",
            warn=1,
            bad=10,
            logs_of=Target(container="php*"),
        ),
    )
    made.row(
        "Logs",
        sql_graph(
            "Records by level",
            "Beside the metrics below: same time, same namespace.",
            "short",
            f"SELECT $__timeInterval(time) AS time, toString(level) AS level, sum(records) AS records FROM counts WHERE {COUNTS} GROUP BY time, level ORDER BY time, level",
            logs_of=Target(),
        ),
        sql_graph(
            "Errors by workload",
            "Records of level error and above.",
            "short",
            f"SELECT $__timeInterval(time) AS time, workload, sum(records) AS errors FROM counts WHERE {COUNTS} AND level >= 'error' GROUP BY time, workload ORDER BY time, workload",
            logs_of=Target(level="error"),
        ),
    )
    made.row(
        "Services",
        graph(
            "PHP-FPM: busy processes",
            "In percent.",
            "percent",
            (
                f"100 * sum by (pod) (phpfpm_active_processes{N}) / sum by (pod) (phpfpm_total_processes{N})",
                "{{pod}}",
            ),
            warn=70,
            bad=90,
            top=100,
            logs_of=Target(container="php*"),
        ),
        graph(
            "nginx and Apache: requests",
            "Each second.",
            "reqps",
            (f"sum by (pod) (rate(nginx_http_requests_total{N}{R}))", "{{pod}} nginx"),
            (f"sum by (pod) (rate(apache_accesses_total{N}{R}))", "{{pod}} Apache"),
            logs_of=Target(container="nginx*"),
        ),
        graph(
            "RabbitMQ: messages",
            "Ready and unacknowledged.",
            "short",
            (f"sum by (pod) (rabbitmq_queue_messages_ready{N})", "{{pod}} ready"),
            (f"sum by (pod) (rabbitmq_queue_messages_unacked{N})", "{{pod}} unacknowledged"),
            logs_of=Target(container="rabbitmq*"),
        ),
        graph(
            "Redis: memory",
            "Used.",
            "bytes",
            (f"sum by (pod) (redis_memory_used_bytes{N})", "{{pod}}"),
            logs_of=Target(container="redis*"),
        ),
        graph(
            "memcached: hits",
            "In percent.",
            "percent",
            (
                '100 * sum by (pod) (rate(memcached_commands_total{namespace=~"$namespace",command="get",status="hit"}[$__rate_interval])) / sum by (pod) (rate(memcached_commands_total{namespace=~"$namespace",command="get"}[$__rate_interval]))',
                "{{pod}}",
            ),
            top=100,
            logs_of=Target(container="memcached*"),
        ),
        listing(
            "Targets", "What Prometheus scrapes here.", "short", (f"up{N}", ""), width=8, logs_of=Target()
        ),
    )
    made.row(
        "Pods",
        graph(
            "CPU",
            "Cores used.",
            "short",
            (
                'sum by (pod) (rate(container_cpu_usage_seconds_total{namespace=~"$namespace",container!=""}[$__rate_interval]))',
                "{{pod}}",
            ),
            logs_of=Target(),
        ),
        graph(
            "Memory",
            "Working set.",
            "bytes",
            (
                'sum by (pod) (container_memory_working_set_bytes{namespace=~"$namespace",container!=""})',
                "{{pod}}",
            ),
            logs_of=Target(search="memory"),
        ),
        graph(
            "Restarts",
            "Of containers.",
            "short",
            (f"sum by (pod) (increase(kube_pod_container_status_restarts_total{N}{R}))", "{{pod}}"),
            logs_of=Target(level="error"),
        ),
        sql_table(
            "Who writes",
            "Pods by their records, and when they wrote last.",
            f"SELECT pod, sum(records) AS records, sum(bytes) AS bytes, max(last_seen) AS last FROM streams WHERE last_seen >= $__fromTime AND {NAMESPACE} GROUP BY pod ORDER BY records DESC LIMIT 50",
            width=24,
        ),
    )
    return made
