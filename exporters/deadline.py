"""One point in time by which a whole scrape must be over."""

import time

from exporters.errors import ScrapeError

TIMEOUT_HEADER = "x-prometheus-scrape-timeout-seconds"
# What Prometheus' own timeout leaves for encoding the page and sending it.
_ANSWER_MARGIN = 0.5


class Deadline:
    """Every wait of a scrape asks `remaining()`, so the waits together cannot exceed the whole."""

    __slots__ = ("_at",)

    def __init__(self, at: float) -> None:
        self._at = at

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def sooner(self, seconds: float) -> "Deadline":
        """This deadline, or `seconds` from now if that comes first: a share for one of several parts."""
        return Deadline(min(self._at, time.monotonic() + seconds))

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._at

    def remaining(self) -> float:
        """Seconds left, always above zero; raises ScrapeError("timeout") when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise ScrapeError("timeout", "the scrape's deadline passed")
        return left


def scrape_seconds(limit: float, header: str | None) -> float:
    """How long a scrape may take: the configured limit, or less when Prometheus will not wait so long."""
    try:
        patience = float(header or "inf")
    except ValueError:
        return limit
    if not patience > 0:
        return limit
    return min(limit, max(patience - _ANSWER_MARGIN, patience / 2))
