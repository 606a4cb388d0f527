"""The spool: a directory of immutable batches, in order, bounded in bytes, owned by one process.

    spool = Spool("/var/lib/loghouse/ship/spool")
    spool.append(rows, timeout=5)          # durable when it returns, SpoolFull when there is no room
    entry = spool.take(timeout=1)          # the oldest that nobody has taken
    spool.acknowledge(entry)               # the store has it: the file is removed

The id of a batch is its deduplication token in the store. A batch never changes: what is sent again is the
same rows under the same id. Files are `SEQUENCE-ID.batch`. What is half written lies in `tmp/` and is removed
at the start, unless its writer acknowledged parts of it: then it is `SEQUENCE-ID.open` and completed at the
start, its note the list of those of its blocks. What the store refuses for good lies in `quarantine/`, files
that are damaged in `damaged/`.
"""

from __future__ import annotations

import bisect
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from loghouse.errors import LoghouseError
from loghouse.spool.batchfile import BatchWriter, read_rows
from loghouse.spool.entry import NAME, Entry, file_name, remove
from loghouse.spool.halves import halves
from loghouse.spool.ownership import own, sync_directory
from loghouse.spool.quarantine import Quarantine
from loghouse.spool.recovery import recover
from loghouse.spool.replacing import written_parts
from loghouse.spool.rows import Row

log = logging.getLogger("loghouse.spool")

LIMIT = 2 << 30  # bytes on disk
FREE_SHARE = 10  # of the free disk at most one part in this many
QUARANTINE_SHARE = 8  # and of the limit, for what the store refuses


class SpoolFull(LoghouseError):
    """There is no room for another batch: the store has not taken the ones before."""


@dataclass(slots=True)
class SpoolCounts:
    """For /metrics. Since the start of the process."""

    appended: int = 0
    acknowledged: int = 0
    quarantined_lines: int = 0
    damaged_bytes: int = 0
    lost_bytes: int = 0  # refused by the store while the quarantine was full
    sync_seconds: float = 0.0


class Spool:
    """Thread-safe. Close it to let another process own the directory."""

    def __init__(
        self,
        directory: str,
        limit: int = 0,
        settle: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Own the directory and find what is pending there. Raises `UsageError`.

        `limit` is in bytes, 0 for the default. `settle` is called before a file is removed: it makes durable
        what the notes of the batches said.
        """
        self.directory = directory
        self.counts = SpoolCounts()
        self.settle = settle
        self._lock = own(directory)
        self._clock = clock
        self._changed = threading.Condition()
        self._pending: list[Entry] = []  # by order
        self._ids: set[str] = set()
        self._taken: set[str] = set()
        self._bytes = 0
        self._sequence = 0
        self._closing = False
        for name in ("tmp", "damaged"):
            os.makedirs(self._path(name), mode=0o700, exist_ok=True)
        for entry in recover(directory):
            self._sequence = max(self._sequence, entry.sequence)
            self._add(entry)
        self.limit = limit or min(LIMIT, self._bytes + _free(directory) // FREE_SHARE)
        self.quarantined = Quarantine(self._path("quarantine"), self.limit // QUARANTINE_SHARE)

    def close(self) -> None:
        """Give the directory free; waiting calls return."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        os.close(self._lock)

    # Appending

    def start_after(self, sequence: int) -> None:
        """Number the next batches above this, for a caller who remembers numbers longer than the spool."""
        with self._changed:
            self._sequence = max(self._sequence, sequence)

    @property
    def sequence(self) -> int:
        """The number of the newest batch."""
        return self._sequence

    def begin(self, timeout: float, id: str = "", survives: bool = False) -> BatchWriter:
        """A batch to be written piece by piece; `commit` puts it in the queue, `abort` drops it.

        With `survives` what was synced stays when the process dies before `commit`. Waits up to `timeout`
        seconds for room, then raises `SpoolFull`.
        """
        id = id or uuid.uuid4().hex
        self.wait_for_room(timeout)
        try:
            if not survives:
                return BatchWriter(self._path("tmp", f"{id}.{uuid.uuid4().hex[:8]}"), id)
            writer = BatchWriter(self._path(file_name(self._next_sequence(), id, "open")), id)
            sync_directory(self.directory)
            return writer
        except OSError as error:
            raise self._no_space(error) from None

    def commit(self, writer: BatchWriter, note: Any = None) -> Entry:
        """Make the batch durable and give it to who takes.

        Raises OSError when there is no space, and can be called again then; `LoghouseError` if it fails.
        """
        began = time.monotonic()
        trailer = writer.finish(note, self._clock())
        name = NAME.fullmatch(os.path.basename(writer.path))
        sequence = int(name[1]) if name else self._next_sequence()
        path = self._path(file_name(sequence, writer.id))
        try:
            os.rename(writer.path, path)
            sync_directory(self.directory)
        except OSError as error:
            raise LoghouseError(f'cannot use the spool in "{self.directory}" ({error.strerror})') from None
        entry = Entry(sequence, path, writer.size, trailer)
        with self._changed:
            self._add(entry)
            self.counts.appended += 1
            self.counts.sync_seconds += time.monotonic() - began
            self._changed.notify_all()
        return entry

    def abort(self, writer: BatchWriter) -> None:
        """Drop a batch that was begun."""
        writer.close()
        remove(writer.path)

    def append(
        self, rows: Iterable[Row], *, id: str = "", note: Any = None, timeout: float = 0.0
    ) -> Entry | None:
        """A whole batch at once, durable when this returns; None if a batch of this id is pending already.

        Raises `SpoolFull` when there is no room within `timeout` seconds, or no space on the disk.
        """
        with self._changed:
            if id in self._ids:
                return None
        writer = self.begin(timeout, id)
        try:
            for row in rows:
                writer.add(row)
                writer.flush()
            return self.commit(writer, note)
        except OSError as error:
            self.abort(writer)
            raise self._no_space(error) from None

    def wait_for_room(self, timeout: float) -> None:
        """Return when there is room for a batch; raises `SpoolFull` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._bytes >= self.limit and not self._closing:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise SpoolFull(
                        f"the spool is full ({self._bytes >> 20} MiB wait for the store)",
                        "It goes on when the store takes logs again",
                    )

    # Sending

    def pending(self) -> list[Entry]:
        """All batches that the store does not have yet, oldest first."""
        with self._changed:
            return list(self._pending)

    @property
    def pending_bytes(self) -> int:
        """On disk."""
        return self._bytes

    @property
    def waiting(self) -> int:
        """How many batches are pending and not taken."""
        return len(self._pending) - len(self._taken)

    @property
    def oldest_written_at(self) -> float | None:
        """When the oldest pending batch was written, Unix time."""
        with self._changed:
            return self._pending[0].trailer.written_at if self._pending else None

    def take(self, timeout: float, unless: Callable[[], bool] = lambda: False) -> Entry | None:
        """The oldest batch that nobody has taken; None if there is none within `timeout` seconds.

        None at once when `unless` holds; it is asked again after `wake`. Who takes a batch ends with one of
        `acknowledge`, `release`, `split`, `quarantine`, `salvage`.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._closing and not unless():
                for entry in self._pending:
                    if entry.id not in self._taken:
                        self._taken.add(entry.id)
                        return entry
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return None
        return None

    def wake(self) -> None:
        """Let those who wait in `take` see whether they still should."""
        with self._changed:
            self._changed.notify_all()

    def acknowledge(self, entry: Entry) -> None:
        """The store has it."""
        self.settle()
        remove(entry.path)
        with self._changed:
            self._drop(entry)
            self.counts.acknowledged += 1
            self._changed.notify_all()

    def release(self, entry: Entry) -> None:
        """It was not sent: the next `take` gives it out again."""
        with self._changed:
            self._taken.discard(entry.id)
            self._changed.notify_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Whether nothing is pending any more, within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending, timeout)

    # What goes wrong

    def split(self, entry: Entry) -> bool:
        """Put two halves in the place of a batch, durable, under ids made of its id; False if it is one line.

        A crash in between leaves the whole batch: halves beside it are dropped at the start.
        """
        rows = halves(read_rows(entry.path), entry.trailer.rows, entry.trailer.bytes)
        parts = written_parts(self.directory, entry, rows)
        if parts:
            self._replace(entry, parts)
        return bool(parts)

    def salvage(self, entry: Entry) -> None:
        """Keep a damaged file for a person and put the rows that can still be read in its place."""
        torn: list[int] = []
        rows = (("s", row) for row in read_rows(entry.path, torn.append))
        parts = written_parts(
            self.directory, entry, rows, recovered=True
        )  # the store may have had the whole of it
        kept = self._path("damaged", os.path.basename(entry.path))
        log.error("batch %s is damaged: %d bytes cannot be read, kept as %s", entry.id, sum(torn), kept)
        if not os.path.exists(kept):
            os.link(entry.path, kept)
        sync_directory(os.path.dirname(kept))
        self._replace(entry, parts)
        self.counts.damaged_bytes += sum(torn)

    def quarantine(self, entry: Entry, reason: str) -> None:
        """Put aside what the store refuses for good, with the reason. Raises OSError."""
        trailer = entry.trailer
        if self.quarantined.keep(entry.path, entry.size, reason):
            self.counts.quarantined_lines += trailer.lines
            log.error("%d lines quarantined, the store says: %s", trailer.lines, reason)
        else:
            self.counts.lost_bytes += trailer.bytes
            log.error("lost %d bytes: the quarantine is full and the store says: %s", trailer.bytes, reason)
        self._replace(entry, [])

    def _replace(self, entry: Entry, parts: list[Entry]) -> None:
        sync_directory(self.directory)
        self.settle()
        remove(entry.path)
        sync_directory(self.directory)
        with self._changed:
            self._drop(entry)
            for part in parts:
                self._add(part)
            self._changed.notify_all()

    # The list of what is pending; the caller holds `_changed`

    def _add(self, entry: Entry) -> None:
        bisect.insort(self._pending, entry, key=lambda each: each.order)
        self._ids.add(entry.id)
        self._bytes += entry.size

    def _drop(self, entry: Entry) -> None:
        self._taken.discard(entry.id)
        if entry.id in self._ids:
            self._ids.discard(entry.id)
            self._pending.remove(entry)
            self._bytes -= entry.size

    def _next_sequence(self) -> int:
        with self._changed:
            self._sequence += 1
            return self._sequence

    def _path(self, *names: str) -> str:
        return os.path.join(self.directory, *names)

    def _no_space(self, error: OSError) -> SpoolFull:
        return SpoolFull(
            f'cannot write to the spool in "{self.directory}" ({error.strerror})', "Make room there"
        )


def _free(directory: str) -> int:
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize
