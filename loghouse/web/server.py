"""The web server: uvicorn around the application, in a thread of its own or until a signal comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.lowlevel
import uvicorn

from loghouse.access.audit import Audit
from loghouse.access.file import read_access
from loghouse.access.oidc import OpenId
from loghouse.access.people import Access, Mode
from loghouse.config import StoreUrl
from loghouse.errors import UsageError
from loghouse.web.application import application
from loghouse.web.identity import Doorkeeper
from loghouse.web.services import Services

STOP_SECONDS = 3
LARGEST_HEAD = 1 << 20  # bytes of a request's line and headers; queries travel in the line


@dataclass(frozen=True, slots=True)
class Serving:
    """Where and for whom to serve. `hosts` are further names of the page when nobody has to log in."""

    host: str
    port: int
    access_file: Path | None = None
    hosts: Sequence[str] = ()
    certificate: str = ""
    key: str = ""
    insecure: bool = False


class WebServer:
    """Listens once it exists, so that port 0 can be read back; `start` serves."""

    def __init__(self, serving: Serving, store_url: StoreUrl) -> None:
        access = read_access(serving.access_file) if serving.access_file else Access()
        _refuse_open(serving, access)
        provider = OpenId(access.provider) if access.mode is Mode.OIDC and access.provider else None
        doorkeeper = Doorkeeper(access, frozenset(name.lower() for name in serving.hosts), provider=provider)
        audited = access.mode is not Mode.NONE or access.audit_log is not None
        audit = Audit(access.audit_log, audited)
        self._services = Services(store_url, doorkeeper, audit)
        self._socket = _listening(serving)
        self.port: int = self._socket.getsockname()[1]
        scheme = "https" if serving.certificate else "http"
        name = f"[{serving.host}]" if ":" in serving.host else serving.host
        self.url = f"{scheme}://{name}:{self.port}/"
        self._server = _Server(
            uvicorn.Config(
                application(self._services),
                log_level="critical",
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=STOP_SECONDS,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                http="h11",
                ws="websockets-sansio",
                ws_max_size=1 << 16,
                ssl_certfile=serving.certificate or None,
                ssl_keyfile=serving.key or None,
            )
        )
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End what runs and stop listening; returns when it is done."""
        self._server.should_exit = True
        self._services.stop()
        self._thread.join(STOP_SECONDS + 1)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


class _Server(uvicorn.Server):
    """uvicorn, which leaves connections open whose clients do not take the rest of their answer."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; afterwards no connection is left."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await anyio.lowlevel.checkpoint()


def _refuse_open(serving: Serving, access: Access) -> None:
    from loghouse.embedded.server import is_loopback

    if access.mode is Mode.NONE and not is_loopback(serving.host) and not serving.insecure:
        raise UsageError(
            f"{serving.host} can be reached from other machines, and everybody could read all logs",
            "Name an access file with --access (docs/web.md), or say --insecure if the network is trusted",
        )


def _listening(serving: Serving) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            serving.host, serving.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(256)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UsageError(
            f"cannot serve the web page on {serving.host}:{serving.port} ({error.strerror})",
            "Choose another HOST:PORT",
        ) from None
    return listener
