"""The newest records are found without reading all of them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from loghouse.config import StoreUrl
from loghouse.query import TimeRange, parse
from loghouse.search import Search, find
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

SECONDS = 400_000  # a record each, in two containers, a part for each day
START = 1_790_000_000
WINDOW = TimeRange(START * 10**9, (START + SECONDS) * 10**9)


@pytest.fixture(scope="module")
def store(store_url: StoreUrl) -> Iterator[Store]:
    """A database with more records than a search may read for the newest of them."""
    with Store(replace(store_url, database="newest")) as connection:
        migrate(connection)
        connection.rows(
            "INSERT INTO logs (timestamp, container, format, raw, offset) "
            "SELECT fromUnixTimestamp64Nano(toInt64({start:Int64} + number) * 1000000000, 'UTC'), "
            "if(number % 2 = 0, 'even', 'odd'), 'text', toString(number), number FROM numbers({count:Int64})",
            {"start": START, "count": SECONDS},
            {"max_insert_block_size": SECONDS, "max_partitions_per_insert_block": 0},
        )
        yield connection


@pytest.mark.parametrize("limit", [100, 1000, 5000])
def test_the_newest_are_found_without_reading_all(store: Store, limit: int) -> None:
    found = find(store, Search(parse(""), WINDOW, now_ns=WINDOW.end, limit=limit))
    numbers = [int(raw) for page in found.raw() for raw in page]
    assert numbers == list(range(SECONDS - limit, SECONDS))
    assert found.was_cut
    # How far another thread has come when the newest are found depends on the machine.
    assert store.read_so_far()[0] < SECONDS * 3 / 4


def test_what_a_search_unpacked_is_kept_for_the_next(store: Store) -> None:
    def hits() -> int:
        rows = store.rows("SELECT value FROM system.events WHERE event = 'UncompressedCacheHits'")
        return int(rows[0][0]) if rows else 0

    def search() -> list[bytes]:
        found = find(store, Search(parse(""), WINDOW, now_ns=WINDOW.end, limit=10))
        return [raw for page in found.raw() for raw in page]

    first = search()
    before = hits()
    assert search() == first
    assert hits() > before
