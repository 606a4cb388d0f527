"""What is kept of a file that was closed: a few numbers, packed, as there may be 100,000 of them."""

from __future__ import annotations

import struct
from typing import NamedTuple, Self

_PACKED = struct.Struct("=QQQqdQQ")


class Resting(NamedTuple):
    """A file that was closed, as it was then."""

    source: int
    device: int
    inode: int
    size: int  # -1 if it is to be read again whatever its size
    modified: float
    offset: int
    unread: int  # bytes

    def packed(self) -> bytes:
        """The same in a third of the memory."""
        return _PACKED.pack(*self)

    @classmethod
    def unpacked(cls, packed: bytes) -> Self | None:
        """What was packed; None of nothing."""
        return cls(*_PACKED.unpack(packed)) if packed else None
