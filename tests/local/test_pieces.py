"""Bytes of a file become whole lines, however they are cut into reads."""

import random

import pytest

from loghouse.local.pieces import MAX_LINE, Lines
from loghouse.ship.partials import Piece

PLAIN = b"".join(
    b"2026-08-01T10:00:%02dZ line %d\n%s" % (number % 60, number, b"  at Foo\n" * (number % 3))
    for number in range(400)
)
CRI = b"".join(b"2026-08-01T10:00:00.%09dZ stdout F line %d\n" % (number, number) for number in range(400))


def fed(lines: Lines, data: bytes, size: int, hold: bool) -> list[Piece]:
    """All pieces of data that comes `size` bytes at a time."""
    pieces = [
        piece for start in range(0, len(data), size) for piece in lines.feed(data[start : start + size], hold)
    ]
    return pieces + lines.finish()


@pytest.mark.parametrize("data", [PLAIN, CRI, PLAIN[:-1], b"one", b"", b"\n\n"])
@pytest.mark.parametrize("hold", [True, False])
def test_every_byte_comes_once_and_in_order(data: bytes, hold: bool) -> None:
    for size in (1, 7, 64, 5000, 1 << 20):
        pieces = fed(Lines(1), data, size, hold)
        joined = b"".join(piece.data for piece in pieces)
        assert joined == (data if data.endswith(b"\n") or not data else data + b"\n")
        offset = 0
        for piece in pieces:
            assert piece.offset == offset
            assert piece.data.endswith(b"\n")
            offset += len(piece.data)


def test_the_lines_after_a_record_stay_with_it() -> None:
    for size in random.Random(7).sample(range(50, 3000), 40):
        for piece in fed(Lines(1), PLAIN, size, hold=True):
            assert piece.data.startswith(b"2026-08-01T")


def test_parts_of_a_record_are_joined() -> None:
    data = (
        b"2026-08-01T10:00:00.000000001Z stdout P first \n"
        b"2026-08-01T10:00:00.000000002Z stderr F between\n"
        b"2026-08-01T10:00:00.000000003Z stdout F last\n"
    )
    pieces = fed(Lines(1), data, 10, hold=False)
    assert [piece.data.split(b" ", 3)[3] for piece in pieces] == [b"between\n", b"first last\n"]
    assert [piece.span > 0 for piece in pieces] == [False, True]


@pytest.mark.parametrize("size", [1000, 1 << 18, 1 << 20])
def test_a_line_without_end_is_cut_and_the_next_is_whole(size: int) -> None:
    lines = Lines(1)
    data = b"short\n" + b"x" * (3 * MAX_LINE) + b"\nnext\n"
    pieces = fed(lines, data, size, hold=False)
    found = [line for piece in pieces for line in piece.data.splitlines()]
    assert [len(line) for line in found] == [5, MAX_LINE, 4]
    assert lines.cut == 1
