"""Files into the local store, block by block, and what they hold."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from loghouse.local.pieces import Lines
from loghouse.local.sources import BLOCK, STDIN, Named, opened
from loghouse.ship.partials import Piece
from loghouse.store.client import Store

INSERT_BYTES = 8 << 20
INSERT_PIECES = 20_000
GATHER_SECONDS = 0.1  # how long what comes through a pipe may wait for more
QUIET_SECONDS = 0.02  # a pipe that gives nothing for so long has nothing more for now

_COLUMNS = (
    *("source_id", "offset", "span", "wrapper"),
    *("namespace", "workload", "pod", "container", "pod_uid", "data"),
)


@dataclass(slots=True)
class Loaded:
    """What reading the files has met so far."""

    bytes_read: int = 0  # on disk
    total_bytes: int = 0
    problems: list[str] = field(default_factory=list)


def load(store: Store, files: Sequence[Named], progress: Callable[[Loaded], None]) -> Loaded:
    """Put all files into the store; what could not be read stands in `problems`.

    Holds one block in memory. `progress` is called after each.
    """
    loaded = Loaded(total_bytes=sum(file.size for file in files))
    for number, file in enumerate(files, 1):
        lines = Lines(number)
        batch = _Batch(store, file, lines)
        before = loaded.bytes_read
        for data, position in _blocks(file, loaded):
            batch.add(lines.feed(data, hold=True))
            loaded.bytes_read = before + position
            progress(loaded)
        batch.add(lines.finish())
        batch.send()
        loaded.bytes_read = before + file.size
        if lines.cut:
            loaded.problems.append(f"{file.shown}: {lines.cut} lines were longer than 1 MiB and are cut")
    return loaded


def stream_stdin(store: Store, source: Named) -> Iterator[None]:
    """Put standard input into the store as it comes; each step is a batch, and begins an empty store."""
    lines = Lines(1)
    descriptor = sys.stdin.fileno()
    ended = False
    while not ended:
        data, ended = _gathered(descriptor)
        pieces = lines.feed(data, hold=False) + (lines.finish() if ended else [])
        if pieces:
            store.rows("TRUNCATE TABLE logs")
            batch = _Batch(store, source, lines)
            batch.add(pieces)
            batch.send()
            yield


@dataclass(slots=True)
class _Batch:
    store: Store
    file: Named
    lines: Lines
    pieces: list[Piece] = field(default_factory=list)
    size: int = 0

    def add(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            self.pieces.append(piece)
            self.size += len(piece.data)
        if self.size >= INSERT_BYTES or len(self.pieces) >= INSERT_PIECES:
            self.send()

    def send(self) -> None:
        if not self.pieces:
            return
        origin = self.file.origin
        constants = (origin.namespace, origin.workload, origin.pod, origin.container, origin.pod_uid)
        count = len(self.pieces)
        columns: list[Sequence[object]] = [
            [piece.source for piece in self.pieces],
            [piece.offset for piece in self.pieces],
            [piece.span for piece in self.pieces],
            [(self.lines.wrapper or "plain").encode()] * count,
            *([text.encode(errors="surrogateescape")] * count for text in constants),
            [piece.data for piece in self.pieces],
        ]
        # Equal lines in two files are two records.
        self.store.insert("ingest", _COLUMNS, columns, {"insert_deduplicate": 0})
        self.pieces, self.size = [], 0


def _blocks(file: Named, loaded: Loaded) -> Iterator[tuple[bytes, int]]:
    """The bytes of a file, each block with the place that was reached on disk."""
    if file.path == STDIN:
        read = 0
        while data := os.read(sys.stdin.fileno(), BLOCK):
            read += len(data)
            yield data, read
        return
    with opened(file) as contents:
        while data := contents.read():
            yield data, contents.position()
        if contents.damage:
            loaded.problems.append(f"{file.shown} is damaged and was read up to there ({contents.damage})")


def _gathered(descriptor: int) -> tuple[bytes, bool]:
    """What a pipe gives until it pauses, and whether it has ended; waits for the first byte."""
    parts = [os.read(descriptor, BLOCK)]
    size = len(parts[0])
    deadline = time.monotonic() + GATHER_SECONDS
    while parts[-1] and size < INSERT_BYTES and time.monotonic() < deadline:
        if not select.select([descriptor], [], [], QUIET_SECONDS)[0]:
            break
        parts.append(os.read(descriptor, BLOCK))
        size += len(parts[-1])
    return b"".join(parts), not parts[-1]
