"""A store of the previous version is brought up to date while logs come in, and nothing is lost."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from lines import LABELS, store_lines

from loghouse.config import StoreUrl
from loghouse.errors import OlderTables, StoreError
from loghouse.formats.labels import COLUMN
from loghouse.query import TimeRange, compile, parse
from loghouse.store import migrate as migrating
from loghouse.store.client import Store
from loghouse.store.migrate import Migration, migrate, migrations, pending
from loghouse.web.answers import refusal

LINES_EACH = 50
AT_LEAST = 5  # inserts before, and after, the upgrade


AFTER = 13  # the last migration of the version before: labels were a map with each record


@pytest.fixture
def previous(own_url: StoreUrl, monkeypatch: pytest.MonkeyPatch) -> StoreUrl:
    """A store of the version before."""
    url = StoreUrl(own_url.host, own_url.port, "upgraded")
    with Store(StoreUrl(url.host, url.port, "default")) as outside:
        outside.rows("DROP DATABASE IF EXISTS upgraded SYNC")
    older = [_with_maps(migration) for migration in migrations() if migration.version <= AFTER]
    with monkeypatch.context() as before, Store(url) as store:
        before.setattr(migrating, "migrations", lambda cluster="": older)
        migrate(store)
    return url


def test_an_upgrade_under_load_loses_nothing(previous: StoreUrl) -> None:
    stop, moved = threading.Event(), threading.Event()
    sent = [0, 0]  # inserts before and after the upgrade

    def send() -> None:
        with Store(previous) as store:
            while not stop.is_set():
                number = sum(sent)
                store_lines(store, "prod", [f"insert {number} line {each}" for each in range(LINES_EACH)])
                sent[moved.is_set()] += 1

    sender = threading.Thread(target=send)
    sender.start()
    try:
        until(lambda: sent[0] >= AT_LEAST)
        with Store(previous) as store:
            newer = [each.version for each in migrations() if each.version > AFTER]
            assert [each.version for each in migrate(store)] == newer
            moved.set()
            assert pending(store) == []
        until(lambda: sent[1] >= AT_LEAST)
    finally:
        stop.set()
        sender.join(60)
    ((label, value),) = LABELS.items()
    with Store(previous) as store:
        ((stored, different),) = store.rows("SELECT count(), uniqExact(raw) FROM logs")
        assert stored == different == sum(sent) * LINES_EACH
        for query in (
            "* | stats count() as n by namespace",
            f"~{label} = {value} | stats count() by namespace",
        ):
            asked = compile(parse(query), TimeRange(0, 9 * 10**18), now_ns=9 * 10**18)
            assert store.rows(asked.sql, asked.params) == [("prod", stored)]
        assert store.rows("SELECT labels, count() FROM logs GROUP BY 1") == [(LABELS, stored)]
        assert store.rows("SELECT labels, sum(records) FROM streams GROUP BY 1") == [(LABELS, stored)]


def test_what_is_stored_is_filled_before_a_column_is_dropped(previous: StoreUrl) -> None:
    told: list[str] = []
    with Store(previous) as store:
        store_lines(store, "prod", [f"line {number}" for number in range(200)])
        store.rows("SYSTEM STOP MERGES")
        filling = threading.Timer(0.5, lambda: _store(previous, "while it is filled"))
        filling.start()
        release = threading.Timer(1.5, lambda: _start_merges(previous))
        release.start()
        migrate(store, say=told.append)
        filling.join()
        release.join()
        for table, records in (("logs", "count()"), ("streams", "sum(records)")):
            assert store.rows(f"SELECT labels, {records} FROM {table} GROUP BY 1") == [(LABELS, 201)]
    (text,) = told
    assert re.fullmatch("what is stored is brought up to date: [12] parts of tables to go", text)


def test_a_column_that_cannot_be_filled_is_told(previous: StoreUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "PATIENCE", 0.1)
    with Store(previous) as store:
        store_lines(store, "prod", ["one"])
        store.rows("ALTER TABLE logs ADD COLUMN bad UInt8 DEFAULT throwIf(1, 'no')")
        store.rows("ALTER TABLE logs MATERIALIZE COLUMN bad SETTINGS mutations_sync = 0")
        with pytest.raises(StoreError, match="a new column cannot be filled: .*no") as raised:
            migrate(store)
        assert "loghouse migrate" in raised.value.hint
        assert [each.version for each in pending(store)] == [AFTER + 2]
        store.rows("KILL MUTATION WHERE database = currentDatabase() SYNC")
        store.rows("ALTER TABLE logs DROP COLUMN bad")
        migrate(store)
        assert pending(store) == []


def test_a_search_in_the_tables_of_an_older_version_says_so(previous: StoreUrl) -> None:
    asked = compile(parse("* | limit 1"), TimeRange(0, 9 * 10**18), now_ns=9 * 10**18)
    with Store(previous) as store, pytest.raises(OlderTables) as raised:
        store.rows(asked.sql, asked.params)
    assert "loghouse migrate" in raised.value.hint
    answer = refusal(raised.value)
    assert answer.status == 503
    assert b"loghouse migrate" in answer.body and b"SELECT" not in answer.body


def _store(url: StoreUrl, line: str) -> None:
    with Store(url) as store:
        store_lines(store, "prod", [line])


def _start_merges(url: StoreUrl) -> None:
    with Store(url) as store:
        store.rows("SYSTEM START MERGES")


def _with_maps(migration: Migration) -> Migration:
    """The migration as it was before labels became a text: the view handed on the map."""
    statements = (
        re.sub(
            r"\n *labels_json LowCardinality.*?CODEC\(ZSTD\(1\)\),|\n *CAST\(if\(empty\(labels\).*", "", each
        )
        for each in migration.statements
    )
    return replace(
        migration, statements=tuple(each.replace(f" {COLUMN},", " labels,") for each in statements)
    )


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
