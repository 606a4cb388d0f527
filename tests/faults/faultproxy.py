"""A TCP proxy in front of the store that breaks connections as networks and servers do.

It looks into the store's protocol only as far as it must to know where in an insert it is.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from loghouse.config import StoreUrl

PIECE = 1 << 16
INSERT = b"INSERT INTO ingest"
END_OF_STREAM = b"\x05"
ABORT = struct.pack("ii", 1, 0)  # close with a reset


class Cut(Exception):
    """Close both sides now."""


class Link:
    """One connection of a client, and ours to the store for it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.phase = "before"  # an insert: asked, then told its columns, then sending
        self.sent = 0  # bytes of the rows of the insert

    def note_request(self, data: bytes) -> None:
        """Follow the insert."""
        if INSERT in data:
            self.phase, self.sent = "asked", 0
        elif self.phase in ("told", "sending"):
            self.phase = "sending"
            self.sent += len(data)

    def note_answer(self) -> None:
        if self.phase == "asked":
            self.phase = "told"

    def note_end(self, answer: bytes) -> None:
        """What comes after the answer to an insert, a ping perhaps, is no part of it."""
        if self.phase == "sending" and answer.endswith(END_OF_STREAM):
            self.phase = "before"

    def cut(self, reset: bool = False) -> None:
        for side in (self.client, self.server):
            with suppress(OSError):  # the thread of the other direction was faster
                if reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                side.shutdown(socket.SHUT_RDWR)
            side.close()


class Passing:
    """No fault. `times` is how often a fault is still to happen; subclasses count it down."""

    reset = False

    def __init__(self, times: int = 1 << 30) -> None:
        self.times = times

    def opened(self, link: Link) -> None:
        """A connection was accepted."""

    def request(self, link: Link, data: bytes) -> None:
        link.server.sendall(data)

    def answer(self, link: Link, data: bytes) -> None:
        link.client.sendall(data)

    def happen(self) -> bool:
        """Whether the fault happens once more."""
        self.times -= 1
        return self.times >= 0


class Down(Passing):
    """Nobody listens: every connection ends at once."""

    reset = True

    def opened(self, link: Link) -> None:
        raise Cut

    def request(self, link: Link, data: bytes) -> None:
        raise Cut


class LosesAnswers(Passing):
    """The store has the whole insert and answers; every second answer never arrives."""

    _answers = 0

    def answer(self, link: Link, data: bytes) -> None:
        if link.phase == "sending" and data.endswith(END_OF_STREAM):
            self._answers += 1
            if self._answers % 2 and self.happen():
                raise Cut
        link.client.sendall(data)


class CutsRequests(Passing):
    """The connection is reset when so many bytes of the rows have gone through."""

    reset = True

    def __init__(self, times: int, after: int) -> None:
        super().__init__(times)
        self._after = after

    def request(self, link: Link, data: bytes) -> None:
        if link.phase == "sending" and link.sent > self._after and self.happen():
            link.server.sendall(data[: len(data) // 2])
            raise Cut
        link.server.sendall(data)


class HalfOpen(Passing):
    """Packets vanish amid an insert: both ends think that the connection is fine."""

    def request(self, link: Link, data: bytes) -> None:
        if link.phase != "sending":
            link.server.sendall(data)

    def answer(self, link: Link, data: bytes) -> None:
        if link.phase != "sending":
            link.client.sendall(data)


class Slow(Passing):
    """The rows of an insert go through a few bytes at a time, for some time."""

    def request(self, link: Link, data: bytes) -> None:
        if link.phase == "sending" and self.happen():
            for start in range(min(len(data), 20)):
                link.server.sendall(data[start : start + 1])
                time.sleep(0.05)  # the fault itself, not a wait for anything
            data = data[20:]
        link.server.sendall(data)


class Says(Passing):
    """The store answers each insert with an error, by its protocol."""

    def __init__(self, code: int, text: str, times: int = 1 << 30) -> None:
        super().__init__(times)
        self._packet = _exception(code, text)
        self.said_at: list[float] = []

    def request(self, link: Link, data: bytes) -> None:
        if link.phase == "asked" and self.happen():
            self.said_at.append(time.monotonic())
            link.client.sendall(self._packet)
            raise Cut
        link.server.sendall(data)


class FaultProxy:
    """Listens on a port of loopback; `fault` may be replaced at any time."""

    def __init__(self, store: StoreUrl) -> None:
        self.fault: Passing = Passing()
        self.connections = 0
        self._store = store
        self._links: list[Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        """End every connection that is open."""
        links, self._links = self._links, []
        for link in links:
            link.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection((self._store.host, self._store.port))
            link = Link(client, server)
            self._links.append(link)
            try:
                self.fault.opened(link)
            except Cut:
                link.cut(self.fault.reset)
                continue
            for function in (self._requests, self._answers):
                threading.Thread(target=function, args=(link,), daemon=True).start()

    def _requests(self, link: Link) -> None:
        try:
            while data := link.client.recv(PIECE):
                link.note_request(data)
                self.fault.request(link, data)
            link.cut()
        except (Cut, OSError):
            link.cut(self.fault.reset)

    def _answers(self, link: Link) -> None:
        try:
            while data := link.server.recv(PIECE):
                link.note_answer()
                self.fault.answer(link, data)
                link.note_end(data)
            link.cut()
        except (Cut, OSError):
            link.cut(self.fault.reset)


def _exception(code: int, text: str) -> bytes:
    """The packet of an error: code, name, text, trace, nothing nested."""
    strings = (b"DB::Exception", f"DB::Exception: {text}".encode(), b"")
    packed = b"".join(_varint(len(each)) + each for each in strings)
    return b"\x02" + struct.pack("<i", code) + packed + b"\x00"


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
