"""A disk that loses power: a real ext4 in a file, shut down as it is and found again by its journal."""

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

SIZE = 1 << 30
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
WITHOUT_THE_JOURNAL = 2  # nothing that still waits for the disk gets there
# The kernel writes nothing by itself within a test, and no file sooner than it was asked to.
OPTIONS = "commit=600,noauto_da_alloc"
_LIMIT = 60


class Disk:
    """A file system of its own at `place`. What was not synced is gone after `lose_power`."""

    def __init__(self, directory: Path) -> None:
        self.place = directory / "disk"
        self._image = directory / "disk.img"
        if os.geteuid() or not shutil.which("mkfs.ext4"):
            pytest.skip("only root can mount a file system, and mkfs.ext4 makes it")
        self.place.mkdir()
        with open(self._image, "wb") as file:
            file.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-F", self._image], check=True, timeout=_LIMIT)
        if (refused := self._mount()).returncode:
            pytest.skip(f"cannot mount a file system: {refused.stderr.decode()}")

    def lose_power(self) -> None:
        """From now on nothing reaches the disk, and whoever still writes hears of errors."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", WITHOUT_THE_JOURNAL))
        finally:
            os.close(descriptor)

    def come_back(self) -> None:
        """What a machine does that starts again: the journal is replayed. Nobody may have the disk open."""
        self._unmount()
        back = self._mount()
        assert back.returncode == 0, back.stderr.decode()

    def close(self) -> None:
        self._unmount()
        self._image.unlink()

    def _mount(self) -> subprocess.CompletedProcess[bytes]:
        # A device of its own each time: the one before may still be held by a copy of the mount elsewhere.
        device = _run("losetup", "--find", "--show", self._image).stdout.decode().strip()
        mounted = _run("mount", "-t", "ext4", "-o", OPTIONS, device, self.place)
        _run("losetup", "--detach", device)  # which happens once it is not used any more
        return mounted

    def _unmount(self) -> None:
        done = _run("umount", self.place)
        assert done.returncode == 0, done.stderr.decode()


def _run(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, timeout=_LIMIT, capture_output=True)
