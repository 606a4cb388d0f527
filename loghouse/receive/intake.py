"""From all senders into one place: what is accepted here is durable when `accept` returns.

One thread commits what has gathered while the last commit ran, so that many small senders share one commit.
What carries a chunk id is committed alone under an id made of it: sent again, also after a crash, it is
stored once.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Protocol

from loghouse.errors import LoghouseError
from loghouse.receive.streams import Piece, Received, Stream

log = logging.getLogger("loghouse.receive")

MAX_WAITING = 128 << 20  # bytes that senders have handed over and that are not durable yet
MAX_COMMIT = 16 << 20
PATIENCE = 60.0  # seconds until a sender is told to come again
REMEMBERED_CHUNKS = 100_000
REMEMBERED_STREAMS = 50_000


class Busy(LoghouseError):
    """Not durable within the time a sender waits; it has to send again."""


@dataclass(frozen=True, slots=True)
class Row:
    """A piece with its identity: a row of the ingest table."""

    source: int
    offset: int
    piece: Piece


class Sink(Protocol):
    """Where rows become durable."""

    def commit(self, id: str, rows: list[Row]) -> None:
        """Return when the rows are durable. The same id again is the same rows and changes nothing."""

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Waiting:
    received: Received
    chunk: bytes
    done: threading.Event = field(default_factory=threading.Event)
    error: LoghouseError | None = None


class Intake:
    """Takes what was received; counts by protocol for /metrics."""

    def __init__(self, sink: Sink, patience: float = PATIENCE) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failing_since: float | None = None
        self._sink = sink
        self._patience = patience
        self._queue: deque[_Waiting] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._closing = False
        self._chunks: OrderedDict[bytes, None] = OrderedDict()
        self._session = uuid.uuid4().bytes
        self._ends: OrderedDict[tuple[Stream, str], tuple[int, int]] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        return self._size

    def count(self, protocol: str, what: str, number: int = 1) -> None:
        """Add to a counter of /metrics."""
        if number:
            with self._changed:
                self.counts[protocol, what] += number

    def accept(self, protocol: str, received: Received, chunk: bytes = b"") -> None:
        """Return when all records are durable; raises `Busy` when they are not in time."""
        self.count(protocol, "bad", received.bad)
        self.count(protocol, "truncated", received.truncated)
        if not received.pieces:
            return
        waiting = _Waiting(received, chunk)
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
            if waiting.chunk and waiting.chunk in self._chunks:
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
                self._commit(group)
                self.failing_since = None
            except LoghouseError as problem:
                error = problem
                self.failing_since = self.failing_since or time.monotonic()
                log.error("%s", problem.message)
            except Exception as problem:
                error = Busy(f"cannot store records ({type(problem).__name__})")
                self.failing_since = self.failing_since or time.monotonic()
                log.exception("cannot store records")
            with self._changed:
                for waiting in group:
                    self._size -= waiting.received.size
                    if error is None and waiting.chunk:
                        self._remember(waiting.chunk)
                self._changed.notify_all()
            for waiting in group:
                waiting.error = error
                waiting.done.set()

    def _next(self) -> list[_Waiting]:
        """What goes into the next commit; nothing at the end."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            group: list[_Waiting] = []
            size = 0
            while self._queue and size < MAX_COMMIT:
                if self._queue[0].chunk and group:
                    break
                group.append(self._queue.popleft())
                size += group[-1].received.size
                if group[-1].chunk:
                    break
            return group

    def _commit(self, group: list[_Waiting]) -> None:
        chunk = group[0].chunk
        if chunk and chunk in self._chunks:
            return
        pieces = [piece for waiting in group for piece in waiting.received.pieces]
        if chunk:
            self._sink.commit(hashlib.sha256(chunk).hexdigest()[:32], _of_chunk(pieces, chunk))
        else:
            self._sink.commit(uuid.uuid4().hex, [self._next_row(piece) for piece in pieces])

    def _next_row(self, piece: Piece) -> Row:
        """The piece as the next bytes of its stream. A stream begins anew with each start of the receiver."""
        key = (piece.stream, piece.wrapper)
        source, offset = self._ends.pop(key, (0, 0))
        if not source:
            source = _source(self._session + uuid.uuid4().bytes, key)
        self._ends[key] = (source, offset + len(piece.data))
        if len(self._ends) > REMEMBERED_STREAMS:
            self._ends.popitem(last=False)
        return Row(source, offset, piece)

    def _remember(self, chunk: bytes) -> None:
        self._chunks[chunk] = None
        if len(self._chunks) > REMEMBERED_CHUNKS:
            self._chunks.popitem(last=False)


def _of_chunk(pieces: list[Piece], chunk: bytes) -> list[Row]:
    """Rows whose identity is the chunk's, so that a chunk sent again has the same."""
    rows: list[Row] = []
    ends: dict[int, int] = {}
    for piece in pieces:
        source = _source(chunk, (piece.stream, piece.wrapper))
        offset = ends.get(source, 0)
        rows.append(Row(source, offset, piece))
        ends[source] = offset + len(piece.data)
    return rows


def _source(seed: bytes, key: tuple[Stream, str]) -> int:
    digest = hashlib.blake2b(seed + repr(key).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1
