"""A small HTTP server for pages of metrics.

Every connection has its own thread, deadlines on every wait, and the TLS handshake happens in that thread:
a client that stays silent or never reads holds nothing but itself. When all places are taken, the connection
that has waited longest for its next request gives its place up.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from exporters.exposition import gzip
from exporters.webconfig import WebAccess

log = logging.getLogger("exporters")

MOST_CONNECTIONS = 64
# A request's first line and headers must arrive within this, counted from its first byte.
REQUEST_SECONDS = 10.0
# How long a connection may stay idle between two scrapes: longer than usual scrape intervals.
IDLE_SECONDS = 150.0
ANSWER_SECONDS = 30.0
_LONGEST_HEAD = 16384
_WORTH_COMPRESSING = 1024


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]

    def first(self, name: str) -> str:
        """The first value of a query parameter, or ""."""
        values = self.query.get(name)
        return values[0] if values else ""


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]


class HttpServer:
    """Serves `routes` (path to handler) on a listening socket until closed."""

    def __init__(self, listener: socket.socket, routes: Mapping[str, Handler], access: WebAccess) -> None:
        self._listener = listener
        self.port: int = self._listener.getsockname()[1]
        self._routes = routes
        self._access = access
        self._lock = threading.Lock()
        # Open connections: the time since when the client is waited for, None while it waits for us.
        self._open: dict[socket.socket, float | None] = {}
        self._closed = False

    def serve_forever(self) -> None:
        """Accept connections in this thread until `close()`."""
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError as error:
                if not self._closed:
                    # Out of file descriptors, for instance: wait for some to come back.
                    log.warning("cannot accept a connection: %s", error.strerror)
                    time.sleep(0.1)
                continue
            if self._admit(client):
                threading.Thread(target=self._connection, args=(client,), daemon=True).start()
            else:
                client.close()

    def start(self) -> threading.Thread:
        """Serve in a thread of its own, for tests and applications."""
        thread = threading.Thread(target=self.serve_forever, daemon=True, name="exporter-http")
        thread.start()
        return thread

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for client in self._open:
                _hang_up(client)

    def _admit(self, client: socket.socket) -> bool:
        """Take a place, if need be that of the client waited for longest; False when all are answered."""
        with self._lock:
            if len(self._open) >= MOST_CONNECTIONS:
                waiting = [(since, other) for other, since in self._open.items() if since is not None]
                if not waiting:
                    return False
                _, oldest = min(waiting, key=lambda item: item[0])
                del self._open[oldest]
                _hang_up(oldest)
            self._open[client] = time.monotonic()
        return True

    def _mark(self, client: socket.socket, waiting_since: float | None) -> None:
        with self._lock:
            if client in self._open:
                self._open[client] = waiting_since

    def _connection(self, client: socket.socket) -> None:
        """One connection from its handshake to its end."""
        stream = client
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(REQUEST_SECONDS)
            tls = self._access.context()
            if tls is not None:
                # Not closed with the wrapper: `client` stays the key of the connection.
                stream = tls.wrap_socket(client.dup(), server_side=True)
            self._requests(client, stream)
        except OSError as error:
            log.debug("connection ended: %s", error)
        except Exception:
            log.exception("fault while answering")
        finally:
            with self._lock:
                self._open.pop(client, None)
            if stream is not client:
                stream.close()
            client.close()

    def _requests(self, client: socket.socket, stream: socket.socket) -> None:
        rest = b""
        patience = REQUEST_SECONDS
        while True:
            self._mark(client, time.monotonic())
            head, rest = _read_head(stream, rest, patience)
            if not head:
                return
            self._mark(client, None)
            request, keep = _parse_head(head)
            response = self._answer(request) if request else Response(400, b"bad request\n")
            # From here the client is waited for again: one that does not read may be hung up.
            self._mark(client, time.monotonic())
            stream.settimeout(ANSWER_SECONDS)
            stream.sendall(_serialise(response, request, keep, self._access.headers))
            if not keep:
                return
            patience = IDLE_SECONDS

    def _answer(self, request: Request) -> Response:
        if not self._access.permits(request.headers.get("authorization", "")):
            challenge = {"WWW-Authenticate": 'Basic realm="exporter"'}
            return Response(401, b"Unauthorized\n", headers=challenge)
        handler = self._routes.get(request.path)
        if handler is None:
            return Response(404, b"not found\n")
        try:
            return handler(request)
        except Exception:
            log.exception("fault while answering %s", request.path)
            return Response(500, b"fault in the exporter, see its log\n")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, on any free port when that is 0.

    Without a host, and with `::`, it listens on all addresses of both families, where the system has them.
    """
    if host in ("", "::") and socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
        except OSError as error:
            log.debug("no IPv6 here: %s", error)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def _read_head(stream: socket.socket, rest: bytes, patience: float) -> tuple[bytes, bytes]:
    """One request up to its empty line, and what followed it; an empty head at the end of the connection.

    The first byte may take `patience` seconds.
    """
    data = rest
    until = time.monotonic() + (REQUEST_SECONDS if rest else patience)
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _LONGEST_HEAD:
            return b"", b""
        left = until - time.monotonic()
        if left <= 0:
            return b"", b""
        stream.settimeout(left)
        chunk = stream.recv(4096)
        if not chunk:
            return b"", b""
        if not data:
            until = time.monotonic() + REQUEST_SECONDS
        data += chunk
    return data[:end], data[end + 4 :]


def _parse_head(head: bytes) -> tuple[Request | None, bool]:
    """The request, or None when it is malformed; and whether the connection stays open afterwards."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        return None, False
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    method, target, version = parts
    try:
        url = urlsplit(target)
        query = parse_qs(url.query, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return None, False
    # A body is never read, so what follows it could not be told apart from a request.
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    wish = headers.get("connection", "").lower()
    keep = not has_body and wish != "close" and (version != "HTTP/1.0" or wish == "keep-alive")
    return Request(method, unquote(url.path) or "/", query, headers), keep


def _serialise(response: Response, request: Request | None, keep: bool, always: Mapping[str, str]) -> bytes:
    body = response.body
    headers = {"Content-Type": response.content_type, **always, **response.headers}
    if request and len(body) > _WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip(body)
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept, Accept-Encoding"
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "keep-alive" if keep else "close"
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if request and request.method == "HEAD" else head + body


def _hang_up(client: socket.socket) -> None:
    """Wake the thread that reads from the connection; it closes the socket."""
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
