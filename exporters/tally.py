"""A sum that several scrapes add to at the same time."""

import threading

from exporters.families import Value


class Tally:
    """Counts what the exporter itself did, such as its scrapes."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: Value = 0

    def add(self, amount: Value = 1) -> None:
        with self._lock:
            self._value += amount

    @property
    def value(self) -> Value:
        return self._value
