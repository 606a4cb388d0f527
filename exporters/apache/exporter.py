"""One scrape of Apache, from its status page to families."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from exporters.apache.metrics import CATALOGUE, add_balancers, add_scoreboard, add_status, add_tls_cache
from exporters.apache.settings import ApacheSettings
from exporters.apache.status import ServerStatus, parse_status
from exporters.catalogue import Page
from exporters.clienttls import check_key_pair
from exporters.errors import ScrapeError
from exporters.exporter import Ask, run_parts
from exporters.families import Family
from exporters.outages import Outages
from exporters.process import process_families
from exporters.settings import SettingsError
from exporters.statuspage import ClientTls, StatusPage, check_header, page_headers, page_url
from exporters.tally import Tally
from exporters.targets import TargetRules
from exporters.version import VERSION

PORT = 80
NAMESPACE = "apache"
# Administrators keep the page's requests out of their logs by the name of upstream's client.
_AGENT = f"Prometheus-Apache-Exporter/{VERSION}"
# Room for 4,000 workers of balancers beside a scoreboard of 100,000 places.
_MOST_BYTES = 2 * 1024 * 1024


class ApacheExporter:
    """The metrics of one server, or of any allowed target; scrapes share only the count of failures."""

    namespace = NAMESPACE
    parts: Sequence[str] = ("status", "scoreboard", "balancers", "tls_cache")

    def __init__(self, rules: TargetRules[ApacheSettings]) -> None:
        self._rules = rules
        self._outages = Outages(NAMESPACE)
        self._failures = Tally()

    def scrape(self, ask: Ask) -> Iterator[Family]:
        """Families of one scrape; `up` is 0 with the reason as a label unless the page could be read."""
        page = CATALOGUE.page(NAMESPACE)
        settings = self._rules.settings(ask.target, ask.module)
        source = status_page(settings)
        if ask.target is not None:
            source = source.at(ask.target)
        try:
            status = parse_status(source.read(ask.deadline, _MOST_BYTES))
        except ScrapeError as error:
            self._outages.failed(str(source.url), error)
            self._failures.add(int(ask.target is None))
            page.add("up", 0)
            page.add("exporter_scrape_error", 1, error.reason)
        else:
            self._outages.worked(str(source.url))
            page.add("up", 1)
            yield from run_parts(NAMESPACE, ask, _parts(status, settings.max_balancer_workers))
        if ask.target is None:
            page.add("exporter_scrape_failures_total", self._failures.value)
            page.add("exporter_build_info", 1, VERSION, *[""] * 6)
            yield from process_families()
        yield from page


def status_page(settings: ApacheSettings) -> StatusPage:
    """The page of these settings; SettingsError for what would fail in every scrape."""
    url = page_url(settings.scrape_uri, "--scrape_uri")
    tls = ClientTls(settings.tls_ca, settings.tls_cert, settings.tls_key, settings.insecure)
    check_key_pair(tls.cert, tls.key, ("--apache.tls.cert-file", "--apache.tls.key-file"))
    check_header(settings.host_override, "--host_override")
    headers = page_headers(url, _AGENT, settings.user, settings.password)
    for written in settings.custom_headers:
        name, separator, value = written.partition("=")
        if not separator or not name.replace("-", "").isalnum():
            raise SettingsError("--custom_headers: write Name=value")
        check_header(value, "--custom_headers")
        headers[name] = value
    return StatusPage(url, tls, settings.host_override, headers=headers)


def _parts(status: ServerStatus, most_workers: int) -> Iterator[tuple[str, Callable[[], Iterable[Family]]]]:
    yield "status", lambda: _mapped(add_status, status)
    yield "scoreboard", lambda: _mapped(add_scoreboard, status)
    yield "balancers", lambda: _mapped(lambda page, found: add_balancers(page, found, most_workers), status)
    yield "tls_cache", lambda: _mapped(add_tls_cache, status)


def _mapped(add: Callable[[Page, ServerStatus], None], status: ServerStatus) -> Page:
    page = CATALOGUE.page(NAMESPACE)
    add(page, status)
    return page
