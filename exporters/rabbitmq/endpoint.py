"""Where RabbitMQ is and how to log in: the URLs of the management API and of the plugin's page."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from exporters.clienttls import client_context
from exporters.connection import Address
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.httpclient import HttpClient
from exporters.rabbitmq.settings import RabbitSettings
from exporters.settings import Secret, SettingsError

if TYPE_CHECKING:
    import ssl

API_PORT = 15672
_PLUGIN_PORT = 15692
_PLUGIN_TLS_PORT = 15691
# All answers of one source together; they are read in pieces, so this bounds time more than memory.
_MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https URL in parts; `prefix` begins with / or is empty."""

    address: Address
    tls: bool
    prefix: str = ""
    user: str = ""
    password: Secret = Secret("")


def parse_url(url: str, default_port: int, flag: str) -> Url:
    """The parts of a URL; SettingsError that does not show it, since it may hold a password."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https"):
            raise ValueError(f"the scheme is {parts.scheme!r}, not http or https")
        if not parts.hostname or any(not char.isprintable() or char.isspace() for char in parts.netloc):
            raise ValueError("it names no host")
        port = parts.port or default_port
    except ValueError as error:
        raise SettingsError(f"{flag} is no URL such as http://127.0.0.1:{default_port}: {error}") from None
    return Url(
        Address(parts.hostname, port),
        parts.scheme == "https",
        parts.path.rstrip("/").removesuffix("/api"),
        unquote(parts.username or ""),
        Secret(unquote(parts.password or "")),
    )


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The two sources of one scrape, ready to be asked."""

    api: Url
    # None when the plugin is not to be asked.
    plugin: Url | None
    authorization: Secret
    tls: "ssl.SSLContext | None"

    def api_client(self, deadline: Deadline) -> HttpClient:
        headers = {"Authorization": self.authorization.reveal()} if self.authorization else {}
        tls = self.tls if self.api.tls else None
        return HttpClient(self.api.address, deadline, _MOST_BYTES, tls, headers=headers)

    def plugin_client(self, deadline: Deadline) -> HttpClient:
        """The plugin asks for a password only since RabbitMQ 4.1; an older one ignores it."""
        assert self.plugin is not None
        headers = {"Authorization": self.authorization.reveal()} if self.authorization else {}
        tls = self.tls if self.plugin.tls else None
        return HttpClient(self.plugin.address, deadline, _MOST_BYTES, tls, headers=headers)


def endpoints(settings: RabbitSettings, target: Address | None) -> Endpoints:
    """The sources of a scrape: the exporter's own, or an allowed target with the credentials set for it."""
    api = parse_url(settings.url, API_PORT, "--rabbit.url")
    if target is not None:
        api = Url(target, api.tls, api.prefix, api.user, api.password)
    plugin = _plugin_url(settings, api, target)
    tls = None
    if api.tls or (plugin is not None and plugin.tls):
        tls = client_context(settings.ca, settings.cert, settings.key, settings.skip_verification)
    return Endpoints(api, plugin, _authorization(settings, api), tls)


def check_endpoints(settings: RabbitSettings) -> None:
    """SettingsError for what would fail in every scrape."""
    try:
        endpoints(settings, None)
    except ScrapeError as error:
        raise SettingsError(error.detail) from None


def _plugin_url(settings: RabbitSettings, api: Url, target: Address | None) -> Url | None:
    if settings.style != "official" or settings.plugin_url == "none":
        return None
    if settings.plugin_url:
        url = parse_url(settings.plugin_url, _PLUGIN_PORT, "--plugin.url")
        return url if target is None else Url(Address(target.host, url.address.port), url.tls, url.prefix)
    return Url(Address(api.address.host, _PLUGIN_TLS_PORT if api.tls else _PLUGIN_PORT), api.tls)


def _authorization(settings: RabbitSettings, api: Url) -> Secret:
    """The header; credentials of the URL win, then files, then the plain settings."""
    user = api.user or _read(settings.user_file) or settings.user
    password = api.password.reveal() or _read(settings.password_file) or settings.password.reveal()
    if not user:
        return Secret("")
    return Secret("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii"))


def _read(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ScrapeError("config", f"cannot read {path}: {error}") from None
