"""How far each file is read: a journal of positions that survives a crash and only ever tells the truth.

A line of the journal holds what one batch changed, so its cost follows what changed, not what is known; the
file is rewritten (temporary file, fsync, rename) when it has grown.

The batch file in the spool holds the same change and is what makes it durable. So the journal is synced only
before a batch file is removed; until then a line that is torn, damaged or missing is taken from the batch.
"""

from __future__ import annotations

import heapq
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from msgspec import Struct

from loghouse.errors import LoghouseError
from loghouse.ship.partials import Range
from loghouse.ship.problems import Problems
from loghouse.spool.ownership import own, sync_directory

Waits = Mapping[str, tuple[Range, ...]]  # by stream: the parts of a record that is not complete

_NOTHING: Waits = {}
VERSION = 1
COMPACT_AT = 8 << 20  # bytes of journal
FORGET_IN_LINEAGE = 3600  # seconds after a file left a directory that is still watched
FORGET_LINEAGE = 24 * 3600  # seconds after the directory itself is gone


class Position(Struct, frozen=True, gc=False):
    """A place in a file: everything before `offset` is stored, or waits as a part of a record.

    `tail` is the hash of the bytes just before `offset`. `head` is 0, or how many bytes `source` was made
    from when the first line had no end yet.
    """

    source: int
    lineage: str
    path: str
    offset: int
    tail: int
    head: int = 0
    at: int = 0


@lru_cache(maxsize=1)
def shared(second: int) -> int:
    """The same number, as one object for all positions of that second: of 100,000 files that is 3 MB."""
    return second


@dataclass(frozen=True, slots=True)
class _Change:
    """A line of the journal. `alone` are positions without rows, which came after those of the batch.

    `all_to` says that the lines before have every batch up to this.
    """

    positions: list[Position]
    waits: dict[str, Waits]
    batch: int = 0
    alone: bool = False
    all_to: int = 0


class Offsets:
    """The positions of all files; one process at a time owns the directory."""

    def __init__(self, directory: str, problems: Problems, pending: Mapping[int, Any] | None = None) -> None:
        """`pending` are the notes of the batches in the spool, by their sequence; see `noted`. Only those are
        read that the journal does not have.
        """
        self._directory = directory
        self._problems = problems
        self._guard = threading.Lock()
        self._lineages: dict[str, tuple[Position, ...]] = {}  # tuples, as dictionaries are large
        self._waits: dict[str, Waits] = {}
        self.batch = 0  # the sequence of the last batch whose positions are here
        self._unsynced = False
        self._lock = own(directory)
        self._path = os.path.join(directory, "offsets")
        self._journal = -1
        self._size = self._compact_size = 0
        self._load(pending or {})
        self.compact({})

    def close(self) -> None:
        """Give the directory free."""
        os.close(self._journal)
        os.close(self._lock)

    def positions(self, lineage: str) -> dict[int, Position]:
        """What is known of a lineage, by source."""
        with self._guard:
            return {position.source: position for position in self._lineages.get(lineage, ())}

    def waits(self, lineage: str) -> Waits:
        """The parts that waited for the rest of their records."""
        with self._guard:
            return self._waits.get(lineage, _NOTHING)

    def commit(self, positions: Iterable[Position], waits: Mapping[str, Waits], batch: int = 0) -> None:
        """Note what a durable batch brought, or, with 0, what holds without any rows."""
        with self._guard:
            change = _Change([*positions], dict(waits), batch or self.batch, alone=not batch)
            self._apply(change)
            try:
                self._size += os.write(self._journal, _line(change))
            except OSError as error:
                raise self._unwritable(error) from None
            self._unsynced = True

    def sync(self) -> None:
        """Return when everything noted survives a power loss."""
        with self._guard:
            if not self._unsynced:
                return
            try:
                os.fdatasync(self._journal)
            except OSError as error:
                raise self._unwritable(error) from None
            self._unsynced = False

    def _unwritable(self, error: OSError) -> LoghouseError:
        return LoghouseError(
            f'cannot write the offsets in "{self._directory}" ({error.strerror})',
            "Make room there or name another directory with --state-dir",
        )

    def grown(self) -> bool:
        """Whether it is time to `compact`."""
        return self._size > COMPACT_AT + 2 * self._compact_size

    def compact(self, present: Mapping[str, frozenset[int]]) -> None:
        """Write the file anew, without what is gone for good; `present` is what watched lineages have now."""
        with self._guard:
            self._forget(present, time.time())
            try:
                self._rewrite()
            except OSError as error:
                raise self._unwritable(error) from None

    def _forget(self, present: Mapping[str, frozenset[int]], now: float) -> None:
        for lineage, known in list(self._lineages.items()):
            kept = tuple(p for p in known if _still_needed(p, present.get(lineage), now))
            if kept:
                self._lineages[lineage] = kept
            else:
                del self._lineages[lineage]
                self._waits.pop(lineage, None)

    def _rewrite(self) -> None:
        temporary = f"{self._path}.tmp"
        with open(temporary, "wb") as file:
            file.write(json.dumps({"version": VERSION}).encode() + b"\n")
            for lineage, known in self._lineages.items():
                waits = {lineage: self._waits[lineage]} if lineage in self._waits else {}
                file.write(_line(_Change([*known], waits)))
            # Last, so that a file that lost its end does not claim what it has lost.
            file.write(json.dumps({"all_to": self.batch}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            self._size = self._compact_size = file.tell()
        os.rename(temporary, self._path)
        sync_directory(self._directory)
        if self._journal >= 0:
            os.close(self._journal)
        self._journal = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _load(self, pending: Mapping[int, Any]) -> None:
        """Take in the journal and, each at its place, the batches that it does not have.

        The journal is in the order of batches, and may be long: it is read line by line, if need be twice.
        """
        all_to = 0
        known: set[int] = set()
        if pending:
            for change in self._read():
                all_to = max(all_to, change.all_to)
                if not change.alone:
                    known.add(change.batch)
        missing = (
            _decoded(note, batch)
            for batch in sorted(pending.keys() - known)
            if batch > all_to and (note := pending[batch])
        )
        for change in heapq.merge(self._read(), missing, key=lambda each: (each.batch, each.alone)):
            self._apply(change)

    def _read(self) -> Iterator[_Change]:
        try:
            file = open(self._path, "rb")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return
        with file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return  # it was being written when we died
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                    yield _decoded(value, value.get("batch", 0))
                except (ValueError, KeyError, TypeError, AttributeError):
                    self._problems.tell("damaged line of the offsets passed over", f"{self._path}:{number}")

    def _apply(self, change: _Change) -> None:
        self.batch = max(self.batch, change.batch, change.all_to)
        for position in change.positions:
            others = [p for p in self._lineages.get(position.lineage, ()) if p.source != position.source]
            self._lineages[position.lineage] = (*others, position)
        for lineage, streams in change.waits.items():
            if streams:
                self._waits[lineage] = streams
            else:
                self._waits.pop(lineage, None)


def _still_needed(position: Position, present: frozenset[int] | None, now: float) -> bool:
    if present is not None:
        return position.source in present or position.at > now - FORGET_IN_LINEAGE
    return position.at > now - FORGET_LINEAGE or os.path.exists(os.path.dirname(position.path))


def noted(positions: Iterable[Position], waits: Mapping[str, Waits]) -> dict[str, Any]:
    """A change as a JSON value, for the journal and for the note of a batch."""
    value: dict[str, Any] = {}
    if files := [
        [f"{p.source:016x}", p.lineage, p.path, p.offset, f"{p.tail:016x}", p.head, p.at] for p in positions
    ]:
        value["files"] = files
    if waits:
        value["waits"] = {
            lineage: {
                stream: [[f"{r.source:016x}", r.start, r.end] for r in ranges] for stream, ranges in w.items()
            }
            for lineage, w in waits.items()
        }
    return value


def _line(change: _Change) -> bytes:
    value = noted(change.positions, change.waits)
    if change.batch:
        value["batch"] = change.batch
    if change.alone:
        value["alone"] = True
    # ASCII escapes keep names that are not UTF-8: they are surrogates here.
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _decoded(value: Any, batch: int) -> _Change:
    positions = [
        Position(int(source, 16), lineage, path, offset, int(tail, 16), head, shared(at))
        for source, lineage, path, offset, tail, head, at in value.get("files", ())
    ]
    waits: dict[str, Waits] = {
        lineage: {
            stream: tuple(Range(int(source, 16), start, end) for source, start, end in ranges)
            for stream, ranges in streams.items()
        }
        for lineage, streams in value.get("waits", {}).items()
    }
    return _Change(positions, waits, batch, bool(value.get("alone")), int(value.get("all_to", 0)))
