"""Text as ClickHouse's native format has it: compressed once and sent as it lies, received as whole columns.

What compresses is imported inside functions, because commands that only ask need none of it.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import Literal, overload

LEVEL = 1  # of zstd
_CODES: Mapping[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}  # of `array`, by width


class Unpackable(Exception):
    """What should be compressed text is something else."""


class _Column(Sequence[bytes]):
    """Texts that are not objects until somebody looks at them, which takes all of them."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        return list(self)[index]


class PackedTexts(_Column):
    """A column of texts. `frame` is one frame of zstd, unpacked by who looks at the texts.

    The length before the first text is not in it: so a single text of a megabyte is packed without a copy.
    """

    __slots__ = ("_lengths", "frame")

    def __init__(self, frame: bytes | memoryview, lengths: Sequence[int]) -> None:
        """`lengths` are those of the texts, in bytes."""
        self.frame = frame
        self._lengths = lengths

    @property
    def first_length(self) -> bytes:
        """What stands before the content of the frame."""
        return varint(self._lengths[0]) if self._lengths else b""

    @property
    def unpacked_size(self) -> int:
        """Bytes of the content of the frame."""
        return sum(len(varint(length)) + length for length in self._lengths) - len(self.first_length)

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[bytes]:
        """Raises `Unpackable`."""
        column = memoryview(unpacked(self.frame))
        if len(column) != self.unpacked_size:
            raise Unpackable(f"{len(column)} bytes instead of {self.unpacked_size}")
        end = -len(self.first_length)
        for length in self._lengths:
            start = end + len(varint(length))
            end = start + length
            yield bytes(column[start:end])


class Texts(_Column):
    """A column of texts as it was received: all of them one after another in `data`.

    `offsets` are whole numbers of 64 bits in memory: the 0 before the first one, then where each ends.
    """

    __slots__ = ("data", "offsets")

    def __init__(self, data: bytes | bytearray, offsets: bytes | bytearray) -> None:
        self.data = data
        self.offsets = offsets

    def __len__(self) -> int:
        return len(self.offsets) // 8 - 1

    def __iter__(self) -> Iterator[bytes]:
        data, ends = bytes(self.data), memoryview(self.offsets).cast("q").tolist()
        return iter([data[start:end] for start, end in pairwise(ends)])


def texts_of(texts: Iterable[bytes]) -> Texts:
    """The column of these texts."""
    kept = list(texts)
    return Texts(b"".join(kept), array("q", accumulate(map(len, kept), initial=0)).tobytes())


class Coded(_Column):
    """A column of few different texts, as it was received: the rows are numbers of `keys`.

    `numbers` are whole numbers of `width` bytes in memory.
    """

    __slots__ = ("keys", "numbers", "width")

    def __init__(self, keys: Sequence[bytes], numbers: bytes | bytearray, width: int) -> None:
        self.keys = keys
        self.numbers = numbers
        self.width = width

    def __len__(self) -> int:
        return len(self.numbers) // self.width

    def __iter__(self) -> Iterator[bytes]:
        return map(self.keys.__getitem__, memoryview(self.numbers).cast(_CODES[self.width]))


def coded(texts: Iterable[bytes]) -> Coded:
    """The column of these texts."""
    kept = list(texts)
    number_of = {text: number for number, text in enumerate(dict.fromkeys(kept))}
    return Coded(list(number_of), array("I", map(number_of.__getitem__, kept)).tobytes(), 4)


def packed_texts(texts: Sequence[bytes]) -> PackedTexts:
    """The column of these texts."""
    lengths = [len(text) for text in texts]
    pieces = [piece for text in texts for piece in (varint(len(text)), text)]
    return PackedTexts(compressed(b"".join(pieces[1:])), lengths)


class _Contexts(threading.local):
    """What zstd works with, kept: to make it anew for each block costs an eighth of the work."""

    def __init__(self) -> None:
        from zstandard import ZstdCompressor, ZstdDecompressor

        self.compressor = ZstdCompressor(LEVEL)
        self.decompressor = ZstdDecompressor()


@cache
def _contexts() -> _Contexts:
    return _Contexts()


def compressed(data: bytes) -> bytes:
    """One frame of zstd, with the size of what is in it: who reads it in one go needs that."""
    return _contexts().compressor.compress(data)


def unpacked(frame: bytes | memoryview) -> bytes:
    """The content of one frame of zstd. Raises `Unpackable`."""
    from zstandard import ZstdError

    try:
        return _contexts().decompressor.decompress(frame)
    except ZstdError as error:
        raise Unpackable(str(error)) from None


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
