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
        # By name the reason, and whether the log says so.
        self._broken: dict[str, tuple[str, bool]] = {}
        self._lock = threading.Lock()

    def failed(self, name: str, error: ScrapeError) -> None:
        """Log an error, unless it is known or the very same one broke something else before."""
        if self._changed(name, error.reason, not error.logged):
            error.logged = True
            log.warning("%s: %s failed: %s", self._namespace, name, error)

    def fault(self, name: str) -> None:
        """A fault of the exporter itself, in an `except` block: logged with its traceback."""
        if self._changed(name, "internal", True):
            log.exception("%s: fault while scraping %s", self._namespace, name)

    def worked(self, name: str) -> None:
        with self._lock:
            _, logged = self._broken.pop(name, ("", False))
        if logged:
            log.info("%s: %s works again", self._namespace, name)

    def _changed(self, name: str, reason: str, is_news: bool) -> bool:
        """Remember a reason; whether to log it."""
        with self._lock:
            if len(self._broken) >= _MOST_REMEMBERED:
                self._broken.clear()
            before, logged = self._broken.get(name, ("", False))
            changed = before != reason
            self._broken[name] = (reason, is_news if changed else logged)
        return changed and is_news
