"""However files are renamed, compressed, emptied and removed: what exists is stored once."""

import os
import signal
import threading

import pytest
from scene import App, Scene, until
from ship.shipping import Record


@pytest.mark.parametrize("rotations", [1, 2, 5])
def test_rotations_while_down(scene: Scene, rotations: int) -> None:
    """The last lines that were not read are in a compressed file by then."""
    app = scene.app()
    app.say(30)
    scene.once()
    for _ in range(rotations):
        app.say(30)
        app.rotate(compress=True)
    app.compress()
    app.say(5)
    scene.once()
    scene.assert_every_line_once(app)


def test_a_file_removed_while_down_is_missing_and_nothing_else(scene: Scene) -> None:
    app = scene.app()
    app.say(30)
    scene.once()
    app.rotate()
    gone = _file_of(app, 30)
    app.rotate()
    app.say(30)
    os.unlink(sorted(app.directory.glob("0.log.*"))[-1])
    scene.once()
    scene.assert_every_line_once(app, missing=gone)


def test_a_rotation_storm(scene: Scene) -> None:
    """Every 50 ms, 10 MB/s: each look finds several new files."""
    app = scene.app()
    app.say(1)
    with scene.shipping():
        pause = threading.Event()
        for number in range(40):
            app.say(1000, ("stdout", "stderr"), size=400)
            app.rotate(compress=number % 8 == 7)
            pause.wait(0.02)  # the pace of the storm
        app.say(10)
        scene.wait_for(app)
        scene.assert_fresh_line_arrives(app)
    scene.assert_every_line_once(app)


def test_inodes_come_back_at_each_rotation(scene: Scene) -> None:
    """As with the kubelet: the file that was compressed is removed, and the new file gets its inode."""
    app = scene.app()
    for _ in range(4):
        app.say(20)
        scene.once()
        app.say(20)
        app.rotate(compress=True)
        app.say(3)
    scene.once()
    scene.assert_every_line_once(app)


def test_two_rotations_between_two_looks(scene: Scene) -> None:
    app = scene.app()
    app.say(10)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        shipper.process.send_signal(signal.SIGSTOP)
        for _ in range(2):
            app.say(200)
            app.rotate()
        app.say(10)
        shipper.process.send_signal(signal.SIGCONT)
        scene.wait_for(app)
    scene.assert_every_line_once(app)


def test_a_renamed_file_is_written_until_the_runtime_opens_the_new_one(scene: Scene) -> None:
    app = scene.app()
    app.say(50)
    with scene.shipping():
        scene.wait_for(app)

        def seen() -> None:
            threading.Event().wait(1.0)  # longer than the shipper takes to look

        app.rotate(lines_after=200, between=seen)
        app.say(50)
        scene.wait_for(app)
    scene.assert_every_line_once(app)


def test_emptied_in_place(scene: Scene) -> None:
    """copytruncate at the end of what was read; then again and regrown beyond the old place."""
    app = scene.app()
    app.say(40)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        for lines in (5, 200):
            os.truncate(app.path, 0)
            app.say(lines)
            scene.wait_for(app)
        assert shipper.problems()["file was truncated, read from its beginning"] >= 1
    scene.assert_every_line_once(app)


def test_emptied_while_behind(scene: Scene) -> None:
    """What was not read when it was emptied is gone: nothing else is, nothing is doubled, and it is told."""
    app = scene.app()
    app.say(100)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        shipper.process.send_signal(signal.SIGSTOP)
        gone = _file_of(app, 5000)
        os.truncate(app.path, 0)
        app.say(300)
        shipper.process.send_signal(signal.SIGCONT)
        scene.wait_for(app, 400)
        assert shipper.problems()["file was truncated, read from its beginning"] == 1
    scene.assert_every_line_once(app, missing=gone)


@pytest.mark.parametrize("lines", [3, 200])
def test_overwritten_while_down(scene: Scene, lines: int) -> None:
    """`> file` and other content, shorter or longer than what was read."""
    app = scene.app()
    app.say(50)
    scene.once()
    os.truncate(app.path, 0)
    app.say(lines)
    scene.once()
    scene.assert_every_line_once(app)


def test_removed_while_it_is_read(scene: Scene) -> None:
    """The pod is removed during a backlog: the open file is read to its end."""
    app = scene.app()
    app.say(10)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        app.say(20_000, size=100)
        os.unlink(app.path)
        os.rmdir(app.directory)
        os.rmdir(app.directory.parent)
        scene.wait_for(app)
        until(lambda: shipper.status()["files"] == [])
    scene.assert_every_line_once(app)


def _file_of(app: App, lines: int) -> list[Record]:
    """Write lines that are going to vanish; their records."""
    before = len(app.written)
    app.say(lines)
    return app.written[before:]
