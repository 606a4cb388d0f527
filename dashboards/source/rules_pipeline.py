"""The alerts of the logs' own way, of the store, and of the monitoring itself."""

from __future__ import annotations

from dashboards.source.rules import Alert, Group, Recording
from dashboards.source.rules_services import one

LOGS = "logq search --since 1h -n {{ $labels.namespace }} -c 'loghouse*' 'level>=warning'"
UP = 'namespace="logs",pod="l-0",instance="l-0:1"'

PIPELINE = Group(
    "pipeline",
    "lq-pipeline",
    [
        Alert(
            "LogShipperDown",
            'up{job=~".*ship.*"} == 0',
            "5m",
            "critical",
            "The shipper at {{ $labels.instance }} cannot be scraped: logs of its node may not arrive.",
            "Its offsets are on disk, so nothing is lost while the node keeps the files. Restart it before they are rotated away.",
            "kubectl logs -n {{ $labels.namespace }} {{ $labels.pod }} --previous",
            fires=[(f'up{{job="loghouse-ship",{UP}}}', "0x20")],
            quiet=[(f'up{{job="loghouse-ship",{UP}}}', "1x20")],
        ),
        Alert(
            "LogPipelineDown",
            'up{job=~"loghouse.*",job!~".*ship.*"} == 0',
            "5m",
            "critical",
            "{{ $labels.job }} at {{ $labels.instance }} cannot be scraped.",
            "Without the receiver senders keep their logs, if they can; without the rules nobody judges the logs.",
            "kubectl logs -n {{ $labels.namespace }} {{ $labels.pod }} --previous",
            fires=[(f'up{{job="loghouse-rules",{UP}}}', "0x20")],
            quiet=[(f'up{{job="loghouse-ship",{UP}}}', "0x20")],
        ),
        Alert(
            "LogsLost",
            "sum by (namespace, pod, reason) (increase(loghouse_lost_bytes_total[10m])) > 0",
            "0m",
            "critical",
            "{{ $value | humanize1024 }}B of logs were lost on {{ $labels.pod }}: {{ $labels.reason }}.",
            "They cannot be had back. quarantine full: empty it (loghouse quarantine ls); spool damaged: check the disk.",
            LOGS,
            fires=[one("loghouse_lost_bytes_total", "0x10 500x20", 'reason="rotation"')],
            quiet=[one("loghouse_lost_bytes_total", "500x30", 'reason="rotation"')],
        ),
        Alert(
            "LogsLate",
            "max by (namespace, pod) (loghouse_oldest_unshipped_seconds) > 60",
            "5m",
            "warning",
            "The oldest line of {{ $labels.pod }} that is not stored is {{ $value | humanizeDuration }} old.",
            "Is the store slow (Log store board), or does the node write more than usual (Log pipeline board)?",
            LOGS,
            fires=[one("loghouse_oldest_unshipped_seconds", "300x20")],
            quiet=[one("loghouse_oldest_unshipped_seconds", "3x20")],
        ),
        Alert(
            "LogSpoolGrows",
            "loghouse_spool_bytes > 1e8 and deriv(loghouse_spool_bytes[15m]) > 0",
            "10m",
            "warning",
            "{{ $value | humanize1024 }}B of logs wait on the disk of {{ $labels.pod }}, and more each minute.",
            "The store does not take them: is it up, is its disk full, has it too many parts?",
            LOGS,
            fires=[one("loghouse_spool_bytes", "2e8+1e6x40")],
            quiet=[one("loghouse_spool_bytes", "4e8-1e6x40")],
            at="35m",
        ),
        Alert(
            "LogSpoolFull",
            "loghouse_spool_full == 1",
            "2m",
            "critical",
            "The spool of {{ $labels.pod }} is full: the shipper has stopped reading.",
            "Nothing is lost until the node rotates its files away. Make the store take batches, or give the spool more disk.",
            LOGS,
            fires=[one("loghouse_spool_full", "1x20")],
            quiet=[one("loghouse_spool_full", "0x20")],
        ),
        Alert(
            "LogInsertsFail",
            "sum by (namespace, pod, code) (rate(loghouse_insert_errors_total[5m])) > 0",
            "5m",
            "critical",
            "Inserts of {{ $labels.pod }} fail with code {{ $labels.code }} of ClickHouse.",
            "241: memory; 252: too many parts; 243: disk full; 516: wrong password. Logs wait in the spool meanwhile.",
            LOGS,
            fires=[one("loghouse_insert_errors_total", "0+10x20", 'code="252",class="retry"')],
            quiet=[one("loghouse_insert_errors_total", "10x20", 'code="252",class="retry"')],
        ),
        Alert(
            "LogRowsQuarantined",
            "increase(loghouse_quarantined_rows_total[1h]) > 0",
            "0m",
            "warning",
            "{{ $value | humanize }} rows of {{ $labels.pod }} were refused by the store and kept aside.",
            "See them and the store's words about them with: loghouse quarantine ls.",
            LOGS,
            fires=[one("loghouse_quarantined_rows_total", "0x10 3x20")],
            quiet=[one("loghouse_quarantined_rows_total", "3x30")],
        ),
        Alert(
            "LogReceiverFailing",
            "loghouse_receive_failing_seconds > 60",
            "1m",
            "critical",
            "The receiver {{ $labels.pod }} could not store anything for {{ $value | humanizeDuration }}.",
            "Senders that wait for an acknowledgement keep their logs; syslog loses them. Is the store up?",
            LOGS,
            fires=[one("loghouse_receive_failing_seconds", "100+60x20")],
            quiet=[one("loghouse_receive_failing_seconds", "0x20")],
        ),
        Alert(
            "LogRulesBehind",
            "time() - loghouse_rules_judged_timestamp_seconds > 900",
            "5m",
            "critical",
            "The rule {{ $labels.rule }} on logs was not judged for {{ $value | humanizeDuration }}.",
            "Is the store up, is the query of the rule too dear? What is missed is judged later, up to a day back.",
            LOGS,
            fires=[one("loghouse_rules_judged_timestamp_seconds", "0x40", 'rule="r"')],
            quiet=[one("loghouse_rules_judged_timestamp_seconds", "0+60x40", 'rule="r"')],
            at="35m",
        ),
        Alert(
            "LogAlertsUndelivered",
            "loghouse_rules_undelivered_alerts > 0",
            "5m",
            "critical",
            "{{ $value }} alerts on logs wait for an Alertmanager that takes them.",
            "Is Alertmanager up, is --alertmanager right, is the token?",
            LOGS,
            fires=[one("loghouse_rules_undelivered_alerts", "2x20")],
            quiet=[one("loghouse_rules_undelivered_alerts", "0x20")],
        ),
    ],
    [
        Recording("namespace:loghouse_lines:rate5m", "sum by (namespace) (rate(loghouse_lines_total[5m]))"),
        Recording(
            "namespace:loghouse_read_bytes:rate5m", "sum by (namespace) (rate(loghouse_read_bytes_total[5m]))"
        ),
        Recording(
            "namespace:loghouse_receive_records:rate5m",
            "sum by (namespace) (rate(loghouse_receive_records_total[5m]))",
        ),
    ],
)

STORE = Group(
    "store",
    "lq-store",
    [
        Alert(
            "LogStoreDown",
            'up{job=~"clickhouse.*"} == 0',
            "2m",
            "critical",
            "ClickHouse {{ $labels.instance }} cannot be scraped.",
            "Shippers keep logs in their spools meanwhile. Is the pod running, is its disk full?",
            "kubectl logs -n {{ $labels.namespace }} {{ $labels.pod }} --previous",
            fires=[(f'up{{job="clickhouse",{UP}}}', "0x20")],
            quiet=[(f'up{{job="clickhouse",{UP}}}', "1x20")],
        ),
        Alert(
            "LogStoreRejectsInserts",
            "rate(ClickHouseProfileEvents_RejectedInserts[5m]) > 0 or rate(ClickHouseProfileEvents_DelayedInserts[5m]) > 0",
            "5m",
            "critical",
            "ClickHouse {{ $labels.instance }} slows down or rejects inserts: it has too many parts.",
            "Merges do not keep up: fewer, larger inserts, a faster disk, or fewer partitions written at once.",
            "logq sql \"SELECT partition, count() FROM system.parts WHERE active AND table = 'logs' GROUP BY partition\"",
            fires=[one("ClickHouseProfileEvents_RejectedInserts", "0+10x20")],
            quiet=[
                one("ClickHouseProfileEvents_RejectedInserts", "10x20"),
                one("ClickHouseProfileEvents_DelayedInserts", "3x20"),
            ],
        ),
    ],
)

MONITORING = Group(
    "monitoring",
    "lq-namespace",
    [
        Alert(
            "Watchdog",
            "vector(1)",
            "0m",
            "none",
            "This alert always fires: when it stops, nobody is told of anything.",
            "Route it to a service that calls you when it does not come (dead man's switch).",
            "logq alerts",
            fires=[],
            quiet=[],
        ),
        Alert(
            "TargetDown",
            'up{job!~"loghouse.*|clickhouse.*|federate"} == 0',
            "5m",
            "warning",
            "{{ $labels.job }} at {{ $labels.instance }} cannot be scraped.",
            "Is the pod running, is the port right, does a network policy stop Prometheus?",
            "logq search --since 30m -n {{ $labels.namespace }} -p '{{ $labels.pod }}' 'level>=error'",
            fires=[(f'up{{job="redis",{UP}}}', "0x20")],
            quiet=[(f'up{{job="redis",{UP}}}', "1x20")],
        ),
        Alert(
            "RulesFail",
            "increase(prometheus_rule_evaluation_failures_total[10m]) > 0",
            "5m",
            "critical",
            "Prometheus {{ $labels.instance }} cannot evaluate rules of {{ $labels.rule_group }}.",
            "Its log has the reason; many-to-many matching after a new label is the usual one.",
            "logq search --since 30m -c 'prometheus*' 'Evaluating rule failed'",
            fires=[one("prometheus_rule_evaluation_failures_total", "0+1x30", 'rule_group="g"')],
            quiet=[one("prometheus_rule_evaluation_failures_total", "7x30", 'rule_group="g"')],
        ),
    ],
)

GROUPS = (PIPELINE, STORE, MONITORING)
