"""Events of several lines in files: across rotation, runs and restarts, each line once."""

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from shipping import Following, RecordingStore, Runtime, eventually, ship_once

from loghouse.errors import UsageError
from loghouse.ship import follow, segment, shipper
from loghouse.ship.reading import Reading

TRACE = [b"ERROR no price", b"ValueError: x", b"\tat a", b"\tat b"]


@pytest.fixture
def app(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path / "pods")


@pytest.fixture
def store() -> RecordingStore:
    return RecordingStore()


@pytest.fixture
def following(
    tmp_path: Path, app: Runtime, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Following]:
    monkeypatch.setattr(shipper, "RESCAN", 0.1)
    app.write(b"start")
    with Following(tmp_path / "pods", tmp_path / "state", store) as running:
        eventually(lambda: store.records() == app.written)
        yield running


def once(tmp_path: Path, store: RecordingStore, reading: Reading = Reading()) -> None:  # noqa: B008
    for root in ("pods", "logs"):
        if (tmp_path / root).exists():
            ship_once(tmp_path / root, tmp_path / "state", store, reading=reading)


def assert_every_line_once(store: RecordingStore, app: Runtime) -> None:
    assert Counter(store.lines()) == Counter(app.written)
    assert set(store.coverage().values()) <= {1}
    contents = [path.read_bytes() for path in app.directory.iterdir()]
    size = sum(len(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data) for data in contents)
    assert sum(row["span"] or len(row["data"]) for row in store.inserted) == size


def test_an_event_is_one_row_with_the_time_of_its_first_line(
    tmp_path: Path, app: Runtime, store: RecordingStore
) -> None:
    app.write(b"before")
    for text in TRACE:
        app.write(text, "stderr")
    app.write(b"after")
    once(tmp_path, store)
    assert ("stderr", b"\n".join(TRACE)) in store.records()
    (row,) = [row for row in store.inserted if row["span"]]
    lines = app.path.read_bytes().splitlines(keepends=True)
    assert row["data"].startswith(lines[1][:30])
    assert (row["offset"], row["span"]) == (len(lines[0]), sum(map(len, lines[1:5])))
    assert_every_line_once(store, app)


def test_an_event_goes_on_in_the_next_file(app: Runtime, store: RecordingStore, following: Following) -> None:
    app.write(TRACE[0])
    app.write(TRACE[1])
    app.rotate(lines_after=0)
    app.write(TRACE[2])
    app.rotate(compress=True)
    app.write(TRACE[3])
    eventually(lambda: ("stdout", b"\n".join(TRACE)) in store.records())
    assert_every_line_once(store, app)


def test_the_end_of_an_event_is_not_waited_for_long(
    app: Runtime, store: RecordingStore, following: Following
) -> None:
    app.write(b"ERROR alone")
    eventually(lambda: ("stdout", b"ERROR alone") in store.records(), seconds=5)


def test_an_event_that_waits_survives_a_restart(
    tmp_path: Path, app: Runtime, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "EVENT_TIMEOUT", 1e9)
    monkeypatch.setattr(shipper, "RESCAN", 0.1)
    app.write(b"start")
    with Following(tmp_path / "pods", tmp_path / "state", store):
        eventually(lambda: store.records() == app.written)
        for text in TRACE[:2]:
            app.write(text)
        app.write(b"go on", "stderr")
        eventually(lambda: ("stderr", b"go on") in store.records())
    app.rotate(compress=True)
    for text in TRACE[2:]:
        app.write(text)
    once(tmp_path, store)
    assert ("stdout", b"\n".join(TRACE)) in store.records()
    assert_every_line_once(store, app)


def test_what_waited_is_stored_though_joining_is_off_now(
    tmp_path: Path, app: Runtime, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "EVENT_TIMEOUT", 1e9)
    app.write(b"start")
    with Following(tmp_path / "pods", tmp_path / "state", store):
        for text in (*TRACE[:2], b"go on"):
            app.write(text, "stderr" if text == b"go on" else "stdout")
        eventually(lambda: ("stderr", b"go on") in store.records())
    for _ in range(2):
        once(tmp_path, store, Reading(multiline="off"))
    assert store.records()[-2:] == [("stdout", TRACE[0]), ("stdout", TRACE[1])]
    assert_every_line_once(store, app)


def test_an_event_ends_with_its_container(app: Runtime, store: RecordingStore, following: Following) -> None:
    for text in TRACE[:3]:
        app.write(text)
    app.restart()
    app.write(TRACE[3])
    eventually(lambda: len(store.lines()) == len(app.written))
    assert ("stdout", b"\n".join(TRACE[:3])) in store.records()
    assert ("stdout", TRACE[3]) in store.records()


def test_events_longer_than_a_chunk(
    tmp_path: Path, app: Runtime, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "CHUNK", 512)
    monkeypatch.setattr(segment, "MAX_LINE", 512)
    trace = [b"ValueError: long", *(b"\tat frame %d" % number for number in range(200))]
    for text in trace:
        app.write(text)
    app.write(b"after")
    once(tmp_path, store)
    assert store.records() == [("stdout", b"\n".join(trace)), ("stdout", b"after")]


def test_docker_events(tmp_path: Path, store: RecordingStore) -> None:
    app = Runtime(tmp_path / "pods", docker=True)
    for text in TRACE:
        app.write(text)
    app.write(b"after")
    once(tmp_path, store)
    assert store.records() == [("stdout", b"\n".join(TRACE)), ("stdout", b"after")]


def test_a_plain_file_has_events_too(tmp_path: Path, store: RecordingStore) -> None:
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    log.write_bytes(b"one\n" + b"\n".join(TRACE) + b"\ntwo\n")
    with gzip.open(log.parent / "app.log.1.gz", "wb") as file:
        file.write(b"zero\n" + b"\n".join(TRACE) + b"\n")
    once(tmp_path, store)
    event = b"\n".join(TRACE)
    assert [text for _, text in store.records()] == [b"zero", event, b"one", event, b"two"]


def test_only_compressed_files_leave_nothing_waiting(tmp_path: Path, store: RecordingStore) -> None:
    log = tmp_path / "logs" / "app.log.1.gz"
    log.parent.mkdir()
    with gzip.open(log, "wb") as file:
        file.write(b"ERROR the last words\n")
    for _ in range(2):
        once(tmp_path, store)
    assert [text for _, text in store.records()] == [b"ERROR the last words"]


def test_off_keeps_lines_apart(tmp_path: Path, app: Runtime, store: RecordingStore) -> None:
    for text in TRACE:
        app.write(text)
    once(tmp_path, store, Reading(multiline="off"))
    assert store.records() == app.written


@pytest.mark.parametrize("file_format", ["plain", "raw", "cri", "docker"])
def test_the_format_of_files_can_be_told(tmp_path: Path, store: RecordingStore, file_format: str) -> None:
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    log.write_bytes(b"2026-11-20T08:00:00.000000001Z stdout F looks like containerd\n")
    once(tmp_path, store, Reading(file_format=file_format))
    (row,) = store.inserted
    assert row["wrapper"].decode() == file_format


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="no such file format"):
        Reading(file_format="xml")


def test_a_removed_pod_leaves_no_event_behind(
    app: Runtime, store: RecordingStore, following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PART_TIMEOUT", 0.3)
    for text in TRACE:
        app.write(text)
    for path in app.directory.iterdir():
        os.unlink(path)
    app.directory.rmdir()
    eventually(lambda: ("stdout", b"\n".join(TRACE)) in store.records())
