"""PHP-FPM, under hipages' names."""

from dashboards.source.panels import Board, Target, graph, listing, number

LOGS = Target(container="php*")
SLOW = Target(container="php*", search="slow")


def board() -> Board:
    """Is there room for requests, and which pool has none?"""
    made = Board(
        "lq-php-fpm",
        "PHP-FPM",
        "Pools of PHP-FPM: capacity, waiting requests, slow requests, opcode cache.",
        ("php",),
    )
    made.prometheus("phpfpm_up")
    made.row(
        "Now",
        number("Pools up", "Pools whose status page answers.", "short", "sum(phpfpm_up{<S>})", logs_of=LOGS),
        number(
            "Pools down",
            "Pools whose status page does not answer.",
            "short",
            "count(phpfpm_up{<S>} == 0) or vector(0)",
            bad=1,
            logs_of=LOGS,
        ),
        number(
            "Busiest pool",
            "Active processes in percent of all processes of the pool. Without pm.status_listen the process that answers the status page is one of them.",
            "percent",
            "max(100 * phpfpm_active_processes{<S>} / phpfpm_total_processes{<S>})",
            warn=70,
            bad=90,
            logs_of=LOGS,
        ),
        number(
            "Waiting requests",
            "Connections that no process has accepted yet. Anything above 0 for long is time that people wait.",
            "short",
            "sum(phpfpm_listen_queue{<S>})",
            warn=1,
            bad=10,
            logs_of=LOGS,
        ),
        number(
            "Requests",
            "Requests accepted each second.",
            "reqps",
            "sum(rate(phpfpm_accepted_connections{<S>}[$__rate_interval]))",
            logs_of=LOGS,
        ),
        number(
            "Limit reached",
            "Times a pool needed more processes than pm.max_children, in the last hour.",
            "short",
            "sum(increase(phpfpm_max_children_reached{<S>}[1h]))",
            warn=1,
            bad=10,
            logs_of=Target(container="php*", search="max_children"),
        ),
    )
    made.row(
        "Pools",
        graph(
            "Requests by pool",
            "Requests accepted each second.",
            "reqps",
            ("sum by (pool) (rate(phpfpm_accepted_connections{<S>}[$__rate_interval]))", "{{pool}}"),
            logs_of=LOGS,
        ),
        graph(
            "Active processes",
            "Processes at work, in percent of all of their pool; at 100 % requests wait.",
            "percent",
            (
                "100 * sum by (instance, pool) (phpfpm_active_processes{<S>}) "
                "/ sum by (instance, pool) (phpfpm_total_processes{<S>})",
                "{{instance}} {{pool}}",
            ),
            warn=70,
            bad=90,
            top=100,
            logs_of=LOGS,
        ),
        graph(
            "Waiting requests",
            "Connections in the listen queue.",
            "short",
            ("sum by (instance, pool) (phpfpm_listen_queue{<S>})", "{{instance}} {{pool}}"),
            warn=1,
            logs_of=LOGS,
        ),
        graph(
            "Processes by state",
            "What the processes do.",
            "short",
            ("sum by (state) (phpfpm_processes{<S>})", "{{state}}"),
            stacked=True,
            logs_of=LOGS,
        ),
        graph(
            "Limit of processes reached",
            "Each time costs the requests that then waited; raise pm.max_children, or make requests faster.",
            "short",
            ("sum by (pool) (increase(phpfpm_max_children_reached{<S>}[$__rate_interval]))", "{{pool}}"),
            logs_of=Target(container="php*", search="max_children"),
        ),
        graph(
            "Slow requests",
            "Requests longer than request_slowlog_timeout.",
            "short",
            ("sum by (pool) (increase(phpfpm_slow_requests{<S>}[$__rate_interval]))", "{{pool}}"),
            logs_of=SLOW,
        ),
    )
    made.row(
        "Processes",
        graph(
            "Longest request now",
            "Of the current or last request of each process, the longest in a pool.",
            "µs",
            ("max by (pool) (phpfpm_process_request_duration{<S>})", "{{pool}}"),
            logs_of=SLOW,
        ),
        graph(
            "Memory of a request",
            "The most that the last request of a process used.",
            "bytes",
            ("max by (pool) (phpfpm_process_last_request_memory{<S>})", "{{pool}} most"),
            ("avg by (pool) (phpfpm_process_last_request_memory{<S>} > 0)", "{{pool}} average"),
            logs_of=Target(container="php*", search="memory"),
        ),
        graph(
            "Time to read the status",
            "A slow status page is the first sign of a pool without free processes.",
            "s",
            ("max by (instance, pool) (phpfpm_scrape_duration_seconds{<S>})", "{{instance}} {{pool}}"),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Opcode cache",
        graph(
            "Hits",
            "Scripts found in the cache, in percent.",
            "percent",
            (
                "100 * sum by (pool) (rate(phpfpm_opcache_hits_total{<S>}[$__rate_interval])) / (sum by (pool) "
                "(rate(phpfpm_opcache_hits_total{<S>}[$__rate_interval])) + sum by (pool) "
                "(rate(phpfpm_opcache_misses_total{<S>}[$__rate_interval])))",
                "{{pool}}",
            ),
            warn=95,
            bad=85,
            top=100,
            logs_of=LOGS,
        ),
        graph(
            "Memory",
            "Used, free and wasted memory of the cache.",
            "bytes",
            ("sum by (pool) (phpfpm_opcache_used_memory_bytes{<S>})", "{{pool}} used"),
            ("sum by (pool) (phpfpm_opcache_free_memory_bytes{<S>})", "{{pool}} free"),
            ("sum by (pool) (phpfpm_opcache_wasted_memory_bytes{<S>})", "{{pool}} wasted"),
            stacked=True,
            logs_of=LOGS,
        ),
        graph(
            "Restarts of the cache",
            "For lack of memory or of keys.",
            "short",
            (
                "sum by (pool) (increase(phpfpm_opcache_oom_restarts_total{<S>}[$__rate_interval]))",
                "{{pool}} memory",
            ),
            (
                "sum by (pool) (increase(phpfpm_opcache_hash_restarts_total{<S>}[$__rate_interval]))",
                "{{pool}} keys",
            ),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Troubles",
        listing(
            "Pools that cannot be read",
            "Why the exporter cannot read a status page.",
            "short",
            ("phpfpm_scrape_error{<S>} == 1 or phpfpm_up{<S>} == 0", ""),
            width=24,
            logs_of=LOGS,
        ),
    )
    return made
