"""Compression of blocks: frames of a checksum, a method, two sizes and the packed bytes."""

import struct
from collections.abc import Iterator, Sequence

from loghouse.embedded.wire import ProtocolError, Window

LZ4 = 0x82
ZSTD = 0x90
STORED = 0x02
METHODS = {b"lz4": LZ4, b"lz4hc": LZ4, b"zstd": ZSTD, b"none": STORED}

CHECKSUM_SIZE = 16
HEADER = struct.Struct("<BII")  # method, packed size with this header, unpacked size
MAX_UNPACKED = 512 << 20  # the driver sends a whole block as one frame
_TWO_UINT64 = struct.Struct("<QQ")
FRAME_SIZE = 1 << 20  # of what is sent


class FrameWindow(Window):
    """The unpacked content of the frames in another window."""

    def __init__(self, packed: Window) -> None:
        from zstandard import ZstdDecompressor

        super().__init__()
        self._packed = packed
        self._zstd = ZstdDecompressor()

    def _more(self, stop: int) -> None:
        checksum = self._packed.take(CHECKSUM_SIZE)
        begin = self._packed.start
        self._packed.ensure(begin + HEADER.size)
        method, packed_size, size = HEADER.unpack_from(self._packed.data, begin)
        if packed_size < HEADER.size or size > MAX_UNPACKED:
            raise ProtocolError(f"a compressed frame of {packed_size} bytes for {size} bytes")
        frame = self._packed.take(packed_size)
        if _checksum(frame) != checksum:
            raise ProtocolError("the checksum of a compressed frame is wrong")
        with self._room(self.end + size) as room, room[:size] as content:
            unpacked = self._unpack(method, memoryview(frame)[HEADER.size :], content)
        if unpacked != size:
            raise ProtocolError(f"a compressed frame holds {unpacked} bytes instead of {size}")
        self.end += size

    def _unpack(self, method: int, body: memoryview, room: memoryview) -> int:
        """Unpack into the room, which should be filled; how many bytes there are."""
        if method == ZSTD:
            return self._unpack_zstd(body, room)
        if method == LZ4:
            content: bytes | memoryview = _unpack_lz4(body, len(room))
        elif method == STORED:
            content = body
        else:
            raise ProtocolError(f"unknown compression method {method:#x}", "Use lz4 or zstd")
        if len(content) == len(room):
            room[:] = content
        return len(content)

    def _unpack_zstd(self, body: memoryview, room: memoryview) -> int:
        from zstandard import ZstdError

        try:
            with self._zstd.stream_reader(body) as reader:
                return reader.readinto(room) + len(reader.read(1))
        except ZstdError as error:
            raise _broken(error) from None


def packed(pieces: Sequence[bytes | memoryview], method: int) -> Iterator[bytes]:
    """The frames for one block."""
    content = memoryview(b"".join(pieces))
    for begin in range(0, len(content), FRAME_SIZE):
        piece = content[begin : begin + FRAME_SIZE]
        body = _pack(method, piece)
        frame = HEADER.pack(method, HEADER.size + len(body), len(piece)) + body
        yield _checksum(frame)
        yield frame


def _checksum(frame: bytes) -> bytes:
    from clickhouse_cityhash.cityhash import CityHash128

    value = CityHash128(frame)
    return _TWO_UINT64.pack(value >> 64, value & 0xFFFF_FFFF_FFFF_FFFF)


def _unpack_lz4(body: memoryview, size: int) -> bytes:
    import lz4.block

    try:
        return bytes(lz4.block.decompress(body, uncompressed_size=size))
    except lz4.block.LZ4BlockError as error:
        raise _broken(error) from None


def _broken(error: Exception) -> ProtocolError:
    return ProtocolError(f"a compressed frame cannot be unpacked ({error})")


def _pack(method: int, content: memoryview) -> bytes:
    if method == STORED:
        return bytes(content)
    if method == ZSTD:
        import zstd

        return bytes(zstd.compress(bytes(content)))
    import lz4.block

    return bytes(lz4.block.compress(content, store_size=False))
