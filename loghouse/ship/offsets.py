"""How far each file is stored: a journal of positions that survives a crash and only ever tells the truth.

A line of the journal holds what one acknowledged batch changed, so its cost follows what changed, not what is
known; the file is rewritten (temporary file, fsync, rename) when it has grown. A torn or damaged line is
passed over: the positions before it still hold; reading starts there again.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from loghouse.errors import LoghouseError, UsageError
from loghouse.ship.partials import Range
from loghouse.ship.problems import Problems

Waits = Mapping[str, tuple[Range, ...]]  # by stream: the parts of a record that is not complete

VERSION = 1
COMPACT_AT = 8 << 20  # bytes of journal
FORGET_IN_LINEAGE = 3600  # seconds after a file left a directory that is still watched
FORGET_LINEAGE = 24 * 3600  # seconds after the directory itself is gone


@dataclass(frozen=True, slots=True)
class Position:
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


class Offsets:
    """The positions of all files; one process at a time owns the directory."""

    def __init__(self, directory: str, problems: Problems) -> None:
        self._directory = directory
        self._problems = problems
        self._guard = threading.Lock()
        self._lineages: dict[str, dict[int, Position]] = {}
        self._waits: dict[str, Waits] = {}
        self._lock = _own(directory)
        self._path = os.path.join(directory, "offsets")
        self._journal = -1
        self._size = self._compact_size = 0
        self._load()
        self.compact({})

    def close(self) -> None:
        """Give the directory free."""
        os.close(self._journal)
        os.close(self._lock)

    def positions(self, lineage: str) -> dict[int, Position]:
        """What is known of a lineage, by source."""
        with self._guard:
            return dict(self._lineages.get(lineage, {}))

    def waits(self, lineage: str) -> Waits:
        """The parts that waited for the rest of their records."""
        with self._guard:
            return self._waits.get(lineage, {})

    def commit(self, positions: Iterable[Position], waits: Mapping[str, Waits]) -> None:
        """Note what a batch stored; durable when this returns."""
        change = _encode(positions, waits)
        if change is None:
            return
        with self._guard:
            self._apply(positions, waits)
            try:
                self._size += os.write(self._journal, change)
                os.fdatasync(self._journal)
            except OSError as error:
                raise self._unwritable(error) from None

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
            kept = {s: p for s, p in known.items() if _still_needed(p, present.get(lineage), now)}
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
                file.write(_encode(known.values(), waits) or b"")
            file.flush()
            os.fsync(file.fileno())
            self._size = self._compact_size = file.tell()
        os.rename(temporary, self._path)
        _sync_directory(self._directory)
        if self._journal >= 0:
            os.close(self._journal)
        self._journal = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _load(self) -> None:
        try:
            with open(self._path, "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                positions, waits = _decode(line)
            except (ValueError, KeyError, TypeError):
                self._problems.tell("damaged line of the offsets passed over", f"{self._path}:{number}")
                continue
            self._apply(positions, waits)

    def _apply(self, positions: Iterable[Position], waits: Mapping[str, Waits]) -> None:
        for position in positions:
            self._lineages.setdefault(position.lineage, {})[position.source] = position
        for lineage, streams in waits.items():
            if streams:
                self._waits[lineage] = streams
            else:
                self._waits.pop(lineage, None)


def _own(directory: str) -> int:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        lock = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(
            f'cannot use the state directory "{directory}" ({error.strerror})',
            "Name one that can be written with --state-dir",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise UsageError(
            f'another "loghouse ship" uses the state directory "{directory}"',
            "Stop it, or name another directory with --state-dir",
        ) from None
    return lock


def _sync_directory(path: str) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _still_needed(position: Position, present: frozenset[int] | None, now: float) -> bool:
    if present is not None:
        return position.source in present or position.at > now - FORGET_IN_LINEAGE
    return position.at > now - FORGET_LINEAGE or os.path.exists(os.path.dirname(position.path))


def _encode(positions: Iterable[Position], waits: Mapping[str, Waits]) -> bytes | None:
    change: dict[str, Any] = {}
    if files := [
        [f"{p.source:016x}", p.lineage, p.path, p.offset, f"{p.tail:016x}", p.head, p.at] for p in positions
    ]:
        change["files"] = files
    if waits:
        change["waits"] = {
            lineage: {
                stream: [[f"{r.source:016x}", r.start, r.end] for r in ranges] for stream, ranges in w.items()
            }
            for lineage, w in waits.items()
        }
    # ASCII escapes keep names that are not UTF-8: they are surrogates here.
    return json.dumps(change, separators=(",", ":")).encode() + b"\n" if change else None


def _decode(line: bytes) -> tuple[list[Position], dict[str, Waits]]:
    change = json.loads(line)
    positions = [
        Position(int(source, 16), lineage, path, offset, int(tail, 16), head, at)
        for source, lineage, path, offset, tail, head, at in change.get("files", ())
    ]
    waits: dict[str, Waits] = {
        lineage: {
            stream: tuple(Range(int(source, 16), start, end) for source, start, end in ranges)
            for stream, ranges in streams.items()
        }
        for lineage, streams in change.get("waits", {}).items()
    }
    return positions, waits
