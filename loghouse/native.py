"""Text as ClickHouse's native format has it: compressed once, and sent as it lies.

What compresses is imported inside functions, because commands that only ask need none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

LEVEL = 1  # of zstd


class Unpackable(Exception):
    """What should be compressed text is something else."""


class PackedTexts(Sequence[bytes]):
    """A column of texts. `frame` is one frame of zstd of the column, unpacked by who looks at the texts."""

    __slots__ = ("_lengths", "frame")

    def __init__(self, frame: bytes | memoryview, lengths: Sequence[int]) -> None:
        """`lengths` are those of the texts, in bytes."""
        self.frame = frame
        self._lengths = lengths

    @property
    def unpacked_size(self) -> int:
        """Bytes of the column, with the lengths that stand before the texts."""
        return sum(len(varint(length)) + length for length in self._lengths)

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[bytes]:
        """Raises `Unpackable`."""
        column = memoryview(unpacked(self.frame))
        if len(column) != self.unpacked_size:
            raise Unpackable(f"{len(column)} bytes instead of {self.unpacked_size}")
        end = 0
        for length in self._lengths:
            start = end + len(varint(length))
            end = start + length
            yield bytes(column[start:end])

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        return list(self)[index]


def packed_texts(texts: Sequence[bytes]) -> PackedTexts:
    """The column of these texts."""
    lengths = [len(text) for text in texts]
    pieces = (piece for text in texts for piece in (varint(len(text)), text))
    return PackedTexts(compressed(b"".join(pieces)), lengths)


def compressed(data: bytes) -> bytes:
    """One frame of zstd, with the size of what is in it: who reads it in one go needs that."""
    import cramjam

    return bytes(cramjam.zstd.compress(data, level=LEVEL))


def varint(value: int) -> bytes:
    """A number of variable length, as the format writes it before each text."""
    if value < 128:
        return bytes((value,))
    digits = bytearray()
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def unpacked(frame: bytes | memoryview) -> bytes:
    """The content of one frame of zstd. Raises `Unpackable`."""
    import cramjam

    try:
        return bytes(cramjam.zstd.decompress(frame))
    except cramjam.DecompressionError as error:
        raise Unpackable(str(error)) from None
