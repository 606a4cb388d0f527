"""One scrape of nginx, from its stub_status pages to families."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporters.background import for_all
from exporters.catalogue import Page
from exporters.clienttls import check_key_pair
from exporters.errors import ScrapeError
from exporters.exporter import Ask
from exporters.families import Family, Value
from exporters.nginx.metrics import CATALOGUE, values
from exporters.nginx.settings import NginxSettings
from exporters.nginx.stubstatus import StubStatus, parse_stub_status
from exporters.outages import Outages
from exporters.process import process_families
from exporters.settings import SettingsError
from exporters.statuspage import ClientTls, StatusPage, check_header, page_headers, page_url
from exporters.targets import TargetRules
from exporters.version import VERSION

PORT = 80
NAMESPACE = "nginx"
# Administrators keep the page's requests out of their logs by the name of upstream's client.
_AGENT = f"NGINX-Prometheus-Exporter/v{VERSION}"
# The page has 100 bytes; what a proxy answers instead of it has more.
_MOST_BYTES = 64 * 1024
# What a PROXY header may say for a client that speaks for itself.
_PROXY_HEADER = b"PROXY UNKNOWN\r\n"
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labels of every series of one page."""

    names: tuple[str, ...]
    values: tuple[str, ...]

    def add(self, page: Page, name: str, value: Value) -> None:
        page.family(name, self.names).add(value, *self.values)

    def plus(self, name: str, value: str) -> "_Labels":
        return _Labels((*self.names, name), (*self.values, value))


class NginxExporter:
    """The metrics of some servers, or of any allowed target; scrapes share nothing."""

    namespace = NAMESPACE
    parts: Sequence[str] = ("stub_status",)

    def __init__(self, rules: TargetRules[NginxSettings]) -> None:
        self._rules = rules
        self._outages = Outages(NAMESPACE)

    def scrape(self, ask: Ask) -> Iterator[Family]:
        """Families of one scrape; `up` is 0 with the reason as a label unless the page could be read."""
        settings = self._rules.settings(ask.target, ask.module)
        pages = status_pages(settings)
        if ask.target is not None:
            pages = [pages[0].at(ask.target)]
        labels = const_labels(settings)
        families = CATALOGUE.page(NAMESPACE)
        readings = for_all(pages, lambda page: self._read(page, ask, settings))
        for page, outcome in zip(pages, readings, strict=True):
            own = labels.plus("addr", str(page.url)) if len(pages) > 1 else labels
            self._add(families, own, str(page.url), outcome)
        if ask.target is None and not settings.metrics_only:
            families.add("exporter_build_info", 1, VERSION, *[""] * 6)
            yield from process_families()
        yield from families

    def _read(self, page: StatusPage, ask: Ask, settings: NginxSettings) -> StubStatus | ScrapeError:
        try:
            return parse_stub_status(page.read(ask.deadline.sooner(settings.timeout), _MOST_BYTES))
        except ScrapeError as error:
            return error
        except Exception:  # noqa: BLE001 - one page must not take the others with it
            self._outages.fault(str(page.url))
            return ScrapeError("internal")

    def _add(self, families: Page, labels: _Labels, name: str, outcome: StubStatus | ScrapeError) -> None:
        if isinstance(outcome, ScrapeError):
            self._outages.failed(name, outcome)
            labels.add(families, "up", 0)
            labels.plus("reason", outcome.reason).add(families, "exporter_scrape_error", 1)
            return
        self._outages.worked(name)
        labels.add(families, "up", 1)
        for metric, value in values(outcome).items():
            labels.add(families, metric, value)


def status_pages(settings: NginxSettings) -> list[StatusPage]:
    """The pages of these settings; SettingsError for what would fail in every scrape."""
    tls = ClientTls(settings.ssl_ca, settings.ssl_cert, settings.ssl_key, not settings.ssl_verify)
    check_key_pair(tls.cert, tls.key, ("--nginx.ssl-client-cert", "--nginx.ssl-client-key"))
    check_header(settings.host_header, "--nginx.hostheader")
    preamble = _PROXY_HEADER if settings.proxy_protocol else b""
    pages = []
    for written in settings.scrape_uri:
        url = page_url(written, "--nginx.scrape-uri")
        headers = page_headers(url, _AGENT, settings.user, settings.password)
        pages.append(StatusPage(url, tls, settings.host_header, preamble, headers))
    if not pages:
        raise SettingsError("--nginx.scrape-uri names no page")
    if len({str(page.url) for page in pages}) < len(pages):
        raise SettingsError("--nginx.scrape-uri names a page twice")
    return pages


def const_labels(settings: NginxSettings) -> _Labels:
    """The labels of --prometheus.const-label; SettingsError for one that Prometheus would refuse."""
    labels: dict[str, str] = {}
    for written in settings.const_labels:
        name, separator, value = written.partition("=")
        if not separator or not _LABEL_NAME.fullmatch(name) or name in labels or name in ("addr", "reason"):
            raise SettingsError(f"--prometheus.const-label: cannot use {written!r}; write name=value")
        labels[name] = value
    return _Labels(tuple(labels), tuple(labels.values()))
