"""What a running shipper tells: every file's lag, the spool, the store's answers; as metrics and as JSON.

Read by the threads of the HTTP page while the shipper works: all that is read here is replaced as a whole or
only ever grows, and files are looked at by their names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from loghouse.ship.follow import Lineage
    from loghouse.ship.problems import Problems
    from loghouse.spool.delivery import Delivery
    from loghouse.spool.spool import Spool

STUCK = 120.0  # seconds without a turn of the reading loop: only a new process helps
MAX_SERIES = 1000  # containers on /metrics, those that are behind the most


@dataclass(frozen=True, slots=True)
class FileState:
    """How far a file is read. Of a compressed one the offset is that of its content, and no lag is known."""

    path: str
    namespace: str
    pod: str
    container: str
    offset: int
    size: int
    modified: float  # Unix time

    @property
    def behind(self) -> int:
        """Bytes that are written and not read."""
        return max(0, self.size - self.offset)


@dataclass(slots=True)
class Beat:
    """What the reading loop leaves behind, for those who look."""

    at: float = 0.0  # the last turn, by time.monotonic
    read_bytes: int = 0
    waiting_for_room: bool = False


class Report:
    """A collector for a registry of prometheus_client, and the same as a JSON object."""

    def __init__(
        self,
        lineages: Callable[[], Sequence[Lineage]],
        beat: Beat,
        spool: Spool,
        delivery: Delivery,
        problems: Problems,
    ) -> None:
        self._lineages = lineages
        self._beat = beat
        self._spool = spool
        self._delivery = delivery
        self._problems = problems

    def trouble(self) -> str:
        """Why the process must be started again. A store that is away is no reason: the spool is for that."""
        silent = time.monotonic() - self._beat.at
        return f"the reading loop has been stuck for {silent:.0f} s" if silent > STUCK else ""

    def files(self) -> list[FileState]:
        """Every file that is followed, open or at rest."""
        return [state for lineage in self._lineages() for state in _states(lineage)]

    def status(self) -> dict[str, Any]:
        """For `loghouse status`."""
        files = sorted(self.files(), key=lambda file: -file.behind)
        failing = self._delivery.failing_since
        done = self._delivery.done
        return {
            "files": [
                {
                    "path": file.path,
                    "namespace": file.namespace,
                    "pod": file.pod,
                    "container": file.container,
                    "offset": file.offset,
                    "size": file.size,
                    "behind": file.behind,
                }
                for file in files
            ],
            "spool": {
                "bytes": self._spool.pending_bytes,
                "limit": self._spool.limit,
                "batches": len(self._spool.pending()),
                "oldest_seconds": self._oldest_spooled(),
                "full": self._beat.waiting_for_room,
            },
            "store": {
                "failing_seconds": time.monotonic() - failing if failing is not None else 0,
                "last_error": done.last_error,
                "lines": done.lines,
                "bytes": done.bytes,
                "batches": done.batches,
                "retries": done.retries,
            },
            "quarantined_lines": self._spool.counts.quarantined_lines,
            "lost_bytes": self._spool.counts.lost_bytes
            + self._spool.counts.damaged_bytes
            + self._problems.lost_bytes.total(),
            "problems": dict(self._problems.counts),
        }

    def _oldest_spooled(self) -> float:
        oldest = self._spool.oldest_written_at
        return max(0.0, time.time() - oldest) if oldest is not None else 0.0

    # The collector

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are checked when the page is made."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every metric, as of now."""
        yield from self._of_files()
        yield from self._of_delivery()
        yield from self._of_losses()

    def _of_files(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        files = self.files()
        behind: dict[tuple[str, str, str], int] = {}
        for file in files:
            key = (file.namespace, file.pod, file.container)
            behind[key] = behind.get(key, 0) + file.behind
        family = GaugeMetricFamily(
            "loghouse_bytes_behind",
            "Written and not read, by container.",
            labels=["namespace", "pod", "container"],
        )
        for key in sorted(behind, key=lambda key: -behind[key])[:MAX_SERIES]:
            family.add_metric(key, behind[key])
        yield family
        truncated = max(0, len(behind) - MAX_SERIES)
        yield _gauge("loghouse_bytes_behind_truncated", "Containers left out of it.", truncated)
        waiting = [time.time() - file.modified for file in files if file.behind]
        oldest = max([*waiting, self._oldest_spooled()], default=0.0)
        yield _gauge("loghouse_oldest_unshipped_seconds", "Age of what waited longest for the store.", oldest)
        yield _gauge("loghouse_files_open", "Files being followed or read.", len(files))
        rotated = sum(len([*lineage.places()][1:]) for lineage in self._lineages())
        yield _gauge(
            "loghouse_files_rotated_unread", "Rotated files that are not read to their end.", rotated
        )
        yield CounterMetricFamily(
            "loghouse_read_bytes", "Read from log files.", value=float(self._beat.read_bytes)
        )

    def _of_delivery(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        done, counts = self._delivery.done, self._spool.counts
        yield _counter("loghouse_lines", "Lines that the store has acknowledged.", done.lines)
        yield _counter("loghouse_bytes", "Bytes of them.", done.bytes)
        yield _counter("loghouse_batches_sent", "Attempts to insert a batch.", done.batches + done.retries)
        yield _counter("loghouse_batches_acked", "Batches that the store has acknowledged.", done.batches)
        yield _counter("loghouse_batches_ambiguous", "Attempts whose end is not known.", done.doubtful)
        yield _counter("loghouse_batches_deduped", "Batches found to be stored already.", done.found_stored)
        errors = CounterMetricFamily(
            "loghouse_insert_errors", "Answers of the store by code.", labels=["code", "class"]
        )
        for (code, kind), number in list(done.errors.items()):
            errors.add_metric([str(code), str(kind)], number)
        yield errors
        yield _gauge("loghouse_spool_bytes", "Batches on the disk that wait.", self._spool.pending_bytes)
        yield _gauge("loghouse_spool_limit_bytes", "How many may.", self._spool.limit)
        yield _gauge("loghouse_spool_oldest_seconds", "Age of the oldest.", self._oldest_spooled())
        yield _gauge(
            "loghouse_spool_full", "1 while reading waits for room.", float(self._beat.waiting_for_room)
        )
        yield _counter("loghouse_fsync_seconds", "Time spent to make batches durable.", counts.sync_seconds)

    def _of_losses(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        counts = self._spool.counts
        yield _counter(
            "loghouse_quarantined_rows", "Lines that the store refuses for good.", counts.quarantined_lines
        )
        lost = CounterMetricFamily(
            "loghouse_lost_bytes", "Bytes that are lost, by reason.", labels=["reason"]
        )
        lost.add_metric(["quarantine full"], counts.lost_bytes)
        lost.add_metric(["spool damaged"], counts.damaged_bytes)
        for reason, size in list(self._problems.lost_bytes.items()):
            lost.add_metric([reason], size)
        yield lost
        problems = CounterMetricFamily(
            "loghouse_problems", "What went wrong without stopping the shipper.", labels=["reason"]
        )
        for reason, number in list(self._problems.counts.items()):
            problems.add_metric([reason], number)
        yield problems


def _states(lineage: Lineage) -> Iterator[FileState]:
    origin = lineage.origin
    for file, offset in lineage.places():
        path = file.path
        try:
            status = os.stat(path)
        except OSError:
            continue  # renamed just now, or removed while it is still read
        size = offset if file.compressed else status.st_size
        yield FileState(path, origin.namespace, origin.pod, origin.container, offset, size, status.st_mtime)


def _gauge(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(name, text, value=value)
