"""The URL of a page in parts: http, https, or over a unix socket as in `unix:/run/nginx.sock:/status`."""

import base64
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from exporters.connection import Address, parse_address
from exporters.settings import Secret


@dataclass(frozen=True, slots=True)
class WebUrl:
    """A URL without its credentials in `str()`; `path` has its query and is empty when the URL has none."""

    address: Address
    tls: bool
    path: str = ""
    user: str = ""
    password: Secret = Secret("")

    def __str__(self) -> str:
        if self.address.path:
            return f"unix:{self.address}:{self.path}"
        return f"{'https' if self.tls else 'http'}://{self.address}{self.path}"


def parse_web_url(written: str, default_port: int = 0) -> WebUrl:
    """The parts of a URL; ValueError says what is wrong without showing it, since it may hold a password.

    Without `default_port` it is that of the scheme.
    """
    if written.startswith("unix:"):
        return _over_socket(written)
    parts = urlsplit(written if "://" in written else f"http://{written}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the scheme is {parts.scheme!r}, not http or https")
    if not parts.hostname or _has_blanks(parts.netloc):
        raise ValueError("it names no host")
    tls = parts.scheme == "https"
    port = url_port(parts) or default_port or (443 if tls else 80)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path
    _check_path(path)
    user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    return WebUrl(Address(parts.hostname, port), tls, path, user, password)


def url_port(parts: SplitResult) -> int | None:
    """The port of a URL; the ValueError does not show it, as it is a part of a password with a slash."""
    try:
        return parts.port
    except ValueError:
        raise ValueError(
            "the port is no number below 65536 (in a password write / as %2F, @ as %40, : as %3A)"
        ) from None


def basic_authorization(user: str, password: Secret) -> str:
    """The value of the Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password.reveal()}".encode()).decode("ascii")


def _over_socket(written: str) -> WebUrl:
    socket_path, _, path = written.removeprefix("unix://").removeprefix("unix:").partition(":")
    if not socket_path.startswith(("/", "@")):
        raise ValueError("write unix:/path/of/socket:/page")
    _check_path(path)
    return WebUrl(parse_address(socket_path, 0), False, path)


def _check_path(path: str) -> None:
    if _has_blanks(path):
        raise ValueError("the path holds blanks or control characters")


def _has_blanks(text: str) -> bool:
    return any(not char.isprintable() or char.isspace() for char in text)
