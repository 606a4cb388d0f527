"""From all senders into one place: what is accepted here is durable when `accept` returns.

One thread commits what has gathered while the last commit ran, so that many small senders share one sync. A
chunk that is durable is not taken again: sent once more, also after a crash, it is stored once.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Protocol

from loghouse.errors import LoghouseError
from loghouse.receive.chunks import chunk_id
from loghouse.receive.rows import row_of, source_of
from loghouse.receive.streams import Part, Piece, Received, Stream
from loghouse.spool.rows import Row
from loghouse.spool.spool import SpoolFull

log = logging.getLogger("loghouse.receive")

MAX_WAITING = 128 << 20  # bytes that senders have handed over and that are not durable yet
MAX_COMMIT = 16 << 20
PATIENCE = 60.0  # seconds until a sender is told to come again
RETRY_WAIT = 1.0  # seconds between two attempts for a sender that is held
REMEMBERED_STREAMS = 50_000


class Busy(LoghouseError):
    """Not durable within the time a sender waits; it has to send again."""


@dataclass(slots=True)
class Group:
    """What becomes durable together: rows, parts of records, and the chunks that both came in."""

    rows: list[Row] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


class Sink(Protocol):
    """Where rows become durable. One thread calls it, but for `knows` and `failing_since`."""

    @property
    def failing_since(self) -> float | None:
        """Since when what is durable here gets no further, by `time.monotonic`; None if it does."""

    def knows(self, chunk: bytes) -> bool:
        """Whether the rows of a chunk are durable."""

    def commit(self, group: Group) -> None:
        """Return when the group is durable, all of it or nothing."""

    def tend(self) -> float | None:
        """Do what is due; seconds until the next call, None if only after a commit."""

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Waiting:
    received: Received
    chunk: bytes
    done: threading.Event = field(default_factory=threading.Event)
    error: LoghouseError | None = None


class Intake:
    """Takes what was received; counts by protocol for /metrics."""

    def __init__(self, sink: Sink, node: str = "", patience: float = PATIENCE) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._sink = sink
        self._node = node
        self._patience = patience
        self._failing_since: float | None = None
        self._queue: deque[_Waiting] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._closing = False
        self._session = uuid.uuid4().bytes
        self._ends: OrderedDict[tuple[Stream, str], tuple[int, int]] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Received and not durable yet."""
        return self._size

    @property
    def failing_since(self) -> float | None:
        """Since when nothing could be made durable, or nothing gets into the store; by `time.monotonic`."""
        times = [since for since in (self._failing_since, self._sink.failing_since) if since is not None]
        return min(times, default=None)

    def count(self, protocol: str, what: str, number: int = 1) -> None:
        """Add to a counter of /metrics."""
        if number:
            with self._changed:
                self.counts[protocol, what] += number

    def accept(self, protocol: str, received: Received, chunk: bytes = b"") -> None:
        """Return when all records are durable; raises `Busy` or `SpoolFull` when they are not in time.

        `chunk` is what its sender calls it, the same each time it is sent; b'' if it has no name.
        """
        self._count_bad(protocol, received)
        self._accept(protocol, received, chunk)

    def insist(self, protocol: str, received: Received) -> None:
        """As `accept`, for senders that never send again: they are held until there is room.

        Raises `Busy` only when the receiver stops.
        """
        self._count_bad(protocol, received)
        while True:
            try:
                return self._accept(protocol, received, b"")
            except (Busy, SpoolFull):
                with self._changed:
                    if self._closing or self._changed.wait_for(lambda: self._closing, RETRY_WAIT):
                        raise

    def _count_bad(self, protocol: str, received: Received) -> None:
        self.count(protocol, "bad", received.bad)
        self.count(protocol, "truncated", received.truncated)

    def _accept(self, protocol: str, received: Received, chunk: bytes) -> None:
        if not received.pieces and not received.parts:
            return
        waiting = _Waiting(received, chunk_id(chunk) if chunk else b"")
        deadline = time.monotonic() + self._patience
        if not self._put(waiting, deadline, protocol):
            return
        if not waiting.done.wait(max(0.0, deadline - time.monotonic())):
            raise Busy(f"not stored within {self._patience:.0f} s", "The sender tries again by itself")
        if waiting.error:
            raise waiting.error
        self.count(protocol, "records", received.records)
        self.count(protocol, "bytes", received.size)

    def close(self) -> None:
        """Commit what waits, within the patience of senders, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(self._patience)
        self._sink.close()

    def _put(self, waiting: _Waiting, deadline: float, protocol: str) -> bool:
        """Queue it when there is room; False for a chunk that is durable already."""
        size = waiting.received.size
        with self._changed:
            if waiting.chunk and self._sink.knows(waiting.chunk):
                self.counts[protocol, "repeated_chunks"] += 1
                return False
            while self._size and self._size + size > MAX_WAITING and not self._closing:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise Busy("too much waits to be stored", "The sender tries again by itself")
            if self._closing:
                raise Busy("the receiver is stopping", "The sender tries again by itself")
            self._queue.append(waiting)
            self._size += size
            self._changed.notify_all()
        return True

    def _run(self) -> None:
        while group := self._next():
            error: LoghouseError | None = None
            try:
                self._sink.commit(self._grouped(group))
                self._failing_since = None
            except LoghouseError as problem:
                error = problem
                self._note_failure()
                log.error("%s", problem.message)
            except Exception as problem:
                error = Busy(f"cannot store records ({type(problem).__name__})")
                self._note_failure()
                log.exception("cannot store records")
            with self._changed:
                self._size -= sum(waiting.received.size for waiting in group)
                self._changed.notify_all()
            for waiting in group:
                waiting.error = error
                waiting.done.set()

    def _note_failure(self) -> None:
        if self._failing_since is None:
            self._failing_since = time.monotonic()

    def _next(self) -> list[_Waiting]:
        """What goes into the next commit; nothing at the end."""
        while True:
            due = self._tended()
            with self._changed:
                if not self._queue and not self._closing:
                    self._changed.wait(due)
                group: list[_Waiting] = []
                size = 0
                while self._queue and size < MAX_COMMIT:
                    group.append(self._queue.popleft())
                    size += group[-1].received.size
                if group or self._closing:
                    return group

    def _tended(self) -> float | None:
        try:
            return self._sink.tend()
        except Exception:
            self._note_failure()
            log.exception("cannot store records")
            return RETRY_WAIT

    def _grouped(self, waiting: list[_Waiting]) -> Group:
        """One group of what waits; of a chunk that came twice only once."""
        group = Group()
        chunks: dict[bytes, None] = {}
        for each in waiting:
            if each.chunk:
                if each.chunk in chunks or self._sink.knows(each.chunk):
                    continue
                chunks[each.chunk] = None
                group.rows.extend(self._rows_of_chunk(each.received.pieces, each.chunk))
            else:
                group.rows.extend(self._next_row(piece) for piece in each.received.pieces)
            group.parts.extend(each.received.parts)
        group.chunks = [*chunks]
        return group

    def _next_row(self, piece: Piece) -> Row:
        """The piece as the next bytes of its stream. A stream begins anew with each start of the receiver."""
        key = (piece.stream, piece.wrapper)
        source, offset = self._ends.pop(key, (0, 0))
        if not source:
            source = source_of(self._session + uuid.uuid4().bytes, piece)
        self._ends[key] = (source, offset + len(piece.data))
        if len(self._ends) > REMEMBERED_STREAMS:
            self._ends.popitem(last=False)
        return row_of(source, offset, piece, self._node)

    def _rows_of_chunk(self, pieces: list[Piece], chunk: bytes) -> list[Row]:
        """Rows whose identity is the chunk's, so that a chunk sent again has the same."""
        rows: list[Row] = []
        ends: dict[int, int] = {}
        for piece in pieces:
            source = source_of(chunk, piece)
            offset = ends.get(source, 0)
            rows.append(row_of(source, offset, piece, self._node))
            ends[source] = offset + len(piece.data)
        return rows
