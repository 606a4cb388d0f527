"""Following files that grow, rotate, vanish and appear."""

import errno
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from shipping import Following, RecordingStore, Runtime, eventually

from loghouse.ship import follow, shipper


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "RESCAN", 0.1)
    monkeypatch.setattr(follow, "PART_TIMEOUT", 0.3)


@pytest.fixture
def app(tmp_path: Path) -> Runtime:
    runtime = Runtime(tmp_path / "pods")
    runtime.write(b"start")
    return runtime


@pytest.fixture
def store(tmp_path: Path, app: Runtime) -> Iterator[RecordingStore]:
    recording = RecordingStore()
    with Following(tmp_path / "pods", tmp_path / "state", recording):
        eventually(lambda: recording.records() == app.written)
        yield recording
    assert Counter(recording.records()) == Counter(app.written)
    assert set(recording.coverage().values()) == {1}


def test_new_lines_arrive_soon(app: Runtime, store: RecordingStore) -> None:
    delays = []
    for number in range(10):
        app.write(b"line %d" % number)
        written = time.monotonic()
        eventually(lambda: store.records() == app.written)
        delays.append(time.monotonic() - written)
    assert sorted(delays)[5] < 0.5


def test_a_line_without_end_waits(app: Runtime, store: RecordingStore) -> None:
    line = app.line(b"slow line")
    app.append(line[:40])
    time.sleep(0.3)
    assert store.records() == app.written
    app.append(line[40:])
    app.written.append(("stdout", b"slow line"))
    eventually(lambda: store.records() == app.written)


def test_rotation_while_watching(app: Runtime, store: RecordingStore) -> None:
    for number in range(30):
        app.write(b"line %d" % number)
        if number % 3 == 0:
            app.rotate(compress=number % 2 == 0)
    eventually(lambda: store.records() == app.written)


def test_double_rotation_between_two_looks(app: Runtime, store: RecordingStore) -> None:
    app.write(b"one")
    app.rotate()
    app.write(b"two")
    app.rotate(compress=True)
    app.write(b"three")
    app.rotate(compress=True)
    app.write(b"four")
    eventually(lambda: store.records() == app.written)


def test_new_pods_and_restarts_are_found(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    other = Runtime(tmp_path / "pods", pod="new-0")
    other.write(b"hello")
    app.restart()
    app.write(b"again")
    app.written.extend(other.written)
    eventually(lambda: Counter(store.records()) == Counter(app.written))
    assert store.records(restart=1) == [("stdout", b"again")]


def test_a_removed_pod_is_read_to_its_end(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    app.write_part(b"last words")
    app.written.append(("stdout", b"last words"))
    file = open(app.path, "ab")  # noqa: SIM115 - the container still has it open
    eventually(lambda: bool(list((tmp_path / "state").iterdir())))
    time.sleep(0.2)
    os.unlink(app.path)
    app.directory.rmdir()
    app.directory.parent.rmdir()
    file.write(app.line(b"from beyond", "stderr"))
    file.close()
    app.written.append(("stderr", b"from beyond"))
    eventually(lambda: Counter(store.records()) == Counter(app.written))


def test_a_file_that_is_replaced_without_a_trace_is_read_to_its_end(
    app: Runtime, store: RecordingStore
) -> None:
    """As Docker rotates with max-file=1."""
    file = open(app.path, "ab")  # noqa: SIM115 - the container still has it open
    os.unlink(app.path)
    file.write(app.line(b"old file"))
    file.close()
    app.written.append(("stdout", b"old file"))
    app.write(b"new file")
    eventually(lambda: store.records() == app.written)


def test_an_emptied_file_is_followed(app: Runtime, store: RecordingStore) -> None:
    for number in range(3):
        os.truncate(app.path, 0)
        app.write(b"after %d" % number)
        eventually(lambda: store.records() == app.written)


def test_parts_without_an_end_are_sent_after_a_while(app: Runtime, store: RecordingStore) -> None:
    app.write_part(b"part")
    app.written.append(("stdout", b"part"))
    eventually(lambda: store.records() == app.written)


def test_a_busy_file_does_not_hold_up_others(tmp_path: Path) -> None:
    busy, app = Runtime(tmp_path / "pods", pod="busy-0"), Runtime(tmp_path / "pods")
    line = busy.line(b"x" * 1000)
    busy.append(line * 30_000)
    app.write(b"fresh")
    store = RecordingStore()
    # Both are there before the shipper looks: nothing depends on who is faster.
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: sum(len(row["data"]) for row in store.inserted) > 30_000 * len(line))
    assert Counter(store.records()) == {("stdout", b"x" * 1000): 30_000, ("stdout", b"fresh"): 1}
    assert next(n for n, row in enumerate(store.inserted) if b"fresh" in row["data"]) < 15


def test_files_that_rest_cost_little(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    for number in range(200):
        quiet = Runtime(tmp_path / "pods", pod=f"quiet-{number}")
        quiet.write(b"once")
        app.written.extend(quiet.written)
    eventually(lambda: len(store.records()) == len(app.written))
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE], ids=["EIO", "ESTALE"])
@pytest.mark.parametrize("calls", [["read"], ["size", "modified"], ["read", "size", "modified"]], ids=str)
def test_a_disk_that_fails_for_a_while(
    tmp_path: Path,
    app: Runtime,
    store: RecordingStore,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    calls: list[str],
) -> None:
    """Whatever it is asked for, as a network file system does whose server was started again."""
    monkeypatch.setattr(shipper, "QUIET", 0.05)
    monkeypatch.setattr(shipper, "LONGEST_LOOK", 0.1)
    failed = []
    other = Runtime(tmp_path / "pods", pod="other-0")
    other.write(b"neighbour")
    app.written.extend(other.written)
    eventually(lambda: len(store.records()) == 2)

    def fail(*_: object) -> bytes:
        failed.append(number)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        for call in calls:
            patch.setattr(f"loghouse.ship.contents.PlainContents.{call}", fail)
        app.write(b"during")
        other.write(b"during, too")
        app.written.append(other.written[-1])
        eventually(lambda: len(failed) > 3)
    eventually(lambda: Counter(store.records()) == Counter(app.written))
