"""The page that a web server shows about itself, and everything it takes to be shown it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from exporters.clienttls import client_context
from exporters.connection import Address
from exporters.deadline import Deadline
from exporters.families import text
from exporters.httpclient import HttpClient
from exporters.settings import Secret, SettingsError
from exporters.weburl import WebUrl, basic_authorization, parse_web_url


@dataclass(frozen=True, slots=True)
class ClientTls:
    """TLS towards the server: CA, client certificate and its key (paths or ""), and whether to verify."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    skip_verification: bool = False


@dataclass(frozen=True, slots=True)
class StatusPage:
    """One page. `preamble` is sent before anything else, as the PROXY protocol wants it."""

    url: WebUrl
    tls: ClientTls
    host: str = ""
    preamble: bytes = b""
    # Not shown, since it may hold credentials.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def read(self, deadline: Deadline, limit: int) -> str:
        """The page, at most `limit` bytes; ScrapeError when the server does not answer with status 200."""
        files = self.tls
        context = None
        if self.url.tls:
            context = client_context(files.ca, files.cert, files.key, files.skip_verification)
        with HttpClient(
            self.url.address,
            deadline,
            limit,
            context,
            headers=self.headers,
            host=self.host,
            preamble=self.preamble,
        ) as client:
            return text(client.get(self.url.path or "/").expect(200).body(limit))

    def at(self, target: Address) -> "StatusPage":
        """The same page of another server."""
        return replace(self, url=replace(self.url, address=target))


def page_url(written: str, flag: str) -> WebUrl:
    """A URL from a flag; SettingsError names the flag and never shows the URL."""
    try:
        return parse_web_url(written)
    except ValueError as error:
        raise SettingsError(f"{flag} is no URL such as http://127.0.0.1/status: {error}") from None


def page_headers(url: WebUrl, agent: str, user: str, password: Secret) -> dict[str, str]:
    """User-Agent and, where there is a user, Authorization; credentials of the URL win."""
    headers = {"User-Agent": agent}
    if url.user or user:
        secret = url.password if url.user else password
        headers["Authorization"] = basic_authorization(url.user or user, secret)
    return headers


def check_header(value: str, flag: str) -> None:
    """SettingsError for a value that would begin another header."""
    if not value.isprintable():
        raise SettingsError(f"{flag} holds control characters")
