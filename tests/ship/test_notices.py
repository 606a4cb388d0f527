"""Quiet files are not looked at all the time, and answer at once all the same."""

import errno
import os
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shipping import Following, RecordingStore, Runtime, eventually, ship_once

from loghouse.ship import descriptors, notices, shipper
from loghouse.ship.descriptors import Descriptors, allowed
from loghouse.ship.notices import Notices
from loghouse.ship.reading import Reading


@pytest.fixture
def heard() -> Iterator[Notices]:
    opened = Notices()
    yield opened
    opened.close()


def change_write(directory: Path) -> None:
    (directory / "a.log").write_text("more")


def change_rename(directory: Path) -> None:
    (directory / "a.log").rename(directory / "a.log.1")


def change_remove(directory: Path) -> None:
    (directory / "a.log").unlink()


@pytest.mark.parametrize("change", [change_write, change_rename, change_remove])
def test_a_change_is_told_once(tmp_path: Path, heard: Notices, change: Callable[[Path], None]) -> None:
    (tmp_path / "a.log").write_text("one")
    stop = threading.Event()
    assert heard.watch(str(tmp_path))
    assert heard.wait(stop, 0) == {}
    change(tmp_path)
    (tmp_path / "b.log").write_text("two")
    assert heard.wait(stop, 5)
    (tmp_path / "c.log").write_text("three")
    assert heard.wait(stop, 0) == {}
    assert heard.watch(str(tmp_path))
    (tmp_path / "d.log").write_text("four")
    assert heard.wait(stop, 5)


def test_what_is_no_directory_cannot_be_watched(tmp_path: Path, heard: Notices) -> None:
    assert not heard.watch(str(tmp_path / "none"))


def test_a_wait_ends_when_stopped(heard: Notices) -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    assert heard.wait(stop, 60) == {}


def test_a_queue_that_ran_over_means_anything_changed(
    heard: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overflow:
        mask, wd = notices.flags.Q_OVERFLOW, -1

    monkeypatch.setattr(heard._inotify, "read", lambda timeout: [Overflow()])
    assert heard.wait(threading.Event(), 1) is None


def test_without_watches_it_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    heard = Notices()
    monkeypatch.setattr(heard._inotify, "add_watch", refuse)
    assert not heard.watch(str(tmp_path))
    assert not heard.watch(str(tmp_path))
    heard.close()
    monkeypatch.setattr(notices, "INotify", refuse)
    none = Notices()
    assert not none.watch(str(tmp_path))
    assert none.wait(threading.Event(), 0.01) == {}
    none.close()
    assert ["max_user_watches" in record.getMessage() for record in caplog.records] == [True, True]


@pytest.mark.parametrize("told", [True, False], ids=["told of changes", "by looks only"])
def test_a_file_that_was_quiet_is_read_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(shipper, "QUIET", 0.05)
    monkeypatch.setattr(shipper, "LONGEST_LOOK", 0.1)
    monkeypatch.setattr(shipper, "ANNOUNCED_LOOK", 600.0)
    monkeypatch.setattr(shipper, "RESCAN", 600.0 if told else 0.1)
    if not told:
        monkeypatch.setattr(Notices, "watch", lambda *_: False)
    watched: list[str] = []
    watch = Notices.watch
    monkeypatch.setattr(Notices, "watch", lambda self, name: watched.append(name) or watch(self, name))
    app, store = Runtime(tmp_path / "pods"), RecordingStore()
    app.write(b"start")
    with Following(tmp_path / "pods", tmp_path / "state", store):
        for number in range(3):
            eventually(lambda: store.records() == app.written)
            eventually(lambda number=number: len(watched) > number)  # type: ignore[misc]
            app.write(b"after a while %d" % number)
        eventually(lambda: store.records() == app.written)
        app.rotate()
        app.write(b"in the next file")
        eventually(lambda: store.records() == app.written)


def test_a_quiet_file_is_heard_while_others_are_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "QUIET", 0.05)
    monkeypatch.setattr(shipper, "LONGEST_LOOK", 0.1)
    monkeypatch.setattr(shipper, "ANNOUNCED_LOOK", 600.0)
    quiet, busy = Runtime(tmp_path / "pods", "quiet-0"), Runtime(tmp_path / "pods", "busy-0")
    store = RecordingStore()
    quiet.write(b"start")
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.001):
            busy.write(b"busy")

    writer = threading.Thread(target=write)
    with Following(tmp_path / "pods", tmp_path / "state", store):
        writer.start()
        try:
            for number in range(3):
                eventually(lambda: store.records(pod=b"quiet-0") == quiet.written)
                threading.Event().wait(0.3)
                quiet.write(b"quiet %d" % number)
            eventually(lambda: store.records(pod=b"quiet-0") == quiet.written)
        finally:
            stop.set()
            writer.join()


def test_more_files_than_descriptors(tmp_path: Path) -> None:
    store = RecordingStore()
    apps = [Runtime(tmp_path / "pods", f"app-{number}") for number in range(30)]
    for app in apps:
        for number in range(3):
            app.write(b"%d" % number)
    reading = Reading(descriptors=Descriptors(4))

    def held() -> int:
        links = []
        for name in os.listdir("/proc/self/fd"):
            try:
                links.append(os.readlink(f"/proc/self/fd/{name}"))
            except OSError:
                continue
        return sum(link.startswith(str(tmp_path / "pods")) for link in links)

    with Following(tmp_path / "pods", tmp_path / "state", store, reading=reading):
        for turn in range(3):
            eventually(lambda: len(store.records()) == sum(len(app.written) for app in apps), 20)
            assert held() <= 4
            for app in apps[turn::2]:
                app.write(b"more %d" % turn)
                if turn:
                    app.rotate(compress=True)
                    app.write(b"rotated %d" % turn)
        eventually(lambda: len(store.records()) == sum(len(app.written) for app in apps), 20)
    for number, app in enumerate(apps):
        assert store.records(pod=b"app-%d" % number) == app.written
    assert set(store.coverage().values()) == {1}


def test_once_with_few_descriptors(tmp_path: Path) -> None:
    store = RecordingStore()
    apps = [Runtime(tmp_path / "pods", f"app-{number}") for number in range(30)]
    for app in apps:
        app.write(b"one")
        app.rotate()
        app.write(b"two")
    reading = Reading(descriptors=Descriptors(2))
    summary = ship_once(tmp_path / "pods", tmp_path / "state", store, reading=reading)
    assert len(store.records()) == 60
    assert not summary.problems


def test_the_limit_of_the_system_is_raised_as_far_as_it_goes() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(300, hard), hard))
        assert allowed() == min(descriptors.MOST, hard - descriptors.RESERVED)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(hard, descriptors.MOST)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
