"""One request as a handler sees it: who asks, with which parameters, and how to reach the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from loghouse.access.people import Person
from loghouse.config import StoreUrl
from loghouse.errors import LoghouseError
from loghouse.store.client import Store
from loghouse.web.parts import Parts

QUERY_SECONDS = 60
DOWNLOAD_SECONDS = 3600
MEMORY = 4 << 30  # bytes of one query; half of it, and groups and sorts go to the disk of the server


class Gone(LoghouseError):
    """The client left; nobody reads the answer."""


@dataclass(slots=True)
class Call:
    """A request. `cancel` may come from another thread at any time; it ends the queries that run."""

    store_url: StoreUrl
    parts: Parts
    person: Person
    parameters: Mapping[str, Sequence[str]]
    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    now_ns: int = field(default_factory=time.time_ns)
    stopped: Event = field(default_factory=Event)
    _stores: list[Store] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def text(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        values = self.parameters.get(name, ())
        return values[-1] if values else default

    def texts(self, name: str) -> Sequence[str]:
        """All values of a parameter that may be repeated."""
        return [value for value in self.parameters.get(name, ()) if value]

    def store(self, seconds: int = QUERY_SECONDS) -> Store:
        """A connection for this request that can only read; `with` closes it."""
        return self._opened(
            {
                "readonly": 2,
                "max_execution_time": seconds,
                "max_memory_usage": MEMORY,
                "max_bytes_before_external_group_by": MEMORY // 2,
                "max_bytes_before_external_sort": MEMORY // 2,
            }
        )

    def writable_store(self) -> Store:
        """A connection that can write, for what the page itself keeps."""
        return self._opened({"async_insert": 0})

    def wait(self, seconds: float) -> None:
        """Sleep; raises `Gone` when the client has left."""
        if self.stopped.wait(seconds):
            raise Gone("the client left")

    def cancel(self) -> None:
        """End what runs for this request."""
        self.stopped.set()
        with self._lock:
            for store in self._stores:
                store.cancel()

    def _opened(self, settings: Mapping[str, Any]) -> Store:
        if self.stopped.is_set():
            raise Gone("the client left")
        store = Store(self.store_url, settings=settings)
        with self._lock:
            self._stores.append(store)
        return store
