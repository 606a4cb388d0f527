"""What a tail reads: every record once, whatever is merged meanwhile and wherever reading breaks off."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from logq.stores import Source
from msgspec.structs import replace
from servers import start_embedded, stop

from loghouse.blocks import Part
from loghouse.config import StoreUrl
from loghouse.errors import StoreUnreachable
from loghouse.query import Live, parse
from loghouse.store.client import Columns, Store
from loghouse.store.migrate import migrate
from loghouse.store.records import SELECT_RECORD, records_of
from loghouse.tail import Tail, parts_of

ALL = Live(parse(""), now_ns=0)


class Breaking(Store):
    """A store whose connection breaks before a block."""

    breaks_before: int | None = None

    def blocks(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> Generator[Columns, None, None]:
        for number, block in enumerate(super().blocks(sql, params, settings)):
            if number == self.breaks_before:
                self.breaks_before = None
                raise StoreUnreachable("gone", "")
            yield block


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreUrl]:
    process, url = start_embedded(Path(tmp_path_factory.mktemp("tail")) / "store")
    try:
        with Store(url) as store:
            migrate(store)
        yield url
    finally:
        stop(process)


@pytest.fixture
def store(url: StoreUrl) -> Iterator[Breaking]:
    with Breaking(url) as store:
        store.rows("TRUNCATE TABLE logs")
        yield store


class Writer:
    """Lines of one container, a second apart."""

    def __init__(self, url: StoreUrl) -> None:
        self._source = Source(url)
        self._at = datetime.now(UTC).replace(microsecond=0)

    def write(self, *lines: bytes) -> None:
        times = [self._at + timedelta(seconds=number) for number in range(len(lines))]
        self._source.write(*lines, at=times)
        self._at = times[-1] + timedelta(seconds=1)


def texts(tail: Tail) -> list[str]:
    return [str(record.raw) for page in tail.news() for record in page]


def test_what_is_stored_before_the_start_is_old(store: Breaking, url: StoreUrl) -> None:
    source = Writer(url)
    source.write(b"old")
    tail = Tail(store, ALL)
    tail.start()
    source.write(b"new")
    assert texts(tail) == ["new"]
    assert texts(tail) == []


def test_a_tail_of_messages_leaves_out_only_the_text_fields(store: Breaking, url: StoreUrl) -> None:
    tails = [Tail(store, Live(parse("user:anna"), now_ns=0, strings=strings)) for strings in (True, False)]
    for tail in tails:
        tail.start()
    Writer(url).write(b"login user=anna ms=12", b"login user=ben ms=3")
    (whole,), (message,) = ([record for page in tail.news() for record in page] for tail in tails)
    assert whole.strings == {"user": "anna", "ms": "12"}
    assert message == replace(whole, strings={})


def test_a_merge_of_old_and_new_gives_the_new_alone(store: Breaking, url: StoreUrl) -> None:
    source = Writer(url)
    source.write(b"old")
    tail = Tail(store, ALL)
    tail.start()
    source.write(b"one")
    assert texts(tail) == ["one"]
    source.write(b"two")
    source.write(b"three")
    store.rows("OPTIMIZE TABLE logs FINAL")
    assert texts(tail) == ["two", "three"]
    store.rows("OPTIMIZE TABLE logs FINAL SETTINGS optimize_skip_merged_partitions = 0")
    assert texts(tail) == []


def test_a_merge_between_the_list_of_parts_and_the_reading_hides_nothing(
    store: Breaking, url: StoreUrl
) -> None:
    source = Writer(url)

    def parts() -> frozenset[Part]:
        listed = parts_of(store)
        store.rows("OPTIMIZE TABLE logs FINAL")
        return listed

    tail = Tail(store, ALL, parts=parts)
    tail.start()
    for line in (b"one", b"two", b"three"):
        source.write(line)
        assert texts(tail) == [line.decode()]
    source.write(b"four")
    source.write(b"five")
    assert texts(tail) == ["four", "five"]


def test_records_of_a_search_after_the_start_are_not_given_again(store: Breaking, url: StoreUrl) -> None:
    source = Writer(url)
    tail = Tail(store, ALL)
    tail.start()
    source.write(b"found by a search")
    tail.skip(
        [
            record
            for block in store.blocks(f"SELECT {SELECT_RECORD} FROM logs")
            for record in records_of(block)
        ]
    )
    source.write(b"new")
    assert texts(tail) == ["new"]


@pytest.mark.parametrize("merged", [False, True])
def test_a_broken_poll_is_finished_by_the_next_ones(
    store: Breaking, url: StoreUrl, merged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loghouse.tail.PAGE_ROWS", 8)
    source = Writer(url)
    tail = Tail(store, ALL)
    tail.start()
    lines = [b"line %03d" % number for number in range(60)]
    source.write(*lines[:40])
    got: list[str] = []
    store.breaks_before = 3
    with pytest.raises(StoreUnreachable):
        _collect(tail, got)
    assert 0 < len(got) < 40
    source.write(*lines[40:])
    if merged:
        store.rows("OPTIMIZE TABLE logs FINAL")
    store.breaks_before = 1
    with pytest.raises(StoreUnreachable):
        _collect(tail, got)
    while len(got) < 60:
        before = len(got)
        _collect(tail, got)
        assert len(got) > before
    assert got == [line.decode() for line in lines]
    assert texts(tail) == []


def _collect(tail: Tail, into: list[str]) -> None:
    for page in tail.news():
        into.extend(str(record.raw) for record in page)
