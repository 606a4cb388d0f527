"""One file of a lineage, read as whole lines from where the last run stopped."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping

from loghouse.ship.contents import open_contents
from loghouse.ship.cri import looks_like_cri
from loghouse.ship.docker import looks_like_docker
from loghouse.ship.identity import HEAD_LIMIT, TAIL_SIZE, source_id, tail_hash
from loghouse.ship.offsets import Position, shared
from loghouse.ship.partials import MAX_SPAN, Piece
from loghouse.ship.paths import LogFile, Origin

CHUNK = 1 << 20
MAX_LINE = CHUNK  # a longer physical line is cut
SKIP_AT_ONCE = 16 << 20  # bytes of an endless line looked at before other files have their turn
FIRST_LOOK = 4096


class Segment:
    """A file and the place in it.

    `source` is 0 while the file has no complete first line and nobody needs its name.
    """

    __slots__ = (
        "_known_size",
        "_looked_to",
        "_tail",
        "contents",
        "file",
        "file_format",
        "head",
        "inode",
        "node",
        "offset",
        "origin",
        "seen",
        "source",
        "wrapper",
    )

    def __init__(self, file: LogFile, origin: Origin, node: str, file_format: str = "auto") -> None:
        self.file = file
        self.origin = origin
        self.node = node
        self.contents, status = open_contents(file.path, file.compressed)
        self.inode = (status.st_dev, status.st_ino)
        self.source = 0
        self.head = 0  # bytes the source was made from, if not a whole line
        self.offset = 0
        self.file_format = file_format
        self.wrapper = "plain"
        self.seen = (-1, 0.0)  # size and time of change when there was no whole line to read
        self._tail = b""
        self._looked_to = 0  # how far an endless line was looked through
        self._known_size = 0

    def close(self) -> None:
        self.contents.close()

    def size(self) -> int:
        return self.contents.size()

    def grown_to(self, size: int) -> None:
        """Note how long the file is: what is gone of it when it is emptied is told from that."""
        self._known_size = size

    def lost(self) -> int:
        """Bytes that are known to have been there and were not read, of a file that was emptied."""
        return max(self._known_size - self.offset, 0)

    def modified(self) -> float:
        return self.contents.modified()

    def identify(self, known: Mapping[int, Position], taken: Container[int], complete: bool) -> bool:
        """Find out who the file is and where reading goes on; False if its first line is not complete yet.

        `known` are the positions of its lineage, `taken` the sources that its other files are. A file that is
        `complete` is named even if its first line has no end.
        """
        for position in known.values():
            if position.head and position.source not in taken and self._began_as(position):
                self._resume(position)
                return True
        head = self._first_line()
        whole = head.endswith(b"\n") or len(head) == HEAD_LIMIT
        if not head or not (whole or complete):
            return False
        self.wrapper = self._wrapper_of(head)
        generation = 0
        while True:
            source = source_id(self.node, self.origin, head, generation)
            start = known.get(source)
            if source not in taken and (start is None or self._continues(start)):
                break
            generation += 1
        self.source, self.head = source, 0 if whole else len(head)
        if start:
            self._resume(start)
        return True

    def lines(self) -> Piece | None:
        """The next whole lines; None at the end, an empty piece amid a line so long that others go first."""
        data = self.contents.read(self.offset, CHUNK)
        if cut := data.rfind(b"\n") + 1:
            return self._advance(0, data if cut == len(data) else data[:cut])
        if len(data) == CHUNK:
            return self._long_line(data)
        self._rest_at(self.offset + len(data))
        return None

    def _rest_at(self, size: int) -> None:
        self.seen = (size, self.modified())

    def unread(self) -> bool:
        """Whether the file has changed since there was nothing to read."""
        return (self.size(), self.modified()) != self.seen

    def unfinished(self) -> bool:
        """Whether the last line that was seen has no end."""
        return self.seen[0] > self.offset

    def replaced(self) -> bool:
        """Whether the file holds other bytes now than those read: it was emptied in place."""
        return not self.file.compressed and self._before(self.offset) != self._tail

    def rest(self) -> Piece | None:
        """The last line, if it has no end and never will."""
        data = self.contents.read(self.offset, MAX_LINE)
        if not data:
            return None
        return self._advance(max(self.offset + len(data), self._looked_to) - self.offset, data, cut=True)

    def position(self) -> Position:
        """Where reading goes on when everything given out so far is stored."""
        return Position(
            self.source,
            self.origin.lineage,
            self.file.path,
            self.offset,
            tail_hash(self._tail),
            self.head,
            shared(int(time.time())),
        )

    def _long_line(self, beginning: bytes) -> Piece | None:
        """The beginning of a line over the limit, once its end has been found; the rest is passed over."""
        looked_to = max(self._looked_to, self.offset + len(beginning))
        for _ in range(SKIP_AT_ONCE // CHUNK):
            more = self.contents.read(looked_to, CHUNK)
            if end := more.find(b"\n") + 1:
                return self._advance(looked_to + end - self.offset, beginning, cut=True)
            looked_to = self._looked_to = looked_to + len(more)
            if not more:
                self._rest_at(looked_to)
                return None
        return Piece(self.source, self.offset, 0, b"")

    def _advance(self, span: int, data: bytes, cut: bool = False) -> Piece:
        """Give out `data` and move on; of a line that was `cut`, `span` bytes of the file."""
        start = self.offset
        self.offset += span or len(data)
        if not span and len(data) >= TAIL_SIZE:
            self._tail = data[-TAIL_SIZE:]
        else:
            self._tail = self._before(self.offset)
        return Piece(self.source, start, min(span, MAX_SPAN), data + b"\n" if cut else data)

    def _first_line(self) -> bytes:
        size = FIRST_LOOK
        while True:
            head = self.contents.read(0, size)
            if end := head.find(b"\n") + 1:
                return head[:end]
            if len(head) < size or size >= HEAD_LIMIT:
                return head[:HEAD_LIMIT]
            size *= 4

    def _began_as(self, position: Position) -> bool:
        head = self.contents.read(0, position.head)
        # A file that was named by half a line was the first of its name.
        return source_id(self.node, self.origin, head) == position.source and self._continues(position)

    def _continues(self, position: Position) -> bool:
        """Whether this file has the bytes that were read up to the position."""
        if self.contents.ends_at(position.offset):
            return True
        tail = self._before(position.offset)
        return len(tail) == min(position.offset, TAIL_SIZE) and tail_hash(tail) == position.tail

    def _resume(self, position: Position) -> None:
        self.source, self.head, self.offset = position.source, position.head, position.offset
        if not self.file.compressed:  # which nobody empties, and where looking back is dear
            self._tail = self._before(position.offset)
        self.wrapper = self._wrapper_of(self._first_line())

    def _before(self, offset: int) -> bytes:
        return self.contents.read(max(offset - TAIL_SIZE, 0), min(offset, TAIL_SIZE))

    def _wrapper_of(self, first_line: bytes) -> str:
        """What stands around each record: as told, or the first line shows, or the file's place says."""
        if self.file_format != "auto":
            return self.file_format
        if looks_like_docker(first_line):
            return "docker"
        if looks_like_cri(first_line):
            return "cri"
        return self.origin.wrapper
