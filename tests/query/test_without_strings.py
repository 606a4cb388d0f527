"""A reader that shows no fields of text formats gets the same records without them."""

from dataclasses import replace

import pytest
from query.records import END, NOW, START

from loghouse.query import TimeRange, parse
from loghouse.record import Record
from loghouse.search import Search, find
from loghouse.store.client import Store


def records(store: Store, search: Search) -> list[Record]:
    return [record for page in find(store, search).records() for record in page]


def same(records: list[Record], *, strings: bool) -> list[tuple[object, ...]]:
    return [
        tuple(getattr(record, name) for name in Record.__struct_fields__ if strings or name != "strings")
        for record in records
    ]


@pytest.mark.parametrize(
    "text", ["", "| eval twice = status * 2", '| replace ("a", "b") | limit 7', "| sort by pod"]
)
@pytest.mark.parametrize("limit", [None, 5, 1000])
def test_only_the_strings_are_missing(store: Store, text: str, limit: int | None) -> None:
    search = Search(parse(text), TimeRange(START, END), now_ns=NOW, limit=limit)
    with_strings, without = records(store, search), records(store, replace(search, strings=False))
    assert same(without, strings=False) == same(with_strings, strings=False)
    assert not any(record.strings for record in without)


@pytest.mark.parametrize("limit", [None, 1000])
def test_a_query_that_asks_for_fields_gets_them(store: Store, limit: int | None) -> None:
    search = Search(parse("| fields path, method"), TimeRange(START, END), now_ns=NOW, limit=limit)
    with_strings, without = records(store, search), records(store, replace(search, strings=False))
    assert any("path" in record.strings for record in with_strings)
    assert same(without, strings=True) == same(with_strings, strings=True)
