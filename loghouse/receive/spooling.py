"""Received rows into the spool: durable when `commit` returns, many senders for one sync of the disk.

Rows are appended to an open batch, one block for each commit; the block names the chunks and the parts of
records that came with them. The batch is finished when the delivery has nothing to do, or when it is old or
large.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from loghouse.receive.chunks import Chunks
from loghouse.receive.intake import Group
from loghouse.receive.parts import Parts, decoded, encoded
from loghouse.receive.rows import row_of, source_of
from loghouse.receive.streams import Part
from loghouse.spool.batchfile import BatchWriter
from loghouse.spool.delivery import Delivery, IngestStore
from loghouse.spool.entry import Notes
from loghouse.spool.rows import Row
from loghouse.spool.spool import Spool, SpoolFull

log = logging.getLogger("loghouse.receive")

MAX_BYTES = 64 << 20  # planning an insert takes the store 0.12 s whatever its size
MAX_ROWS = 500_000
LINGER = 0.1  # seconds that a row waits for others before they are inserted together
HOLD = 5.0  # the same while the store is busy or away
LOOK = 0.02  # seconds between two looks whether the delivery is idle
PART_TIMEOUT = 5.0  # seconds after which the parts of a record are the record
ROOM_WAIT = 1.0  # seconds that a full spool is waited for


class SpoolSink:
    """Used by one thread, except `knows` and `failing_since`."""

    def __init__(self, spool: Spool, chunks: Chunks, node: str, connect: Callable[[], IngestStore]) -> None:
        """Take up what an earlier process left, and begin to deliver."""
        self._spool = spool
        self._chunks = chunks
        self._node = node
        self._parts = Parts()
        self._writer: BatchWriter | None = None
        self._since = 0.0
        for notes in Notes(spool.pending()).values():
            for note in notes or ():
                self._restore(note or {})
        chunks.sync()
        if self._parts.pending:
            self._keep_parts()
        self.delivery = Delivery(spool, connect)  # only now: a batch that was sent is removed

    @property
    def failing_since(self) -> float | None:
        """Since when the store has taken nothing, by `time.monotonic`."""
        return self.delivery.failing_since

    def knows(self, chunk: bytes) -> bool:
        """Whether the rows of a chunk are durable."""
        return chunk in self._chunks

    def commit(self, group: Group) -> None:
        """Return when the group is durable. Raises `SpoolFull`; then nothing of it is."""
        done = self._parts.add(group.parts, time.monotonic())
        try:
            self._write(group.rows, done, group.chunks, group.parts)
        except SpoolFull:
            self._parts.undo(group.parts)
            raise
        if self._writer and (self._writer.bytes >= MAX_BYTES or self._writer.rows >= MAX_ROWS):
            self._finish()

    def tend(self) -> float | None:
        """Finish the batch when it is time to; seconds until the next call, None when nothing waits."""
        now = time.monotonic()
        try:
            if stale := self._parts.stale(now - PART_TIMEOUT):
                self._write([], stale)
            if self._writer and self._writer.rows:
                age = now - self._since
                if age < HOLD and not (age >= LINGER and self.delivery.idle):
                    return max(LINGER - age, LOOK)
                self._finish()
        except SpoolFull as error:
            log.warning("%s", error)
            return HOLD
        return PART_TIMEOUT if self._parts.pending else None

    def close(self) -> None:
        """Put what is open into the queue."""
        try:
            if self._writer and self._writer.rows:
                self._finish()
        except SpoolFull as error:
            log.warning("%s; the next start goes on with it", error)
        if self._writer:
            self._writer.close()
        self._chunks.close()

    def _write(
        self,
        rows: Iterable[Row],
        done: Iterable[str] = (),
        chunks: Iterable[bytes] = (),
        parts: Iterable[Part] = (),
    ) -> None:
        """One block, durable: rows, the records that are complete now, and what a restart has to know."""
        writer = self._writer or self._begin()
        if not writer.rows:
            self._since = time.monotonic()
        for row in rows:
            writer.add(row)
        for key, piece in self._parts.pieces(done):
            writer.add(row_of(source_of(key.encode(), piece), 0, piece, self._node))
        note = _note(chunks, parts, done)
        try:
            writer.sync(note)
            self._chunks.add(chunks)
        except OSError as error:
            writer.drop_unwritten()
            raise SpoolFull(f"cannot write to the spool ({error.strerror})", "Make room there") from None
        self._parts.remove(done)

    def _begin(self) -> BatchWriter:
        self._writer = self._spool.begin(ROOM_WAIT, survives=True)
        return self._writer

    def _finish(self) -> None:
        """Put the batch into the queue; before that, what waits for parts goes into the next one."""
        finished = self._writer
        assert finished is not None
        begun = self._writer = None
        try:
            if self._parts.pending:
                begun = self._begin()
                begun.sync(_note((), self._parts.pending, ()))
            self._chunks.sync()
            self._spool.commit(finished)
        except (OSError, SpoolFull) as error:
            log.warning("the batch stays open: %s", error)
            if begun is not None:
                self._spool.abort(begun)
            self._writer = finished

    def _keep_parts(self) -> None:
        """The batch they were in may be gone soon."""
        try:
            self._begin().sync(_note((), self._parts.pending, ()))
        except (OSError, SpoolFull) as error:
            log.warning("parts of records are only in memory: %s", error)

    def _restore(self, note: dict[str, Any]) -> None:
        """What a block says of a batch that was open when the process died."""
        self._chunks.add(bytes.fromhex(chunk) for chunk in note.get("chunks", ()))
        self._parts.add(map(decoded, note.get("parts", ())), time.monotonic())
        self._parts.remove(note.get("done", ()))


def _note(chunks: Iterable[bytes], parts: Iterable[Part], done: Iterable[str]) -> dict[str, Any]:
    note = {
        "chunks": [chunk.hex() for chunk in chunks],
        "parts": [encoded(part) for part in parts],
        "done": list(done),
    }
    return {name: values for name, values in note.items() if values}
