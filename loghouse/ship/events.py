"""Joining the lines of one event, stream by stream, without touching any other line.

One pass of a regular expression over a whole chunk finds the lines that go on an event; a chunk without any
goes out as it is. From such a line the search goes back to where the event begins, then on line by line to
its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from loghouse.ship.partials import MAX_RECORD, MAX_SPAN, Piece, Range, merged
from loghouse.ship.traces import DONE, Rules, State

MAX_LINES = 1000  # an event with more is stored in pieces
MAX_TENTATIVE = 24  # lines that may yet turn out to belong to the event
LOOK_BACK = 8  # lines of a stream that may come before the first that is recognised
LOOK_BACK_LINES = 32  # the same with those of the other stream in between
TAIL = 64 << 10  # bytes at the end of a chunk in which the last line of each stream is looked for


class Layout(Protocol):
    """How a runtime writes lines, of which none is a part any more."""

    newline: bytes  # between the texts of a joined record
    streams: tuple[bytes, ...]

    def pattern(self, trigger: bytes, streams: frozenset[bytes]) -> Any:
        """RE2: a line end and the beginning of a line that the trigger matches, or of one of `streams`."""

    def split(self, line: bytes) -> tuple[bytes, int, int] | None:
        """The stream of a line, and where in it the text begins and ends; None if the line is torn."""

    def written(self, text: bytes) -> bytes:
        """The text as the program wrote it."""

    def marker(self, stream: bytes) -> bytes:
        """What every line of the stream holds."""


class Part(NamedTuple):
    """A line of an event."""

    piece: Piece
    stream: bytes
    text: int  # where the text is
    text_end: int

    @property
    def ranges(self) -> tuple[Range, ...]:
        piece = self.piece
        return piece.ranges or (Range(piece.source, piece.offset, piece.offset + len(piece.data)),)


@dataclass(slots=True)
class Event:
    """The lines of one event so far; those after the first `firm` ones may turn out to be others."""

    parts: list[Part]
    state: State
    firm: int = 1
    since: float = 0.0
    size: int = 0


@dataclass(slots=True)
class _Passing:
    """What goes out of a chunk: the lines of events taken out of it, all others as they are."""

    chunk: Piece
    pieces: list[Piece] = field(default_factory=list)
    sent: int = 0

    def take(self, part: Part) -> None:
        start = part.piece.offset - self.chunk.offset
        self._pass_to(start)
        self.sent = start + len(part.piece.data)

    def _pass_to(self, end: int) -> None:
        if end > self.sent:
            data = self.chunk.data[self.sent : end]
            self.pieces.append(Piece(self.chunk.source, self.chunk.offset + self.sent, 0, data))

    def finish(self) -> list[Piece]:
        self._pass_to(len(self.chunk.data))
        return self.pieces


class Events:
    """The events of one lineage that may still go on, by stream."""

    def __init__(self, layout: Layout, rules: Rules, too_long: Callable[[], None]) -> None:
        self._layout = layout
        self._rules = rules
        self._too_long = too_long
        self._open: dict[bytes, Event] = {}

    def feed(self, piece: Piece, now: float) -> list[Piece]:
        """Whole physical lines in, or a joined record; what is complete out, each line exactly once."""
        if piece.span and not piece.ranges:  # a line that was cut, too long for any event
            return [*self.flush(now), piece]
        if piece.span:
            return self._record(piece, now)
        passing = _Passing(piece)
        self._scan(passing, now)
        self._hold_last(passing, now)
        return passing.finish() if passing.sent or passing.pieces else [piece]

    def flush(self, before: float) -> list[Piece]:
        """Give up waiting for what did not come since `before`."""
        stale = [stream for stream, event in self._open.items() if event.since <= before]
        return [piece for stream in stale for piece in self._close(stream)]

    def waits(self) -> dict[str, tuple[Range, ...]]:
        """What a restart needs to wait on: the ranges of the lines, by stream."""
        return {
            stream.decode(): merged(each for part in event.parts for each in part.ranges)
            for stream, event in self._open.items()
        }

    def _record(self, piece: Piece, now: float) -> list[Piece]:
        part = self._part(piece)
        if part is None:
            return [piece]
        closed: list[Piece] = []
        event = self._open.get(part.stream)
        if event:
            if self._extend(event, part, now):
                return self._close(part.stream) if event.state == DONE else []
            closed = self._close(part.stream)
        if event := self._begun([part]):
            self._hold(event, now)
            return closed
        return [*closed, piece]

    def _scan(self, passing: _Passing, now: float) -> None:
        position = 0
        while part := self._next(passing.chunk, position):
            start = part.piece.offset - passing.chunk.offset
            position = start + len(part.piece.data)
            event = self._open.get(part.stream)
            if event is None:
                self._begin(passing, part, now)
            elif self._extend(event, part, now):
                passing.take(part)
                if event.state == DONE:
                    passing.pieces.extend(self._close(part.stream))
            else:
                passing.pieces.extend(self._close(part.stream))
                position = start  # it may begin another

    def _next(self, chunk: Piece, position: int) -> Part | None:
        """The next line that matters: it makes an event, or its stream has an open one."""
        trigger = self._rules.trigger
        while 0 <= position < len(chunk.data):
            if self._open or trigger is None:
                # Of an open event it is most often the very next one.
                part = self._part_at(chunk, position)
                if part and (trigger is None or part.stream in self._open):
                    return part
            if trigger is not None:
                position = self._triggered(chunk.data, position, trigger)
                if position >= 0 and (part := self._part_at(chunk, position)):
                    return part
            if position >= 0:
                position = chunk.data.find(b"\n", position) + 1
        return None

    def _triggered(self, chunk: bytes, position: int, trigger: bytes) -> int:
        """Where the next line begins that makes an event or may go on an open one, -1 if there is none."""
        pattern = self._layout.pattern(trigger, frozenset(self._open))
        if position == 0 and pattern.match(b"\n" + chunk[: chunk.find(b"\n") + 1]):
            return 0
        match = pattern.search(chunk, max(position - 1, 0))
        return match.start() + 1 if match else -1

    def _begin(self, passing: _Passing, part: Part, now: float) -> None:
        """Open the event that this line belongs to, with the lines before it that do."""
        parts = self._back_from(passing, part)
        for first in range(len(parts)):
            event = self._begun(parts[first:])
            if event:
                for each in event.parts:
                    passing.take(each)
                self._hold(event, now)
                if event.state == DONE:
                    passing.pieces.extend(self._close(part.stream))
                return

    def _back_from(self, passing: _Passing, part: Part) -> list[Part]:
        """A line and those of its stream before it that may belong to the same event, oldest first."""
        found = [part]
        chunk = passing.chunk
        start = part.piece.offset - chunk.offset
        for _ in range(LOOK_BACK_LINES if self._continues(part) else 0):
            if start <= passing.sent:
                break
            start = max(chunk.data.rfind(b"\n", passing.sent, start - 1) + 1, passing.sent)
            before = self._part_at(chunk, start)
            if before and before.stream == part.stream:
                found.append(before)
                if len(found) > LOOK_BACK or not self._continues(before):
                    break
        return found[::-1]

    def _continues(self, part: Part) -> bool:
        return self._rules.trigger is not None and self._rules.continues(self._text(part))

    def _begun(self, parts: list[Part]) -> Event | None:
        """An event that begins with the first of these lines and has them all."""
        state = self._rules.opens(self._text(parts[0]))
        if state is None:
            return None
        event = Event(parts[:1], state, size=len(parts[0].piece.data))
        return event if all(self._extend(event, part, 0.0) for part in parts[1:]) else None

    def _extend(self, event: Event, part: Part, now: float) -> bool:
        """Add a line to the event if it belongs to it."""
        state = self._rules.follows(event.state, self._text(part)) if event.state != DONE else None
        if state is None:
            return False
        if len(event.parts) >= MAX_LINES or event.size + len(part.piece.data) > MAX_RECORD:
            self._too_long()
            return False
        if len(event.parts) - event.firm >= MAX_TENTATIVE and self._rules.tentative(state):
            return False
        event.parts.append(part)
        event.size += len(part.piece.data)
        event.state = state
        event.since = now
        if not self._rules.tentative(state):
            event.firm = len(event.parts)
        return True

    def _hold(self, event: Event, now: float) -> None:
        event.since = now
        self._open[event.parts[0].stream] = event

    def _hold_last(self, passing: _Passing, now: float) -> None:
        """Keep the last line of each stream that an event may begin with: what follows is not read yet."""
        chunk = passing.chunk.data
        streams = [stream for stream in self._layout.streams if stream not in self._open]
        starts = [self._last_of(chunk, stream, passing.sent) for stream in streams]
        for start in sorted(start for start in starts if start >= 0):
            if part := self._part_at(passing.chunk, start):
                self._begin(passing, part, now)

    def _last_of(self, chunk: bytes, stream: bytes, sent: int) -> int:
        """Where the last line of a stream begins, -1 if it is not near the end."""
        end = len(chunk)
        after = max(sent, end - TAIL)
        while end > after:
            found = chunk.rfind(self._layout.marker(stream), after, end)
            line_end = chunk.rfind(b"\n", after, found) if found >= 0 else -1
            if found < 0 or (line_end < 0 and after > sent):
                break
            start = line_end + 1 if line_end >= 0 else sent
            split = self._layout.split(chunk[start : chunk.find(b"\n", found) + 1])
            if split and split[0] == stream:
                return start
            end = start
        return -1

    def _part_at(self, chunk: Piece, start: int) -> Part | None:
        """The line of the chunk that begins there."""
        data = chunk.data[start : chunk.data.find(b"\n", start) + 1]
        return self._part(Piece(chunk.source, chunk.offset + start, 0, data))

    def _part(self, piece: Piece) -> Part | None:
        split = self._layout.split(piece.data)
        return Part(piece, *split) if split else None

    def _text(self, part: Part) -> bytes:
        return self._layout.written(part.piece.data[part.text : part.text_end])

    def _close(self, stream: bytes) -> list[Piece]:
        """The event as a record, and the lines that turned out not to belong to it as they are."""
        event = self._open.pop(stream)
        firm, others = event.parts[: event.firm], event.parts[event.firm :]
        return [self._joined(firm) if len(firm) > 1 else firm[0].piece, *(part.piece for part in others)]

    def _joined(self, parts: list[Part]) -> Piece:
        first = parts[0]
        texts = self._layout.newline.join(part.piece.data[part.text : part.text_end] for part in parts)
        data = first.piece.data[: first.text] + texts + first.piece.data[first.text_end :]
        span = sum(part.piece.span or len(part.piece.data) for part in parts)
        ranges: Iterable[Range] = (each for part in parts for each in part.ranges)
        return Piece(first.piece.source, first.piece.offset, min(span, MAX_SPAN), data, merged(ranges))
