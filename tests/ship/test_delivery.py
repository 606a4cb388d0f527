"""A batch is stored once, whatever happens to the store; positions move only then."""

import errno
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from shipping import Following, RecordingStore, Runtime, eventually, ship_once

from loghouse.errors import LoghouseError, StoreError, StoreUnreachable
from loghouse.ship import batch, command, shipper
from loghouse.spool import delivery, spool
from loghouse.spool.batchfile import BatchWriter, Damaged, read_trailer


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_jitter", lambda: 0.001)
    monkeypatch.setattr(delivery, "FIRST_PATIENCE", 0.3)


@pytest.fixture
def app(tmp_path: Path) -> Runtime:
    runtime = Runtime(tmp_path / "pods")
    for number in range(100):
        runtime.write(b"line %d" % number)
    return runtime


@pytest.mark.parametrize("fault", ["refuse", "lose", StoreError("too many parts", code=252)])
def test_a_failed_insert_is_repeated_as_it_was(tmp_path: Path, app: Runtime, fault: str | Exception) -> None:
    store = RecordingStore([fault, fault, None])
    summary = ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records() == app.written
    assert (store.inserts, summary.retries, summary.batches) == (3, 2, 1)
    assert summary.complete


def test_a_store_that_never_answers_ends_a_run_with_an_end(tmp_path: Path, app: Runtime) -> None:
    store = RecordingStore(["refuse"] * 1000)
    started = time.monotonic()
    with pytest.raises(StoreUnreachable):
        ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert time.monotonic() - started < 5
    store.faults = []
    ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records() == app.written


def test_an_error_that_time_does_not_heal_ends_a_run_with_an_end(tmp_path: Path, app: Runtime) -> None:
    store = RecordingStore([StoreError("no such table", code=60)])
    with pytest.raises(StoreError, match="no such table"):
        ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.inserts == 1
    ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records() == app.written


def test_an_error_nobody_thought_of_does_not_hang(tmp_path: Path, app: Runtime) -> None:
    store = RecordingStore([ZeroDivisionError("a bug")])
    with pytest.raises(ZeroDivisionError):
        ship_once(tmp_path / "pods", tmp_path / "state", store)


def test_following_waits_for_the_store_to_come_back(tmp_path: Path, app: Runtime) -> None:
    store = RecordingStore(["refuse", StoreError("no such table", code=60), "lose"])
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: store.records() == app.written)
        app.write(b"later")
        eventually(lambda: store.records() == app.written)


def test_batches_are_bounded(tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_BYTES", 1)
    for number in range(4):
        other = Runtime(tmp_path / "pods", pod=f"pod-{number}")
        other.write(b"x")
    store = RecordingStore(["refuse", None, "lose"])
    summary = ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert summary.batches == 5
    assert len(store.records()) == 104


def test_a_store_that_is_away_does_not_stop_the_reading(
    tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read goes to the disk, and survives the shipper and the files."""
    monkeypatch.setattr(shipper, "HOLD", 0.0)
    store = RecordingStore(["refuse"] * 100_000)
    with Following(tmp_path / "pods", tmp_path / "state", store):
        for number in range(5):
            app.write(b"later %d" % number)
            eventually(lambda lines=101 + number: spooled(tmp_path) >= lines)
    assert not store.inserted
    shutil.rmtree(tmp_path / "pods")
    (tmp_path / "pods").mkdir()
    store.faults = []
    summary = ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records() == app.written
    assert (summary.lines, summary.files) == (105, 0)


def spooled(tmp_path: Path) -> int:
    """Lines in batches of the spool."""
    lines = 0
    for path in (tmp_path / "state" / "spool").glob("*.batch"):
        with suppress(FileNotFoundError, Damaged):
            lines += read_trailer(str(path)).lines
    return lines


def test_a_full_spool_stops_the_reading_until_there_is_room(
    tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(batch, "MAX_BYTES", 1)
    monkeypatch.setattr(spool, "LIMIT", 300)
    monkeypatch.setattr(shipper, "FULL_WAIT", 0.001)
    for number in range(10):
        Runtime(tmp_path / "pods", pod=f"pod-{number}").write(b"x")
    store = RecordingStore(["refuse"] * 100_000)
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: "reading waits: the spool is full" in caplog.text)
        assert 0 < spooled(tmp_path) < 110
        store.faults = []
        eventually(lambda: len(store.records()) == 110)
    assert "reading goes on" in caplog.text


def test_a_full_disk_stops_the_reading_until_there_is_room(
    tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shipper, "FULL_WAIT", 0.001)
    full = threading.Event()
    write = BatchWriter._write

    def refuse(writer: BatchWriter, data: bytes) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(writer, data)

    monkeypatch.setattr(BatchWriter, "_write", refuse)
    store = RecordingStore()
    full.set()
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: "reading waits: " in caplog.text)
        app.write(b"meanwhile")
        full.clear()
        eventually(lambda: store.records() == app.written)


def test_nothing_is_doubled_when_the_journal_does_not_have_what_the_spool_has(
    tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RecordingStore(["refuse"] * 100_000)
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "FIRST_PATIENCE", 0.0)
        patch.setattr("loghouse.ship.offsets.Offsets.commit", lambda *_: None)
        with pytest.raises(StoreUnreachable):
            ship_once(tmp_path / "pods", tmp_path / "state", store)
    app.write(b"more")
    store.faults = []
    ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records() == app.written


def test_stop_finishes_what_was_read(tmp_path: Path, app: Runtime) -> None:
    store = RecordingStore()
    with Following(tmp_path / "pods", tmp_path / "state", store) as following:
        eventually(lambda: store.inserts > 0)
        app.write(b"last")
        eventually(lambda: store.records() == app.written)
    assert following.summary
    assert following.summary.complete
    assert following.summary.interrupted
    again = RecordingStore()
    ship_once(tmp_path / "pods", tmp_path / "state", again)
    assert not again.inserted


def test_stop_does_not_wait_for_a_store_that_is_away(
    tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "STOP_DEADLINE", 0.2)
    store = RecordingStore(["refuse"] * 100_000)
    with Following(tmp_path / "pods", tmp_path / "state", store) as following:
        eventually(lambda: store.inserts > 2)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert following.summary
    assert not following.summary.complete
    store.faults = []
    ship_once(tmp_path / "pods", tmp_path / "state", store)
    assert store.records() == app.written


def test_a_second_shipper_is_refused(tmp_path: Path, app: Runtime) -> None:
    store = RecordingStore()
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: store.inserts > 0)
        with pytest.raises(LoghouseError, match="another"):
            ship_once(tmp_path / "pods", tmp_path / "state", store)
