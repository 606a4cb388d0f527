"""A store of the previous version is brought up to date while logs come in, and nothing is lost."""

import threading
import time
from collections.abc import Callable

import pytest
from lines import store_lines

from loghouse.config import StoreUrl
from loghouse.query import TimeRange, compile, parse
from loghouse.store import migrate as migrating
from loghouse.store.client import Store
from loghouse.store.migrate import migrate, migrations, pending

LINES_EACH = 50
AT_LEAST = 5  # inserts before, and after, the upgrade


@pytest.fixture
def previous(own_url: StoreUrl, monkeypatch: pytest.MonkeyPatch) -> StoreUrl:
    """A store without the newest migration."""
    url = StoreUrl(own_url.host, own_url.port, "upgraded")
    with Store(StoreUrl(url.host, url.port, "default")) as outside:
        outside.rows("DROP DATABASE IF EXISTS upgraded SYNC")
    older = migrations()[:-1]
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
            assert [each.version for each in migrate(store)] == [migrations()[-1].version]
            moved.set()
            assert pending(store) == []
        until(lambda: sent[1] >= AT_LEAST)
    finally:
        stop.set()
        sender.join(60)
    with Store(previous) as store:
        ((stored, different),) = store.rows("SELECT count(), uniqExact(raw) FROM logs")
        assert stored == different == sum(sent) * LINES_EACH
        asked = compile(
            parse("* | stats count() as n by namespace"), TimeRange(0, 9 * 10**18), now_ns=9 * 10**18
        )
        assert store.rows(asked.sql, asked.params) == [("prod", stored)]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
