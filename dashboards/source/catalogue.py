"""The metrics that boards and rules may name, by who exposes them."""

from __future__ import annotations

import re
from pathlib import Path

_ROW = re.compile(r"^\| `([a-zA-Z_:][a-zA-Z0-9_:]*)` \| (\w+)", re.MULTILINE)
_DOCS = Path(__file__).parents[2] / "docs" / "exporters"

# Of the log pipeline; counters end in _total.
PIPELINE = frozenset(
    f"loghouse_{name}"
    for name in [
        "read_bytes_total",
        "lines_total",
        "bytes_total",
        "files_open",
        "files_rotated_unread",
        "bytes_behind",
        "oldest_unshipped_seconds",
        "spool_bytes",
        "spool_limit_bytes",
        "spool_oldest_seconds",
        "spool_full",
        "batches_sent_total",
        "batches_acked_total",
        "batches_ambiguous_total",
        "batches_deduped_total",
        "insert_errors_total",
        "lost_bytes_total",
        "quarantined_rows_total",
        "problems_total",
        "fsync_seconds_total",
        "receive_records_total",
        "receive_bytes_total",
        "receive_bad_total",
        "receive_lost_total",
        "receive_truncated_total",
        "receive_waiting_bytes",
        "receive_failing_seconds",
        "receive_requests_refused_total",
        "receive_connections_broken_total",
        "journal_entries_total",
        "journal_failures_total",
        "journal_waiting_entries",
        "journal_newest_timestamp_seconds",
        "journal_failing_seconds",
        "rules_alert",
        "rules_judged_timestamp_seconds",
        "rules_evaluation_failures_total",
        "rules_notification_failures_total",
        "rules_undelivered_alerts",
        "rules_missed_moments_total",
    ]
)
# Of Prometheus itself, of kube-state-metrics and cAdvisor, of a ClickHouse server.
OTHERS = frozenset(
    [
        "up",
        "ALERTS",
        "kube_pod_container_status_restarts_total",
        "kube_node_info",
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "ClickHouseProfileEvents_Query",
        "ClickHouseProfileEvents_FailedQuery",
        "ClickHouseProfileEvents_InsertedRows",
        "ClickHouseProfileEvents_RejectedInserts",
        "ClickHouseProfileEvents_DelayedInserts",
        "ClickHouseMetrics_MemoryTracking",
        "prometheus_notifications_dropped_total",
        "prometheus_rule_evaluation_failures_total",
        "prometheus_config_last_reload_successful",
        "prometheus_tsdb_head_series",
        "alertmanager_notifications_failed_total",
    ]
)


def of_exporters() -> frozenset[str]:
    """The metrics in the tables of docs/exporters."""
    pages = (page.read_text(encoding="utf-8") for page in _DOCS.glob("*.md"))
    return frozenset(name for page in pages for name, _ in _ROW.findall(page))


def known() -> frozenset[str]:
    """All of them."""
    return of_exporters() | PIPELINE | OTHERS
