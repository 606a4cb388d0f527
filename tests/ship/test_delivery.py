"""A batch is stored once, whatever happens to the store; positions move only then."""

import threading
import time
from pathlib import Path

import pytest
from shipping import Following, RecordingStore, Runtime, eventually, ship_once

from loghouse.errors import LoghouseError, StoreError, StoreUnreachable
from loghouse.ship import batch, command, delivery
from loghouse.ship.batch import COLUMNS, Batch, Row
from loghouse.ship.paths import Origin


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_WAIT", 0.001)
    monkeypatch.setattr(delivery, "FIRST_PATIENCE", 0.3)


@pytest.fixture
def app(tmp_path: Path) -> Runtime:
    runtime = Runtime(tmp_path / "pods")
    for number in range(100):
        runtime.write(b"line %d" % number)
    return runtime


def test_columns_are_those_of_the_table() -> None:
    rows = Batch()
    rows.add(Row(Origin("l", namespace="prod", pod="p", restart=3), "cri", 7, 100, 0, b"x\n"))
    columns = rows.columns("node-1")
    assert len(columns) == len(COLUMNS)
    assert dict(zip(COLUMNS, (column[0] for column in columns), strict=True)) == {
        "source_id": 7,
        "offset": 100,
        "span": 0,
        "wrapper": b"cri",
        "namespace": b"prod",
        "pod": b"p",
        "container": b"",
        "node": b"node-1",
        "workload": b"",
        "pod_uid": b"",
        "restart": 3,
        "labels": {},
        "data": b"x\n",
    }


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


def test_only_one_batch_waits_for_a_slow_store(
    tmp_path: Path, app: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MAX_BYTES", 1)
    for number in range(10):
        Runtime(tmp_path / "pods", pod=f"pod-{number}").write(b"x")
    store = RecordingStore()
    go_on = threading.Event()
    alive = []
    made = Batch.__init__

    def count(self: Batch) -> None:
        made(self)
        alive.append(self)

    monkeypatch.setattr(Batch, "__init__", count)
    store.after_insert = lambda: None if go_on.wait(10) else None
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: store.inserts == 1)
        time.sleep(0.2)
        assert len(alive) <= 2
        go_on.set()
        eventually(lambda: len(store.records()) == 110)


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
    assert not again.rows


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


def test_batches_are_smaller_when_many_files_take_the_memory() -> None:
    rows = Batch()
    rows.add(Row(Origin("l"), "cri", 1, 0, 0, bytes(6 << 20)))
    assert not rows.full(files=40)
    assert rows.full(files=100_000)
