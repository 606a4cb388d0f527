"""Joining records that the runtime wrote in parts, without touching any other line.

A grammar (`cri`, `docker`) finds the lines that matter in a whole chunk: those that are parts, and while
a stream waits for the rest of its record, the next line of that stream. All between them goes out as it is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

MAX_RECORD = 1 << 20  # a joined record longer than this is cut
MAX_SPAN = (1 << 32) - 1


class Range(NamedTuple):
    """Bytes of a file that wait to be joined; enough to read them again after a restart."""

    source: int
    start: int
    end: int


class Piece(NamedTuple):
    """Bytes ready for a row.

    `span` is 0 for whole lines of the file as they are; of a joined or cut record it is how many bytes of
    files it comes from. `ranges` says which ones, of a joined record.
    """

    source: int
    offset: int
    span: int
    data: bytes
    ranges: tuple[Range, ...] = ()


class Line(NamedTuple):
    """A physical line that is a part of a record, or ends one."""

    start: int  # in the chunk
    end: int
    stream: bytes
    final: bool
    before: bytes  # what stands around the text in a joined record
    text: bytes
    after: bytes


class Grammar(Protocol):
    """How a runtime marks parts."""

    def next_line(self, chunk: bytes, position: int, waiting: Iterable[bytes]) -> Line | None:
        """The first line from `position` on that is not final, or belongs to a waiting stream."""

    def cut(self, text: bytes, size: int) -> bytes:
        """At most `size` bytes of a text, so that the record stays readable."""


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The ranges with those that meet made one."""
    result: list[Range] = []
    began = ended = (0, -1)  # the source and the place in it
    for source, start, end in ranges:
        if ended != (source, start):
            if ended[1] >= 0:
                result.append(Range(*began, ended[1]))
            began = (source, start)
        ended = (source, end)
    return (*result, Range(*began, ended[1])) if ended[1] >= 0 else ()


@dataclass(slots=True)
class Waiting:
    """The parts of one record so far."""

    source: int
    offset: int
    before: bytes
    after: bytes
    since: float
    texts: list[bytes] = field(default_factory=list)
    size: int = 0
    span: int = 0
    ranges: list[Range] = field(default_factory=list)
    truncated: bool = False

    def add(self, source: int, start: int, line: Line, now: float, grammar: Grammar) -> None:
        """Take one more part; text beyond the limit is cut off."""
        text = line.text
        if self.truncated:
            text = b""
        elif self.size + len(text) > MAX_RECORD:
            text = grammar.cut(text, MAX_RECORD - self.size)
            self.truncated = True
        self.texts.append(text)
        self.size += len(text)
        end = start + line.end - line.start
        self.span += end - start
        self.since = now
        last = self.ranges[-1] if self.ranges else None
        if last and (last.source, last.end) == (source, start):
            self.ranges[-1] = last._replace(end=end)
        else:
            self.ranges.append(Range(source, start, end))

    def piece(self) -> Piece:
        record = b"".join((self.before, *self.texts, self.after))
        return Piece(self.source, self.offset, min(self.span, MAX_SPAN), record, tuple(self.ranges))


class Joiner:
    """The records of one lineage that are not complete yet, by stream."""

    def __init__(self, grammar: Grammar, truncated: Callable[[], None]) -> None:
        self._grammar = grammar
        self._truncated = truncated
        self._waiting: dict[bytes, Waiting] = {}

    def feed(self, source: int, offset: int, chunk: bytes, now: float) -> list[Piece]:
        """Whole physical lines in, what is complete out; each line exactly once."""
        pieces: list[Piece] = []
        sent = 0
        while line := self._grammar.next_line(chunk, sent, self._waiting):
            if line.start > sent:
                pieces.append(Piece(source, offset + sent, 0, chunk[sent : line.start]))
            pieces.extend(self._take(source, offset + line.start, line, now))
            sent = line.end
        if sent < len(chunk):
            pieces.append(Piece(source, offset + sent, 0, chunk[sent:] if sent else chunk))
        return pieces

    def _take(self, source: int, start: int, line: Line, now: float) -> list[Piece]:
        waiting = self._waiting.get(line.stream)
        if waiting is None:
            waiting = Waiting(source, start, line.before, line.after, now)
            self._waiting[line.stream] = waiting
        waiting.add(source, start, line, now, self._grammar)
        return [self._complete(line.stream)] if line.final else []

    def _complete(self, stream: bytes) -> Piece:
        waiting = self._waiting.pop(stream)
        if waiting.truncated:
            self._truncated()
        return waiting.piece()

    def flush(self, before: float) -> list[Piece]:
        """Give up waiting for parts that did not come since `before`: what is there is the record."""
        stale = [stream for stream, waiting in self._waiting.items() if waiting.since <= before]
        return [self._complete(stream) for stream in stale]

    def waits(self) -> Mapping[str, tuple[Range, ...]]:
        """What a restart needs to wait on: the ranges of the parts, by stream."""
        return {stream.decode(): tuple(waiting.ranges) for stream, waiting in self._waiting.items()}
