"""Apache, under Lusitaniae's names."""

from dashboards.source.panels import Board, Target, graph, number

LOGS = Target(container="apache*")
ERRORS = Target(container="apache*", level="error")


def board() -> Board:
    """Are there free workers, and how long do requests take?"""
    made = Board("lq-apache", "Apache", "Requests, workers and connections of Apache httpd.", ("apache",))
    made.prometheus("apache_up")
    made.row(
        "Now",
        number("Up", "Servers that answer.", "short", "sum(apache_up{<S>})", logs_of=LOGS),
        number(
            "Down",
            "Servers that do not answer.",
            "short",
            "count(apache_up{<S>} == 0) or vector(0)",
            bad=1,
            logs_of=ERRORS,
        ),
        number(
            "Busy workers",
            "Of the busiest server, in percent of all its workers.",
            "percent",
            'max(100 * sum by (instance) (apache_workers{<S>,state="busy"}) / sum by (instance) (apache_workers{<S>}))',
            warn=70,
            bad=90,
            logs_of=LOGS,
        ),
        number(
            "Requests",
            "Requests each second.",
            "reqps",
            "sum(rate(apache_accesses_total{<S>}[$__rate_interval]))",
            logs_of=LOGS,
        ),
        number(
            "Time of a request",
            "Average over all requests.",
            "ms",
            "sum(rate(apache_duration_ms_total{<S>}[$__rate_interval])) / sum(rate(apache_accesses_total{<S>}[$__rate_interval]))",
            warn=500,
            bad=2000,
            logs_of=LOGS,
        ),
        number(
            "Sent",
            "Bytes sent each second.",
            "KBs",
            "sum(rate(apache_sent_kilobytes_total{<S>}[$__rate_interval]))",
            logs_of=LOGS,
        ),
    )
    made.row(
        "Requests",
        graph(
            "Requests",
            "Requests each second.",
            "reqps",
            ("sum by (instance) (rate(apache_accesses_total{<S>}[$__rate_interval]))", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Time of a request",
            "Average.",
            "ms",
            (
                "sum by (instance) (rate(apache_duration_ms_total{<S>}[$__rate_interval])) / sum by (instance) (rate(apache_accesses_total{<S>}[$__rate_interval]))",
                "{{instance}}",
            ),
            logs_of=LOGS,
        ),
        graph(
            "Sent",
            "Kilobytes sent each second.",
            "KBs",
            ("sum by (instance) (rate(apache_sent_kilobytes_total{<S>}[$__rate_interval]))", "{{instance}}"),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Workers",
        graph(
            "Workers",
            "Busy and idle workers.",
            "short",
            ("sum by (state) (apache_workers{<S>})", "{{state}}"),
            stacked=True,
            logs_of=LOGS,
        ),
        graph(
            "Scoreboard",
            "What the workers do.",
            "short",
            ('sum by (state) (apache_scoreboard{<S>,state!="open_slot"})', "{{state}}"),
            stacked=True,
            logs_of=LOGS,
        ),
        graph(
            "Busy share",
            "Busy workers in percent of all.",
            "percent",
            (
                '100 * sum by (instance) (apache_workers{<S>,state="busy"}) / sum by (instance) (apache_workers{<S>})',
                "{{instance}}",
            ),
            warn=70,
            bad=90,
            top=100,
            logs_of=ERRORS,
        ),
    )
    made.row(
        "Server",
        graph(
            "Connections",
            "Of the event MPM, by state.",
            "short",
            ("sum by (state) (apache_connections{<S>})", "{{state}}"),
            logs_of=LOGS,
        ),
        graph(
            "CPU",
            "CPU seconds a second.",
            "percentunit",
            (
                "sum by (instance) (rate(apache_cpu_time_ms_total{<S>}[$__rate_interval])) / 1000",
                "{{instance}}",
            ),
            logs_of=LOGS,
        ),
        graph(
            "Uptime",
            "Since the start; a drop is a restart.",
            "s",
            ("apache_uptime_seconds_total{<S>}", "{{instance}}"),
            logs_of=Target(container="apache*", search="resuming"),
        ),
    )
    return made
