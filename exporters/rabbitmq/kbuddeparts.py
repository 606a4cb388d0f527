"""The parts of a scrape in the style of kbudde's exporter."""

from collections.abc import Callable, Iterator
from functools import partial

from exporters.catalogue import Page
from exporters.exporter import Ask, run_parts
from exporters.families import Family
from exporters.rabbitmq import kbudde
from exporters.rabbitmq.api import Item, string
from exporters.rabbitmq.kbudde import CATALOGUE, KbuddeStyle
from exporters.rabbitmq.source import Outcome, Outcomes, Source

NAMESPACE = "rabbitmq"


def families(source: Source, ask: Ask) -> Iterator[Family]:
    """All families of one scrape; `up` is 1 only when every part worked, as upstream defined it."""
    outcomes = Outcomes()
    source.read_overview(totals=True)
    scrape = _KbuddeScrape(source)
    if source.api_is_down:
        # One line in the log and one reason, not one for each part.
        outcomes.found = {name: Outcome(up=False, seconds=0) for name, _ in scrape.parts()}
    else:
        yield from run_parts(NAMESPACE, ask, [outcomes.watch(*part) for part in scrape.parts()])
    page, style = scrape.page()
    for module, outcome in outcomes.found.items():
        style.add_module(module, outcome.up, outcome.seconds)
    style.add_up(outcomes.all_up and source.error is None)
    source.error = source.error or outcomes.error
    if source.error is not None:
        page.add("exporter_scrape_error", 1, source.error.reason)
    style.add_exporter()
    yield from page


class _KbuddeScrape:
    def __init__(self, source: Source) -> None:
        self._source = source

    def page(self) -> tuple[Page, KbuddeStyle]:
        """An empty page and what fills it."""
        source = self._source
        page = CATALOGUE.page(NAMESPACE)
        style = KbuddeStyle(
            page,
            string(source.overview, "cluster_name"),
            source.own_node,
            source.loadbalancer,
            frozenset(source.settings.exclude_metrics),
        )
        return page, style

    def parts(self) -> Iterator[tuple[str, Callable[[], Page]]]:
        known: dict[str, Callable[[Page, KbuddeStyle], None]] = {
            "node": self._nodes,
            "queue": self._queues,
            "exchange": self._exchanges,
            "connections": self._connections,
            "shovel": lambda page, style: style.add_shovels(self._list("shovels")),
            "federation": lambda page, style: style.add_federation(self._list("federation-links")),
            "memory": self._memory,
            "aliveness": self._aliveness,
            "health": self._health,
        }
        yield "overview", partial(self._filled, self._overview)
        for name, add in known.items():
            if name in self._source.parts:
                yield name, partial(self._filled, add)

    def _filled(self, add: Callable[[Page, KbuddeStyle], None]) -> Page:
        page, style = self.page()
        add(page, style)
        return page

    def _overview(self, page: Page, style: KbuddeStyle) -> None:
        if self._source.error is not None:
            raise self._source.error
        style.add_overview(self._source.overview)

    def _nodes(self, page: Page, style: KbuddeStyle) -> None:
        style.add_nodes(self._source.api.list("nodes", kbudde.NODE_COLUMNS))

    def _queues(self, page: Page, style: KbuddeStyle) -> None:
        queues, dropped = self._source.queues(kbudde.QUEUE_COLUMNS)
        style.add_queues(queues)
        page.add("exporter_queues_dropped", dropped)

    def _exchanges(self, page: Page, style: KbuddeStyle) -> None:
        exchanges, dropped = self._source.exchanges(kbudde.EXCHANGE_COLUMNS)
        style.add_exchanges(exchanges)
        page.add("exporter_exchanges_dropped", dropped)

    def _connections(self, page: Page, style: KbuddeStyle) -> None:
        connections, truncated = self._source.connections(kbudde.CONNECTION_COLUMNS)
        style.add_connections(connections)
        page.add("exporter_connections_truncated", int(truncated))

    def _memory(self, page: Page, style: KbuddeStyle) -> None:
        style.add_memory(self._source.memory())

    def _aliveness(self, page: Page, style: KbuddeStyle) -> None:
        vhost = self._source.settings.aliveness_vhost
        style.add_aliveness(vhost, self._source.api.aliveness(vhost))

    def _health(self, page: Page, style: KbuddeStyle) -> None:
        for name, passes in self._source.health():
            page.add("health_check_success", int(passes), name)

    def _list(self, path: str) -> list[Item]:
        return self._source.allowed(self._source.api.optional_list(path))
