"""The metrics of the evaluator: its own health, what fires, and the recordings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from loghouse.rules.recording import Recorded, Series


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert as the page shows it: its labels and whether it is pending or firing."""

    labels: Mapping[str, str]
    state: str


class Metrics:
    """Everything on /metrics; `alerts` and `recorded` are replaced by the evaluator as a whole."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.alerts: Sequence[Shown] = ()
        self.recorded: Mapping[str, Recorded] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"loghouse_rules_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"loghouse_rules_{name}", text, labels, registry=self.registry)

        self.evaluations = counter("evaluations", "Evaluations of a rule.", "rule")
        self.failures = counter("evaluation_failures", "Evaluations that the store did not answer.", "rule")
        self.seconds = counter("evaluation_seconds", "Time spent on a rule.", "rule")
        self.judged = gauge("judged_timestamp_seconds", "The last moment a rule was judged for.", "rule")
        self.missed = counter("missed_moments", "Moments nobody judged: the store was away too long.", "rule")
        self.late = counter("late_alerts", "Alerts that only the second look found.", "rule")
        self.dropped = counter("dropped_alerts", "Alerts not sent: the rule has too many at once.", "rule")
        self.overflows = counter("group_overflows", "Evaluations with more groups than are counted.", "rule")
        self.sent = counter("notifications", "Alerts that an Alertmanager has accepted.", "alertmanager")
        self.refused = counter("notification_failures", "Alerts it has not accepted.", "alertmanager")
        self.undelivered = gauge("undelivered_alerts", "Alerts that no Alertmanager has accepted yet.")
        self.rules = gauge("loaded", "Rules and recordings that are evaluated.")
        self.registry.register(_Page(self))


class _Page:
    """What changes its labels from scrape to scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names come from rule files."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The alerts under one name, then each recording."""
        alerts = Metric("loghouse_rules_alert", "An alert on logs that is pending or firing.", "gauge")
        for shown in self._metrics.alerts:
            alerts.add_sample(alerts.name, {**shown.labels, "alertstate": shown.state}, 1)
        yield alerts
        by_metric: dict[str, list[Series]] = defaultdict(list)
        dropped = GaugeMetricFamily(
            "loghouse_rules_recording_overflow",
            "1 when a recording has more series than its limit.",
            labels=["recording"],
        )
        for name, recorded in self._metrics.recorded.items():
            dropped.add_metric([name], float(bool(recorded.dropped)))
            for series in recorded.series:
                by_metric[series.metric].append(series)
        yield dropped
        for name, found in by_metric.items():
            family = Metric(name, "A recording of logs.", "gauge")
            for series in found:
                family.add_sample(name, dict(series.labels), series.value)
            yield family
