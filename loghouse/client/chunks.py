"""Chunks of records that wait for their acknowledgement, in memory or as files."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections import OrderedDict
from pathlib import Path

import msgpack

_SUFFIX = ".chunk"


class Chunks:
    """Chunks that wait for their acknowledgement, oldest first, in memory or as files.

    Each process has a directory of its own below the spool and adopts those whose processes are gone.
    """

    def __init__(self, spool: str) -> None:
        self.size = 0  # bytes of records
        self._memory: OrderedDict[str, tuple[bytes, int]] = OrderedDict()
        self._files: OrderedDict[str, tuple[Path, int]] = OrderedDict()
        self._lock = -1
        self._directory: Path | None = None
        if spool:
            self._own(Path(spool))

    def close(self) -> None:
        """Give the directory free, and remove it when nothing is in it."""
        if self._directory is not None:
            if not self._files:
                shutil.rmtree(self._directory, ignore_errors=True)
            os.close(self._lock)
            self._directory = None

    def put(self, tag: str, entries: list[bytes]) -> None:
        """Keep records as a chunk. Raises OSError, and keeps them in memory then."""
        id, packed = uuid.uuid4().hex, b"".join(entries)
        message = msgpack.packb([tag, packed, {"chunk": id, "size": len(entries)}])
        if self._directory is None:
            self._memory[id] = (message, len(packed))
            return
        path = self._directory / f"{time.time_ns():020}-{id}{_SUFFIX}"
        try:
            with open(path.with_suffix(".tmp"), "wb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            os.rename(file.name, path)
        except OSError:
            self._memory[id] = (message, len(packed))
            raise
        self._files[id] = (path, len(packed))

    def oldest(self) -> tuple[str, bytes] | None:
        """The id and the message of the chunk that waits longest."""
        for id, (path, _) in self._files.items():
            return id, path.read_bytes()
        for id, (message, _) in self._memory.items():
            return id, message
        return None

    def remove(self, id: str) -> int:
        """It was acknowledged; how many bytes its records had."""
        if id in self._memory:
            return self._memory.pop(id)[1]
        path, size = self._files.pop(id)
        path.unlink(missing_ok=True)
        return size

    def _own(self, spool: Path) -> None:
        self._directory = spool / uuid.uuid4().hex
        self._directory.mkdir(mode=0o700, parents=True)
        self._lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        for other in sorted(spool.iterdir()):
            if other != self._directory and other.is_dir():
                self._adopt(other)

    def _adopt(self, other: Path) -> None:
        """Take over the chunks of a process that is gone."""
        assert self._directory is not None
        lock = os.open(other, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in sorted(other.glob(f"*{_SUFFIX}")):
                mine = self._directory / path.name
                os.rename(path, mine)
                self._files[mine.stem.partition("-")[2]] = (mine, mine.stat().st_size)
                self.size += mine.stat().st_size
            shutil.rmtree(other, ignore_errors=True)
        except OSError:
            return  # its process lives
        finally:
            os.close(lock)
