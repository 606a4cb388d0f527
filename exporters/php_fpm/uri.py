"""Where status pages are: the URIs of --phpfpm.scrape-uri, and the sockets that a pattern finds."""

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exporters.connection import Address, parse_address
from exporters.errors import ScrapeError, from_os_error
from exporters.families import text
from exporters.settings import Secret, SettingsError
from exporters.weburl import parse_web_url

PORT = 9000


@dataclass(frozen=True, slots=True)
class PoolUri:
    """One status page. `text` is the label scrape_uri: as the user wrote it, without credentials."""

    text: str
    address: Address
    path: str
    # "" is FastCGI; else http or https.
    web: str = ""
    user: str = ""
    password: Secret = Secret("")

    @property
    def is_pattern(self) -> bool:
        path = self.address.path
        return not path.startswith("\0") and glob.has_magic(path)


def parse_uri(written: str, status_path: str) -> PoolUri:
    """A URI as hipages' or bakins' exporter takes it; one without a path gets `status_path`.

    SettingsError says what is wrong without showing credentials.
    """
    scheme, separator, rest = written.partition("://")
    try:
        if separator and scheme in ("http", "https"):
            return _web(written, scheme, status_path)
        if scheme == "unix" or written.startswith(("unix:", "/", "@")):
            socket_path, _, path = written.partition(";")
            return PoolUri(written, parse_address(socket_path, PORT), path or status_path)
        if separator and scheme != "tcp":
            raise ValueError("use tcp://, unix://, http:// or https://")
        authority, slash, path = (rest if separator else written).partition("/")
        path = slash + path if path else status_path
        return PoolUri(written, parse_address(authority, PORT), path)
    except ValueError as error:
        if "@" in written and not written.startswith(("unix:", "@")):
            raise SettingsError("--phpfpm.scrape-uri: a URI with credentials cannot be used") from None
        raise SettingsError(f"--phpfpm.scrape-uri: {written!r}: {error}") from None


def _web(written: str, scheme: str, status_path: str) -> PoolUri:
    url = parse_web_url(written)
    path, mark, query = url.path.partition("?")
    path = (path if path.strip("/") else status_path) + mark + query
    host = written.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    return PoolUri(f"{scheme}://{host}{path}", url.address, path, scheme, url.user, url.password)


def target_uri(address: Address, asked: str, status_path: str) -> PoolUri:
    """The status page of an allowed target. Of the URL asked for only the scheme counts.

    Its path must not: over FastCGI it would be any file for PHP to run.
    """
    scheme = asked.partition("://")[0]
    if scheme in ("http", "https") and not address.path:
        return PoolUri(f"{scheme}://{address}{status_path}", address, status_path, scheme)
    label = f"unix://{address};{status_path}" if address.path else f"tcp://{address}{status_path}"
    return PoolUri(label, address, status_path)


def expand(uris: Sequence[PoolUri]) -> Iterator[PoolUri]:
    """Every pool once, patterns replaced by the sockets they match; a pattern without any stays."""
    seen = set()
    for uri in uris:
        for pool in (_sockets(uri) or [uri]) if uri.is_pattern else [uri]:
            if pool.text not in seen:
                seen.add(pool.text)
                yield pool


def _sockets(uri: PoolUri) -> list[PoolUri]:
    paths = sorted(path for path in glob.iglob(uri.address.path) if _is_socket(path))
    return [
        replace(
            uri, text=f"unix://{text(os.fsencode(path))};{uri.path}", address=replace(uri.address, path=path)
        )
        for path in paths
    ]


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def why_no_socket(uri: PoolUri) -> ScrapeError:
    """Why a pattern found nothing: no socket is another fault than a folder that may not be read."""
    folder = os.path.dirname(uri.address.path)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    try:
        os.scandir(folder).close()
    except OSError as error:
        return from_os_error(error, f"look for {uri.address.path}")
    return ScrapeError("missing", f"no socket matches {uri.address.path}")
