"""Following one lineage: its rotated files oldest first, then the file being written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from loghouse.filters.dropped import CONTAINER, NAMESPACE
from loghouse.filters.filters import Block, Filters, WriterFilters
from loghouse.kubernetes.pod import Pod
from loghouse.ship.batch import Row
from loghouse.ship.discover import Found
from loghouse.ship.hints import rules_of
from loghouse.ship.metadata import Writer, written_by
from loghouse.ship.offsets import Offsets, Position, Waits
from loghouse.ship.partials import MAX_SPAN, Piece
from loghouse.ship.paths import NEWEST, LogFile, Origin
from loghouse.ship.problems import Problems
from loghouse.ship.reading import Reading
from loghouse.ship.records import EVENT_TIMEOUT, PART_TIMEOUT, Records, unwrapped
from loghouse.ship.resting import Resting
from loghouse.ship.segment import MAX_LINE, Segment

# What rules dropped is told with the next row, at the latest after so many seconds or bytes; until then the
# place in the file stays before it, so that a crash forgets both.
UNTOLD_SECONDS = 60.0
UNTOLD_BYTES = 64 << 20


class Lineage:
    """The files that one writer fills one after another, and the records that are not complete yet.

    There may be 100,000 of them, nearly all at rest: then a `Resting` is all that is kept of a file.
    """

    __slots__ = (
        "_changed",
        "_filters",
        "_known",
        "_node",
        "_offsets",
        "_opened_once",
        "_pod",
        "_present",
        "_problems",
        "_reading",
        "_records",
        "_resting",
        "_ready",
        "_seen_at",
        "_segments",
        "_untold_since",
        "_waits",
        "_writer",
        "active_at",
        "announced",
        "due",
        "found",
        "gone",
        "moved",
        "origin",
        "told_at",
        "unread",
        "written",
    )

    def __init__(
        self,
        found: Found,
        node: str,
        offsets: Offsets,
        problems: Problems,
        reading: Reading = Reading(),  # noqa: B008 - it is frozen
    ) -> None:
        self.found = found
        self.origin = found.origin
        self.moved = False  # the newest file is no longer where it was: look at the directory again
        self.gone = False  # no file of it is left in any directory
        self.unread = False  # a file could not be opened: try again later
        self.due = 0.0  # when the next turn is
        self.active_at = 0.0  # when there was something to read
        self.announced = False  # the next change of its directory will be told
        self.told_at = 0.0  # when one was
        self.written = False  # that was a write into the newest file
        self._writer = Writer(found.origin)
        self._offsets = offsets
        self._pod: Pod | None = None  # what the API told last
        self._seen_at: float | None = None  # when the API was asked first
        self._node = node
        self._problems = problems
        self._filters: tuple[str, WriterFilters] | None = None  # for which wrapper
        self._known: dict[int, Position] | None = None  # None while they are those in `offsets`
        self._present: tuple[int, ...] = ()
        self._opened_once = False
        self._segments: tuple[Segment, ...] = ()  # oldest first; all but the last have unread bytes
        self._resting = b""  # a `Resting`, packed
        self._reading = reading
        self._records: Records | None = None
        self._untold_since: float | None = None  # when a rule dropped what no row has told of yet
        self._ready: Sequence[Row] = ()  # complete before anything more is read
        self._changed: dict[int, Position] | None = None
        self._waits = offsets.waits(self.origin.lineage)

    def __lt__(self, other: Lineage) -> bool:
        """Of those that have their turn at the same time any may be first."""
        return False

    @property
    def sources(self) -> frozenset[int]:
        """The files whose positions matter, read to the end or not."""
        resting = Resting.unpacked(self._resting)
        rests = (resting.source,) if resting and resting.source else ()
        return frozenset((*self._present, *rests, *(segment.source for segment in self._segments)))

    def places(self) -> Iterator[tuple[LogFile, int]]:
        """The files that are followed, oldest first, and how far each is read."""
        segments, resting = self._segments, Resting.unpacked(self._resting)  # another thread may ask
        if resting is not None and not segments:
            yield self.found.files[-1], resting.offset
        for segment in segments:
            yield segment.file, segment.offset

    def update(self, found: Found) -> None:
        """Take in what the directory holds now. Open files stay open, under any name or none, until read."""
        self.found = found
        self.moved = self.unread = self.gone = False
        resting, self._resting = Resting.unpacked(self._resting), b""
        for emptied in [segment for segment in self._segments if segment.replaced()]:
            # What it held may be in a copy now, which is then the file we know.
            self._forget_emptied(emptied)
        held = {segment.inode: segment for segment in self._segments}
        listed = [(file, self._held(file, held)) for file in found.files]
        taken = {segment.source for _, segment in listed if segment}
        for unlisted in held.values():
            if not unlisted.source:  # it may have been compressed, so it needs the name that is in there
                unlisted.identify(self._positions(), taken, complete=True)
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
        self._segments = (*gone, *segments)
        if resting is not None and resting.source and resting.source not in taken and not self.unread:
            self._tell_removed(resting)
        self._note_open()

    def _note_open(self) -> None:
        if self._reading.descriptors is not None and self._segments:
            self._reading.descriptors.opened(self)

    def close(self) -> None:
        for segment in self._segments:
            segment.close()
        self._segments = ()
        if self._reading.descriptors is not None:
            self._reading.descriptors.closed(self)

    def doze(self) -> None:
        """Let go of all but the open file: what is written to it and removed at once can be read then."""
        if self._records is not None and not self._records.waiting:
            self._records = None
        self._forget_known()

    def rest(self) -> bool:
        """Close the file until a look at its name shows a change, or more to read; whether that can be.

        Rotated files stay open until they are read: nobody could open them again.
        """
        if self._resting:
            self._forget_known()
            return True
        if (
            len(self._segments) != 1
            or self._waits
            or self._ready
            or (self._records and self._records.waiting)
        ):
            return False
        segment = self._segments[0]
        at_rest = segment.seen[0] >= 0 and not segment.unread() and not segment.unfinished()
        size, modified = segment.seen if at_rest else (-1, 0.0)
        unread = 0 if at_rest else max(segment.size() - segment.offset, 0)
        resting = Resting(segment.source, *segment.inode, size, modified, segment.offset, unread)
        self._resting = resting.packed()
        self._present = tuple(source for source in self._present if source != segment.source)
        self._records = None
        self.written = False
        self.close()
        self._forget_known()
        return True

    def _forget_known(self) -> None:
        """Leave the positions to `offsets` once they are there, which is when their batch is spooled."""
        if not self._changed and self._known == self._offsets.positions(self.origin.lineage):
            self._known = self._changed = None

    def _woken(self) -> bool:
        """Whether a file that was closed has changed; then it is open again."""
        resting = Resting.unpacked(self._resting)
        if resting is None:
            return True
        try:
            status = os.stat(self.found.files[-1].path)
        except OSError:
            self.moved = True
            return False
        self.moved = (status.st_dev, status.st_ino) != (resting.device, resting.inode)
        if self.moved or (status.st_size, status.st_mtime) == (resting.size, resting.modified):
            return False  # what was moved is to be read first, so where it is has to be found
        self.written = False
        if status.st_size < resting.offset:
            self._tell_emptied(self.found.files[-1].path, resting.unread)
            self._resting = b""
        self.update(self.found)
        return True

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
            segment = Segment(file, self.origin, self._node, self._reading.file_format)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._problems.tell("cannot read file", file.path, error.strerror)
            self.unread = True
            return None
        named = segment.identify(self._positions(), taken, complete=not newest or file.compressed)
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
        if self._waits_for_pod(now):
            return False
        if not self._woken():
            return self._has_to_tell(now)
        if len(self._segments) != 1 or self._waits or self._ready:
            return bool(self._segments or self._waits or self._ready)
        segment = self._segments[-1]
        try:
            status = os.stat(segment.file.path)
        except OSError:
            self.moved = True
        else:
            self.moved = (status.st_dev, status.st_ino) != segment.inode
            if not self.moved and (status.st_size, status.st_mtime) != segment.seen:
                if status.st_size >= segment.offset:
                    segment.grown_to(status.st_size)
                return True
        over = self.found.superseded or self.gone
        unread = (self.moved and segment.unread()) or (over and segment.unfinished())
        return unread or self._has_to_tell(now)

    def read(self, now: float, final: bool = False) -> list[Row] | None:
        """The next rows of the lineage, at most a chunk; None when all there is has been read.

        `final` says that nobody will come back for a last line of a plain file that has no end yet.
        """
        rows = self._with_ready([]) if self._ready else self._read(now, final)
        if not self._untold:
            self._untold_since = None
        elif not rows:
            if self._untold_since is None:
                self._untold_since = now
            if (final and rows is None) or self._has_to_tell(now):
                return self._told_gaps()
        return rows

    def _read(self, now: float, final: bool) -> list[Row] | None:
        while self._segments:
            segment = self._segments[0]
            if segment.replaced():
                self._start_over(segment)
                continue
            # Asked first, read second: what is written before a successor gets its first byte is not missed.
            superseded = self._is_superseded(segment)
            complete = superseded or (final and segment.origin.wrapper == "plain") or self._is_over(segment)
            others = {other.source for other in self._segments if other is not segment}
            if segment.source or segment.identify(self._positions(), others, complete):
                piece = segment.lines() or (segment.rest() if complete else None)
                if piece:
                    return self._rows(segment, piece, now)
            if not superseded:
                self._note_open()
                return self._flushed(now, over=self._rests(segment), final=final) or None
            self._leave(segment)
            self._segments = self._segments[1:]
        return self._flushed(now, over=True, final=True) or None

    def last_rows(self) -> list[Row]:
        """What tells of drops, when nothing will be read any more."""
        return self._told_gaps() if self._untold else []

    def changes(self) -> tuple[dict[int, Position], Waits | None]:
        """What the rows read since the last call change once they are stored."""
        if self._untold:
            return {}, None
        positions, self._changed = self._changed or {}, None
        waits = self._records.waits() if self._records else {}
        if waits == self._waits:
            return positions, None
        self._waits = waits
        return positions, waits

    def ended(self) -> bool:
        """Whether the files are gone and everything they held has been read, or is lost."""
        if not self.gone or not all(self._is_over(segment) for segment in self._segments):
            return False
        if resting := Resting.unpacked(self._resting):
            self._tell_removed(resting)
        return True

    def _is_superseded(self, segment: Segment) -> bool:
        if segment.file.compressed:
            return True
        return segment is not self._segments[-1] and self._segments[1].size() > 0

    def _is_over(self, segment: Segment) -> bool:
        """Whether the writer has gone: its container was started again or removed, and the file rests."""
        return (self.found.superseded or self.gone) and self._rests(segment)

    def _rests(self, segment: Segment) -> bool:
        return time.time() - segment.modified() >= PART_TIMEOUT

    def _flushed(self, now: float, over: bool, final: bool) -> list[Row]:
        """Records whose last part never came, and events that nothing followed for a while."""
        if self._records is None or not self._records.waiting:
            return []
        parts_before = now if over else now - PART_TIMEOUT
        lines_before = now if over or final else now - EVENT_TIMEOUT
        return self._as_rows(self._records.flush(now, parts_before, lines_before))

    def _rows(self, segment: Segment, piece: Piece, now: float) -> list[Row]:
        if not piece.data:
            return []
        if len(piece.data) > MAX_LINE:
            self._problems.count("lines longer than 1 MiB cut")
        pieces: list[Piece] = []
        if self._writer.excluded:
            self._records = None
        else:
            pieces = self._records_of(segment.wrapper, now).feed(piece, now)
        position = segment.position()
        if self._changed is None:
            self._changed = {}
        self._positions()[position.source] = self._changed[position.source] = position
        return self._with_ready(self._as_rows(pieces))

    def _with_ready(self, rows: list[Row]) -> list[Row]:
        ready, self._ready = self._ready, ()
        return [*ready, *rows] if ready and not self._writer.excluded else rows

    def _records_of(self, wrapper: str, now: float) -> Records:
        if self._records and self._records.wrapper != wrapper:
            self._finish_records(now)
        if self._records is None:
            hint = self._writer.multiline
            rules = rules_of(self._reading.multiline if hint is None else hint)
            self._records = Records(wrapper, rules, self._problems)
        return self._records

    def _finish_records(self, now: float) -> None:
        """What waits goes out as it is: from here on lines are put together in another way."""
        if self._records:
            self._ready = [*self._ready, *self._as_rows(self._records.flush(now, now, now))]
        self._records = None

    def _waits_for_pod(self, now: float) -> bool:
        """Take in what the API tells of the pod; whether to wait until it tells anything."""
        pods, uid = self._reading.pods, self.found.origin.pod_uid
        if pods is None or not uid:
            return False
        pod = pods.get(uid)
        if pod is None:
            if self._seen_at is None:
                self._seen_at = now
            return self._pod is None and pods.answering and now - self._seen_at < self._reading.hold
        if pod is not self._pod:
            self._pod = pod
            writer = written_by(pod, self.found.origin)
            if writer.multiline != self._writer.multiline:
                self._finish_records(now)
            self._ready = [*self._ready, *self._told_gaps()]
            self._writer, self.origin, self._filters = writer, writer.origin, None
        return False

    def _as_rows(self, pieces: list[Piece]) -> list[Row]:
        wrapper = self._records.wrapper if self._records else self.origin.wrapper
        blocks = [Block(each.source, each.offset, each.span, each.data) for each in pieces]
        if self._reading.filters and blocks:
            blocks = self._filters_for(wrapper, self._reading.filters).apply(blocks, time.time())
        rows = [Row(self.origin, wrapper, *block) for block in blocks]
        # A gap shows only once something follows it, so this is when it has to be explained.
        return [*rows, *self._told_gaps()] if rows else rows

    @property
    def _untold(self) -> int:
        """Bytes that rules dropped and no row has told of."""
        return self._filters[1].untold if self._filters else 0

    def _has_to_tell(self, now: float) -> bool:
        """Whether the rows that tell of drops do not wait for others any more."""
        since = self._untold_since
        return since is not None and (now - since >= UNTOLD_SECONDS or self._untold >= UNTOLD_BYTES)

    def _told_gaps(self) -> list[Row]:
        """Records of what rules dropped."""
        if self._filters is None:
            return []
        origin = Origin(self.origin.lineage, "cri", NAMESPACE, self._node, CONTAINER, NAMESPACE)
        return [
            Row(origin, "cri", gap.source, gap.offset, min(gap.size, MAX_SPAN), record)
            for gap, record in self._filters[1].gaps(time.time())
        ]

    def _filters_for(self, wrapper: str, filters: Filters) -> WriterFilters:
        if self._filters is None or self._filters[0] != wrapper:
            self._filters = (
                wrapper,
                filters.of(
                    self._writer.seen_by_rules(self._node), wrapper, unwrapped(wrapper), self._writer.sample
                ),
            )
        return self._filters[1]

    def _restore(self, now: float) -> None:
        """Read the lines and parts again that waited when the last run ended."""
        self._records = None
        wanted = {each.source for ranges in self._waits.values() for each in ranges}
        segments = self._named(wanted)
        for stream, ranges in self._waits.items():
            for source, start, end in ranges:
                segment = segments.get(source)
                data = segment.contents.read(start, end - start) if segment else b""
                if segment and len(data) == end - start:
                    pieces = self._records_of(segment.wrapper, now).feed(Piece(source, start, 0, data), now)
                    self._ready = [*self._ready, *self._as_rows(pieces)]
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
                file = LogFile(path, NEWEST, path.endswith(".gz"))
                segment = Segment(file, self.origin, self._node, self._reading.file_format)
            except OSError:
                continue
            if segment.identify(self._positions(), found, complete=True) and segment.source in sources:
                found[segment.source] = segment
            else:
                segment.close()
        return found

    def _positions(self) -> dict[int, Position]:
        """What is known of the files, by source."""
        if self._known is None:
            self._known = self._offsets.positions(self.origin.lineage)
        return self._known

    def _forget_emptied(self, segment: Segment) -> None:
        self._tell_emptied(segment.file.path, segment.lost())
        segment.close()
        self._segments = tuple(each for each in self._segments if each is not segment)

    def _tell_emptied(self, path: str, unread: int) -> None:
        self._problems.tell("file was truncated, read from its beginning", path)
        self._problems.lose("file truncated while unread", unread)

    def _tell_removed(self, resting: Resting) -> None:
        """A file was closed to stay below the limit of open ones, and is gone."""
        self._problems.lose("file removed while unread", resting.unread)
        if self.written:
            path = self.found.files[-1].path
            self._problems.tell("file removed right after a write, lines may be lost", path)

    def _start_over(self, segment: Segment) -> None:
        """The file was emptied in place: what it holds now is another file to us."""
        self._forget_emptied(segment)
        taken = {other.source for other in self._segments}
        if opened := self._opened(segment.file, taken, newest=not self._segments):
            self._segments = (opened, *self._segments)
