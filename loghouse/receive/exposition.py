"""What `loghouse receive` shows at /metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from loghouse.receive.intake import Intake

# What `Intake.count` is told, in the order of the page.
COUNTED = {
    "records": "Records that are durable.",
    "bytes": "Bytes of them.",
    "bad": "Records that could not be read.",
    "truncated": "Records that were cut because of their length.",
    "repeated_chunks": "Chunks that came again and were not stored twice.",
    "lost": "Datagrams that could not be kept.",
    "requests_refused": "Requests that were refused.",
    "handshakes_refused": "Senders without the right key or password.",
    "connections_refused": "Connections beyond the limit.",
    "connections_broken": "Connections that were ended because of what came over them.",
    "connections_lost": "Connections that ended in the middle.",
}


def page(intake: Intake) -> bytes:
    """The metrics as text."""
    registry = CollectorRegistry()
    registry.register(Exposition(intake))
    return generate_latest(registry)


class Exposition(Collector):
    """Reads the counts of an intake when it is asked."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def collect(self) -> Iterator[Metric]:
        """Every family, those without a count too."""
        counts = sorted(self._intake.counts.copy().items())
        for what, told in COUNTED.items():
            family = CounterMetricFamily(f"loghouse_receive_{what}", told, labels=["protocol"])
            for (protocol, counted), number in counts:
                if counted == what:
                    family.add_metric([protocol], number)
            yield family
        waiting = self._intake.waiting_bytes
        yield GaugeMetricFamily(
            "loghouse_receive_waiting_bytes", "Received and not durable yet.", value=waiting
        )
        since = self._intake.failing_since
        failing = time.monotonic() - since if since is not None else 0
        yield GaugeMetricFamily(
            "loghouse_receive_failing_seconds", "Since when nothing could be stored.", value=failing
        )
