"""Following one lineage: its rotated files oldest first, then the file being written."""

from __future__ import annotations

import os
import time

from loghouse.ship.batch import Row
from loghouse.ship.cri import CriGrammar
from loghouse.ship.discover import Found
from loghouse.ship.docker import DockerGrammar
from loghouse.ship.offsets import Offsets, Position, Waits
from loghouse.ship.partials import Grammar, Joiner, Piece
from loghouse.ship.paths import NEWEST, LogFile
from loghouse.ship.problems import Problems
from loghouse.ship.segment import MAX_LINE, Segment

PART_TIMEOUT = 5.0  # seconds of silence after which the parts of a record are the record

_GRAMMARS: dict[str, Grammar] = {"cri": CriGrammar(), "docker": DockerGrammar()}


class Lineage:
    """The files that one writer fills one after another, and the records that are not complete yet."""

    __slots__ = (
        "_changed",
        "_joiner",
        "_known",
        "_node",
        "_opened_once",
        "_present",
        "_problems",
        "_segments",
        "_waits",
        "active_at",
        "due",
        "found",
        "gone",
        "moved",
        "origin",
        "unread",
    )

    def __init__(self, found: Found, node: str, offsets: Offsets, problems: Problems) -> None:
        self.found = found
        self.origin = found.origin
        self.moved = False  # the newest file is no longer where it was: look at the directory again
        self.gone = False  # no file of it is left in any directory
        self.unread = False  # a file could not be opened: try again later
        self.due = 0.0  # when the next turn is
        self.active_at = 0.0  # when there was something to read
        self._node = node
        self._problems = problems
        self._known = offsets.positions(self.origin.lineage)
        self._present: tuple[int, ...] = ()
        self._opened_once = False
        self._segments: list[Segment] = []  # oldest first; all but the last have unread bytes
        self._joiner: Joiner | None = None
        self._changed: dict[int, Position] = {}
        self._waits = offsets.waits(self.origin.lineage)

    @property
    def sources(self) -> frozenset[int]:
        """The files whose positions matter, read to the end or not."""
        return frozenset((*self._present, *(segment.source for segment in self._segments)))

    def update(self, found: Found) -> None:
        """Take in what the directory holds now. Open files stay open, under any name or none, until read."""
        self.found = found
        self.moved = self.unread = self.gone = False
        held = {segment.inode: segment for segment in self._segments}
        listed = [(file, self._held(file, held)) for file in found.files]
        taken = {segment.source for _, segment in listed if segment}
        for unlisted in held.values():
            if not unlisted.source:  # it may have been compressed, so it needs the name that is in there
                unlisted.identify(self._known, taken, complete=True)
        segments: list[Segment] = []
        for file, known in listed:
            segment = known or self._opened(file, taken, newest=file is found.files[-1])
            if segment is None:
                continue
            same = next((each for each in held.values() if each.source == segment.source), None)
            if segment.source and same:
                segment.close()  # the compressed copy of a file that we have open
                segment = held.pop(same.inode)
            segments.append(segment)
            taken.add(segment.source)
        self._present = tuple(taken)
        gone = [segment for segment in self._segments if segment.inode in held]
        self._segments = gone + segments

    def close(self) -> None:
        for segment in self._segments:
            segment.close()
        self._segments = []

    def _held(self, file: LogFile, held: dict[tuple[int, int], Segment]) -> Segment | None:
        try:
            status = os.stat(file.path)
        except OSError:
            return None
        segment = held.pop((status.st_dev, status.st_ino), None)
        if segment:
            segment.file = file
        return segment

    def _opened(self, file: LogFile, taken: set[int], newest: bool) -> Segment | None:
        """The file, if it has bytes to read or may get some."""
        try:
            segment = Segment(file, self.origin, self._node)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._problems.tell("cannot read file", file.path, error.strerror)
            self.unread = True
            return None
        named = segment.identify(self._known, taken, complete=not newest or file.compressed)
        if newest and not file.compressed:
            return segment
        if named and not segment.contents.ends_at(segment.offset) and segment.size() > segment.offset:
            return segment
        if named:
            taken.add(segment.source)
        self._leave(segment)
        return None

    def _leave(self, segment: Segment) -> None:
        if damage := segment.contents.damage():
            self._problems.tell("file is damaged, its end was not read", segment.file.path, damage)
        segment.close()

    def changed(self, now: float) -> bool:
        """Whether there may be something to read: one look at the newest name, without opening anything."""
        if not self._opened_once:
            self.update(self.found)
            if self._waits:
                self._restore(now)
            self._opened_once = True
        if len(self._segments) != 1 or self._waits:
            return bool(self._segments)
        segment = self._segments[-1]
        try:
            status = os.stat(segment.file.path)
        except OSError:
            self.moved = True
        else:
            self.moved = (status.st_dev, status.st_ino) != segment.inode
            if not self.moved and (status.st_size, status.st_mtime) != segment.seen:
                return True
        over = self.found.superseded or self.gone
        return (self.moved and segment.unread()) or (over and segment.unfinished())

    def read(self, now: float, final: bool = False) -> list[Row] | None:
        """The next rows of the lineage, at most a chunk; None when all there is has been read.

        `final` says that nobody will come back for a last line of a plain file that has no end yet.
        """
        while self._segments:
            segment = self._segments[0]
            if segment.replaced():
                self._start_over(segment)
                continue
            # Asked first, read second: what is written before a successor gets its first byte is not missed.
            superseded = self._is_superseded(segment)
            complete = superseded or (final and segment.origin.wrapper == "plain") or self._is_over(segment)
            others = {other.source for other in self._segments if other is not segment}
            if segment.source or segment.identify(self._known, others, complete):
                piece = segment.lines() or (segment.rest() if complete else None)
                if piece:
                    return self._rows(segment, piece, now)
            if not superseded:
                return self._flushed(segment, now) or None
            self._leave(self._segments.pop(0))
        return None

    def changes(self) -> tuple[dict[int, Position], Waits | None]:
        """What the rows read since the last call change once they are stored."""
        positions, self._changed = self._changed, {}
        if self._joiner is None:
            return positions, None
        waits = self._joiner.waits()
        if waits == self._waits:
            return positions, None
        self._waits = waits
        return positions, waits

    def ended(self) -> bool:
        """Whether the files are gone and everything they held has been read."""
        return self.gone and all(self._is_over(segment) for segment in self._segments)

    def _is_superseded(self, segment: Segment) -> bool:
        if segment.file.compressed:
            return True
        return segment is not self._segments[-1] and self._segments[1].size() > 0

    def _is_over(self, segment: Segment) -> bool:
        """Whether the writer has gone: its container was started again or removed, and the file rests."""
        return (self.found.superseded or self.gone) and self._rests(segment)

    def _rests(self, segment: Segment) -> bool:
        return time.time() - segment.modified() >= PART_TIMEOUT

    def _flushed(self, segment: Segment, now: float) -> list[Row]:
        """Records whose last part never came."""
        if self._joiner is None or not self._joiner.waits():
            return []
        pieces = self._joiner.flush(before=now if self._rests(segment) else now - PART_TIMEOUT)
        return [Row(self.origin, segment.wrapper, *piece) for piece in pieces]

    def _rows(self, segment: Segment, piece: Piece, now: float) -> list[Row]:
        if not piece.data:
            return []
        self._join(segment.wrapper)
        if len(piece.data) > MAX_LINE:
            self._problems.count("lines longer than 1 MiB cut")
        pieces = self._feed(piece, now)
        position = segment.position()
        self._known[position.source] = self._changed[position.source] = position
        return [Row(self.origin, segment.wrapper, *each) for each in pieces]

    def _feed(self, piece: Piece, now: float) -> list[Piece]:
        if self._joiner is None or piece.span:
            return [piece]
        return self._joiner.feed(piece.source, piece.offset, piece.data, now)

    def _join(self, wrapper: str) -> None:
        if self._joiner is None and wrapper in _GRAMMARS:
            self._joiner = Joiner(
                _GRAMMARS[wrapper], lambda: self._problems.count("records longer than 1 MiB cut")
            )

    def _restore(self, now: float) -> None:
        """Give the joiner the parts that waited when the last run ended."""
        self._joiner = None
        wanted = {each.source for ranges in self._waits.values() for each in ranges}
        segments = self._named(wanted)
        for stream, ranges in self._waits.items():
            for source, start, end in ranges:
                segment = segments.get(source)
                data = segment.contents.read(start, end - start) if segment else b""
                if segment and len(data) == end - start:
                    self._join(segment.wrapper)
                    self._feed(Piece(source, start, 0, data), now)
                else:
                    self._problems.tell("parts of a record are gone", self.origin.lineage, stream)
        for segment in segments.values():
            segment.close()

    def _named(self, sources: set[int]) -> dict[int, Segment]:
        """These files, opened; looked for in the directory, since any may have been renamed just now."""
        found: dict[int, Segment] = {}
        directory = os.path.dirname(self.found.files[-1].path)
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            try:
                segment = Segment(LogFile(path, NEWEST, path.endswith(".gz")), self.origin, self._node)
            except OSError:
                continue
            if segment.identify(self._known, found, complete=True) and segment.source in sources:
                found[segment.source] = segment
            else:
                segment.close()
        return found

    def _start_over(self, segment: Segment) -> None:
        """The file was emptied in place: what it holds now is another file to us."""
        self._problems.tell("file was truncated, read from its beginning", segment.file.path)
        segment.close()
        self._segments.remove(segment)
        taken = {other.source for other in self._segments}
        if opened := self._opened(segment.file, taken, newest=not self._segments):
            self._segments.insert(0, opened)
