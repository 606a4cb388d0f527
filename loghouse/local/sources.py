"""What `--file` names: files by pattern, or standard input; compression is told by the first bytes."""

from __future__ import annotations

import bz2
import glob
import gzip
import io
import lzma
import os
import select
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from loghouse.errors import UsageError
from loghouse.ship.paths import Origin, pod_directory, workload_of

STDIN = "-"
BLOCK = 1 << 20  # bytes given out at once
STEP = 1 << 17  # bytes read at once
SIGNAL_MS = 200  # how long a wait may last before signals are looked at

_GZIP, _ZSTD, _BZIP2, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00"
# What a damaged file or a wrong end raises, whichever the compression.
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class Named:
    """A file to read, or standard input; `size` is its bytes on disk, 0 where nobody knows."""

    path: str
    size: int
    origin: Origin

    @property
    def shown(self) -> str:
        """Its name for people."""
        return "standard input" if self.path == STDIN else self.path


@dataclass(slots=True)
class Opened:
    """The decompressed bytes of a file, and how far it was read."""

    _file: io.BufferedIOBase
    _raw: io.BufferedReader
    damage: str = field(default="", init=False)  # why reading ended early, if it did

    def read(self) -> bytes:
        """The next bytes, about `BLOCK`; none at the end, or where nothing more can be read."""
        parts: list[bytes] = []
        size = 0
        try:
            # Small steps, or what comes before a damage would be lost with it.
            while not self.damage and size < BLOCK and (part := self._file.read1(STEP)):
                parts.append(part)
                size += len(part)
        except _DAMAGED as error:
            self.damage = str(error)
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            self.damage = str(error)
        return b"".join(parts)

    def position(self) -> int:
        """Bytes on disk that were read so far."""
        return self._raw.tell()


def named_files(patterns: Sequence[str]) -> list[Named]:
    """The files that the patterns name, each once, in the order of the patterns and of their names.

    A directory is all that lies below it. Raises `UsageError` for a pattern that names nothing.
    """
    if STDIN in patterns:
        if len(patterns) > 1:
            raise UsageError("standard input cannot be read together with files", "Give one of them")
        return [Named(STDIN, 0, Origin(STDIN))]
    paths: dict[str, None] = {}
    for pattern in patterns:
        paths.update(dict.fromkeys(_matching(pattern)))
    return [_named(path) for path in paths]


@contextmanager
def opened(named: Named) -> Iterator[Opened]:
    """The bytes of a file; raises `UsageError` if it cannot be opened."""
    try:
        raw: io.BufferedReader = io.BufferedReader(_Awaited(named.path), STEP)
    except OSError as error:
        raise UsageError(f'cannot read "{named.path}" ({error.strerror})', "Check --file") from None
    with raw:
        magic = raw.peek(6)[:6]
        yield Opened(_decompressed(raw, magic), raw)


def wait_readable(descriptor: int) -> None:
    """Wait until there is something to read, or the end.

    A signal that comes just before a wait, or is handed to a thread of the engine, does not end the wait, and
    what its handler raises is raised when the wait ends. So none is long.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while not poll.poll(SIGNAL_MS):
        pass


class _Awaited(io.FileIO):
    """A file, or a pipe of which no read begins before there is something to read."""

    def readinto(self, buffer: Any) -> int | None:
        wait_readable(self.fileno())
        return super().readinto(buffer)


def _matching(pattern: str) -> list[str]:
    pattern = os.path.expanduser(pattern)
    found = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
    files: list[str] = []
    for path in found:
        if os.path.isdir(path):
            files += [
                os.path.join(directory, name)
                for directory, _, names in sorted(os.walk(path))
                for name in sorted(names)
                if not name.startswith(".")
            ]
        else:
            files.append(path)
    if not files:
        raise UsageError(
            f'--file "{pattern}" names no file',
            "Check the path, and quote a pattern so that the shell leaves it alone",
        )
    return files


def _named(path: str) -> Named:
    try:
        status = os.stat(path)
    except OSError as error:
        raise UsageError(f'cannot read "{path}" ({error.strerror})', "Check --file") from None
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return Named(path, size, _origin(path))


def _origin(path: str) -> Origin:
    """What the place of a file tells, as the shipper reads it below /var/log/pods; else its own name."""
    full = os.path.realpath(path)
    directory, name = os.path.split(full)
    parent, container = os.path.split(directory)
    pod = pod_directory(os.path.basename(parent))
    if pod is not None and name[:1].isdigit():
        namespace, pod_name, uid = pod
        return Origin(full, "plain", namespace, pod_name, container, workload_of(pod_name), uid)
    return Origin(full, container=os.path.basename(path))


def _decompressed(raw: io.BufferedReader, magic: bytes) -> io.BufferedIOBase:
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=raw)
    if magic.startswith(_BZIP2):
        return bz2.BZ2File(raw)
    if magic.startswith(_XZ):
        return lzma.LZMAFile(raw)
    if magic.startswith(_ZSTD):
        return _zstd(raw)
    return raw


def _zstd(raw: io.BufferedReader) -> io.BufferedIOBase:
    from zstandard import ZstdDecompressor

    # It has the methods of a buffered file, and another base class.
    reader: Any = ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return cast(io.BufferedIOBase, reader)
