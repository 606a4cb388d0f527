"""What filters took out of the logs, and whether the Kubernetes API answers, for /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from loghouse.ship.reading import Reading

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class ReadingMetrics:
    """A collector for a registry of prometheus_client."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are checked when the page is made."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every metric, as of now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        if filters := self._reading.filters:
            redacted = CounterMetricFamily("loghouse_redacted", "Secrets masked, by rule.", labels=["rule"])
            for rule, number in filters.masked.items():
                redacted.add_metric([rule], number)
            lines = CounterMetricFamily(
                "loghouse_dropped_lines", "Lines that a rule or a limit dropped.", labels=["rule"]
            )
            size = CounterMetricFamily("loghouse_dropped_bytes", "Bytes of them.", labels=["rule"])
            for rule, dropped in list(filters.dropped.items()):
                lines.add_metric([rule], dropped.lines)
                size.add_metric([rule], dropped.bytes)
            yield from (redacted, lines, size)
        if pods := self._reading.pods:
            yield GaugeMetricFamily(
                "loghouse_kubernetes_up", "1 while the API tells of pods.", value=float(pods.answering)
            )
            yield CounterMetricFamily(
                "loghouse_kubernetes_errors", "Requests to the API that failed.", value=pods.errors
            )
