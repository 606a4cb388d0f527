"""Which chunks are durable already: a sender whose acknowledgement got lost sends its chunk again.

The ids are in a file of fixed records, behind the rows in time: a block of the spool names its chunks, and
this file is synced before that block is out of reach.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from loghouse.spool.ownership import sync_directory

REMEMBERED = 100_000  # at least; at most twice as many
SIZE = 16  # bytes of an id on disk
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def chunk_id(identity: bytes) -> bytes:
    """The id of a chunk by what its sender calls it."""
    return hashlib.blake2b(identity, digest_size=SIZE).digest()


class Chunks:
    """Two generations of ids; the older one is dropped when the younger is full. Used by one thread."""

    def __init__(self, directory: str) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self._directory = directory
        self._path = os.path.join(directory, "chunks")
        self._old = _read(f"{self._path}.old")
        self._new = _read(self._path)
        self._file = os.open(self._path, _FLAGS, 0o600)
        size = os.fstat(self._file).st_size
        os.ftruncate(self._file, size - size % SIZE)  # a record that was being written
        self._unsynced = False

    def close(self) -> None:
        os.close(self._file)

    def __contains__(self, chunk: bytes) -> bool:
        return chunk in self._new or chunk in self._old

    def add(self, chunks: Iterable[bytes]) -> None:
        """Remember chunks whose rows are durable. Raises OSError."""
        fresh = [chunk for chunk in chunks if chunk not in self._new]
        if not fresh:
            return
        if len(self._new) >= REMEMBERED:
            self._begin_generation()
        self._new.update(fresh)
        os.write(self._file, b"".join(fresh))
        self._unsynced = True

    def sync(self) -> None:
        """Return when the ids survive a power loss. Raises OSError."""
        if self._unsynced:
            os.fdatasync(self._file)
            self._unsynced = False

    def _begin_generation(self) -> None:
        os.fdatasync(self._file)
        os.rename(self._path, f"{self._path}.old")
        fresh = os.open(self._path, _FLAGS, 0o600)
        sync_directory(self._directory)
        os.close(self._file)
        self._file = fresh
        self._old, self._new = self._new, set()


def _read(path: str) -> set[bytes]:
    """Whole records; a torn one at the end is left out."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return set()
    return {data[start : start + SIZE] for start in range(0, len(data) - SIZE + 1, SIZE)}
