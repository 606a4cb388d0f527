"""The machine loses power: of the state directory what was synced is there, the rest only by chance."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from shipping import RecordingStore, Runtime, ship_once
from test_sequences import Reader

from loghouse.ship.offsets import Offsets

Names = dict[str, int]  # of the files of a directory, and their inodes


class ForgetfulDisk:
    """Knows what was synced below a directory.

    After a power loss a file has the bytes that were synced and perhaps some of those appended since; a
    directory has, name by name, what was synced or what was done since.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._contents: dict[int, bytes] = {}
        self._names: dict[str, Names] = {}
        self._held: list[int] = []  # so that no inode is used again

    def sync(self, descriptor: int) -> None:
        """What fsync and fdatasync do."""
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if os.path.isdir(path):
            self._names[path] = _names(path)
            return
        self._held.append(os.dup(descriptor))
        self._contents[os.fstat(descriptor).st_ino] = _content(descriptor)

    def lose_power(self, chance: random.Random) -> None:
        """Make the directory what a machine may find that starts again."""
        found = {directory: self._after(directory, chance) for directory, _, _ in os.walk(self.root)}
        for directory, files in found.items():
            for name in _names(directory):
                os.unlink(os.path.join(directory, name))
            for name, content in files.items():
                Path(directory, name).write_bytes(content)
        self._forget()
        for directory in found:  # it was started again from what is there, which is on the disk
            self._names[directory] = _names(directory)
            for name in self._names[directory]:
                with open(os.path.join(directory, name), "rb") as file:
                    self.sync(file.fileno())

    def close(self) -> None:
        self._forget()

    def _forget(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)
        self._contents, self._names, self._held = {}, {}, []

    def _after(self, directory: str, chance: random.Random) -> dict[str, bytes]:
        synced, now = self._names.get(directory, {}), _names(directory)
        kept = {name: chance.choice((synced, now)).get(name) for name in {**synced, **now}}
        return {
            name: self._survives(os.path.join(directory, name), inode, now.get(name) == inode, chance)
            for name, inode in kept.items()
            if inode is not None
        }

    def _survives(self, path: str, inode: int, there: bool, chance: random.Random) -> bytes:
        synced = self._contents.get(inode, b"")
        now = Path(path).read_bytes() if there else synced
        return now[: chance.randint(len(synced), len(now))] if now.startswith(synced) else synced


def _names(directory: str) -> Names:
    with os.scandir(directory) as entries:
        return {entry.name: entry.inode() for entry in entries if entry.is_file()}


def _content(descriptor: int) -> bytes:
    return Path(f"/proc/self/fd/{descriptor}").read_bytes()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[ForgetfulDisk]:
    state = tmp_path / "state"
    state.mkdir()
    made = ForgetfulDisk(state)
    with mock.patch("os.fsync", made.sync), mock.patch("os.fdatasync", made.sync):
        yield made
    made.close()


def lived(directory: Path, disk: ForgetfulDisk, seed: int) -> tuple[RecordingStore, Runtime]:
    """Six lives of a shipper, each ended by a power loss at some step, and a last one that ends well."""
    chance = random.Random(seed)
    app, store = Runtime(directory), RecordingStore()
    for _ in range(6):
        reader = Reader(directory, disk.root)
        last = chance.choice(["read", "spooled", "noted", "sent", ""])
        for crash in [*[""] * chance.randint(0, 3), last]:
            for number in range(chance.randint(0, 4)):
                app.write(b"line %d" % number, part=chance.choice([0, 3]))
            if chance.random() < 0.3:
                app.rotate(compress=chance.random() < 0.5)
            reader.look(store, rescan=True, crash=crash)
        reader.close()
        disk.lose_power(chance)
    app.write(b"last")
    ship_once(directory, disk.root, store)
    return store, app


@pytest.mark.parametrize("seed", range(40))
def test_every_line_is_stored_once_after_power_losses(tmp_path: Path, disk: ForgetfulDisk, seed: int) -> None:
    store, app = lived(tmp_path / "pods", disk, seed)
    assert Counter(store.lines()) == Counter(app.written)
    assert set(store.coverage().values()) == {1}


@pytest.mark.parametrize("left_out", ["of files", "of the journal"])
def test_a_sync_that_is_left_out_shows(
    tmp_path: Path, disk: ForgetfulDisk, left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the test above would prove nothing."""
    if left_out == "of the journal":
        monkeypatch.setattr(Offsets, "sync", lambda self: None)
    else:
        monkeypatch.setattr("os.fdatasync", lambda descriptor: None)
    for seed in range(20):
        store, app = lived(tmp_path / f"pods-{seed}", disk, seed)
        if Counter(store.lines()) != Counter(app.written):
            return
        shutil.rmtree(disk.root)
        disk.root.mkdir()
    pytest.fail("nothing was lost and nothing doubled")
