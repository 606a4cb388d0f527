"""Answers read as whole columns of text, beside those that are read text by text on the same connection."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import pytest

from loghouse.config import StoreUrl
from loghouse.errors import StoreError
from loghouse.native import Coded, Texts, coded, texts_of
from loghouse.store.client import TEXTS, Store

# A number, and of each kind some: empty, short, not UTF-8, longer than two bytes of length, than a buffer.
COLUMNS = (
    "toInt64(number) - 7",
    "if(number % 3, toString(number), '')",
    "concat(unhex('FF00'), repeat('ż', number * 7 % 300))",
    "repeat('long ', if(number = 150, 500000, number % 7))",
)
ROWS = "FROM numbers(200)"
AS_BYTES = {"strings_as_bytes": True, "max_block_size": 64}


@pytest.fixture
def store(store_url: StoreUrl) -> Iterator[Store]:
    with Store(store_url) as store:
        yield store


def rows_of(blocks: Iterator[Sequence[Sequence[Any]]]) -> list[tuple[Any, ...]]:
    return list(chain.from_iterable(zip(*block, strict=True) for block in blocks if block))


def expected(store: Store) -> list[tuple[Any, ...]]:
    return rows_of(store.blocks(f"SELECT {', '.join(COLUMNS)} {ROWS}", {}, AS_BYTES))


@pytest.mark.parametrize("last", ["{}, {}, {}", "tuple({}, {}, {})"], ids=["columns", "tuple"])
def test_whole_columns_hold_what_single_texts_do(store: Store, last: str) -> None:
    number, *texts = COLUMNS
    sql = f"SELECT {number}, {last.format(*texts)} {ROWS}"
    blocks = [block for block in store.blocks(sql, {}, {**TEXTS, "max_block_size": 64}) if block]
    assert len(blocks) > 2
    assert all(isinstance(column, Texts) for block in blocks for column in block[1:])
    assert rows_of(iter(blocks)) == expected(store)
    assert len(rows_of(iter(blocks))) == 200


@pytest.mark.parametrize("different", [1, 3, 300, 70_000])
def test_columns_of_few_texts_are_numbers_of_them(store: Store, different: int) -> None:
    """The numbers are as wide as the number of different texts in a block needs."""
    few = f"toLowCardinality(if(number % {different} = 1, '', concat('ż', toString(number % {different}))))"
    sql = f"SELECT {few}, {few}, toString(number) FROM numbers(70100)"
    whole = {**TEXTS, "max_block_size": 65_536, "preferred_block_size_bytes": 0}
    blocks = [block for block in store.blocks(sql, {}, whole) if block]
    assert all(isinstance(column, Coded) for block in blocks for column in block[:2])
    assert all(len(set(block[0].keys)) == len(block[0].keys) <= different + 1 for block in blocks)
    assert rows_of(iter(blocks)) == rows_of(store.blocks(sql, {}, AS_BYTES))


def test_other_types_come_as_ever(store: Store) -> None:
    sql = (
        "SELECT CAST(toString(number), 'LowCardinality(Nullable(String))'), "
        "nullIf(toString(number + 1), '1'), ['x', toString(number)], (number, 'y') FROM numbers(2)"
    )
    whole = rows_of(store.blocks(sql, {}, TEXTS))
    assert whole == rows_of(store.blocks(sql, {}, AS_BYTES))
    assert whole[0][:2] == (b"0", None)


def test_one_connection_reads_both_ways(store: Store) -> None:
    assert store.rows("SELECT 'text'") == [("text",)]
    assert rows_of(store.blocks("SELECT 'text'", {}, TEXTS)) == [(b"text",)]
    assert rows_of(store.blocks("SELECT 'text' WHERE 0", {}, TEXTS)) == []
    with pytest.raises(StoreError, match="no such column"):
        rows_of(
            store.blocks("SELECT throwIf(number = 150, 'no such column'), 'a' FROM numbers(200)", {}, TEXTS)
        )
    assert store.rows("SELECT 'text'") == [("text",)]
    left = store.blocks(f"SELECT toString(number) {ROWS}", {}, {**TEXTS, "max_block_size": 10})
    next(block for block in left if block)
    left.close()
    assert rows_of(store.blocks("SELECT 'again'", {}, TEXTS)) == [(b"again",)]


def test_columns_are_sequences() -> None:
    texts = [b"", b"one", b"\xff", b"one"]
    for kind in (texts_of, coded):
        column = kind(texts)
        assert (len(column), list(column), column[1], column[-1]) == (4, texts, b"one", b"one")
        assert column[1:3] == [b"one", b"\xff"]
        assert (list(kind([])), len(kind([]))) == ([], 0)
