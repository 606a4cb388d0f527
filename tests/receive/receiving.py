"""A sink that keeps rows, and waiting for a condition."""

import threading
import time
from collections.abc import Callable
from typing import Any

from loghouse.receive.intake import Group
from loghouse.spool.rows import Row


class Memory:
    """A sink that keeps rows; `gate` holds commits back while it is cleared."""

    failing_since = None

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.chunks: set[bytes] = set()
        self.commits = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def knows(self, chunk: bytes) -> bool:
        return chunk in self.chunks

    def tend(self) -> None:
        return None

    def commit(self, group: Group) -> None:
        assert self.gate.wait(20)
        if self.error:
            raise self.error
        self.commits += 1
        self.rows.extend(group.rows)
        self.chunks.update(group.chunks)

    def close(self) -> None:
        pass

    @property
    def data(self) -> bytes:
        return b"".join(row.data for row in self.rows)


def eventually(condition: Callable[[], Any], limit: float = 20.0) -> Any:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        threading.Event().wait(0.02)
    return value
