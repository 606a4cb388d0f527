"""What the logs say: an overview, and an explorer that other boards link to."""

from dashboards.source.panels import Board, Target, log_lines, sql_graph, sql_number, sql_table

NAMESPACE = "$__conditionalAll(namespace IN (${namespace:singlequote}), $namespace)"
COUNTS = f"$__timeFilter(time) AND {NAMESPACE}"
RECORDS = f"$__timeFilter(timestamp) AND {NAMESPACE}"
SECONDS = "greatest(1, dateDiff('second', $__fromTime, $__toTime))"
# The variables are texts of people: Grafana encodes every sign that could end a literal, ClickHouse decodes.
# In a container's name only * is special.
NAME = "decodeURLComponent('${container:percentencode}')"
PLAIN = f"replaceRegexpAll({NAME}, '([\\\\\\\\%_])', '\\\\\\\\\\\\1')"
CONTAINER = f"({NAME} = '' OR container LIKE replaceAll({PLAIN}, '*', '%'))"
LEVELS = "['trace', 'debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']"
LEVEL = f"toInt8(logs.level) >= indexOf({LEVELS}, decodeURLComponent('${{level:percentencode}}'))"
SEARCH = "(decodeURLComponent('${search:percentencode}') = '' OR positionCaseInsensitiveUTF8(raw, decodeURLComponent('${search:percentencode}')) > 0)"
CHOSEN = f"{RECORDS} AND {CONTAINER} AND {LEVEL} AND {SEARCH}"
# What differs from record to record, in the order in which it is masked.
MASKS = (
    ('"[^"]*"', "<quoted>"),
    ("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "<uuid>"),
    ("[0-9]{1,3}([.][0-9]{1,3}){3}(:[0-9]+)?", "<ip>"),
    ("[0-9]+([.][0-9]+)?", "<num>"),
)


def pattern() -> str:
    """SQL: the message of a record without what differs from record to record."""
    text = "message"
    for expression, kind in MASKS:
        text = f"replaceRegexpAll({text}, '{expression}', '{kind}')"
    return text


def overview() -> Board:
    """Who writes how much, what goes wrong, what is new."""
    made = Board("lq-logs", "Logs overview", "Volume, levels, errors and patterns of all logs.", ("logs",))
    made.clickhouse()
    made.row(
        "Now",
        sql_number(
            "Records",
            "In the time shown.",
            "short",
            f"SELECT sum(records) AS records FROM counts WHERE {COUNTS}",
        ),
        sql_number(
            "Bytes",
            "As written, before compression.",
            "bytes",
            f"SELECT sum(bytes) AS bytes FROM counts WHERE {COUNTS}",
        ),
        sql_number(
            "Rate",
            "Records each second.",
            "cps",
            f"SELECT sum(records) / {SECONDS} AS rate FROM counts WHERE {COUNTS}",
        ),
        sql_number(
            "Errors",
            "Records of level error and above.",
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
        sql_number(
            "Containers",
            "That wrote something.",
            "short",
            f"SELECT uniqExact(namespace, workload, container) AS containers FROM counts WHERE {COUNTS}",
        ),
    )
    made.row(
        "Volume",
        sql_graph(
            "Records by level",
            "A jump in warnings or errors is the first thing to look at.",
            "short",
            f"SELECT $__timeInterval(time) AS time, toString(level) AS level, sum(records) AS records FROM counts WHERE {COUNTS} GROUP BY time, level ORDER BY time, level",
            logs_of=Target(level="warning"),
        ),
        sql_graph(
            "Records by namespace",
            "Who writes.",
            "short",
            f"SELECT $__timeInterval(time) AS time, namespace, sum(records) AS records FROM counts WHERE {COUNTS} GROUP BY time, namespace ORDER BY time, namespace",
            logs_of=Target(),
        ),
        sql_graph(
            "Errors by workload",
            "Records of level error and above.",
            "short",
            f"SELECT $__timeInterval(time) AS time, concat(namespace, '/', workload) AS workload, sum(records) AS errors FROM counts WHERE {COUNTS} AND level >= 'error' GROUP BY time, workload ORDER BY time, workload",
            logs_of=Target(level="error"),
        ),
        sql_graph(
            "Error share by namespace",
            "Records of level error and above, in percent.",
            "percent",
            f"SELECT $__timeInterval(time) AS time, namespace, 100 * sumIf(records, level >= 'error') / sum(records) AS share FROM counts WHERE {COUNTS} GROUP BY time, namespace ORDER BY time, namespace",
            stacked=False,
            logs_of=Target(level="error"),
        ),
    )
    made.row(
        "What they say",
        sql_table(
            "Patterns of errors",
            "Messages of level error and above with numbers, addresses and quoted texts masked.",
            f"SELECT {pattern()} AS pattern, count() AS records, uniq(pod) AS pods, max(timestamp) AS last FROM (SELECT message, pod, timestamp FROM logs WHERE {RECORDS} AND level >= 'error' ORDER BY timestamp DESC LIMIT 100000) GROUP BY pattern ORDER BY records DESC LIMIT 50",
            width=24,
            height=10,
        ),
        sql_table(
            "Loudest workloads",
            "Records and bytes; the first place to save disk.",
            f'SELECT namespace, workload, container, sum(records) AS total, sum(bytes) AS size, round(size / total) AS "bytes a record" FROM counts WHERE {COUNTS} GROUP BY namespace, workload, container ORDER BY size DESC LIMIT 50',
        ),
        sql_table(
            "Loudest pods",
            "Since each pod's first record; of the pods that wrote in the time shown.",
            f"SELECT namespace, pod, sum(records) AS records, sum(bytes) AS bytes, max(last_seen) AS last FROM streams WHERE last_seen >= $__fromTime AND {NAMESPACE} GROUP BY namespace, pod ORDER BY bytes DESC LIMIT 50",
        ),
    )
    return made


def explorer() -> Board:
    """The records, by namespace, container, level and text."""
    made = Board(
        "lq-logs-explorer",
        "Logs explorer",
        "The records of what other boards show, and any others.",
        ("logs",),
    )
    made.clickhouse()
    made.text("container", "Container", "Name, * is any text")
    made.choice("level", "Level and above", "all,debug,info,notice,warning,error,critical", "all")
    made.text("search", "Text", "Any case")
    made.row(
        "Records",
        sql_graph(
            "Records by level",
            "Those chosen above.",
            "short",
            f"SELECT $__timeInterval(timestamp) AS time, toString(level) AS level, count() AS records FROM logs WHERE {CHOSEN} GROUP BY time, level ORDER BY time, level",
        ),
        sql_graph(
            "Records by pod",
            "Those chosen above.",
            "short",
            f"SELECT $__timeInterval(timestamp) AS time, pod, count() AS records FROM logs WHERE {CHOSEN} GROUP BY time, pod ORDER BY time, pod",
        ),
        log_lines(
            "Records",
            "The newest thousand of those chosen above.",
            f"SELECT timestamp AS timestamp, message AS body, toString(level) AS level, namespace, pod, container, node, labels FROM logs WHERE {CHOSEN} ORDER BY timestamp DESC LIMIT 1000",
        ),
    )
    return made
