"""Files into the local store, block by block, and what they hold."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeAlias

from loghouse.local.pieces import Lines
from loghouse.local.sources import BLOCK, STDIN, Named, opened, wait_readable
from loghouse.local.tables import PIECES, cut_sql
from loghouse.ship.partials import Piece
from loghouse.store.client import Store

BLOCK_BYTES = 4 << 20
BLOCK_PIECES = 20_000
ROUND_BYTES = 16 << 20  # of whole lines that wait in memory to be cut
GATHER_SECONDS = 0.1  # how long what comes through a pipe may wait for more
QUIET_SECONDS = 0.02  # a pipe that gives nothing for so long has nothing more for now

_COLUMNS = (
    *("source_id", "offset", "span", "wrapper"),
    *("namespace", "workload", "pod", "container", "pod_uid", "data"),
)

Block: TypeAlias = list[Sequence[Any]]  # the columns of `_COLUMNS`


@dataclass(slots=True)
class Loaded:
    """What reading the files has met so far."""

    bytes_read: int = 0  # on disk
    total_bytes: int = 0
    problems: list[str] = field(default_factory=list)


def load(store: Store, files: Sequence[Named], zone: str, progress: Callable[[Loaded], None]) -> Loaded:
    """Put all files into the store; what could not be read stands in `problems`.

    Times that name no zone are of `zone`, as IANA calls it. Holds one round of blocks in memory; `progress`
    is called after each block.
    """
    loaded = Loaded(total_bytes=sum(file.size for file in files))
    blocks = _blocks(files, loaded, progress)
    for first in blocks:
        _store_lines(store, _one_round(first, blocks), zone)
    return loaded


def stream_stdin(store: Store, source: Named, zone: str) -> Iterator[None]:
    """Put standard input into the store as it comes; each step is a batch, and begins an empty store."""
    lines = Lines(1)
    descriptor = sys.stdin.fileno()
    ended = False
    while not ended:
        data, ended = _gathered(descriptor)
        pieces = lines.feed(data, hold=False) + (lines.finish() if ended else [])
        if pieces:
            store.rows("TRUNCATE TABLE lines")
            _store_lines(store, [_block(source, lines, pieces)], zone)
            yield


def _store_lines(store: Store, blocks: Iterable[Block], zone: str) -> None:
    """A round: in from the files by one thread, then cut into lines by all of them.

    A view that cuts each block as it comes would take four times as long, and one thread.
    """
    store.insert_blocks(PIECES, _COLUMNS, blocks, {})
    store.rows(cut_sql(zone, datetime.now(UTC).year), settings={"max_insert_threads": os.cpu_count() or 1})
    store.rows(f"TRUNCATE TABLE {PIECES}")


def _one_round(first: Block, following: Iterator[Block]) -> Iterator[Block]:
    size = 0
    for block in chain([first], following):
        yield block
        size += sum(map(len, block[-1]))
        if size >= ROUND_BYTES:
            return


def _blocks(files: Sequence[Named], loaded: Loaded, progress: Callable[[Loaded], None]) -> Iterator[Block]:
    """The lines of all files as blocks of pieces; what is met on the way is noted in `loaded`."""
    for number, file in enumerate(files, 1):
        lines = Lines(number)
        before, size = loaded.bytes_read, 0
        waiting: list[Piece] = []
        for data, position in _contents(file, loaded):
            pieces = lines.feed(data, hold=True)
            waiting += pieces
            size += sum(len(piece.data) for piece in pieces)
            if size >= BLOCK_BYTES or len(waiting) >= BLOCK_PIECES:
                yield _block(file, lines, waiting)
                waiting, size = [], 0
            loaded.bytes_read = before + position
            progress(loaded)
        waiting += lines.finish()
        if waiting:
            yield _block(file, lines, waiting)
        loaded.bytes_read = before + file.size
        if lines.cut:
            loaded.problems.append(f"{file.shown}: {lines.cut} lines were longer than 1 MiB and are cut")


def _block(file: Named, lines: Lines, pieces: Sequence[Piece]) -> Block:
    """The columns of `_COLUMNS`."""
    origin = file.origin
    constants = (origin.namespace, origin.workload, origin.pod, origin.container, origin.pod_uid)
    return [
        [piece.source for piece in pieces],
        [piece.offset for piece in pieces],
        [piece.span for piece in pieces],
        [(lines.wrapper or "plain").encode()] * len(pieces),
        *([text.encode(errors="surrogateescape")] * len(pieces) for text in constants),
        [piece.data for piece in pieces],
    ]


def _contents(file: Named, loaded: Loaded) -> Iterator[tuple[bytes, int]]:
    """The bytes of a file, each piece with the place that was reached on disk."""
    if file.path == STDIN:
        read = 0
        while data := _awaited(sys.stdin.fileno()):
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
    parts = [_awaited(descriptor)]
    size = len(parts[0])
    deadline = time.monotonic() + GATHER_SECONDS
    while parts[-1] and size < BLOCK_BYTES and time.monotonic() < deadline:
        if not select.select([descriptor], [], [], QUIET_SECONDS)[0]:
            break
        parts.append(os.read(descriptor, BLOCK))
        size += len(parts[-1])
    return b"".join(parts), not parts[-1]


def _awaited(descriptor: int) -> bytes:
    wait_readable(descriptor)
    return os.read(descriptor, BLOCK)
