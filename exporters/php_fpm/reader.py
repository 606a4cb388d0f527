"""Reading a pool: its status page and its opcode cache."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from exporters.clienttls import client_context
from exporters.deadline import Deadline
from exporters.errors import Reason, ScrapeError
from exporters.httpclient import HttpClient
from exporters.php_fpm import fastcgi
from exporters.php_fpm.settings import PhpFpmSettings
from exporters.php_fpm.status import Status, parse_status
from exporters.php_fpm.uri import PoolUri, why_no_socket
from exporters.weburl import basic_authorization

# PHP-FPM cuts the texts of a request, so a process takes 1.2 kB at most: room for 2,500 of them.
_MOST_BYTES = 3 * 1024 * 1024
_REASONS: Mapping[int, Reason] = {401: "auth", 403: "denied"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one pool; `opcache` is None when it was not asked for or the pool is down."""

    uri: PoolUri
    seconds: float
    status: Status | ScrapeError
    opcache: Mapping[str, object] | ScrapeError | None = None


def read_pool(
    uri: PoolUri, settings: PhpFpmSettings, deadline: Deadline, full: bool, opcache: bool
) -> Reading:
    """Read a pool by its own deadline. A failure is part of the reading and never raised."""
    started = time.perf_counter()
    found: Mapping[str, object] | ScrapeError | None = None
    try:
        if uri.is_pattern:
            raise why_no_socket(uri)
        own = deadline.sooner(settings.timeout)
        body = _page(uri, settings, own, "json&full" if full else "json")
        status = parse_status(body)
        if opcache and not uri.web:
            found = _opcache(uri, settings.opcache_script, own)
    except ScrapeError as error:
        return Reading(uri, time.perf_counter() - started, error)
    return Reading(uri, time.perf_counter() - started, status, found)


def _page(uri: PoolUri, settings: PhpFpmSettings, deadline: Deadline, query: str) -> bytes:
    if uri.web:
        return _web_page(uri, settings, deadline, query)
    return _fastcgi_page(uri, uri.path, query, deadline)


def _fastcgi_page(uri: PoolUri, path: str, query: str, deadline: Deadline) -> bytes:
    answer = fastcgi.get(uri.address, path, query, deadline, _MOST_BYTES)
    if answer.status != 200:
        hint = f"; is pm.status_path = {path} set for this pool?" if query else ""
        raise ScrapeError(
            _REASONS.get(answer.status, "http"),
            f"{uri.address} answered {answer.status} for {path}{hint}",
        )
    return answer.body


def _web_page(uri: PoolUri, settings: PhpFpmSettings, deadline: Deadline, query: str) -> bytes:
    user, password = uri.user or settings.http_user, uri.password or settings.http_password
    headers = {}
    if user:
        headers["Authorization"] = basic_authorization(user, password)
    tls = None
    if uri.web == "https":
        tls = client_context(settings.tls_ca, "", "", settings.tls_skip_verification)
    path = f"{uri.path}{'&' if '?' in uri.path else '?'}{query}"
    with HttpClient(uri.address, deadline, _MOST_BYTES, tls, headers=headers) as client:
        return client.get(path).expect(200).body(_MOST_BYTES)


def _opcache(uri: PoolUri, script: str, deadline: Deadline) -> Mapping[str, object] | ScrapeError:
    try:
        answer = json.loads(_fastcgi_page(uri, script, "", deadline))
    except ScrapeError as error:
        return error
    except (ValueError, RecursionError):
        return ScrapeError("protocol", f"{script} did not answer with JSON")
    if not isinstance(answer, dict):
        return ScrapeError("protocol", f"{script} did not answer with an object")
    return answer
