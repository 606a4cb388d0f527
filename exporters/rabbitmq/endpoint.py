"""Where RabbitMQ is and how to log in: the URLs of the management API and of the plugin's page."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.clienttls import client_context
from exporters.connection import Address
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.httpclient import HttpClient
from exporters.rabbitmq.settings import RabbitSettings
from exporters.settings import Secret, SettingsError
from exporters.weburl import WebUrl, basic_authorization, parse_web_url

if TYPE_CHECKING:
    import ssl

API_PORT = 15672
_PLUGIN_PORT = 15692
_PLUGIN_TLS_PORT = 15691
# All answers of one source together; they are read in pieces, so this bounds time more than memory.
_MOST_BYTES = 512 * 1024 * 1024


def parse_url(url: str, default_port: int, flag: str) -> WebUrl:
    """The parts of a URL, its path without /api; SettingsError never shows it: it may hold a password."""
    try:
        parts = parse_web_url(url, default_port)
        if parts.address.path or "?" in parts.path:
            raise ValueError("write http://host:port")
    except ValueError as error:
        raise SettingsError(f"{flag} is no URL such as http://127.0.0.1:{default_port}: {error}") from None
    return replace(parts, path=parts.path.rstrip("/").removesuffix("/api"))


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The two sources of one scrape, ready to be asked."""

    api: WebUrl
    # None when the plugin is not to be asked.
    plugin: WebUrl | None
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
        api = replace(api, address=target)
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


def _plugin_url(settings: RabbitSettings, api: WebUrl, target: Address | None) -> WebUrl | None:
    if settings.style != "official" or settings.plugin_url == "none":
        return None
    if settings.plugin_url:
        url = parse_url(settings.plugin_url, _PLUGIN_PORT, "--plugin.url")
        if target is None:
            return url
        return WebUrl(Address(target.host, url.address.port), url.tls, url.path)
    return WebUrl(Address(api.address.host, _PLUGIN_TLS_PORT if api.tls else _PLUGIN_PORT), api.tls)


def _authorization(settings: RabbitSettings, api: WebUrl) -> Secret:
    """The header; credentials of the URL win, then files, then the plain settings."""
    user = api.user or _read(settings.user_file) or settings.user
    password = api.password or Secret(_read(settings.password_file)) or settings.password
    if not user:
        return Secret("")
    return Secret(basic_authorization(user, password))


def _read(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ScrapeError("config", f"cannot read {path}: {error}") from None
