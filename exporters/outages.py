"""One log line when something breaks, changes its reason or works again, instead of one per scrape."""

import logging
import threading

from exporters.errors import ScrapeError

log = logging.getLogger("exporters")

# More names than any allow-list names; beyond it the memory is dropped and lines may repeat.
_MOST_REMEMBERED = 10_000


class Outages:
    """Remembers which targets (or parts of a scrape) are broken, and logs only the changes."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._reasons: dict[str, str] = {}
        self._lock = threading.Lock()

    def failed(self, name: str, error: ScrapeError) -> None:
        if self._changed(name, error.reason):
            log.warning("%s: %s failed: %s", self._namespace, name, error)

    def fault(self, name: str) -> None:
        """A fault of the exporter itself, in an `except` block: logged with its traceback."""
        if self._changed(name, "internal"):
            log.exception("%s: fault while scraping %s", self._namespace, name)

    def worked(self, name: str) -> None:
        with self._lock:
            recovered = self._reasons.pop(name, None)
        if recovered:
            log.info("%s: %s works again", self._namespace, name)

    def _changed(self, name: str, reason: str) -> bool:
        with self._lock:
            if len(self._reasons) >= _MOST_REMEMBERED:
                self._reasons.clear()
            before = self._reasons.get(name)
            self._reasons[name] = reason
        return before != reason
