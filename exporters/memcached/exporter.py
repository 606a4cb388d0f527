"""One scrape of memcached, from connecting to families."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.catalogue import Page
from exporters.clienttls import client_context
from exporters.connection import parse_address
from exporters.errors import ScrapeError
from exporters.exporter import Ask, run_parts
from exporters.families import Family
from exporters.memcached.client import Snapshot, Stats, fetch
from exporters.memcached.metrics import CATALOGUE, add_items, add_settings, add_slabs, add_stats
from exporters.memcached.settings import MemcachedSettings
from exporters.outages import Outages
from exporters.process import process_families
from exporters.targets import TargetRules

if TYPE_CHECKING:
    import ssl

PORT = 11211
NAMESPACE = "memcached"


class MemcachedExporter:
    """The metrics of one server, or of any allowed target; scrapes share nothing."""

    namespace = NAMESPACE
    parts: Sequence[str] = ("stats", "settings", "items", "slabs", "process")

    def __init__(self, rules: TargetRules[MemcachedSettings]) -> None:
        self._rules = rules
        self._outages = Outages(NAMESPACE)

    def scrape(self, ask: Ask) -> Iterator[Family]:
        """Families of one scrape; `up` is 0 and the reason is a label when memcached cannot be read."""
        page = CATALOGUE.page(NAMESPACE)
        settings = self._rules.settings(ask.target, ask.module)
        address = ask.target or parse_address(settings.address, PORT)
        try:
            tls = _tls(settings)
            deadline = ask.deadline.sooner(settings.timeout)
            snapshot = fetch(address, deadline, tls, settings.tls_server_name)
        except ScrapeError as error:
            self._outages.failed(str(address), error)
            page.add("up", 0)
            page.add("exporter_scrape_error", 1, error.reason)
        else:
            self._outages.worked(str(address))
            page.add("up", 1)
            yield from run_parts(NAMESPACE, ask, _parts(snapshot, settings if ask.target is None else None))
        yield from page
        if ask.target is None:
            yield from process_families()


def _parts(
    snapshot: Snapshot, own: MemcachedSettings | None
) -> Iterator[tuple[str, Callable[[], Iterable[Family]]]]:
    yield "stats", lambda: _mapped(add_stats, snapshot.stats)
    yield "settings", lambda: _mapped(add_settings, snapshot.settings)
    yield "items", lambda: _mapped(add_items, snapshot.items)
    yield "slabs", lambda: _mapped(add_slabs, snapshot.slabs)
    if own is not None and own.pid_file:
        yield "process", lambda: _process(own.pid_file)


def _mapped(add: Callable[[Page, Stats], None], stats: Stats | ScrapeError) -> Page:
    if isinstance(stats, ScrapeError):
        raise stats
    page = CATALOGUE.page(NAMESPACE)
    add(page, stats)
    return page


def _process(pid_file: str) -> Iterator[Family]:
    """memcached_process_*: memory and descriptors of the server's process."""
    try:
        pid = Path(pid_file).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ScrapeError("config", f"cannot read {pid_file}: {error}") from None
    if not pid.isdecimal():
        raise ScrapeError("config", f"{pid_file} holds no process id")
    return process_families(pid, f"{NAMESPACE}_process")


def _tls(settings: MemcachedSettings) -> "ssl.SSLContext | None":
    if not settings.tls:
        return None
    return client_context(
        settings.tls_ca, settings.tls_cert, settings.tls_key, settings.tls_skip_verification
    )
