"""The file of a batch: blocks of rows, each with its checksum, and a trailer that shows it is whole.

    magic | block ... | trailer | length and checksum of the trailer | magic

A block is `length, checksum, size of the head, zstd(head), zstd(data of the rows)`; the head is JSON with the
places, the note of the block and, for each row, its place, source, offset, span and size. So a block can be
read when others are damaged. The data is the column that the store is sent, see `loghouse.native`, so nobody
unpacks it on the way. Files of before (`OLD_MAGIC`) have `zstd(size of the head, head, data)` in a block.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any

from loghouse.errors import LoghouseError
from loghouse.native import PackedTexts, Unpackable, compressed, packed_texts, unpacked
from loghouse.spool.rows import Head, Place, Row, columns

MAGIC = b"LHSPOOL2"
OLD_MAGIC = b"LHSPOOL1"
BLOCK_BYTES = 512 << 10  # of row data, before compression
MAX_BLOCK = 256 << 20  # of a length that is damaged this much is believed
_FRAME = struct.Struct("<II")  # length, checksum
_HEAD = struct.Struct("<I")


class Damaged(Exception):
    """The file is not what was written."""


@dataclass(frozen=True, slots=True)
class Trailer:
    """What is known of a batch without reading its rows. `note` belongs to who wrote it, any JSON value."""

    id: str
    written_at: float
    rows: int
    lines: int
    bytes: int
    note: Any = None


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that were written together: what is known of each but its data, and the data.

    `end` is the place in the file after them.
    """

    heads: list[Head]
    data: Sequence[bytes]
    note: Any
    end: int

    @property
    def rows(self) -> list[Row]:
        """The rows. Raises `Damaged`."""
        return [Row(*head, data) for head, data in zip(self.heads, self.unpacked().data, strict=True)]

    def unpacked(self) -> Block:
        """The same with its data unpacked. Raises `Damaged`."""
        try:
            return replace(self, data=list(self.data))
        except Unpackable as error:
            raise Damaged(f"a block cannot be read ({error})") from None

    def columns(self) -> list[Sequence[Any]]:
        """The rows as they are sent, their data as it lies here."""
        return columns(self.heads, self.data)


class BatchWriter:
    """Writes a batch block by block, so that memory holds one block.

    A write that fails (no space) leaves the file as it was before and the rows in memory: call again when
    there may be room, or `drop_unwritten`.
    """

    def __init__(self, path: str, id: str) -> None:
        self.path = path
        self.id = id
        self.rows = 0
        self.lines = 0
        self.bytes = 0
        self.size = 0  # of the file so far
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._block: list[Row] = []
        self._block_bytes = 0

    def add(self, row: Row) -> None:
        """Take a row; nothing is written until `flush`."""
        self._block.append(row)
        self._block_bytes += len(row.data)
        self.rows += 1
        self.lines += row.lines
        self.bytes += len(row.data)

    def flush(self, whole: bool = False) -> None:
        """Write the rows gathered if they make a block, or with `whole` all of them. Raises OSError."""
        if self._block and (whole or self._block_bytes >= BLOCK_BYTES):
            self._write(_framed(_compressed(self._block, None)))
            self._block = []
            self._block_bytes = 0

    def sync(self, note: Any) -> None:
        """Write the rows gathered as one block with a note; returns when they survive a power loss.

        Raises OSError; then none of them is in the file.
        """
        before = self.size
        self._write(_framed(_compressed(self._block, note)))
        try:
            os.fdatasync(self._descriptor)
        except OSError:
            self._cut_back(before)
            raise
        self._block = []
        self._block_bytes = 0

    def drop_unwritten(self) -> None:
        """Forget the rows that `flush` or `sync` could not write."""
        self.rows -= len(self._block)
        self.lines -= sum(row.lines for row in self._block)
        self.bytes -= self._block_bytes
        self._block = []
        self._block_bytes = 0

    def finish(self, note: Any, written_at: float) -> Trailer:
        """Write what is left and the trailer, and wait until the disk has it.

        Raises OSError when there is no space, and can be called again then. When a sync fails nobody knows
        what is on the disk, so that is a `LoghouseError`.
        """
        self.flush(whole=True)
        trailer = Trailer(self.id, written_at, self.rows, self.lines, self.bytes, note)
        self._write(_ending(trailer))
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise LoghouseError(
                f'cannot write "{self.path}" ({error.strerror})', "Look at its disk"
            ) from None
        self.close()
        return trailer

    def close(self) -> None:
        """Release the file; what is in it stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        before = self.size
        view = memoryview(data if before else MAGIC + data)
        try:
            while view:
                written = os.write(self._descriptor, view)
                self.size += written
                view = view[written:]
        except OSError:
            self._cut_back(before)
            raise

    def _cut_back(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        self.size = size


def read_trailer(path: str) -> Trailer:
    """The trailer of a batch. Raises `Damaged` or OSError."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        return _trailer(file.fileno(), size)[0]


def read_rows(path: str, on_damage: Callable[[int], None] | None = None) -> Iterator[Row]:
    """The rows of a batch, a block at a time; see `read_blocks`."""
    for block in read_blocks(path, on_damage):
        yield from block.rows


def read_blocks(path: str, on_damage: Callable[[int], None] | None = None) -> Iterator[Block]:
    """The blocks of a batch. Raises `Damaged` or OSError.

    With `on_damage` the good blocks are read and it is told the number of bytes of the file that are not.
    """
    with open(path, "rb") as file:
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        try:
            end = _trailer(descriptor, size)[1]
        except Damaged:
            if on_damage is None:
                raise
            end = size
        position = len(MAGIC)
        old = os.pread(descriptor, position, 0) == OLD_MAGIC
        while position < end:
            frame = os.pread(descriptor, _FRAME.size, position)
            length, checksum = _FRAME.unpack(frame) if len(frame) == _FRAME.size else (0, 0)
            following = position + _FRAME.size + length
            if not 0 < length <= MAX_BLOCK or following > end:
                if on_damage is None:
                    raise Damaged(f"no block at byte {position}")
                on_damage(end - position)
                return
            try:
                payload = os.pread(descriptor, length, position + _FRAME.size)
                if zlib.crc32(payload) != checksum:
                    raise Damaged("a block is damaged")
                block = _read_block(payload, old, following)
                yield block if on_damage is None else block.unpacked()
            except Damaged:
                if on_damage is None:
                    raise
                on_damage(length)
            position = following


def complete(path: str, id: str, written_at: float) -> tuple[Trailer, int]:
    """Put an end to a file whose writer died: the trailer, and how many bytes were cut off.

    What was synced is kept, with the notes of the blocks as the batch's note. Raises OSError.
    """
    rows: list[int] = []
    lines = size = 0
    end = 0
    notes: list[Any] = []
    torn: list[int] = []
    for block in read_blocks(path, torn.append):
        if torn:
            break
        rows.append(len(block.heads))
        lines += sum(row.lines for row in block.rows)
        size += sum(map(len, block.data))
        notes.append(block.note)
        end = block.end
    trailer = Trailer(id, written_at, sum(rows), lines, size, notes)
    with open(path, "r+b") as file:
        cut = os.fstat(file.fileno()).st_size - end
        file.truncate(end)
        file.seek(end)
        file.write((b"" if end else MAGIC) + _ending(trailer))
        file.flush()
        os.fsync(file.fileno())
    return trailer, cut


def _ending(trailer: Trailer) -> bytes:
    text = json.dumps(asdict(trailer)).encode()
    return text + _FRAME.pack(len(text), zlib.crc32(text)) + MAGIC


def _trailer(descriptor: int, size: int) -> tuple[Trailer, int]:
    """The trailer and where the blocks end."""
    foot_size = _FRAME.size + len(MAGIC)
    foot = os.pread(descriptor, foot_size, max(size - foot_size, 0))
    if not foot.endswith((MAGIC, OLD_MAGIC)):
        raise Damaged("it has no end")
    length, checksum = _FRAME.unpack_from(foot)
    start = size - foot_size - length
    if start < len(MAGIC) or os.pread(descriptor, len(MAGIC), 0) not in (MAGIC, OLD_MAGIC):
        raise Damaged("it has no beginning")
    text = os.pread(descriptor, length, start)
    if zlib.crc32(text) != checksum:
        raise Damaged("its trailer is damaged")
    try:
        return Trailer(**json.loads(text)), start
    except (ValueError, TypeError):
        raise Damaged("its trailer cannot be read") from None


def _compressed(rows: list[Row], note: Any) -> bytes:
    places: dict[Place, int] = {}
    heads = [
        (places.setdefault(row.place, len(places)), row.source, row.offset, row.span, len(row.data))
        for row in rows
    ]
    # ASCII escapes keep names that are not UTF-8: they are lone surrogates here.
    text = json.dumps({"places": list(places), "rows": heads, "note": note}, separators=(",", ":"))
    head = compressed(text.encode())
    return b"".join((_HEAD.pack(len(head)), head, packed_texts([row.data for row in rows]).frame))


def _framed(payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _read_block(payload: bytes, old: bool, end: int) -> Block:
    """Raises `Damaged`."""
    try:
        whole = memoryview(unpacked(payload) if old else payload)
        start = _HEAD.size + _HEAD.unpack_from(whole)[0]
        text = whole[_HEAD.size : start]
        head = json.loads(bytes(text) if old else unpacked(text))
        places = [_place(*place) for place in head["places"]]
        heads = [(places[place], source, offset, span) for place, source, offset, span, _ in head["rows"]]
        sizes = [row[-1] for row in head["rows"]]
        data = _texts(whole[start:], sizes) if old else PackedTexts(whole[start:], sizes)
        return Block(heads, data, head["note"], end)
    except (Unpackable, struct.error, ValueError, LookupError, TypeError) as error:
        raise Damaged(f"a block cannot be read ({error})") from None


def _texts(data: memoryview, sizes: Sequence[int]) -> list[bytes]:
    ends = accumulate(sizes)
    return [bytes(data[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _place(*values: Any) -> Place:
    *names, labels = values
    return Place(*names)._replace(labels=tuple((key, value) for key, value in labels))
