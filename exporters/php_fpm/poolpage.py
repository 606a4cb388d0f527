"""The page of one scrape, built from the readings of its pools."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from exporters.catalogue import Page
from exporters.errors import ScrapeError
from exporters.exporter import Ask
from exporters.families import Family
from exporters.php_fpm.backlog import waiting_at
from exporters.php_fpm.history import History
from exporters.php_fpm.metrics import (
    BAKINS,
    CATALOGUE,
    add_bakins,
    add_opcache,
    add_pool,
    add_processes,
    add_states,
    counted_processes,
)
from exporters.php_fpm.poolconfig import PoolConfig
from exporters.php_fpm.reader import Reading
from exporters.php_fpm.settings import PhpFpmSettings
from exporters.php_fpm.status import Status
from exporters.php_fpm.uri import PoolUri

NAMESPACE = "phpfpm"
_UNKNOWN = PoolConfig()


@dataclass(frozen=True, slots=True)
class PoolPage:
    """Adds readings to pages. `single` says that bakins' names need no labels to tell pools apart."""

    settings: PhpFpmSettings
    ask: Ask
    history: History
    configs: Mapping[str, PoolConfig]
    backlogs: Mapping[bytes, int]
    single: bool
    page: Page = field(default_factory=lambda: CATALOGUE.page(NAMESPACE))
    bakins: Page = field(default_factory=lambda: BAKINS.page(NAMESPACE))

    def add(self, reading: Reading) -> None:
        """All series of a pool."""
        uri, status = reading.uri, reading.status
        if isinstance(status, ScrapeError):
            pool, failures = self.history.failed(uri.text)
            self._add_outcome(reading, pool, failures)
            self.page.add("scrape_error", 1, pool, uri.text, status.reason)
            fields: Mapping[str, int] = self._with_waiting(uri, pool, {})
            for waiting in fields.values():
                self.page.add("listen_queue", waiting, pool, uri.text)
        else:
            pool, failures = status.pool, self.history.worked(uri.text, status.pool)
            self._add_outcome(reading, pool, failures)
            fields = self._add_status(uri, status)
        if isinstance(reading.opcache, ScrapeError):
            self.page.add("opcache_error", 1, pool, uri.text, reading.opcache.reason)
        elif reading.opcache is not None:
            add_opcache(self.page, reading.opcache, pool, uri.text)
        if self.settings.bakins_names:
            labels = {} if self.single else {"pool": pool, "scrape_uri": uri.text}
            add_bakins(self.bakins, fields, failures, labels)

    def __iter__(self) -> Iterator[Family]:
        yield from self.page
        yield from self.bakins

    def _add_outcome(self, reading: Reading, pool: str, failures: int) -> None:
        self.page.add("up", int(isinstance(reading.status, Status)), pool, reading.uri.text)
        self.page.add("scrape_failures", failures, pool, reading.uri.text)
        self.page.add("scrape_duration_seconds", reading.seconds, pool, reading.uri.text)

    def _add_status(self, uri: PoolUri, status: Status) -> Mapping[str, int]:
        fields = dict(status.fields)
        if self.settings.fix_process_count:
            fields |= counted_processes(status)
        fields |= self._with_waiting(uri, status.pool, fields)
        add_pool(self.page, status, fields, uri.text)
        limit = self._max_children(status)
        if limit is not None:
            self.page.add("max_children", limit, status.pool, uri.text)
        if self.ask.wants("processes"):
            add_states(self.page, status, uri.text)
            if self.settings.per_process:
                add_processes(self.page, status, uri.text, self.settings.max_processes)
        return fields

    def _max_children(self, status: Status) -> int | None:
        limit = self.configs.get(status.pool, _UNKNOWN).max_children
        if limit is None and status.process_manager == "static":
            # A static pool has all its processes all the time.
            limit = status.fields.get("total processes")
        return limit

    def _with_waiting(self, uri: PoolUri, pool: str, fields: Mapping[str, int]) -> dict[str, int]:
        """The field `listen queue` as the system knows it for a unix socket; {} when it knows nothing."""
        path = self.configs.get(pool, _UNKNOWN).socket or uri.address.path
        waiting = waiting_at(self.backlogs, path) if path else None
        return {} if waiting is None else {"listen queue": max(waiting, fields.get("listen queue", 0))}
