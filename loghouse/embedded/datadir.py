"""The directory that holds the data of the embedded store: one process at a time, and usable at all."""

import fcntl
import os
from pathlib import Path

from loghouse.errors import LoghouseError

LOCK_NAME = "loghouse.lock"


class DataDirError(LoghouseError):
    """The directory cannot be used."""


class DataDir:
    """A data directory that belongs to this process until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirError(
                f'cannot use the data directory "{path}" ({error.strerror})',
                "Name a directory that you may write to with --data-dir",
            ) from None
        try:
            self._claim(path)
        except BaseException:
            os.close(self._lock)
            raise

    def release(self) -> None:
        """Let another process use the directory."""
        os.close(self._lock)

    def _claim(self, shown: Path) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._lock, 32).decode("ascii", "replace").strip()
            raise DataDirError(
                f'the data directory "{shown}" is in use by process {owner or "unknown"}',
                "Stop that process, connect to it, or name another directory with --data-dir",
            ) from None
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise DataDirError(
                f'cannot write to the data directory "{shown}" ({error.strerror})',
                "Free some space or name another directory with --data-dir",
            ) from None
