"""The parts of a scrape in the style of rabbitmq_prometheus.

The plugin's two pages are fetched in threads of their own while the management API is asked, since each of
them keeps RabbitMQ busy for longer than the exporter.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from exporters.background import start
from exporters.catalogue import Page
from exporters.errors import ScrapeError
from exporters.exporter import Ask, run_parts
from exporters.families import Family
from exporters.rabbitmq import official, plugin
from exporters.rabbitmq.api import Item
from exporters.rabbitmq.official import CATALOGUE, OfficialStyle
from exporters.rabbitmq.plugin import QueuePage
from exporters.rabbitmq.rules import queue_rules
from exporters.rabbitmq.source import Outcomes, Source

NAMESPACE = "rabbitmq"


def families(source: Source, ask: Ask) -> Iterator[Family]:
    """All families of one scrape; `up` is 1 when the plugin or the API answered."""
    outcomes = Outcomes()
    scrape = _OfficialScrape(source, ask)
    source.read_overview(totals=False)
    parts = [outcomes.watch(name, part) for name, part in scrape.parts()]
    yield from run_parts(NAMESPACE, ask, parts)
    page = CATALOGUE.page(NAMESPACE)
    up = source.error is None or scrape.plugin_answered
    page.add("up", int(up))
    if up:
        source.error = None
    elif source.error is not None:
        page.add("exporter_scrape_error", 1, source.error.reason)
    OfficialStyle(page).add_exporter()
    yield from page


class _OfficialScrape:
    def __init__(self, source: Source, ask: Ask) -> None:
        self._source = source
        self.plugin_answered = False
        self._nodes_read: Iterable[Item] | None = None
        # Names of the families by queue, which stand in place of the plugin's sums.
        self._by_queue: set[str] = set()
        wanted = {part for part in source.parts if ask.wants(part)}
        has_plugin = source.endpoints.plugin is not None
        self._by_queue_wanted = source.settings.plugin_queues != "aggregated"
        self._sums = start(self._fetch_sums) if has_plugin and "plugin" in wanted else None
        self._queue_page = (
            start(self._fetch_queues) if has_plugin and "queue" in wanted and self._by_queue_wanted else None
        )

    def parts(self) -> Iterator[tuple[str, Callable[[], Iterable[Family]]]]:
        """First what asks the API, then what waits for the plugin."""
        source = self._source
        known: dict[str, Callable[[Page, OfficialStyle], None]] = {
            "node": self._nodes,
            "exchange": self._exchanges,
            "connections": self._connections,
            "shovel": lambda page, style: style.add_shovels(self._list("shovels")),
            "federation": lambda page, style: style.add_federation(self._list("federation-links")),
            "memory": lambda page, style: style.add_memory(source.memory()),
            "health": self._health,
            "queue_details": self._queue_details,
        }
        if source.endpoints.plugin is None and source.api_is_down:
            return
        yield "overview", self._overview
        for name, add in known.items():
            if name in source.parts and not source.api_is_down:
                yield name, partial(_filled, add)
        if "queue" in source.parts:
            yield "queue", self._queues
        if "plugin" in source.parts:
            yield "plugin", self._plugin

    def _overview(self) -> Iterable[Family]:
        if self._source.error is not None:
            raise self._source.error
        return ()

    def _fetch_sums(self) -> tuple[list[Family], int]:
        """The page of sums and the further families that are wanted."""
        source = self._source
        assert source.endpoints.plugin is not None
        prefix = source.endpoints.plugin.path
        with source.endpoints.plugin_client(source.deadline) as client:
            found = plugin.sums(client, prefix)
            wanted = source.settings.plugin_families
            if not wanted:
                return found, 0
            more, truncated = plugin.further(client, prefix, wanted, queue_rules(source.settings))
            return found + more, truncated

    def _fetch_queues(self) -> QueuePage | None:
        source, settings = self._source, self._source.settings
        assert source.endpoints.plugin is not None
        return plugin.queues(
            lambda: source.endpoints.plugin_client(source.deadline),
            source.endpoints.plugin.path,
            queue_rules(settings),
            settings.max_queues,
            settings.plugin_queues == "detailed",
        )

    def _plugin(self) -> Iterator[Family]:
        """The plugin's page; without the plugin what the API knows of it."""
        error: ScrapeError | None = None
        if self._sums is not None:
            try:
                found, truncated = self._sums()
            except ScrapeError as failure:
                error = failure
            else:
                self.plugin_answered = True
                yield from (family for family in found if family.name not in self._by_queue)
                page = CATALOGUE.page(NAMESPACE)
                page.add("exporter_families_truncated", truncated)
                yield from page
                return
        yield from _filled(self._without_plugin)
        if error is not None:
            raise error

    def _queues(self) -> Iterator[Family]:
        """Queues from the plugin; without it, or when it is too old for that, from the API."""
        if not self._by_queue_wanted:
            return
        page = CATALOGUE.page(NAMESPACE)
        found: QueuePage | None = None
        error: ScrapeError | None = None
        try:
            found = self._queue_page() if self._queue_page else None
        except ScrapeError as failure:
            error = failure
        if found is not None:
            self.plugin_answered = True
            page.add("exporter_queues_dropped", found.dropped)
        else:
            queues, dropped = self._source.queues(official.QUEUE_COLUMNS, self._source.is_own)
            OfficialStyle(page).add_queues(queues)
            page.add("exporter_queues_dropped", dropped)
        for family in (*(found.families if found else ()), *page):
            self._by_queue.add(family.name)
            yield family
        if error is not None:
            raise error

    def _without_plugin(self, page: Page, style: OfficialStyle) -> None:
        source = self._source
        if source.error is not None:
            raise source.error
        source.read_overview(totals=True)
        nodes = self._nodes_read or source.api.list("nodes", official.NODE_COLUMNS)
        style.add_without_plugin(source.overview, nodes, source.own_node)
        if not self._by_queue_wanted:
            style.add_queue_sums(source.overview)

    def _nodes(self, page: Page, style: OfficialStyle) -> None:
        self._nodes_read = self._source.api.list("nodes", official.NODE_COLUMNS)
        style.add_nodes(self._nodes_read)

    def _exchanges(self, page: Page, style: OfficialStyle) -> None:
        exchanges, dropped = self._source.exchanges(official.EXCHANGE_COLUMNS)
        style.add_exchanges(exchanges)
        page.add("exporter_exchanges_dropped", dropped)

    def _connections(self, page: Page, style: OfficialStyle) -> None:
        connections, truncated = self._source.connections(official.CONNECTION_COLUMNS)
        style.add_connections(item for item in connections if self._source.is_own(item))
        page.add("exporter_connections_truncated", int(truncated))

    def _health(self, page: Page, style: OfficialStyle) -> None:
        for name, passes in self._source.health():
            page.add("health_check_success", int(passes), name)

    def _queue_details(self, page: Page, style: OfficialStyle) -> None:
        queues, dropped = self._source.queues(official.DETAIL_COLUMNS, self._source.is_own)
        style.add_queue_details(queues)
        page.add("exporter_queue_details_dropped", dropped)

    def _list(self, path: str) -> list[Item]:
        source = self._source
        return [item for item in source.allowed(source.api.optional_list(path)) if source.is_own(item)]


def _filled(add: Callable[[Page, OfficialStyle], None]) -> Page:
    page = CATALOGUE.page(NAMESPACE)
    add(page, OfficialStyle(page))
    return page
