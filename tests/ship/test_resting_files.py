"""Quiet files are closed: what is kept of them is small, and nothing is lost or read twice for it."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from shipping import UID, Following, RecordingStore, Runtime, eventually

from loghouse.ship import offsets as journal
from loghouse.ship import shipper
from loghouse.ship.descriptors import Descriptors
from loghouse.ship.discover import Discovery
from loghouse.ship.follow import Lineage
from loghouse.ship.notices import Notices
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems
from loghouse.ship.reading import Reading
from loghouse.spool.spool import Spool, SpoolFull


@pytest.fixture
def app(tmp_path: Path) -> Runtime:
    runtime = Runtime(tmp_path / "pods")
    runtime.write(b"start")
    return runtime


class Scene:
    """One lineage, read by hand, its positions noted as if each chunk were a batch."""

    def __init__(self, root: Path) -> None:
        self.problems = Problems()
        (root / "state").mkdir()
        self.offsets = Offsets(str(root / "state"), self.problems)
        self.discovery = Discovery([str(root / "pods")], "node-1", self.problems)
        ((self.key, found),) = self.discovery.scan().items()
        self.lineage = Lineage(found, "node-1", self.offsets, self.problems)

    def texts(self) -> list[bytes]:
        """What there is to read now."""
        read: list[bytes] = []
        for row in self.rows():
            read.extend(line.split(b" ", 3)[3] for line in row.splitlines())
        self.lineage.read(time.monotonic())  # sees that there is no more
        return read

    def rows(self) -> Iterator[bytes]:
        while self.lineage.changed(time.monotonic()) and (rows := self.lineage.read(time.monotonic())):
            positions, waits = self.lineage.changes()
            self.offsets.commit(positions.values(), {self.key: waits} if waits is not None else {}, 1)
            yield from (row.data for row in rows)


@pytest.fixture
def scene(tmp_path: Path, app: Runtime) -> Iterator[Scene]:
    made = Scene(tmp_path)
    made.lineage._reading = made.lineage._reading.__class__(multiline="off")
    yield made
    made.lineage.close()
    made.offsets.close()


def open_files(root: Path) -> int:
    """How many files below a directory this process has open."""
    targets = []
    for name in os.listdir("/proc/self/fd"):
        try:
            targets.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return sum(target.startswith(str(root)) for target in targets)


def test_a_file_at_rest_is_closed_and_goes_on_where_it_was(
    tmp_path: Path, app: Runtime, scene: Scene
) -> None:
    assert scene.texts() == [b"start"]
    for number in range(3):
        assert scene.lineage.rest()
        assert open_files(tmp_path / "pods") == 0
        assert scene.texts() == []
        app.write(b"more %d" % number)
        assert scene.texts() == [b"more %d" % number]


def test_a_file_at_rest_is_still_shown_with_its_place(app: Runtime, scene: Scene) -> None:
    scene.texts()
    before = list(scene.lineage.places())
    assert scene.lineage.rest()
    assert [(file.path, offset) for file, offset in scene.lineage.places()] == [
        (file.path, offset) for file, offset in before
    ]
    assert before[0][1] == app.path.stat().st_size


def test_the_place_of_a_file_at_rest_is_not_forgotten(
    app: Runtime, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it rests, while its directory is there: otherwise it would be read again."""
    scene.texts()
    assert scene.lineage.rest()
    monkeypatch.setattr(journal, "FORGET_IN_LINEAGE", -10)
    scene.offsets.compact({scene.key: scene.lineage.sources})
    app.write(b"after a long time")
    assert scene.texts() == [b"after a long time"]


def test_a_rotation_at_rest_loses_nothing(app: Runtime, scene: Scene) -> None:
    scene.texts()
    assert scene.lineage.rest()
    app.write(b"last of the old file")
    app.rotate()
    app.write(b"first of the new")
    scene.lineage.update(scene.discovery.scan()[scene.key])
    assert scene.texts() == [b"last of the old file", b"first of the new"]


def test_what_is_emptied_at_rest_is_told(app: Runtime, scene: Scene) -> None:
    scene.texts()
    assert scene.lineage.rest()
    os.truncate(app.path, 0)
    app.append(b"2026-11-20T09:00:00.000000001Z stdout F x\n")
    assert scene.texts() == [b"x"]
    assert scene.problems.counts["file was truncated, read from its beginning"] == 1
    assert not scene.problems.lost_bytes


def test_what_an_emptied_file_held_unread_is_counted(app: Runtime, scene: Scene) -> None:
    scene.texts()
    lost = app.line(b"nobody reads this")
    app.append(lost)
    assert scene.lineage.changed(time.monotonic())  # seen, and not read
    os.truncate(app.path, 0)
    app.append(b"2026-11-20T09:00:00.000000001Z stdout F x\n")
    assert scene.texts() == [b"x"]
    assert scene.problems.lost_bytes == {"file truncated while unread": len(lost)}


def test_what_a_removed_file_held_unread_is_counted(app: Runtime, scene: Scene) -> None:
    """It was closed for want of descriptors before it was read to its end."""
    scene.texts()
    lost = app.line(b"nobody reads this")
    app.append(lost)
    assert scene.lineage.rest()
    app.path.unlink()
    assert not scene.lineage.changed(time.monotonic())
    scene.lineage.gone = True
    assert scene.lineage.ended()
    assert scene.problems.lost_bytes == {"file removed while unread": len(lost)}


def test_a_file_removed_while_there_is_no_room_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed when it is written; the change is told, so it is opened before it goes."""
    monkeypatch.setattr(shipper, "QUIET", 0.05)
    monkeypatch.setattr(shipper, "LONGEST_LOOK", 0.1)
    monkeypatch.setattr(shipper, "RESCAN", 0.1)
    pods, store = tmp_path / "pods", RecordingStore()
    quiet, busy = Runtime(pods, "quiet-0", uid=UID), Runtime(pods, "busy-0", uid=UID)
    quiet.write(b"start")
    busy.write(b"start")
    begin = Spool.begin
    full: list[bool] = []

    def begin_unless_full(self: Spool, *arguments: object, **options: object) -> object:
        if full:
            raise SpoolFull("the spool is full (test)")
        return begin(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Spool, "begin", begin_unless_full)
    reading = Reading(descriptors=Descriptors(1))
    with Following(pods, tmp_path / "state", store, reading=reading):
        eventually(lambda: store.records(pod=b"quiet-0") == quiet.written)
        busy.write(b"keeps the one open file")
        eventually(lambda: open_files(pods / quiet.directory.parent.name) == 0)
        full.append(True)
        busy.write(b"waits for room")
        quiet.write(b"last words")
        eventually(lambda: open_files(pods / quiet.directory.parent.name) == 1)
        quiet.path.unlink()
        full.clear()
        eventually(lambda: store.records(pod=b"quiet-0") == quiet.written)
        eventually(lambda: store.records(pod=b"busy-0") == busy.written)


@pytest.fixture
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that are watched, as they come; nothing else finds a change soon."""
    monkeypatch.setattr(shipper, "QUIET", 0.05)
    monkeypatch.setattr(shipper, "LONGEST_LOOK", 0.1)
    monkeypatch.setattr(shipper, "RESCAN", 0.3)
    watched: list[str] = []
    watch = Notices.watch
    monkeypatch.setattr(Notices, "watch", lambda self, name: watched.append(name) or watch(self, name))
    return watched


def test_what_is_written_to_a_quiet_file_and_removed_at_once_is_read(
    tmp_path: Path, soon_quiet: list[str]
) -> None:
    """It is held open for this."""
    pods, store = tmp_path / "pods", RecordingStore()
    apps = [Runtime(pods, f"app-{number}") for number in range(5)]
    for app in apps:
        app.write(b"start")
    with Following(pods, tmp_path / "state", store) as following:
        eventually(lambda: {str(app.directory) for app in apps} <= set(soon_quiet))
        for app in apps:
            app.write(b"last words")
            shutil.rmtree(app.directory.parent)
        eventually(lambda: len(store.records()) == 10)
    for number, app in enumerate(apps):
        assert store.records(pod=b"app-%d" % number) == app.written
    assert following.summary and not following.summary.problems


def test_beyond_the_limit_of_open_files_that_is_counted(tmp_path: Path, soon_quiet: list[str]) -> None:
    """A file that was closed cannot be read once it has gone; that it was written shows in the metrics."""
    pods, store = tmp_path / "pods", RecordingStore()
    apps = [Runtime(pods, f"app-{number}") for number in range(5)]
    for app in apps:
        app.write(b"start")
    reading = Reading(descriptors=Descriptors(2))
    with Following(pods, tmp_path / "state", store, reading=reading) as following:
        eventually(lambda: {str(app.directory) for app in apps} <= set(soon_quiet))
        eventually(lambda: open_files(pods) <= 2)
        for app in apps[1:]:
            app.write(b"last words")
            shutil.rmtree(app.directory.parent)
        apps[0].path.unlink()  # nothing of it is lost
        apps[0].directory.rmdir()
        fresh = Runtime(pods, "fresh-0")
        fresh.write(b"after")
        eventually(lambda: store.records(pod=b"fresh-0") == fresh.written)
    assert following.summary
    lost = sum(len(app.written) for app in apps) - len(store.records()) + 1
    told = following.summary.problems.get("file removed right after a write, lines may be lost", 0)
    assert told == lost >= 1


def test_new_pods_and_containers_are_found_between_full_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a look through all directories takes long it is rare; what shows by itself is not waited for."""
    monkeypatch.setattr(shipper, "RESCAN", 0.1)
    monkeypatch.setattr(shipper, "CALM_SHARE", 1e9)
    monkeypatch.setattr(shipper, "QUIET", 0.05)
    monkeypatch.setattr(Discovery, "restless", False)
    pods, store = tmp_path / "pods", RecordingStore()
    old = Runtime(pods, "old-0")
    old.write(b"start")
    with Following(pods, tmp_path / "state", store):
        eventually(lambda: store.records() == old.written)
        new = Runtime(pods, "new-0")
        new.write(b"of a new pod")
        eventually(lambda: store.records(pod=b"new-0") == new.written)
        old.restart()
        old.write(b"of the next container")
        eventually(lambda: store.records(pod=b"old-0") == old.written)
        old.rotate()
        old.write(b"of the next file")
        eventually(lambda: store.records(pod=b"old-0") == old.written)
