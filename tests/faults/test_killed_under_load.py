"""Killed or stopped at any moment while containers write, the shipper goes on where it was."""

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from scene import App, Scene, until

from loghouse.errors import ExitCode

PAUSE = 0.01


@contextmanager
def writing(app: App, rotate_every: int) -> Iterator[None]:
    """A container that writes and rotates all the time."""
    stop = threading.Event()

    def write() -> None:
        rounds = 0
        while not stop.wait(PAUSE):
            app.say(40, ("stdout", "stderr"), size=60)
            rounds += 1
            if rounds % rotate_every == 0:
                app.rotate(compress=rounds % (2 * rotate_every) == 0)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def kill_again_and_again(scene: Scene, times: int, seed: int) -> None:
    chance = random.Random(seed)
    app = scene.app()
    app.say(1)
    with writing(app, rotate_every=25):
        for _ in range(times):
            with scene.shipping() as shipper:
                before = scene.count(app)
                if chance.random() < 0.6:  # else it may not even have begun
                    until(lambda before=before: scene.count(app) > before, "no progress in a cycle")
                threading.Event().wait(chance.uniform(0, 1.0))  # the moment of the kill is the fault
                shipper.end(signal.SIGKILL)
    scene.once()
    scene.assert_every_line_once(app)


def test_killed_at_random_under_load(scene: Scene) -> None:
    kill_again_and_again(scene, times=4, seed=20261121)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_random_for_long(scene: Scene, seed: int) -> None:
    kill_again_and_again(scene, times=30, seed=seed)


def test_told_to_stop_under_load(scene: Scene) -> None:
    app = scene.app()
    app.say(1)
    with writing(app, rotate_every=30):
        for _ in range(2):
            with scene.shipping() as shipper:
                before = scene.count(app)
                until(lambda before=before: scene.count(app) > before + 500)
                assert shipper.end(signal.SIGTERM) == ExitCode.INTERRUPTED
            assert not list((scene.state / "spool").glob("*.open"))
    scene.once()
    scene.assert_every_line_once(app)
    assert not scene.spooled()
