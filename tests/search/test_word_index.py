"""The index of words may be small or large: the same answers, and with the large one no record is read."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from logq.stores import LIMIT, Source, environment, wait_for

from loghouse.config import StoreUrl
from loghouse.query import TimeRange, parse
from loghouse.search import Search, find
from loghouse.store.client import Store
from loghouse.store.migrate import migrate
from loghouse.store.word_index import WordIndex, change_sql, word_index

NOW = datetime.now(UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
HOUR = TimeRange(NOW_NS - 3600 * 10**9, NOW_NS)
RECORDS = [
    b"GET /cart 500 in the shop",
    b"nothing to see",
    b'{"message":"get\\nit","status":500}',
    b"a gettext of words",
]
QUERIES = ["get", "-get", "get cart", '"in the shop"', "get*", "message:get", "status=500", "nosuchword"]


@pytest.fixture
def url(store_url: StoreUrl) -> Iterator[StoreUrl]:
    """A database of its own with the records, which have the small index."""
    own = replace(store_url, database="words")
    with Store(own) as store:
        migrate(store)
        Source(own).write(*RECORDS, at=NOW - timedelta(minutes=5))
        yield own
        store.rows("DROP DATABASE words")


def command(url: StoreUrl, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`loghouse migrate` as a process."""
    return subprocess.run(
        [sys.executable, "-m", "loghouse", "migrate", *arguments],
        env=environment(LOGQ_URL=f"clickhouse://{url.host}:{url.port}/{url.database}"),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def answers(store: Store) -> list[list[bytes]]:
    """What each query finds."""
    found = []
    for query in QUERIES:
        pages = find(store, Search(parse(query), HOUR, NOW_NS)).raw()
        found.append(sorted(record for page in pages for record in page))
    return found


def wait_until_indexed(store: Store) -> None:
    """Until what was stored before has the index as well."""
    done = "SELECT min(is_done) FROM system.mutations WHERE database = 'words'"
    wait_for(lambda: store.rows(done) == [(1,)], "the index of what is stored")


def plan(store: Store, query: str) -> str:
    """How ClickHouse answers a query."""
    compiled = find(store, Search(parse(query), HOUR, NOW_NS)).compiled
    return "\n".join(
        line for (line,) in store.rows(f"EXPLAIN {compiled.sql}", compiled.params, compiled.settings)
    )


def test_the_index_is_changed_and_finds_the_same(url: StoreUrl) -> None:
    with Store(url) as store:
        before = answers(store)
        assert [len(found) for found in before] == [2, 2, 1, 1, 3, 2, 1, 0]
        assert word_index(store) is WordIndex.BLOOM
        changed = command(url, "--words", "text")
        assert (changed.returncode, "index text" in changed.stderr) == (0, True)
        assert word_index(store) is WordIndex.TEXT
        wait_until_indexed(store)
        Source(url, pod="web-2", identity=2).write(*RECORDS, at=NOW - timedelta(minutes=4))
        assert answers(store) == [sorted(2 * found) for found in before]
        assert "nothing to apply" in command(url, "--words", "text").stderr
        assert command(url, "--words", "bloom").returncode == 0
        assert word_index(store) is WordIndex.BLOOM
        assert answers(store) == [sorted(2 * found) for found in before]


def test_words_are_counted_without_their_records(url: StoreUrl) -> None:
    with Store(url) as store:
        assert "position(lower(raw)" in plan(store, "e404 | stats count()")
        store.rows(change_sql(WordIndex.TEXT))
        wait_until_indexed(store)
    with Store(url) as store:
        counted = plan(store, "e404 | stats count()")
        assert "__text_index_tokens" in counted
        assert "raw" not in counted


def test_words_of_an_older_store_are_found_before_and_after_their_column_is_filled(url: StoreUrl) -> None:
    kept = "SELECT count() FROM system.parts_columns WHERE active AND database = 'words' AND column = 'words'"
    with Store(url) as store:
        before = answers(store)
        store.rows("DROP VIEW note_fields")
        store.rows("ALTER TABLE logs DROP COLUMN words")
        store.rows("DELETE FROM migrations WHERE name IN ('rollups', 'words', 'fields_of_alike')")
        store.rows("SYSTEM STOP MERGES words.logs")
        assert [migration.name for migration in migrate(store)] == ["rollups", "words", "fields_of_alike"]
        assert store.rows(kept) == [(0,)]
        assert answers(store) == before
        store.rows("SYSTEM START MERGES words.logs")
        wait_for(lambda: store.rows(kept) != [(0,)], "the column in what is stored")
        assert answers(store) == before


def test_an_index_that_there_is_not_changes_nothing(url: StoreUrl) -> None:
    refused = command(url, "--words", "no")
    assert (refused.returncode, "text" in refused.stderr) == (2, True)
    shown = command(url, "--words", "text", "--dry-run")
    assert "ADD INDEX tokens" in shown.stdout
    with Store(url) as store:
        assert word_index(store) is WordIndex.BLOOM
