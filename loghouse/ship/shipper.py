"""Discover files, read whole lines, join records, write them into the spool in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from loghouse.ship.batch import Batch, Row
from loghouse.ship.discover import Discovery, Found
from loghouse.ship.follow import Lineage
from loghouse.ship.notices import Notices
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems
from loghouse.ship.reading import Reading
from loghouse.ship.report import Beat
from loghouse.ship.turns import Turns
from loghouse.spool.delivery import Delivery
from loghouse.spool.spool import Spool, SpoolFull

log = logging.getLogger("loghouse.ship")

LINGER = 0.05  # seconds that a row waits for others before they are inserted together
HOLD = 5.0  # the same while the store is busy or away: then it goes to the disk, where it is safe
FULL_WAIT = 0.1  # seconds between two looks for room in the spool
RESCAN = 2.0  # seconds between two looks at the directories
RESCAN_SHARE = 10.0  # how much longer it is between two looks than a look takes
CALM_SHARE = 50.0  # the same while nothing shows that there is more to find
RESCAN_MOVED = 0.1  # seconds to the next look when a file was renamed or has gone
LOOK = 0.05  # seconds between two looks at a file that is being written
LONGEST_LOOK = 1.0  # the same at a quiet one
ANNOUNCED_LOOK = 30.0  # the same at one whose next change will be told
ANNOUNCED_SHARE = 1e-3  # seconds that it is longer for each file there is
MOST_ANNOUNCED = 16  # lineages of a directory, which are all looked at when one changes
QUIET = 1.0  # seconds without anything to read after which that is asked for
LOOK_SHARE = 1e-4  # seconds that it is longer for each file there is
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
    filtered: dict[str, int] = field(default_factory=dict)  # what rules did, on purpose
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
        for counts in (self.filtered, self.problems):
            parts.extend(f"{reason}: {count:,}" for reason, count in counts.items())
        if not self.complete:
            parts.append("not everything that was read is stored; the next run goes on from there")
        return "; ".join(parts)


class Shipper:
    """Reads all lineages in turn, a chunk each, so that none starves another."""

    def __init__(
        self,
        discovery: Discovery,
        offsets: Offsets,
        spool: Spool,
        delivery: Delivery,
        node: str,
        problems: Problems,
        stop: threading.Event,
        on_progress: Callable[[Summary], None] | None = None,
        reading: Reading = Reading(),  # noqa: B008 - it is frozen
    ) -> None:
        self.beat = Beat(at=time.monotonic())
        self._discovery = discovery
        self._offsets = offsets
        self._spool = spool
        self._delivery = delivery
        self._node = node
        self._problems = problems
        self._stop = stop
        self._on_progress = on_progress
        self._reading = reading
        self._lineages: dict[str, Lineage] = {}
        self._notices = Notices()
        self._heed_at = 0.0  # when to hear of changes next, however busy
        self._announced: dict[str, tuple[str, ...]] = {}  # lineages by the directory that is watched for them
        self._turns = Turns()
        self._batch: Batch | None = None
        self._batch_since = 0.0
        self._rescan_at = 0.0
        self._rescan_pause = RESCAN_MOVED
        self._stir_at = 0.0  # when to look next whether a rescan would find anything
        self._progress_at = 0.0
        self._started = time.monotonic()
        self._files = 0

    def run(self, once: bool) -> None:
        """Ship until told to stop; with `once`, until the end of every file."""
        while not self._stop.is_set():
            self.beat.at = now = time.monotonic()
            if now >= self._rescan_at or (now >= self._stir_at and self._stirred(now)):
                self._rescan(now)
            due = self._turns.next_at(now)
            if due is None and once:
                break
            if due is not None and due <= now:
                if (batch := self._room()) and (lineage := self._turns.take(now)):
                    self._turn(lineage, batch, now, once)
                if now >= self._heed_at:
                    self._wait(0)
            else:
                self._wait(max(self._next_event(now) - now, 0.001))
            self._hand_over(time.monotonic())
        self._tell_drops()
        while not self._committed():
            if self._stop.wait(FULL_WAIT):
                break  # what is not in the spool is read again by the next run

    def close(self) -> None:
        """Leave files and spool."""
        self._notices.close()
        if self._batch is not None:
            self._batch.abort(self._spool)
        for lineage in self._lineages.values():
            lineage.close()

    def lineages(self) -> list[Lineage]:
        """All that are followed now."""
        return list(self._lineages.values())

    def summary(self) -> Summary:
        """What is stored so far."""
        done = self._delivery.done
        problems = dict(self._problems.counts)
        if refused := self._spool.counts.quarantined_lines:
            problems["lines quarantined, the store refuses them"] = refused
        return Summary(
            files=self._files,
            lines=done.lines,
            bytes=done.bytes,
            batches=done.batches,
            retries=done.retries,
            seconds=time.monotonic() - self._started,
            problems=problems,
            filtered=self._reading.filters.summary() if self._reading.filters else {},
        )

    def _room(self) -> Batch | None:
        """The batch to add to; None while the spool or its disk is full, and then nothing may be read."""
        try:
            if self._batch is None:
                self._batch = Batch(self._spool.begin(0), self._node)
            self._batch.flush()
        except (SpoolFull, OSError) as error:
            self._wait_for_room(error)
            return None
        if self.beat.waiting_for_room:
            self.beat.waiting_for_room = False
            log.warning("there is room in the spool again, reading goes on")
        return self._batch

    def _wait_for_room(self, error: SpoolFull | OSError) -> None:
        self._delivery.check()
        if not self.beat.waiting_for_room:
            self.beat.waiting_for_room = True
            log.warning("reading waits: %s", error)
        self._stop.wait(FULL_WAIT)

    def _turn(self, lineage: Lineage, batch: Batch, now: float, once: bool) -> None:
        """Read a chunk of one lineage and settle when its next turn is."""
        try:
            rows = lineage.read(now, final=once) if lineage.changed(now) else None
        except OSError as error:
            self._fail(lineage, error)
            rows = None
        if rows is None:
            try:
                self._rest(lineage, now, once)
            except OSError as error:
                self._fail(lineage, error)
                self._turns.schedule(lineage, now + LONGEST_LOOK)
            return
        lineage.announced = False
        if rows and not batch.rows:
            self._batch_since = now
        self._add(lineage, rows, batch)
        lineage.active_at = now
        self._turns.schedule(lineage, now)

    def _add(self, lineage: Lineage, rows: list[Row], batch: Batch) -> None:
        for row in rows:
            batch.add(row)
            self.beat.read_bytes += len(row.data)
        batch.change(lineage.origin.lineage, *lineage.changes())

    def _tell_drops(self) -> None:
        """The next run, whose rules may be others, does not read again what was dropped."""
        for lineage in self._lineages.values():
            if (rows := lineage.last_rows()) and (batch := self._room()):
                self._add(lineage, rows, batch)

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
                self._rescan_soon(now)
            if lineage.found is not before:
                return  # the rescan gave it a turn
        if once:
            lineage.close()
        elif lineage.ended():
            lineage.close()
            del self._lineages[lineage.origin.lineage]
        else:
            self._wait_for_change(lineage, now)

    def _wait_for_change(self, lineage: Lineage, now: float) -> None:
        """Look again the later the longer it has been quiet; much later where a change will be told."""
        idle = now - lineage.active_at
        if lineage.announced:
            lineage.doze()
            self._turns.schedule(lineage, now + ANNOUNCED_LOOK + len(self._lineages) * ANNOUNCED_SHARE)
            return
        directory = lineage.found.directory
        others = self._announced.get(directory, ())
        # A busy file must not wake all the quiet ones beside it again and again.
        rested = idle > QUIET and now - lineage.told_at > QUIET and len(others) < MOST_ANNOUNCED
        if rested and self._notices.watch(directory):
            # What is written between the last look and the watch is seen by one more look.
            self._announced[directory] = (*others, lineage.origin.lineage)
            lineage.announced = True
            self._turns.schedule(lineage, now + LONGEST_LOOK)
            if self._discovery.outdated(directory):
                self._rescan_soon(now)  # its container may have been started again before
            return
        longest = LONGEST_LOOK + len(self._lineages) * LOOK_SHARE
        self._turns.schedule(lineage, now + min(max(LOOK, idle / 20), longest))

    def _wait(self, seconds: float) -> None:
        """Until so many seconds are over, or a quiet file changes."""
        changed = self._notices.wait(self._stop, seconds)
        now = time.monotonic()
        self._heed_at = now + LOOK
        if changed is None:  # more changes than the system can tell
            changed = dict.fromkeys(self._announced, "")
            self._rescan_at = now
        for directory, written in changed.items():
            for key in self._announced.pop(directory, ()):
                if lineage := self._lineages.get(key):
                    lineage.announced = False
                    lineage.told_at = now
                    lineage.written = bool(written) and lineage.found.files[-1].path.endswith(f"/{written}")
                    self._turns.schedule(lineage, now)
                    if self.beat.waiting_for_room:
                        self._hold(lineage, now)

    def _hold(self, lineage: Lineage, now: float) -> None:
        """Open what has changed though it cannot be read yet: it may be removed before there is room."""
        try:
            lineage.changed(now)
        except OSError as error:
            self._fail(lineage, error)

    def _rescan(self, now: float) -> None:
        """Look for new, renamed and vanished files."""
        began = time.monotonic()
        present = self._discovery.scan()
        # A tree of a hundred thousand directories takes a while to look through.
        took = time.monotonic() - began
        self._stir_at = now + max(RESCAN, RESCAN_SHARE * took)
        self._rescan_at = self._stir_at if self._discovery.restless else now + max(RESCAN, CALM_SHARE * took)
        self._rescan_pause = max(RESCAN_MOVED, took)
        for key, found in present.items():
            lineage = self._lineages.get(key)
            if lineage is None:
                lineage = Lineage(found, self._node, self._offsets, self._problems, self._reading)
                self._lineages[key] = lineage
                self._files += len(found.files)
                lineage.active_at = now
                self._turns.add(lineage)
            elif lineage.found is not found or lineage.unread or lineage.gone:
                self._files += len(
                    {file.path for file in found.files} - {f.path for f in lineage.found.files}
                )
                self._update(lineage, found)
                lineage.active_at = now
                self._turns.schedule(lineage, now)
        for key in self._lineages.keys() - present.keys():
            self._lineages[key].gone = True
        if self._offsets.grown():
            self._offsets.compact({key: lineage.sources for key, lineage in self._lineages.items()})

    def _rescan_soon(self, now: float) -> None:
        """Something is to be found: look, but not all the time where a look takes long."""
        self._rescan_at = min(self._rescan_at, now + self._rescan_pause)

    def _stirred(self, now: float) -> bool:
        self._stir_at = now + RESCAN
        return self._discovery.stirred()

    def _update(self, lineage: Lineage, found: Found) -> None:
        try:
            lineage.update(found)
        except OSError as error:
            self._fail(lineage, error)

    def _next_event(self, now: float) -> float:
        """When there is something to do next."""
        events = [self._rescan_at, self._stir_at]
        if (due := self._turns.next_at(now)) is not None:
            events.append(due)
        if self._batch is not None and self._batch.rows:
            events.append(max(self._batch_since + LINGER, now + LOOK / 5))
        return min(events)

    def _hand_over(self, now: float) -> None:
        """Put the batch into the spool when it is full, when it would be sent at once, or when it is old."""
        if self._on_progress and now >= self._progress_at:
            self._progress_at = now + PROGRESS
            self._on_progress(self.summary())
        self._delivery.check()
        batch = self._batch
        if batch is None:
            return
        if not batch.rows:
            batch.note(self._offsets)
            return
        age = now - self._batch_since
        if batch.full or age >= HOLD or (age >= LINGER and self._delivery.idle):
            self._committed()

    def _committed(self) -> bool:
        """Whether everything read is in the spool; False while its disk is full."""
        if self._batch is None:
            return True
        if not self._batch.rows:
            self._batch.note(self._offsets)
            return True
        try:
            self._batch.commit(self._spool, self._offsets)
        except OSError as error:
            self._wait_for_room(error)
            return False
        self._batch = None
        return True
