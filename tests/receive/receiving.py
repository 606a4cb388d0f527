"""A sink that keeps rows, and waiting for a condition."""

import threading
import time
from collections.abc import Callable
from typing import Any

from loghouse.receive.intake import Row


class Memory:
    """A sink that keeps rows; `gate` holds commits back while it is cleared."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.commits = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def commit(self, id: str, rows: list[Row]) -> None:
        assert self.gate.wait(20)
        if self.error:
            raise self.error
        self.commits += 1
        self.rows.setdefault(id, rows)

    def close(self) -> None:
        pass

    @property
    def data(self) -> bytes:
        return b"".join(row.piece.data for rows in self.rows.values() for row in rows)


def eventually(condition: Callable[[], Any], limit: float = 20.0) -> Any:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        threading.Event().wait(0.02)
    return value
