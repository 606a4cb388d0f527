"""Against the real store: an insert of many blocks is stored once, and a bad line is found."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from spool_stores import PLACE

from loghouse.config import StoreUrl
from loghouse.errors import StoreError
from loghouse.native import PackedTexts
from loghouse.spool import delivery as module
from loghouse.spool import rows as packing
from loghouse.spool.delivery import Delivery
from loghouse.spool.rows import COLUMNS, Row, packets
from loghouse.spool.sending import TOKEN_TRUSTED, insert_settings
from loghouse.spool.spool import Spool
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture
def url(store_url: StoreUrl) -> StoreUrl:
    url = replace(store_url, database="spool_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    return url


@pytest.fixture
def store(url: StoreUrl) -> Iterator[Store]:
    with Store(url) as store:
        yield store


def lines(source: int, count: int, day: int = 20) -> list[Row]:
    """One line a row, so that a packet of any size can be made."""
    text = [f"2026-11-{day}T10:00:00.{n:09}Z stdout F line {n}\n".encode() for n in range(count)]
    return [Row(PLACE, source, n * 100, 0, line) for n, line in enumerate(text)]


def test_many_blocks_are_one_insert_stored_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PACKET_ROWS", 7)
    rows = lines(1, 100) + lines(2, 100, day=21)
    for _ in range(3):
        store.insert_blocks("ingest", COLUMNS, packets(rows), insert_settings("token-1"))
    assert store.rows("SELECT count(), uniqExact(source_id, offset) FROM logs") == [(200, 200)]
    assert store.rows("SELECT sum(records) FROM counts") == [(200,)]
    parts = (
        "SELECT count() FROM system.parts WHERE active AND table = 'logs' AND database = currentDatabase()"
    )
    assert store.rows(parts) == [(2,)]  # one a day, however many blocks


@pytest.mark.parametrize("compress", [True, False])
def test_a_batch_is_stored_as_it_lies_in_the_spool(
    url: StoreUrl, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: bool
) -> None:
    rows = [
        *lines(1, 300),
        Row(PLACE, 2, 0, 9000, b"2026-11-20T10:00:00.1Z stdout F " + b"long " * 4000 + b"\n"),
    ]
    many = b"".join(each.data for each in lines(3, 5000))
    rows.append(Row(PLACE._replace(namespace="n\udcff", labels=()), 3, 0, 0, many))
    spool = Spool(str(tmp_path))
    spool.append(rows)
    if compress:
        monkeypatch.setattr(PackedTexts, "__iter__", None)  # nobody looks at the texts on the way
    delivery = Delivery(spool, lambda: Store(url, compress=compress), once=True)
    assert delivery.close(Event(), 30)
    delivery.check()
    assert store.rows("SELECT source_id, count(), sum(length) FROM logs GROUP BY 1 ORDER BY 1") == [
        (1, 300, sum(len(each.data) for each in rows[:300])),
        (2, 1, 9000),
        (3, 5000, len(many)),
    ]
    assert store.rows("SELECT DISTINCT raw FROM logs WHERE source_id = 2") == [("long " * 3999 + "long ",)]
    assert store.rows("SELECT uniq(raw), any(labels) FROM logs WHERE source_id = 1") == [
        (300, {"tier": "web"})
    ]


def test_who_only_inserts_does_not_wait_for_a_table_of_all_dates(url: StoreUrl, store: Store) -> None:
    """The driver makes one when it is imported, 0.15 s, unless it is told not to."""
    script = (
        "import sys\n"
        "from loghouse.config import parse_store_url\n"
        "from loghouse.store.client import Store\n"
        "Store(parse_store_url(sys.argv[1])).insert('t', ['a'], [[b'x']], {})\n"
        "from clickhouse_driver.columns import datecolumn\n"
        "assert not datecolumn._date_lut, len(datecolumn._date_lut)\n"
    )
    store.rows("CREATE TABLE t (a String) ENGINE = Memory")
    address = f"clickhouse://{url.host}:{url.port}/{url.database}"
    environment = {name: value for name, value in os.environ.items() if "DATE_LUT" not in name}
    subprocess.run([sys.executable, "-c", script, address], check=True, timeout=60, env=environment)
    assert store.rows("SELECT a FROM t") == [("x",)]


def test_a_broken_off_insert_stores_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PACKET_ROWS", 7)

    def broken() -> Iterator[list[list[object]]]:
        blocks = packets(lines(1, 100))
        yield next(blocks)
        yield next(blocks)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.insert_blocks("ingest", COLUMNS, broken(), insert_settings("token-1"))
    store.insert_blocks("ingest", COLUMNS, packets(lines(1, 100)), insert_settings("token-1"))
    assert store.rows("SELECT count(), uniqExact(source_id, offset) FROM logs") == [(100, 100)]


def test_a_line_that_the_store_refuses_is_quarantined_alone(
    url: StoreUrl, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_jitter", lambda: 0.001)
    store.rows("ALTER TABLE logs ADD CONSTRAINT good CHECK raw != 'line 33'")
    spool = Spool(str(tmp_path / "spool"))
    spool.append(lines(1, 60))
    delivery = Delivery(spool, lambda: Store(url))
    assert delivery.close(Event(), 0)
    assert store.rows("SELECT count(), countIf(raw = 'line 33') FROM logs") == [(59, 0)]
    (kept,) = spool.quarantined.list()
    assert kept.reason.startswith("code 469: ")
    assert spool.counts.quarantined_lines == 1
    spool.close()


def test_rows_are_found_when_the_token_may_be_forgotten(
    url: StoreUrl, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loghouse.spool.lookup.TOKENS_SURE", 1)
    spool = Spool(str(tmp_path / "spool"))
    entry = spool.append(lines(1, 2000))
    assert entry
    store.insert_blocks("ingest", COLUMNS, packets(lines(1, 2000)), insert_settings("another token"))
    spool.close()
    again = Spool(str(tmp_path / "spool"))
    later = entry.trailer.written_at + TOKEN_TRUSTED + 1
    delivery = Delivery(again, lambda: Store(url), clock=lambda: later)
    assert delivery.close(Event(), 0)
    assert delivery.done.found_stored == 1
    assert store.rows("SELECT count() FROM logs") == [(2000,)]
    again.close()


@pytest.mark.parametrize("kept", [(), (20,), (21,), (20, 22), (20, 21, 22)])
def test_of_a_batch_of_several_days_only_those_that_are_missing_are_sent_again(
    url: StoreUrl, store: Store, tmp_path: Path, kept: tuple[int, ...]
) -> None:
    """Days are parts of their own: power that goes between two of them leaves some, and forgets the tokens.

    The batch has rows of one day, rows whose lines are of all, and joined records.
    """
    rows = [line for day in (20, 21, 22) for line in lines(day, 700, day)]
    mixed = b"".join(lines(1, 1, day)[0].data for day in (20, 21, 22, 21, 20, 20, 22))
    rows.append(Row(PLACE, 1, 500, 0, mixed))
    rows += [row._replace(source=2, offset=row.offset * 10, span=777) for row in lines(2, 3, day=21)]
    spool = Spool(str(tmp_path / "spool"))
    entry = spool.append(rows)
    assert entry
    spool.close()
    store.insert_blocks("ingest", COLUMNS, packets(rows), insert_settings("forgotten"))
    for day in {20, 21, 22} - {*kept}:
        store.rows(f"ALTER TABLE logs DROP PARTITION '2026-11-{day}'")
    again = Spool(str(tmp_path / "spool"))
    delivery = Delivery(again, lambda: Restarted(url))
    assert delivery.close(Event(), 0)
    again.close()
    whole = 3 * 700 + 7 + 3
    assert store.rows("SELECT count(), uniqExact(source_id, offset) FROM logs") == [(whole, whole)]
    assert delivery.done.found_stored == (len(kept) == 3)


@pytest.mark.parametrize(
    ("stored_before", "ahead"),
    [
        *((0, ahead) for ahead in (-10 * 365 * 86400, -7200, 7200, 10 * 365 * 86400)),
        *((7200, ahead) for ahead in (-10 * 365 * 86400, 0, 7200, 10 * 365 * 86400)),
    ],
)
def test_a_wrong_clock_makes_nothing_double(
    url: StoreUrl, store: Store, tmp_path: Path, ahead: int, stored_before: int
) -> None:
    """Half of a batch is there, for some time; the rest comes, however the sender's clock jumped."""
    spool = Spool(str(tmp_path / "spool"))
    assert spool.append(lines(1, 200))
    spool.close()
    store.insert_blocks("ingest", COLUMNS, packets(lines(1, 200)[:100]), insert_settings("forgotten"))
    shift = f"ALTER TABLE logs UPDATE inserted_at = inserted_at - {stored_before} WHERE 1"
    store.rows(f"{shift} SETTINGS mutations_sync = 2")
    again = Spool(str(tmp_path / "spool"))
    delivery = Delivery(again, lambda: Restarted(url), clock=lambda: time.time() + stored_before + ahead)
    assert delivery.close(Event(), 0)
    again.close()
    assert store.rows("SELECT count(), uniqExact(source_id, offset) FROM logs") == [(200, 200)]


class Restarted(Store):
    """A store that was started again after the batch was sent."""

    def uptime(self) -> float:
        return -1.0


def test_a_view_that_failed_gets_its_rows_by_the_same_token(store: Store) -> None:
    store.rows("ALTER TABLE counts ADD CONSTRAINT never CHECK records < 0")
    for _ in range(2):
        with pytest.raises(StoreError):
            store.insert_blocks("ingest", COLUMNS, packets(lines(1, 100)), insert_settings("token-1"))
    assert store.rows("SELECT (SELECT count() FROM logs), (SELECT sum(records) FROM counts)") == [(100, 0)]
    store.rows("ALTER TABLE counts DROP CONSTRAINT never")
    for _ in range(2):
        store.insert_blocks("ingest", COLUMNS, packets(lines(1, 100)), insert_settings("token-1"))
    assert store.rows("SELECT (SELECT count() FROM logs), (SELECT sum(records) FROM counts)") == [(100, 100)]
