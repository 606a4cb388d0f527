"""What the exporter remembers of pools between scrapes, as upstream does: their names and failures."""

import threading

# More than any allow-list reaches; beyond it the pool that failed or worked longest ago is forgotten.
_MOST = 10_000


class History:
    """The name and the failed scrapes of each pool, by scrape_uri."""

    def __init__(self) -> None:
        self._pools: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def failed(self, uri: str) -> tuple[str, int]:
        """Count a failure: the pool's name, "" if it never worked, and its failures."""
        with self._lock:
            name, failures = self._pools.pop(uri, ("", 0))
            return self._keep(uri, name, failures + 1)

    def worked(self, uri: str, pool: str) -> int:
        """Remember the pool's name: its failures so far."""
        with self._lock:
            _, failures = self._pools.pop(uri, ("", 0))
            return self._keep(uri, pool, failures)[1]

    def _keep(self, uri: str, name: str, failures: int) -> tuple[str, int]:
        if len(self._pools) >= _MOST:
            del self._pools[next(iter(self._pools))]
        self._pools[uri] = (name, failures)
        return name, failures
