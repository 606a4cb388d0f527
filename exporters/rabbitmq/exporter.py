"""One scrape of RabbitMQ, from connecting to families."""

from collections.abc import Generator, Iterator, Sequence

from exporters.catalogue import Catalogue
from exporters.errors import ScrapeError
from exporters.exporter import Ask
from exporters.families import Family
from exporters.outages import Outages
from exporters.process import process_families
from exporters.rabbitmq import kbudde, kbuddeparts, official, officialparts
from exporters.rabbitmq.api import Api
from exporters.rabbitmq.endpoint import API_PORT, endpoints, parse_url
from exporters.rabbitmq.settings import PARTS, RabbitSettings
from exporters.rabbitmq.source import Source
from exporters.settings import SettingsError
from exporters.targets import TargetRules

NAMESPACE = "rabbitmq"
CATALOGUES: dict[str, Catalogue] = {"official": official.CATALOGUE, "kbudde": kbudde.CATALOGUE}


class RabbitExporter:
    """The metrics of one node or cluster, or of any allowed target; scrapes share nothing."""

    namespace = NAMESPACE
    parts: Sequence[str] = ("overview", *PARTS)

    def __init__(self, rules: TargetRules[RabbitSettings]) -> None:
        self._rules = rules
        self._own_target = str(parse_url(rules.base.url, API_PORT, "--rabbit.url").address)
        self._outages = Outages(NAMESPACE)

    def scrape(self, ask: Ask) -> Iterator[Family]:
        """Families of one scrape; `up` is 0 and the reason is a label when RabbitMQ cannot be read."""
        name = str(ask.target or self._own_target)
        try:
            error = yield from self._scrape(ask)
        except (ScrapeError, SettingsError) as problem:
            error = problem if isinstance(problem, ScrapeError) else ScrapeError("config", str(problem))
            yield from self._failed(error)
        if error is None:
            self._outages.worked(name)
        else:
            self._outages.failed(name, error)
        if ask.target is None:
            # The plugin's process_start_time_seconds is that of RabbitMQ.
            own = self._rules.base.style == "official"
            yield from process_families(prefix=f"{NAMESPACE}_exporter_process" if own else "process")

    def _scrape(self, ask: Ask) -> Generator[Family, None, ScrapeError | None]:
        """All families, and the first error as the generator's result."""
        settings = self._rules.settings(ask.target, ask.module)
        ends = endpoints(settings, ask.target)
        deadline = ask.deadline.sooner(settings.timeout)
        with ends.api_client(deadline) as client:
            source = Source(settings, ends, Api(client, ends.api.path), deadline)
            style = kbuddeparts if settings.style == "kbudde" else officialparts
            yield from style.families(source, ask)
        return source.error

    def _failed(self, error: ScrapeError) -> Iterator[Family]:
        style = self._rules.base.style
        page = CATALOGUES[style].page(NAMESPACE)
        page.add("up", 0, *([""] * len(CATALOGUES[style].metrics["up"].labels)))
        page.add("exporter_scrape_error", 1, error.reason)
        yield from page
