"""A token that does not tell what the store has: what is sent again under it would be lost, or doubled.

The store notes it before it puts the rows in their place, and may die, or its disk may fail, between the two.
"""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from logq.stores import wait_for
from servers import start_embedded, stop
from tracing import tampered

from loghouse.config import StoreUrl
from loghouse.spool import delivery as module
from loghouse.spool.batchfile import read_rows
from loghouse.spool.delivery import Delivery
from loghouse.spool.rows import COLUMNS, Place, Row, packets
from loghouse.spool.sending import TABLE, insert_settings
from loghouse.spool.spool import Spool
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

LIMIT = 60  # seconds on a busy machine
PLACE = Place("cri", "prod", "shop-0", "app", "node-1")
LINES = 1000  # of each of two days, which are parts of their own
DAYS = ("20261120_1_1_0", "20261121_2_2_0")
WHOLE = (2 * LINES,) * 3


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a store that was started again since it has tables: tokens outlive its next restarts."""
    data_dir: Path = tmp_path_factory.mktemp("tables") / "store"
    for _ in range(2):
        process, url = start_embedded(data_dir)
        with Store(url) as store:
            migrate(store)
        stop(process)
    return data_dir


@dataclass
class Scene:
    """A spool with a batch of two days, and the store that gets it."""

    spool: Spool
    data_dir: Path
    process: subprocess.Popen[str]
    url: StoreUrl

    def deliver(self) -> Delivery:
        return Delivery(self.spool, lambda: Store(self.url))

    def written(self, table: str, part: str) -> str:
        """Where a part is written before it is put in its place."""
        sql = (
            "SELECT data_paths[1] FROM system.tables WHERE database = currentDatabase() AND name = {t:String}"
        )
        with Store(self.url) as store:
            return f"{store.rows(sql, {'t': table})[0][0]}tmp_insert_{part}/"

    def tokens(self) -> int:
        """How much the store has noted."""
        return sum(path.stat().st_size for path in self.data_dir.glob("store/*/*/deduplication_logs/*"))

    def start_again(self) -> None:
        """Once the store is dead, at the same address."""
        self.process.wait(LIMIT)
        assert stop(self.process) == -signal.SIGKILL
        self.process, _ = start_embedded(self.data_dir, listen=self.url.address)

    def spool_again(self) -> None:
        """As the next process of the sender does."""
        self.spool.close()
        self.spool = Spool(self.spool.directory)

    def stored(self) -> tuple[object, ...]:
        """Records, different identities, different texts."""
        with Store(self.url) as store:
            return store.rows("SELECT count(), uniqExact(source_id, offset), uniqExact(raw) FROM logs")[0]


@pytest.fixture
def scene(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(module, "_jitter", lambda: 0.002)
    shutil.copytree(tables, tmp_path / "store", symlinks=True)
    stamps = (f"2026-11-{day}T10:00:00.{n:09}Z" for day in (20, 21) for n in range(LINES))
    lines = (f"{stamp} stdout F line {n}\n" for n, stamp in enumerate(stamps))
    spool = Spool(str(tmp_path / "spool"))
    spool.append(Row(PLACE, 7, n * 100, 0, line.encode()) for n, line in enumerate(lines))
    made = Scene(spool, tmp_path / "store", *start_embedded(tmp_path / "store"))
    try:
        yield made
    finally:
        stop(made.process)
        made.spool.close()


@pytest.mark.parametrize(("table", "part"), [("logs", DAYS[0]), ("logs", DAYS[1]), ("streams", "all_1_1_1")])
def test_killed_before_a_part_is_in_its_place(scene: Scene, table: str, part: str) -> None:
    """Of one day, of the other, and of a view behind them."""
    with tampered(scene.process.pid, "signal=KILL", scene.written(table, part)):
        delivery = scene.deliver()
        scene.start_again()
    assert delivery.close(Event(), 0)
    assert scene.stored() == WHOLE


def test_killed_with_its_sender(scene: Scene) -> None:
    """What the sender knew is gone as well."""
    with tampered(scene.process.pid, "signal=KILL", scene.written("logs", DAYS[0])):
        delivery = scene.deliver()
        scene.process.wait(LIMIT)
    delivery.abandon()
    scene.spool_again()
    scene.start_again()
    assert scene.deliver().close(Event(), 0)
    assert scene.stored() == WHOLE


@pytest.mark.slow
def test_a_disk_that_fails_for_a_while(scene: Scene) -> None:
    """Each failure leaves another token whose rows are nowhere."""
    with tampered(scene.process.pid, "error=EIO"):
        delivery = scene.deliver()
        wait_for(lambda: delivery.done.retries >= 8, "retries")
    assert delivery.close(Event(), 0)
    assert scene.stored() == WHOLE


def test_an_insert_that_outlives_its_sender(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is about to put its rows in their place when they are sent again, to a store that is up for long."""
    monkeypatch.setattr(Store, "uptime", lambda _: 3600.0)
    monkeypatch.setattr("loghouse.spool.sending.view_age", lambda _: 3600.0)
    noted = scene.tokens()
    with tampered(scene.process.pid, "delay_enter=1s", scene.written("logs", DAYS[0])):
        delivery = scene.deliver()
        wait_for(lambda: scene.tokens() > noted, "the token")
        delivery.abandon()
        scene.spool_again()
        assert scene.deliver().close(Event(), 0)
    assert scene.stored() == WHOLE
    with Store(scene.url) as store:
        assert store.rows("SELECT sum(records) FROM counts") == [(2 * LINES,)]


def test_a_view_that_is_changed_between_an_insert_and_its_repeat(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration does that. To the tables behind the view the same token is another one then."""
    monkeypatch.setattr(Store, "uptime", lambda _: 3600.0)
    (entry,) = scene.spool.pending()
    with Store(scene.url) as store:
        rows = packets(read_rows(entry.path))
        store.insert_blocks(TABLE, COLUMNS, rows, insert_settings(entry.id))
        parse = "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = 'parse'"
        store.rows(f"ALTER TABLE parse MODIFY QUERY {store.rows(parse)[0][0]}")
    scene.spool_again()
    assert scene.deliver().close(Event(), 0)
    assert scene.stored() == WHOLE
