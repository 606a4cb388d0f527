"""The bytes of a log file at any place, plain or gzip; offsets are those of the decompressed bytes."""

import gzip
import os
import stat
import zlib
from typing import Protocol


class NotAFile(OSError):
    """A FIFO, a device or a directory: nothing that holds lines."""


class Contents(Protocol):
    """An open file."""

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end."""

    def size(self) -> int:
        """How long the file is now."""

    def modified(self) -> float:
        """When the file was written last, as a Unix time."""

    def ends_at(self, offset: int) -> bool:
        """Whether it is cheap to know that the file will never have more than this many bytes."""

    def damage(self) -> str:
        """Why reading ended early, if it did."""

    def close(self) -> None: ...


def open_contents(path: str, compressed: bool) -> tuple[Contents, os.stat_result]:
    """Open a regular file; OSError for anything else: a link could lead anywhere, a FIFO would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotAFile(0, "not a regular file", path)
    return (GzipContents(descriptor) if compressed else PlainContents(descriptor)), status


class PlainContents:
    """A file as it is."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def modified(self) -> float:
        return os.fstat(self._descriptor).st_mtime

    def ends_at(self, offset: int) -> bool:
        return False

    def damage(self) -> str:
        return ""

    def close(self) -> None:
        os.close(self._descriptor)


class GzipContents:
    """A gzip file; reading on is cheap, going back beyond the last read starts over."""

    def __init__(self, descriptor: int) -> None:
        self._raw = os.fdopen(descriptor, "rb")
        self._file = gzip.GzipFile(fileobj=self._raw)
        self._size: int | None = None
        self._held = (
            b""  # the last bytes read, since a caller comes back for the line cut at the end of a chunk
        )
        self._held_at = 0
        self._damage = ""

    def read(self, offset: int, size: int) -> bytes:
        held = b""
        if self._held_at <= offset <= self._held_at + len(self._held):
            held = self._held[offset - self._held_at :]
        data = held[:size]
        if len(data) < size:
            data += self._decompress(offset + len(data), size - len(data))
            self._held, self._held_at = data, offset
        return data

    def _decompress(self, offset: int, size: int) -> bytes:
        parts: list[bytes] = []
        try:
            if self._file.tell() != offset:
                self._file.seek(offset)
            while size and (part := self._file.read1(min(size, 1 << 17))):
                parts.append(part)
                size -= len(part)
        except (OSError, EOFError, zlib.error) as error:
            # What came before the damage is good and is kept; the decompressor is not, so it starts over.
            self._damage = str(error)
            self._raw.seek(0)
            self._file = gzip.GzipFile(fileobj=self._raw)
        return b"".join(parts)

    def size(self) -> int:
        if self._size is None:
            self._size = self._length()
        return self._size

    def modified(self) -> float:
        return os.fstat(self._raw.fileno()).st_mtime

    def _length(self) -> int:
        """The decompressed length, read to the end when the trailer cannot tell (several members, damage)."""
        position = self._held_at + len(self._held)
        while part := self.read(position, 1 << 20):
            position += len(part)
        return position

    def ends_at(self, offset: int) -> bool:
        # The trailer holds the length, so a file that was read before costs nothing after a restart.
        length = os.fstat(self._raw.fileno()).st_size
        if length < 18:
            return False
        trailer = os.pread(self._raw.fileno(), 4, length - 4)
        return int.from_bytes(trailer, "little") == offset & 0xFFFFFFFF

    def damage(self) -> str:
        return self._damage

    def close(self) -> None:
        self._file.close()
        self._raw.close()
