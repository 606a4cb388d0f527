"""What every part of one scrape reads from: the API, the plugin, and the overview that was read first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from urllib.parse import quote

from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.families import Family
from exporters.rabbitmq.api import Api, Item, string
from exporters.rabbitmq.endpoint import Endpoints
from exporters.rabbitmq.rules import exchange_rules, queue_rules, queues
from exporters.rabbitmq.settings import DEFAULT_PARTS, RabbitSettings

Part = Callable[[], Iterable[Family]]


@dataclass(slots=True)
class Source:
    """One scrape of one RabbitMQ."""

    settings: RabbitSettings
    endpoints: Endpoints
    api: Api
    deadline: Deadline
    overview: Item = field(default_factory=dict)
    # Why the overview could not be read; the other parts are tried all the same.
    error: ScrapeError | None = None

    def read_overview(self, totals: bool) -> None:
        """Names and versions, and with `totals` sums over the cluster, at thrice the price."""
        try:
            self.overview = self.api.object("overview" if totals else "overview?disable_stats=true")
        except ScrapeError as error:
            self.error = error

    @property
    def api_is_down(self) -> bool:
        """Whether nothing more can be asked: the connection failed, not only one request."""
        return self.error is not None and self.api.client.broken is not None

    @property
    def own_node(self) -> str:
        """The node that answered."""
        return string(self.overview, "node")

    @property
    def loadbalancer(self) -> bool:
        return self.settings.connection == "loadbalancer"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are switched on."""
        return self.settings.parts or DEFAULT_PARTS[self.settings.style]

    def is_own(self, item: Item) -> bool:
        """Whether something belongs to the node that answered; behind a load balancer all of it does."""
        node = string(item, "node")
        return self.loadbalancer or not node or node == self.own_node or not self.own_node

    def queues(
        self, columns: Iterable[str], keep: Callable[[Item], bool] = lambda item: True
    ) -> tuple[Iterable[Item], int]:
        """The queues to export, and how many the cap left out."""
        settings = self.settings
        return queues(
            self.api.pages("queues", tuple(columns)), queue_rules(settings), settings.max_queues, keep
        )

    def exchanges(self, columns: Iterable[str]) -> tuple[Iterable[Item], int]:
        """The exchanges to export in order of their names, and how many the cap left out."""
        rules, limit = exchange_rules(self.settings), self.settings.max_exchanges
        kept: dict[tuple[str, str], Item] = {}
        dropped = 0
        for item in self.api.pages("exchanges", tuple(columns)):
            name = (string(item, "vhost"), string(item, "name"))
            if name in kept or not rules.allow(*name):
                continue
            if limit and len(kept) >= limit:
                dropped += 1
            else:
                kept[name] = item
        return kept.values(), dropped

    def connections(self, columns: Iterable[str]) -> tuple[Iterable[Item], bool]:
        """Connections of allowed vhosts, and whether the cap left some unread."""
        items = self.api.pages("connections", tuple(columns))
        read = list(islice(items, self.settings.max_connections or None))
        return self.allowed(read), next(items, None) is not None

    def allowed(self, items: Iterable[Item]) -> list[Item]:
        """Those of allowed vhosts."""
        rules = queue_rules(self.settings)
        return [item for item in items if rules.allow_vhost(string(item, "vhost"))]

    def memory(self) -> Item:
        """The memory of the node that answered, by what uses it."""
        if not self.own_node:
            raise ScrapeError("protocol", "the name of the node is not known without the overview")
        return self.api.object(f"nodes/{quote(self.own_node, safe='')}/memory")

    def health(self) -> Iterator[tuple[str, bool]]:
        """The checks that this version has, and whether they pass."""
        for name in self.settings.health_checks:
            passes = self.api.check(name)
            if passes is not None:
                yield name, passes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a part went."""

    up: bool
    seconds: float


@dataclass(slots=True)
class Outcomes:
    """How the parts of a scrape went, by name."""

    found: dict[str, Outcome] = field(default_factory=dict)
    error: ScrapeError | None = None

    def watch(self, name: str, part: Part) -> tuple[str, Part]:
        """The part for `run_parts`, noting success and duration."""

        def run() -> Iterator[Family]:
            started = perf_counter()
            up = False
            try:
                # What a part gives before it fails is kept.
                yield from part()
                up = True
            except ScrapeError as error:
                self.error = self.error or error
                raise
            finally:
                self.found[name] = Outcome(up, perf_counter() - started)

        return name, run

    @property
    def all_up(self) -> bool:
        return all(outcome.up for outcome in self.found.values())
