"""The HTTP page of a daemon, for Prometheus, for probes and for `loghouse status`."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from loghouse.errors import UsageError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

log = logging.getLogger("loghouse.telemetry")

THREADS = 10  # a client that says nothing takes one of them, for no longer than TIMEOUT
TIMEOUT = 10  # seconds
QUEUED = 16

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Collector(Protocol):
    """What a registry of prometheus_client asks."""

    def describe(self) -> Iterator[Metric]:
        """The metrics by their names; none, if they are only checked when the page is made."""

    def collect(self) -> Iterator[Metric]:
        """Every metric, as of now."""


class HealthServer:
    """Listens once it exists, so the port can be given as 0 and read back."""

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        trouble: Callable[[], str],
        status: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`trouble` says why the process must be started again, if it must; `status` is a JSON object."""
        from cheroot.wsgi import Server

        self._registry = registry
        self._trouble = trouble
        self._status = status
        self._server = Server(
            (host, port),
            self._answer,
            numthreads=THREADS,
            max=THREADS,
            request_queue_size=QUEUED,
            timeout=TIMEOUT,
        )
        try:
            self._server.prepare()
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port} ({error})", "Choose another --listen") from None
        self.port = int(self._server.bind_addr[1])
        self._thread = threading.Thread(target=self._server.serve, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.stop()
        self._thread.join(TIMEOUT)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status, kind, body = self._page(environ["PATH_INFO"], environ.get("HTTP_ACCEPT", ""))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _page(self, path: str, accept: str) -> tuple[str, str, bytes]:
        if path == "/metrics":
            from prometheus_client.exposition import choose_encoder

            encode, kind = choose_encoder(accept)
            return "200 OK", kind, encode(self._registry)
        if path == "/healthz":
            trouble = self._trouble()
            text = f"{trouble or 'ok'}\n".encode()
            return "503 Service Unavailable" if trouble else "200 OK", "text/plain; charset=utf-8", text
        if path == "/status":
            return "200 OK", "application/json", json.dumps(self._status()).encode()
        return "404 Not Found", "text/plain; charset=utf-8", b"/metrics, /healthz or /status\n"


@contextmanager
def told(
    listen: tuple[str, int] | None,
    collectors: Iterable[Collector],
    trouble: Callable[[], str],
    status: Callable[[], Mapping[str, Any]],
) -> Iterator[None]:
    """Serve what collectors and the process itself tell, if there is an address and port to listen on."""
    if listen is None:
        yield
        return
    from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

    registry = CollectorRegistry()
    for kind in (ProcessCollector, PlatformCollector):
        kind(registry=registry)
    for collector in collectors:
        registry.register(collector)
    server = HealthServer(*listen, registry, trouble, status)
    log.info("/metrics, /healthz and /status on port %d", server.port)
    try:
        yield
    finally:
        server.close()
