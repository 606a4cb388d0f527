"""Where a Redis is and how to log in: addresses as URIs, password files, TLS."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from exporters.clienttls import client_context
from exporters.connection import Address, parse_address
from exporters.errors import ScrapeError
from exporters.redis.settings import RedisSettings
from exporters.settings import Secret, SettingsError
from exporters.weburl import url_port

if TYPE_CHECKING:
    import ssl

PORT = 6379
_TLS_SCHEMES = ("rediss", "valkeys")
_SCHEMES = ("redis", "valkey", "unix", "tcp", *_TLS_SCHEMES)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server with everything that is needed to log in."""

    address: Address
    user: str = ""
    password: Secret = Secret("")
    tls: bool = False
    server_name: str = ""

    @property
    def uri(self) -> str:
        """How password files name it."""
        if self.address.path:
            return f"unix://{self.address.path}"
        return f"{'rediss' if self.tls else 'redis'}://{self.address}"


def parse_uri(uri: str) -> Endpoint:
    """An endpoint from `redis://user:password@host:port`, `host:port` or a path; else SettingsError."""
    scheme, separator, _ = uri.partition("://")
    try:
        if not separator and "@" in uri.removeprefix("@"):
            raise ValueError("credentials need redis:// before them")
        if not separator or scheme == "unix":
            return Endpoint(parse_address(uri, PORT))
        if scheme not in _SCHEMES:
            raise ValueError(f"unknown scheme {scheme!r}")
        url = urlsplit(uri)
        host = url.hostname or "localhost"
        return Endpoint(
            Address(host, url_port(url) or PORT),
            unquote(url.username or ""),
            Secret(unquote(url.password or "")),
            scheme in _TLS_SCHEMES,
        )
    except ValueError as error:
        # The URI may hold a password, so it is not shown.
        raise SettingsError(f"--redis.addr is not the address of a server: {error}") from None


def endpoint_of(
    settings: RedisSettings, target: Address | None, target_uri: str, server_name: str
) -> Endpoint:
    """The endpoint of a scrape: the exporter's own, or an allowed target with the credentials set for it."""
    own = parse_uri(settings.addr)
    address = target or own.address
    tls = own.tls if target is None else own.tls or target_uri.partition("://")[0] in _TLS_SCHEMES
    endpoint = Endpoint(
        address,
        settings.user or own.user,
        settings.password or own.password,
        tls,
        server_name or settings.tls_server_name,
    )
    if settings.password or not settings.password_file:
        return endpoint
    password = _from_password_file(settings.password_file, endpoint)
    return Endpoint(address, endpoint.user, password or endpoint.password, tls, endpoint.server_name)


def check_password_file(path: str) -> None:
    """SettingsError when the file cannot be used."""
    try:
        _read_passwords(path)
    except ScrapeError as error:
        raise SettingsError(f"--redis.password-file: {error.detail}") from None


def _from_password_file(path: str, endpoint: Endpoint) -> Secret | None:
    """The password for an endpoint; a file that is no JSON object holds one password for all."""
    passwords = _read_passwords(path)
    if isinstance(passwords, Secret):
        return passwords
    address = str(endpoint.address)
    names = [endpoint.uri, address]
    schemes = ("rediss", "valkeys") if endpoint.tls else ("redis", "valkey")
    for scheme in schemes:
        if endpoint.user:
            names.insert(0, f"{scheme}://{endpoint.user}@{address}")
        names.append(f"{scheme}://{address}")
    return next((passwords[name] for name in names if name in passwords), None)


def _read_passwords(path: str) -> Secret | dict[str, Secret]:
    try:
        content = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ScrapeError("config", f"cannot read {path}: {error}") from None
    import json

    try:
        table = json.loads(content)
    except ValueError:
        table = None
    if isinstance(table, dict):
        return {str(uri): Secret(str(password)) for uri, password in table.items()}
    return Secret(content.rstrip("\r\n"))


def tls_context(settings: RedisSettings) -> "ssl.SSLContext":
    """The client's TLS."""
    return client_context(
        settings.tls_ca, settings.tls_client_cert, settings.tls_client_key, settings.skip_tls_verification
    )
