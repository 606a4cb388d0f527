"""Discover files, read whole lines, join records, batch them, insert, acknowledge."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from loghouse.ship.batch import Batch
from loghouse.ship.delivery import Delivery
from loghouse.ship.discover import Discovery, Found
from loghouse.ship.follow import Lineage
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems

LINGER = 0.1  # seconds that a row waits for others before they are inserted together
RESCAN = 2.0  # seconds between two looks at the directories
RESCAN_MOVED = 0.1  # the same when a file was renamed or has gone
LOOK = 0.05  # seconds between two looks at a file that is being written
LONGEST_LOOK = 1.0  # the same at a quiet one
PROGRESS = 0.1


@dataclass(slots=True)
class Summary:
    """What a run did."""

    files: int = 0
    lines: int = 0
    bytes: int = 0
    batches: int = 0
    retries: int = 0
    seconds: float = 0.0
    problems: dict[str, int] = field(default_factory=dict)
    complete: bool = True  # everything that was read is stored
    interrupted: bool = False

    def __str__(self) -> str:
        rate = f"{self.lines / self.seconds:,.0f}" if self.seconds else "-"
        parts = [
            f"{self.lines:,} lines ({self.bytes / 1e6:,.1f} MB) of {self.files:,} files"
            f" stored in {self.seconds:,.1f} s ({rate} lines/s)"
        ]
        if self.retries:
            parts.append(f"{self.retries:,} inserts tried again")
        parts.extend(f"{reason}: {count:,}" for reason, count in self.problems.items())
        if not self.complete:
            parts.append("not everything that was read is stored; the next run goes on from there")
        return "; ".join(parts)


class Shipper:
    """Reads all lineages in turn, a chunk each, so that none starves another."""

    def __init__(
        self,
        discovery: Discovery,
        offsets: Offsets,
        delivery: Delivery,
        node: str,
        problems: Problems,
        stop: threading.Event,
        on_progress: Callable[[Summary], None] | None = None,
    ) -> None:
        self._discovery = discovery
        self._offsets = offsets
        self._delivery = delivery
        self._node = node
        self._problems = problems
        self._stop = stop
        self._on_progress = on_progress
        self._lineages: dict[str, Lineage] = {}
        self._turns: list[tuple[float, int, Lineage]] = []  # a heap: who is due, in order
        self._order = itertools.count()
        self._batch = Batch()
        self._batch_since = 0.0
        self._rescan_at = 0.0
        self._progress_at = 0.0
        self._started = time.monotonic()
        self._files = 0

    def run(self, once: bool) -> None:
        """Ship until told to stop; with `once`, until the end of every file."""
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= self._rescan_at:
                self._rescan(now)
            if not self._turns and once:
                break
            if self._turns and self._turns[0][0] <= now:
                self._turn(heapq.heappop(self._turns), now, once)
            else:
                self._stop.wait(max(self._next_event(now) - now, 0.001))
            self._hand_over(time.monotonic())
        while not self._batch.empty and not self._delivery.put(self._batch, timeout=0.1):
            if self._stop.is_set():
                break  # what is not handed over is read again by the next run

    def close(self) -> None:
        for lineage in self._lineages.values():
            lineage.close()

    def summary(self) -> Summary:
        """What is stored so far."""
        done = self._delivery.done
        return Summary(
            files=self._files,
            lines=done.lines,
            bytes=done.bytes,
            batches=done.batches,
            retries=done.retries,
            seconds=time.monotonic() - self._started,
            problems=dict(self._problems.counts),
        )

    def _turn(self, turn: tuple[float, int, Lineage], now: float, once: bool) -> None:
        """Read a chunk of one lineage and settle when its next turn is."""
        due, _, lineage = turn
        if due != lineage.due:
            return  # it was given an earlier turn since
        try:
            rows = lineage.read(now, final=once) if lineage.changed(now) else None
        except OSError as error:
            self._fail(lineage, error)
            rows = None
        if rows is None:
            self._rest(lineage, now, once)
            return
        if rows and not self._batch.rows:
            self._batch_since = now
        for row in rows:
            self._batch.add(row)
        positions, waits = lineage.changes()
        self._batch.positions.update(positions)
        if waits is not None:
            self._batch.waits[lineage.origin.lineage] = waits
        lineage.active_at = now
        self._schedule(lineage, now)

    def _fail(self, lineage: Lineage, error: OSError) -> None:
        """A disk or a network file system does not answer: the file is tried again with the next rescan."""
        self._problems.tell("cannot read file", lineage.found.files[-1].path, error.strerror)
        lineage.close()
        lineage.unread = True

    def _rest(self, lineage: Lineage, now: float, once: bool) -> None:
        """Nothing to read now."""
        if lineage.moved:
            before = lineage.found
            if once:
                self._rescan(now)
            else:
                self._rescan_at = min(self._rescan_at, now + RESCAN_MOVED)
            if lineage.found is not before:
                return  # the rescan gave it a turn
        if once:
            lineage.close()
        elif lineage.ended():
            lineage.close()
            del self._lineages[lineage.origin.lineage]
        else:
            idle = now - lineage.active_at
            self._schedule(lineage, now + min(max(LOOK, idle / 20), LONGEST_LOOK))

    def _schedule(self, lineage: Lineage, due: float) -> None:
        lineage.due = due
        heapq.heappush(self._turns, (due, next(self._order), lineage))

    def _rescan(self, now: float) -> None:
        """Look for new, renamed and vanished files."""
        self._rescan_at = now + RESCAN
        present = self._discovery.scan()
        for key, found in present.items():
            lineage = self._lineages.get(key)
            if lineage is None:
                lineage = self._lineages[key] = Lineage(found, self._node, self._offsets, self._problems)
                self._files += len(found.files)
                lineage.active_at = now
                self._schedule(lineage, now)
            elif lineage.found is not found or lineage.unread or lineage.gone:
                self._files += len(
                    {file.path for file in found.files} - {f.path for f in lineage.found.files}
                )
                self._update(lineage, found)
                lineage.active_at = now
                self._schedule(lineage, now)
        for key in self._lineages.keys() - present.keys():
            self._lineages[key].gone = True
        if self._offsets.grown():
            self._offsets.compact({key: lineage.sources for key, lineage in self._lineages.items()})

    def _update(self, lineage: Lineage, found: Found) -> None:
        try:
            lineage.update(found)
        except OSError as error:
            self._fail(lineage, error)

    def _next_event(self, now: float) -> float:
        """When there is something to do next."""
        events = [self._rescan_at]
        if self._turns:
            events.append(self._turns[0][0])
        if not self._batch.empty:
            events.append(max(self._batch_since + LINGER, now + LOOK / 5))
        return min(events)

    def _hand_over(self, now: float) -> None:
        """Give the batch to the delivery when it is full, or old and the delivery has nothing to do.

        A full batch that the delivery has no room for stops the reading: that is the bound of memory.
        """
        if self._on_progress and now >= self._progress_at:
            self._progress_at = now + PROGRESS
            self._on_progress(self.summary())
        if self._batch.empty:
            self._delivery.check()
            return
        if not self._batch.full(len(self._lineages)):
            if now - self._batch_since < LINGER or not self._delivery.put(self._batch, timeout=0):
                return
        else:
            while not self._delivery.put(self._batch, timeout=0.1):
                if self._stop.is_set():
                    return
        self._batch = Batch()
        self._batch_since = now
