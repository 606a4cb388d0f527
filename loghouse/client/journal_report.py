"""What a running `loghouse journal` tells: how far it is, and whether the receiver takes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

STUCK = 120.0  # seconds without a turn of the loop: only a new process helps


@dataclass(slots=True)
class Progress:
    """What the loop leaves behind, for those who look."""

    beat: float = 0.0  # the last turn, by time.monotonic
    entries: int = 0  # acknowledged
    bytes: int = 0  # of them
    newest: float = 0.0  # Unix time of the last of them
    waiting: int = 0  # entries that were read and are not acknowledged
    failures: int = 0  # attempts without an acknowledgement
    failing_since: float | None = None  # by time.monotonic
    last_error: str = ""

    def turn(self) -> None:
        """The loop works."""
        self.beat = time.monotonic()

    def failed(self, error: str) -> None:
        """An attempt ended without an acknowledgement."""
        self.turn()
        self.failures += 1
        self.last_error = error
        if self.failing_since is None:
            self.failing_since = self.beat

    def acknowledged(self, entries: int, size: int, newest: float) -> None:
        """The receiver has a batch."""
        self.turn()
        self.entries += entries
        self.bytes += size
        self.newest = newest
        self.waiting = 0
        self.failing_since = None
        self.last_error = ""

    @property
    def failing_seconds(self) -> float:
        """For how long the receiver has acknowledged nothing that it was sent."""
        since = self.failing_since
        return time.monotonic() - since if since is not None else 0.0


class Report:
    """A collector for a registry of prometheus_client, and the same as a JSON object."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def trouble(self) -> str:
        """Why the process must be started again. While the receiver is away the journal keeps all."""
        silent = time.monotonic() - self._progress.beat
        return f"the loop has been stuck for {silent:.0f} s" if silent > STUCK else ""

    def status(self) -> dict[str, Any]:
        """Entries, bytes and what the receiver says."""
        progress = self._progress
        return {
            "entries": progress.entries,
            "bytes": progress.bytes,
            "newest": progress.newest,
            "waiting": progress.waiting,
            "receiver": {
                "failing_seconds": progress.failing_seconds,
                "failures": progress.failures,
                "last_error": progress.last_error,
            },
        }

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are checked when the page is made."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every metric, as of now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        progress = self._progress
        failing = progress.failing_seconds
        for name, text, number in (
            ("entries", "Entries that the receiver has acknowledged.", progress.entries),
            ("bytes", "Bytes of them.", progress.bytes),
            ("failures", "Attempts to send that ended without an acknowledgement.", progress.failures),
        ):
            yield CounterMetricFamily(f"loghouse_journal_{name}", text, value=number)
        for name, text, value in (
            ("waiting_entries", "Entries that are being sent.", progress.waiting),
            ("newest_timestamp_seconds", "Time of the last entry that was acknowledged.", progress.newest),
            (
                "failing_seconds",
                "Since when the receiver has acknowledged nothing.",
                failing,
            ),
        ):
            yield GaugeMetricFamily(f"loghouse_journal_{name}", text, value=value)
