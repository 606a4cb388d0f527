"""Which parts the table of records has: asked once for all tails instead of once for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from loghouse.blocks import Part
from loghouse.config import StoreUrl
from loghouse.errors import StoreUnreachable
from loghouse.store.client import Store
from loghouse.tail import parts_of

PAUSE = 0.2  # seconds an answer holds
AWAY_PAUSE = 1.0  # the same for the answer that the store is away


class Parts:
    """Called by the threads of all tails; those that come while the store is asked share its answer."""

    def __init__(self, url: StoreUrl, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = Store(url, settings={"readonly": 2, "max_execution_time": 60})
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._answer: frozenset[Part] | StoreUnreachable = frozenset()
        self._closed = False

    def __call__(self) -> frozenset[Part]:
        """The parts as they were a moment ago; raises `StoreUnreachable`."""
        with self._lock:
            if self._closed:
                raise StoreUnreachable("the server stops")
            now = self._clock()
            pause = AWAY_PAUSE if isinstance(self._answer, StoreUnreachable) else PAUSE
            if now - self._asked >= pause:
                self._asked = now
                try:
                    self._answer = parts_of(self._store)
                except StoreUnreachable as error:
                    self._answer = error
            if isinstance(self._answer, StoreUnreachable):
                raise self._answer
            return self._answer

    def renew(self) -> None:
        """The next answer is a new one: what was stored before it is not missed."""
        with self._lock:
            self._asked = float("-inf")

    def close(self) -> None:
        """Close the connection for good: a tail that has not ended yet opens no new one."""
        with self._lock:
            self._closed = True
            self._store.close()
