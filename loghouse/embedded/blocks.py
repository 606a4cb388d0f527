"""Blocks of rows: how they stand in the protocol, and how they stand in the engine's `FORMAT Native`.

They differ in the block info before the first column and, for newer clients, in one byte before each column's
data that says whether it is serialised in an uncommon way (it never is here).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from loghouse.embedded.columns import layout
from loghouse.embedded.revisions import BLOCK_INFO, CUSTOM_SERIALIZATION
from loghouse.embedded.wire import Complete, ProtocolError, Source, Window, string, varint_at
from loghouse.native import varint

MAX_COLUMNS = 10_000
MAX_NAME = 256 << 10  # of a column or of its type
# Field 1: no overflow rows; field 2: no bucket number (-1); end.
NO_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"

Piece = bytes | memoryview


class Column(NamedTuple):
    """Name and type, as bytes: neither has to be UTF-8."""

    name: bytes
    type: bytes


class Block(NamedTuple):
    """A block that a client sent; `pieces` are what the engine reads as `FORMAT Native`, in the window.

    It must be closed before the window is read again.
    """

    columns: list[Column]
    rows: int
    pieces: list[memoryview]

    @property
    def size(self) -> int:
        """Bytes of the pieces."""
        return sum(map(len, self.pieces))

    def close(self) -> None:
        """Let the window have its bytes back."""
        for piece in self.pieces:
            piece.release()


def read_block(window: Window, revision: int) -> Block:
    """Read one block; the window stands behind it afterwards."""
    if revision >= BLOCK_INFO:
        _skip_info(window)
    begin = position = window.start
    count, position = varint_at(window, position)
    rows, position = varint_at(window, position)
    if count > MAX_COLUMNS:
        raise ProtocolError(f"a block of {count} columns; at most {MAX_COLUMNS} are allowed")
    columns = []
    marks = []
    for _ in range(count):
        column, position = _column_at(window, position)
        columns.append(column)
        if revision >= CUSTOM_SERIALIZATION:
            window.ensure(position + 1)
            if window.data[position]:
                raise ProtocolError("a column comes in a serialisation that was not agreed on")
            marks.append(position)
            position += 1
        if rows:
            position = _end(window, position, column, rows)
    window.ensure(position)
    pieces = []
    if rows:
        starts = [begin, *(mark + 1 for mark in marks)]
        with memoryview(window.data) as view:
            pieces = [view[start:stop] for start, stop in zip(starts, [*marks, position], strict=True)]
    window.start = position
    return Block(columns, rows, pieces)


def header(columns: Sequence[Column], revision: int) -> bytes:
    """A block without rows, that tells names and types."""
    mark = b"\x00" if revision >= CUSTOM_SERIALIZATION else b""
    return b"".join(
        (
            NO_INFO if revision >= BLOCK_INFO else b"",
            varint(len(columns)),
            b"\x00",
            *(string(column.name) + string(column.type) + mark for column in columns),
        )
    )


def outgoing(
    native: bytes, single: bool, revision: int, zoned: Callable[[int], bytes]
) -> Iterator[tuple[list[Column], list[Piece]]]:
    """Blocks for a client out of the engine's `FORMAT Native`: their columns, and the pieces to send.

    `single` says that there is one block: then its last column needs no walk, and may be of any type.
    The engine leaves out the time zone in the name of the type DateTime; `zoned` tells it by column number.
    """
    info = NO_INFO if revision >= BLOCK_INFO else b""
    if single and revision < CUSTOM_SERIALIZATION:
        yield [], [info, native]  # an old client can do without the columns
        return
    source = Complete(native)
    view = memoryview(native)
    position = 0
    while position < source.end:
        pieces: list[Piece] = [info]
        columns = []
        begin = position
        count, position = varint_at(source, position)
        rows, position = varint_at(source, position)
        for index in range(count):
            start = position
            column, position = _column_at(source, position)
            if column.type == b"DateTime":
                column = Column(column.name, zoned(index))
                pieces += (view[begin:start], string(column.name) + string(column.type))
                begin = position
            columns.append(column)
            if revision >= CUSTOM_SERIALIZATION:
                pieces += (view[begin:position], b"\x00")
                begin = position
            if single and index == count - 1:
                position = source.end
            elif rows:
                position = _end(source, position, column, rows)
        pieces.append(view[begin:position])
        yield columns, pieces


def _skip_info(window: Window) -> None:
    while field := window.varint():
        if field not in (1, 2):
            raise ProtocolError(f"unknown field {field} in the info of a block")
        window.take(1 if field == 1 else 4)


def _column_at(source: Source, position: int) -> tuple[Column, int]:
    name, position = _name_at(source, position)
    type_name, position = _name_at(source, position)
    return Column(name, type_name), position


def _name_at(source: Source, position: int) -> tuple[bytes, int]:
    size, position = varint_at(source, position)
    if size > MAX_NAME:
        raise ProtocolError(f"a column's name or type of {size} bytes; at most {MAX_NAME} are allowed")
    source.ensure(position + size)
    return bytes(source.data[position : position + size]), position + size


def _end(source: Source, position: int, column: Column, rows: int) -> int:
    walk = layout(column.type.decode("utf-8", "surrogateescape"))
    return walk.body(source, walk.prefix(source, position), rows)
