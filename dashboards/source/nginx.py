"""nginx: the figures of stub_status under nginxinc's names, and what its access logs say."""

from dashboards.source.panels import Board, Target, graph, number, sql_graph, sql_table

LOGS = Target(container="nginx*")
ACCESS = "format = 'access' AND $__timeFilter(timestamp) AND $__conditionalAll(namespace IN (${namespace:singlequote}), $namespace)"
STATUS = "toUInt16(numbers['status'])"


def board() -> Board:
    """How many requests come, and how do they end?"""
    made = Board(
        "lq-nginx",
        "nginx",
        "Connections of nginx, and status, time and paths from its access logs.",
        ("nginx",),
    )
    made.prometheus("nginx_up", logs_source=True)
    made.row(
        "Now",
        number("Up", "Servers that answer.", "short", "sum(nginx_up{<S>})", logs_of=LOGS),
        number(
            "Down",
            "Servers that do not answer.",
            "short",
            "count(nginx_up{<S>} == 0) or vector(0)",
            bad=1,
            logs_of=LOGS,
        ),
        number(
            "Requests",
            "Requests each second.",
            "reqps",
            "sum(rate(nginx_http_requests_total{<S>}[$__rate_interval]))",
            logs_of=LOGS,
        ),
        number(
            "Connections", "Open connections.", "short", "sum(nginx_connections_active{<S>})", logs_of=LOGS
        ),
        number(
            "Dropped connections",
            "Accepted but not handled, each second: a limit of nginx or the system.",
            "cps",
            "sum(rate(nginx_connections_accepted{<S>}[$__rate_interval])) - sum(rate(nginx_connections_handled{<S>}[$__rate_interval]))",
            bad=0.01,
            logs_of=Target(container="nginx*", search="worker_connections"),
        ),
        number(
            "Requests a connection",
            "Low without keep-alive.",
            "short",
            "sum(rate(nginx_http_requests_total{<S>}[$__rate_interval])) / sum(rate(nginx_connections_handled{<S>}[$__rate_interval]))",
            logs_of=LOGS,
        ),
    )
    made.row(
        "Server",
        graph(
            "Requests",
            "Requests each second.",
            "reqps",
            ("sum by (instance) (rate(nginx_http_requests_total{<S>}[$__rate_interval]))", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Connections",
            "By what nginx does with them.",
            "short",
            ("sum(nginx_connections_reading{<S>})", "reading"),
            ("sum(nginx_connections_writing{<S>})", "writing"),
            ("sum(nginx_connections_waiting{<S>})", "waiting"),
            stacked=True,
            logs_of=LOGS,
        ),
        graph(
            "Accepted and handled",
            "They differ when connections are dropped.",
            "cps",
            (
                "sum by (instance) (rate(nginx_connections_accepted{<S>}[$__rate_interval]))",
                "{{instance}} accepted",
            ),
            (
                "sum by (instance) (rate(nginx_connections_handled{<S>}[$__rate_interval]))",
                "{{instance}} handled",
            ),
            logs_of=LOGS,
        ),
    )
    made.row(
        "From the access logs",
        sql_graph(
            "Answers by status",
            "Requests by the class of their status.",
            "short",
            f"SELECT $__timeInterval(timestamp) AS time, concat(toString(intDiv({STATUS}, 100)), 'xx') AS status, count() AS requests FROM logs WHERE {ACCESS} GROUP BY time, status ORDER BY time, status",
            logs_of=Target(container="nginx*"),
        ),
        sql_graph(
            "Server errors",
            "Requests that ended with 500 and above, by path; the ten worst paths of each interval.",
            "short",
            f"SELECT time, path, requests FROM (SELECT $__timeInterval(timestamp) AS time, cutQueryString(strings['path']) AS path, count() AS requests FROM logs WHERE {ACCESS} AND {STATUS} >= 500 GROUP BY time, path ORDER BY requests DESC LIMIT 10 BY time) ORDER BY time, path",
            logs_of=Target(container="nginx*", level="error"),
        ),
        sql_table(
            "Paths",
            "The busiest paths without their parameters, and how often they failed.",
            f"SELECT cutQueryString(strings['path']) AS path, count() AS requests, countIf({STATUS} >= 500) AS failed, round(100 * failed / requests, 2) AS \"failed %\" FROM logs WHERE {ACCESS} GROUP BY path ORDER BY requests DESC LIMIT 50",
        ),
        sql_table(
            "Clients",
            "The addresses with most requests.",
            f"SELECT strings['client'] AS client, count() AS requests, countIf({STATUS} BETWEEN 400 AND 499) AS refused, countIf({STATUS} >= 500) AS failed FROM logs WHERE {ACCESS} GROUP BY client ORDER BY requests DESC LIMIT 50",
        ),
    )
    return made
