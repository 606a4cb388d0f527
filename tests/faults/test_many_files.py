"""Many files, few descriptors, a noisy neighbour, names that nobody expects."""

import os
import time

import pytest
from scene import App, Scene, until


def quiet_apps(scene: Scene, count: int) -> list[App]:
    apps = [scene.app() for _ in range(count)]
    for app in apps:
        app.say(1)
    return apps


def test_few_descriptors(scene: Scene) -> None:
    """64 of them for 150 files: all are read, in turn, and it is said that there are too few."""
    apps = quiet_apps(scene, 150)
    with scene.shipping(open_files=64):
        for app in apps[::30]:
            scene.wait_for(app)
        until(lambda: all(scene.count(app) == 1 for app in apps[::7]))
    scene.once()
    for app in apps[::10]:
        scene.assert_every_line_once(app)


def test_links_and_names_that_nobody_expects(scene: Scene) -> None:
    app = scene.app()
    app.say(3)
    secret = scene.directory / "secret"
    secret.write_text("the secret\n")
    os.symlink(secret, app.directory / "1.log")
    os.mkfifo(app.directory / "2.log")
    (app.directory / "3.log").mkdir()
    os.symlink(app.directory, app.directory / "loop")
    odd = scene.pods / "prod_new\nline'\"_uid" / "app"
    odd.mkdir(parents=True)
    (odd / "0.log").write_bytes(app.line(b"odd name"))
    with scene.shipping():
        scene.wait_for(app)
        scene.assert_fresh_line_arrives(app)
    scene.assert_every_line_once(app)


@pytest.mark.slow
def test_a_noisy_neighbour(scene: Scene) -> None:
    """A backlog of 400 MB does not keep lines of 50 quiet containers waiting."""
    noisy, quiet = scene.app(), quiet_apps(scene, 50)
    with scene.shipping():
        for app in quiet:
            scene.wait_for(app)
        for _ in range(40):
            noisy.say(20_000, size=450)
        waited = []
        for app in quiet:
            app.say(1)
            began = time.monotonic()
            scene.wait_for(app, 2)
            waited.append(time.monotonic() - began)
        assert max(waited) < 30
        scene.wait_for(noisy)
    scene.assert_sound()


@pytest.mark.slow
def test_a_hundred_thousand_files(scene: Scene) -> None:
    """One is written, the others rest: its lines arrive soon, and memory stays bounded."""
    line = b"2026-11-20T08:00:00.000000001Z stdout F one line\n"
    for number in range(100_000):
        directory = scene.pods / f"prod_idle-{number}_uid-{number}" / "app"
        directory.mkdir(parents=True)
        (directory / "0.log").write_bytes(line)
    app = scene.app()
    app.say(1)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        for _ in range(5):
            scene.assert_fresh_line_arrives(app)
        shipper.most_mb = 480
