"""The way of the logs: shipper, spool, receiver, rules."""

from dashboards.source.panels import Board, Target, graph, listing, number

LOGS = Target(container="loghouse*")
ERRORS = Target(container="loghouse*", level="warning")
R = "[$__rate_interval]"


def board() -> Board:
    """Do all lines arrive, how late, and was anything lost?"""
    made = Board(
        "lq-pipeline", "Log pipeline", "Shipper, spool, receiver and rules: throughput, lag, loss.", ("logs",)
    )
    made.prometheus()
    made.namespaces_of('up{job=~"loghouse.*"}')
    made.variable(
        "instance", "Instance", 'label_values(up{job=~"loghouse.*",namespace=~"$namespace"}, instance)'
    )
    made.row(
        "Now",
        number(
            "Up",
            "Parts of the pipeline that answer.",
            "short",
            'sum(up{<S>,job=~"loghouse.*"})',
            logs_of=LOGS,
        ),
        number(
            "Lost",
            "Bytes that can never be stored, in the time shown: rotated away, or refused for good.",
            "bytes",
            "sum(increase(loghouse_lost_bytes_total{<S>}[$__range])) or vector(0)",
            bad=1,
            logs_of=ERRORS,
        ),
        number(
            "Lag",
            "Age of the oldest line that is not stored.",
            "s",
            "max(loghouse_oldest_unshipped_seconds{<S>})",
            warn=30,
            bad=300,
            logs_of=ERRORS,
        ),
        number(
            "Spool",
            "Bytes that wait on disk.",
            "bytes",
            "sum(loghouse_spool_bytes{<S>})",
            warn=1e8,
            bad=1e9,
            logs_of=ERRORS,
        ),
        number(
            "Failed inserts",
            "Each second.",
            "cps",
            "sum(rate(loghouse_insert_errors_total{<S>}[$__rate_interval])) or vector(0)",
            bad=0.001,
            logs_of=ERRORS,
        ),
        number(
            "Quarantined",
            "Rows that the store refuses, kept aside, in the time shown.",
            "short",
            "sum(increase(loghouse_quarantined_rows_total{<S>}[$__range])) or vector(0)",
            bad=1,
            logs_of=ERRORS,
        ),
    )
    made.row(
        "Shipper",
        graph(
            "Lines",
            "Stored each second.",
            "cps",
            (f"sum by (instance) (rate(loghouse_lines_total{{<S>}}{R}))", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Bytes",
            "Read each second.",
            "Bps",
            (f"sum by (instance) (rate(loghouse_read_bytes_total{{<S>}}{R}))", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Lag",
            "Age of the oldest line that is not stored.",
            "s",
            ("max by (instance) (loghouse_oldest_unshipped_seconds{<S>})", "{{instance}}"),
            warn=30,
            bad=300,
            logs_of=ERRORS,
        ),
        graph(
            "Behind",
            "Bytes written but not read, the ten containers with most.",
            "bytes",
            ("topk(10, sum by (container) (loghouse_bytes_behind{<S>}))", "{{container}}"),
            logs_of=LOGS,
        ),
        graph(
            "Files",
            "Open files, and rotated ones that are not read to their end.",
            "short",
            ("sum by (instance) (loghouse_files_open{<S>})", "{{instance}} open"),
            ("sum by (instance) (loghouse_files_rotated_unread{<S>})", "{{instance}} rotated, unread"),
            logs_of=LOGS,
        ),
        graph(
            "Lost",
            "Bytes by reason. Anything here is a fault.",
            "Bps",
            (f"sum by (reason) (rate(loghouse_lost_bytes_total{{<S>}}{R}))", "{{reason}}"),
            logs_of=ERRORS,
        ),
    )
    made.row(
        "Spool and delivery",
        graph(
            "Spool",
            "Bytes that wait on disk.",
            "bytes",
            ("sum by (instance) (loghouse_spool_bytes{<S>})", "{{instance}}"),
            logs_of=ERRORS,
        ),
        graph(
            "Oldest batch",
            "How long it waits.",
            "s",
            ("max by (instance) (loghouse_spool_oldest_seconds{<S>})", "{{instance}}"),
            warn=60,
            bad=600,
            logs_of=ERRORS,
        ),
        graph(
            "Batches",
            "Sent and acknowledged each second.",
            "cps",
            (f"sum(rate(loghouse_batches_sent_total{{<S>}}{R}))", "sent"),
            (f"sum(rate(loghouse_batches_acked_total{{<S>}}{R}))", "acknowledged"),
            (f"sum(rate(loghouse_batches_ambiguous_total{{<S>}}{R}))", "answer lost"),
            logs_of=LOGS,
        ),
        graph(
            "Insert errors",
            "By code of ClickHouse.",
            "cps",
            (f"sum by (code) (rate(loghouse_insert_errors_total{{<S>}}{R}))", "{{code}}"),
            logs_of=ERRORS,
        ),
        graph(
            "Problems",
            "What went wrong without stopping the shipper, by reason.",
            "cps",
            (f"sum by (reason) (rate(loghouse_problems_total{{<S>}}{R}))", "{{reason}}"),
            logs_of=ERRORS,
        ),
        graph(
            "Spool in use",
            "Of the disk it may take, in percent; at 100 reading waits.",
            "percent",
            ("100 * loghouse_spool_bytes{<S>} / loghouse_spool_limit_bytes{<S>}", "{{instance}}"),
            warn=50,
            bad=90,
            top=100,
            logs_of=ERRORS,
        ),
    )
    made.row(
        "Receiver",
        graph(
            "Records",
            "Received each second.",
            "cps",
            (f"sum by (protocol) (rate(loghouse_receive_records_total{{<S>}}{R}))", "{{protocol}}"),
            logs_of=LOGS,
        ),
        graph(
            "Waiting",
            "Bytes that are received and not durable yet.",
            "bytes",
            ("sum by (instance) (loghouse_receive_waiting_bytes{<S>})", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Failing since",
            "Since the first commit that failed; 0 is well.",
            "s",
            ("max by (instance) (loghouse_receive_failing_seconds{<S>})", "{{instance}}"),
            bad=60,
            logs_of=ERRORS,
        ),
        graph(
            "Refused and lost",
            "By protocol.",
            "cps",
            (f"sum by (protocol) (rate(loghouse_receive_bad_total{{<S>}}{R}))", "{{protocol}} bad"),
            (f"sum by (protocol) (rate(loghouse_receive_lost_total{{<S>}}{R}))", "{{protocol}} lost"),
            (f"sum by (protocol) (rate(loghouse_receive_truncated_total{{<S>}}{R}))", "{{protocol}} cut"),
            logs_of=ERRORS,
        ),
        graph(
            "Refused requests",
            "Not authorised, too large, malformed.",
            "cps",
            (f"sum by (protocol) (rate(loghouse_receive_requests_refused_total{{<S>}}{R}))", "{{protocol}}"),
            logs_of=ERRORS,
        ),
        graph(
            "Broken connections",
            "By protocol.",
            "cps",
            (
                f"sum by (protocol) (rate(loghouse_receive_connections_broken_total{{<S>}}{R}))",
                "{{protocol}}",
            ),
            logs_of=LOGS,
        ),
    )
    made.row(
        "Journals of machines",
        graph(
            "Entries",
            "Acknowledged by the receiver, each second.",
            "cps",
            (f"sum by (instance) (rate(loghouse_journal_entries_total{{<S>}}{R}))", "{{instance}}"),
            logs_of=LOGS,
        ),
        graph(
            "Receiver away",
            "Since when it has acknowledged nothing; 0 is well.",
            "s",
            ("max by (instance) (loghouse_journal_failing_seconds{<S>})", "{{instance}}"),
            bad=60,
            logs_of=ERRORS,
        ),
    )
    made.row(
        "Rules on logs",
        graph(
            "Alerts",
            "That fire now.",
            "short",
            ('sum by (alertname) (loghouse_rules_alert{<S>,alertstate="firing"})', "{{alertname}}"),
            logs_of=LOGS,
        ),
        graph(
            "Behind",
            "How long ago each rule was judged.",
            "s",
            ("time() - loghouse_rules_judged_timestamp_seconds{<S>}", "{{rule}}"),
            warn=300,
            logs_of=ERRORS,
        ),
        graph(
            "Failures",
            "Evaluations the store did not answer, and alerts Alertmanager did not take.",
            "cps",
            (f"sum by (rule) (rate(loghouse_rules_evaluation_failures_total{{<S>}}{R}))", "{{rule}}"),
            (
                f"sum by (alertmanager) (rate(loghouse_rules_notification_failures_total{{<S>}}{R}))",
                "{{alertmanager}}",
            ),
            logs_of=ERRORS,
        ),
        listing(
            "Firing",
            "With their labels.",
            "short",
            ('loghouse_rules_alert{<S>,alertstate="firing"}', ""),
            width=24,
            logs_of=LOGS,
        ),
    )
    return made
