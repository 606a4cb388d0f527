"""memcached, under the names of Prometheus' own exporter."""

from dashboards.source.panels import Board, Target, graph, number

LOGS = Target(container="memcached*")
GETS = 'rate(memcached_commands_total{<S>,command="get"'


def board() -> Board:
    """Does the cache help, and is it large enough?"""
    made = Board(
        "lq-memcached", "memcached", "Hits, memory, evictions and connections of memcached.", ("memcached",)
    )
    made.prometheus("memcached_up")
    made.row(
        "Now",
        number("Up", "Servers that answer.", "short", "sum(memcached_up{<S>})", logs_of=LOGS),
        number(
            "Down",
            "Servers that do not answer.",
            "short",
            "count(memcached_up{<S>} == 0) or vector(0)",
            bad=1,
            logs_of=LOGS,
        ),
        number(
            "Hits",
            "Gets that found something, in percent.",
            "percent",
            f'100 * sum({GETS},status="hit"}}[$__rate_interval])) / sum({GETS}}}[$__rate_interval]))',
            warn=80,
            bad=50,
            logs_of=LOGS,
        ),
        number(
            "Memory",
            "Of the fullest server, in percent of its limit.",
            "percent",
            "max(100 * memcached_current_bytes{<S>} / memcached_limit_bytes{<S>})",
            warn=90,
            logs_of=LOGS,
        ),
        number(
            "Evictions",
            "Items thrown out before their time, each second.",
            "cps",
            "sum(rate(memcached_items_evicted_total{<S>}[$__rate_interval]))",
            warn=1,
            bad=100,
            logs_of=LOGS,
        ),
        number(
            "Connections",
            "Of the busiest server, in percent of its limit.",
            "percent",
            "max(100 * memcached_current_connections{<S>} / memcached_max_connections{<S>})",
            warn=80,
            bad=95,
            logs_of=LOGS,
        ),
    )
    made.row(
        "Commands",
        graph(
            "Commands",
            "By command and outcome.",
            "ops",
            (
                "sum by (command, status) (rate(memcached_commands_total{<S>}[$__rate_interval])) > 0",
                "{{command}} {{status}}",
            ),
            width=12,
            logs_of=LOGS,
        ),
        graph(
            "Hits",
            "Gets that found something, in percent.",
            "percent",
            (
                f'100 * sum by (instance) ({GETS},status="hit"}}[$__rate_interval])) / sum by (instance) ({GETS}}}[$__rate_interval]))',
                "{{instance}}",
            ),
            width=12,
            top=100,
            logs_of=LOGS,
        ),
    )
    made.row(
        "Memory",
        graph(
            "Memory",
            "Bytes of items, and the limit.",
            "bytes",
            ("memcached_current_bytes{<S>}", "{{instance}} used"),
            ("memcached_limit_bytes{<S>}", "{{instance}} limit"),
            logs_of=LOGS,
        ),
        graph(
            "Items", "Stored items.", "short", ("memcached_current_items{<S>}", "{{instance}}"), logs_of=LOGS
        ),
        graph(
            "Evicted and reclaimed",
            "Evicted items were still valid; reclaimed ones had expired.",
            "cps",
            ("rate(memcached_items_evicted_total{<S>}[$__rate_interval])", "{{instance}} evicted"),
            ("rate(memcached_items_reclaimed_total{<S>}[$__rate_interval])", "{{instance}} reclaimed"),
            logs_of=LOGS,
        ),
        graph(
            "Refused items",
            "For lack of memory, or because they were too large.",
            "cps",
            (
                "sum by (instance) (rate(memcached_item_no_memory_total{<S>}[$__rate_interval]))",
                "{{instance}} memory",
            ),
            (
                "sum by (instance) (rate(memcached_item_too_large_total{<S>}[$__rate_interval]))",
                "{{instance}} too large",
            ),
            logs_of=LOGS,
        ),
        graph(
            "Memory by slab class",
            "The ten largest classes.",
            "bytes",
            ("topk(10, sum by (slab) (memcached_slab_mem_requested_bytes{<S>}))", "{{slab}}"),
            logs_of=LOGS,
        ),
        graph(
            "Evictions by slab class",
            "Where items are thrown out.",
            "cps",
            (
                "topk(10, sum by (slab) (rate(memcached_slab_items_evicted_total{<S>}[$__rate_interval])))",
                "{{slab}}",
            ),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Clients",
        graph(
            "Connections",
            "Open connections, and the limit.",
            "short",
            ("memcached_current_connections{<S>}", "{{instance}} open"),
            ("memcached_max_connections{<S>}", "{{instance}} limit"),
            logs_of=LOGS,
        ),
        graph(
            "Rejected connections",
            "At the limit.",
            "cps",
            ("rate(memcached_connections_rejected_total{<S>}[$__rate_interval])", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Network",
            "Bytes in and out each second.",
            "Bps",
            ("rate(memcached_read_bytes_total{<S>}[$__rate_interval])", "{{instance}} in"),
            ("rate(memcached_written_bytes_total{<S>}[$__rate_interval])", "{{instance}} out"),
            logs_of=LOGS,
        ),
    )
    return made
