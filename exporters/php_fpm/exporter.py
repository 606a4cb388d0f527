"""One scrape of all pools, from their URIs to families."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from exporters.background import for_all
from exporters.errors import ScrapeError
from exporters.exporter import Ask
from exporters.families import Family
from exporters.outages import Outages
from exporters.php_fpm.backlog import read_backlogs
from exporters.php_fpm.history import History
from exporters.php_fpm.poolconfig import PoolConfig, file_configs, flag_configs, merged
from exporters.php_fpm.poolpage import NAMESPACE, PoolPage
from exporters.php_fpm.reader import Reading, read_pool
from exporters.php_fpm.settings import PhpFpmSettings
from exporters.php_fpm.uri import PoolUri, expand, target_uri
from exporters.process import process_families
from exporters.targets import TargetRules

_CONFIG_FILE = "--phpfpm.config-file"


class PhpFpmExporter:
    """The metrics of the pools of `uris`, or of any allowed target; scrapes share names and failures only."""

    namespace = NAMESPACE
    parts: Sequence[str] = ("status", "processes", "opcache")

    def __init__(self, uris: Sequence[PoolUri], rules: TargetRules[PhpFpmSettings]) -> None:
        self._uris = uris
        self._rules = rules
        self._outages = Outages(NAMESPACE)
        self._history = History()

    def scrape(self, ask: Ask) -> Iterator[Family]:
        """Families of one scrape; `up` of a pool is 0 and the reason is a label when it cannot be read."""
        settings = self._rules.settings(ask.target, ask.module)
        configs, config_error = self._configs(settings)
        uris = self._asked(ask, settings)
        has_sockets = any(uri.address.path for uri in uris) or any(pool.socket for pool in configs.values())
        # Before the pools are read, so that what is sent to them does not count.
        backlogs = read_backlogs() if has_sockets else {}
        pages = PoolPage(settings, ask, self._history, configs, backlogs, self._is_single(ask))
        for reading in for_all(uris[: settings.max_pools], lambda uri: self._read(uri, settings, ask)):
            self._note(reading)
            pages.add(reading)
        if config_error is not None:
            pages.page.add("config_file_error", 1, config_error.reason)
        if ask.target is None:
            pages.page.add("pools_truncated", int(len(uris) > settings.max_pools))
            yield from process_families()
        yield from pages

    def _asked(self, ask: Ask, settings: PhpFpmSettings) -> list[PoolUri]:
        """What to read: one target, or all own pools and one more than allowed at most."""
        if ask.target is None:
            return list(islice(expand(self._uris), settings.max_pools + 1))
        return [target_uri(ask.target, ask.params.get("target", ("",))[0], settings.status_path)]

    def _is_single(self, ask: Ask) -> bool:
        return ask.target is not None or (len(self._uris) == 1 and not self._uris[0].is_pattern)

    def _read(self, uri: PoolUri, settings: PhpFpmSettings, ask: Ask) -> Reading:
        full = ask.wants("processes") or settings.fix_process_count
        opcache = bool(settings.opcache_script) and ask.wants("opcache")
        try:
            return read_pool(uri, settings, ask.deadline, full, opcache)
        except Exception:  # noqa: BLE001 - one pool must not take the others with it
            self._outages.fault(uri.text)
            return Reading(uri, 0, ScrapeError("internal"))

    def _note(self, reading: Reading) -> None:
        """Log what changed."""
        self._log(reading.uri.text, reading.status)
        if reading.opcache is not None:
            self._log(f"opcache of {reading.uri.text}", reading.opcache)

    def _log(self, name: str, outcome: object) -> None:
        if isinstance(outcome, ScrapeError):
            self._outages.failed(name, outcome)
        else:
            self._outages.worked(name)

    def _configs(self, settings: PhpFpmSettings) -> tuple[Mapping[str, PoolConfig], ScrapeError | None]:
        flags = flag_configs(settings)
        if not settings.pool_config:
            return flags, None
        try:
            configs = merged(flags, file_configs(settings.pool_config))
        except ScrapeError as error:
            self._log(_CONFIG_FILE, error)
            return flags, error
        self._log(_CONFIG_FILE, configs)
        return configs, None
