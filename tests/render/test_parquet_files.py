"""How blocks of columns become groups of rows in a Parquet file."""

import io
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet
import pytest

from loghouse.errors import UsageError
from loghouse.native import Coded, coded, texts_of
from loghouse.render import parquet
from loghouse.render.parquet import ParquetFile

NAMES = ("timestamp", "pod", "level", "message")


def block(number: int, pods: Sequence[str], size: int = 10) -> list[Any]:
    """A row for each pod, with a message of so many bytes."""
    rows = range(len(pods))
    levels = [(b"info", b"error")[row % 2] for row in rows]
    messages = [f"{number}-{row} ".encode().ljust(size, b"x") for row in rows]
    return [
        [number * 1_000_000_000 + row for row in rows],
        coded(pod.encode() for pod in pods),
        coded(levels),
        texts_of(messages),
    ]


def written(*blocks: list[Any], names: Sequence[str] = NAMES) -> pyarrow.parquet.ParquetFile:
    out = io.BytesIO()
    with ParquetFile(out, names) as file:
        for each in blocks:
            assert file.write(each) == len(each[0])
    return pyarrow.parquet.ParquetFile(io.BytesIO(out.getvalue()))


def sizes(file: pyarrow.parquet.ParquetFile) -> list[int]:
    return [file.metadata.row_group(place).num_rows for place in range(file.metadata.num_row_groups)]


def test_blocks_of_other_pods_stand_in_one_group() -> None:
    file = written(block(0, ["a", "a", "b"]), block(1, ["c", "c"]), block(2, ["b", 'ż"\\', "a"]))
    rows = file.read().to_pylist()
    assert [row["pod"] for row in rows] == ["a", "a", "b", "c", "c", "b", 'ż"\\', "a"]
    assert [row["level"] for row in rows] == [
        *("info", "error", "info"),
        *("info", "error"),
        *("info", "error", "info"),
    ]
    assert [row["message"].split()[0] for row in rows] == [
        "0-0",
        "0-1",
        "0-2",
        "1-0",
        "1-1",
        "2-0",
        "2-1",
        "2-2",
    ]
    assert sizes(file) == [8]


def test_a_group_is_no_larger_than_a_block_or_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1_000_000)
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2_500)
    small = [block(number, ["a"] * 1_000) for number in range(4)]
    assert sizes(written(*small)) == [2_000, 2_000]
    large = [block(number, ["a"] * 1_000, size=400) for number in range(4)]
    assert sizes(written(*large)) == [2_000, 2_000]
    larger = [block(number, ["a"] * 1_000, size=2_000) for number in range(3)]
    assert sizes(written(*larger, *small)) == [1_000, 1_000, 1_000, 2_000, 2_000]


def test_text_that_is_not_utf_8_is_replaced() -> None:
    names, halves = ("message", "raw"), [b"\xc5", b"\xbc", "ż".encode()]
    rows = written([texts_of(halves), texts_of(halves)], names=names).read().to_pylist()
    assert [row["message"] for row in rows] == ["\ufffd", "\ufffd", "ż"]
    assert [row["raw"] for row in rows] == halves


@pytest.mark.parametrize("width", [1, 2, 4])
def test_numbers_of_texts_may_have_any_width(width: int) -> None:
    column = Coded([b"a", b"b", b"c"], b"".join(n.to_bytes(width, "little") for n in (2, 0, 2, 1)), width)
    rows = written([column, column], names=("pod", "level")).read().to_pylist()
    assert [row["pod"] for row in rows] == ["c", "a", "c", "b"]


def test_repeated_text_that_is_not_utf_8_is_replaced() -> None:
    pods = coded([b"a", b"\xc5", b"\xff", "ż".encode(), b"\xc5"])
    rows = written([pods], names=("pod",)).read().to_pylist()
    assert [row["pod"] for row in rows] == ["a", "\ufffd", "\ufffd", "ż", "\ufffd"]


def test_what_arrow_cannot_count_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MOST_TEXT", 29)
    with pytest.raises(UsageError, match="3 records together are too long"):
        written([texts_of([b"x" * 10] * 3)], names=("message",))
