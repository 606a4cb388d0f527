"""The native protocol's smallest parts: numbers and strings, and bytes that arrive in pieces.

A `Window` holds what has come so far. Blocks are walked in it in place, so a block of 16 MB is never copied
on the way in, except once to hand it to the engine.
"""

import socket
import struct
import time
from typing import Protocol

from loghouse.errors import LoghouseError
from loghouse.native import varint

RESTING_SIZE = 256 << 10  # of a window between packets, and what is read ahead at most
MAX_BLOCK = 512 << 20  # one block of an insert; ClickHouse's own default is 1 Mi rows or 256 MB
MAX_STRING = 1 << 20  # names, types, settings, passwords
MAX_QUERY = 64 << 20  # the text of a query, with data written into it


class ProtocolError(LoghouseError):
    """The other side does not speak the protocol, or asks for more than the bounds allow."""


class Disconnected(LoghouseError):
    """The other side closed the connection or stopped answering."""


class Source(Protocol):
    """Bytes that can be walked: `data[:end]` is there, `ensure` waits for more."""

    data: bytes | bytearray
    end: int

    def ensure(self, stop: int) -> int:
        """Return once `end >= stop`; the new `end`."""


class Complete:
    """Bytes that are all there, as the engine gives them."""

    __slots__ = ("data", "end")

    def __init__(self, data: bytes) -> None:
        self.data: bytes | bytearray = data
        self.end = len(data)

    def ensure(self, stop: int) -> int:
        if stop > self.end:
            raise ProtocolError(f"a block ends after {self.end} bytes, {stop} were expected")
        return self.end


class Window:
    """Bytes as they come from `_more`; read from `start`, known up to `end`.

    Positions stay valid until `settle` is called between two packets.
    """

    def __init__(self, limit: int = MAX_BLOCK) -> None:
        self.data: bytes | bytearray = bytearray(RESTING_SIZE)
        self.start = 0
        self.end = 0
        self._limit = limit

    @property
    def pending(self) -> memoryview:
        """What has come and was not read yet."""
        return memoryview(self.data)[self.start : self.end]

    def ensure(self, stop: int) -> int:
        while self.end < stop:
            if stop - self.start > self._limit:
                raise ProtocolError(
                    f"a packet of more than {self._limit} bytes", "Send smaller blocks: max_insert_block_size"
                )
            self._more(stop)
        return self.end

    def settle(self) -> None:
        """Move what was not read to the front, so that the window does not grow for ever."""
        rest = self.end - self.start
        if self.start:
            self.data[:rest] = self.data[self.start : self.end]  # type: ignore[index]  # a bytearray here
        self.start, self.end = 0, rest

    def shrink(self) -> None:
        """Give back the memory of a big block."""
        if len(self.data) > RESTING_SIZE and self.end - self.start <= RESTING_SIZE:
            self.settle()
            self.data = self.data[:RESTING_SIZE]

    def byte(self) -> int:
        self.ensure(self.start + 1)
        self.start += 1
        return self.data[self.start - 1]

    def varint(self) -> int:
        value, self.start = varint_at(self, self.start)
        return value

    def take(self, size: int) -> bytes:
        stop = self.start + size
        self.ensure(stop)
        piece = bytes(memoryview(self.data)[self.start : stop])
        self.start = stop
        return piece

    def string(self, limit: int = MAX_STRING) -> bytes:
        size = self.varint()
        if size > limit:
            raise ProtocolError(f"a string of {size} bytes where at most {limit} are allowed")
        return self.take(size)

    def _room(self, stop: int) -> memoryview:
        """Free space after `end`: at least up to `stop`, and for some bytes more."""
        size = len(self.data)
        wanted = max(stop, self.end + RESTING_SIZE // 4)
        if size < wanted:
            # Doubling keeps the cost of growing a constant per byte.
            self.data.extend(bytes(max(wanted, 2 * size) - size))  # type: ignore[union-attr]
        # Little is read ahead, so that `settle` has little to move.
        return memoryview(self.data)[self.end : max(stop, min(len(self.data), self.end + RESTING_SIZE))]

    def _more(self, stop: int) -> None:
        raise NotImplementedError


class SocketWindow(Window):
    """What a client sends. No wait is longer than `patience`, none goes past `deadline`."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        super().__init__()
        self._connection = connection
        self.patience = patience
        self.deadline: float | None = None

    def _more(self, stop: int) -> None:
        timeout = self.patience
        if self.deadline is not None:
            timeout = min(timeout, self.deadline - time.monotonic())
            if timeout <= 0:
                raise Disconnected("the client took too long")
        self._connection.settimeout(timeout)
        try:
            with self._room(stop) as room:
                size = self._connection.recv_into(room)
        except TimeoutError:
            raise Disconnected(f"no byte from the client in {timeout:.0f} s") from None
        except OSError as error:
            raise Disconnected(f"the connection broke ({error})") from None
        if not size:
            raise Disconnected("the client closed the connection")
        self.end += size


def varint_at(source: Source, position: int) -> tuple[int, int]:
    """The variable-length number at `position`, and the position after it."""
    value = shift = 0
    while True:
        if position >= source.end:
            source.ensure(position + 1)
        byte = source.data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise ProtocolError("a number is longer than 64 bits")


def uint64_at(source: Source, position: int) -> int:
    """The 8-byte number at `position`."""
    source.ensure(position + 8)
    return int(_UINT64.unpack_from(source.data, position)[0])


def string(value: bytes) -> bytes:
    """A string with its length before it."""
    return varint(len(value)) + value


_UINT64 = struct.Struct("<Q")
