"""What goes to a client: small packets wait for each other, so that a short answer is one write."""

import socket
import threading
from collections.abc import Iterable, Iterator

from loghouse.embedded.wire import Disconnected

ENOUGH = 256 << 10  # bytes worth a write


class Outbox:
    """Used by the thread of the client; others may write to the socket while they hold `writing`."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        self.writing = threading.Lock()
        self._connection = connection
        self._patience = patience
        self._pieces: list[bytes | memoryview] = []
        self._size = 0

    def add(self, *pieces: bytes | memoryview) -> None:
        """Send soon: when enough has come together, or with `flush`."""
        self.extend(pieces)

    def extend(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Send soon, as `add`."""
        for piece in pieces:
            self._pieces.append(piece)
            self._size += len(piece)
        if self._size >= ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Send now; raises `Disconnected` when the client does not take it."""
        if not self._pieces:
            return
        pieces, self._pieces, self._size = self._pieces, [], 0
        with self.writing:
            try:
                self._connection.settimeout(self._patience)
                for content in _joined(pieces):
                    self._connection.sendall(content)
            except OSError as error:
                raise Disconnected(f"the client does not take its answer ({error})") from None


def _joined(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Small pieces together, and large ones, which are worth a write of their own, without a copy."""
    small: list[bytes | memoryview] = []
    for piece in pieces:
        if len(piece) < ENOUGH:
            small.append(piece)
            continue
        if small:
            yield b"".join(small)
            small = []
        yield piece
    if small:
        yield b"".join(small)
