"""How often somebody may ask: buckets of tokens that fill up with time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many more each second."""

    burst: float
    per_second: float


LOGINS = Rate(burst=10, per_second=1 / 12)
QUERIES = Rate(burst=120, per_second=30)


class Rates:
    """A bucket for each caller; used by many threads."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens left, when

    def take(self, caller: str) -> float:
        """0 if the caller may go on, else the seconds until he may."""
        now = self._clock()
        with self._lock:
            left, then = self._buckets.get(caller, (self._rate.burst, now))
            left = min(self._rate.burst, left + (now - then) * self._rate.per_second)
            if len(self._buckets) >= MOST_CALLERS and caller not in self._buckets:
                self._forget(now)
            allowed = left >= 1
            self._buckets[caller] = (left - 1 if allowed else left, now)
        return 0 if allowed else (1 - left) / self._rate.per_second

    def _forget(self, now: float) -> None:
        """Drop the callers whose bucket is full again: they are as good as new."""
        self._buckets = {
            caller: (left, then)
            for caller, (left, then) in self._buckets.items()
            if left + (now - then) * self._rate.per_second < self._rate.burst
        }
