"""The embedded store as a server: a listening socket and a thread for each client."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import threading
import time

from loghouse.embedded.conversation import Account, Conversation
from loghouse.embedded.engine import Engine, EngineError
from loghouse.embedded.merges import Merges
from loghouse.embedded.outside import Inside
from loghouse.embedded.watch import Watch
from loghouse.errors import UsageError

MAX_CLIENTS = 128
TOO_MANY_SIMULTANEOUS_QUERIES = 202
STOP_LIMIT = 3.5  # seconds
RECEIVE_BUFFER = 4 << 20


class Server:
    """Listens from the moment it exists; `start` begins to serve."""

    def __init__(
        self,
        engine: Engine,
        host: str,
        port: int,
        account: Account | None = None,
        max_clients: int = MAX_CLIENTS,
        allow_outside: bool = False,
    ) -> None:
        """`allow_outside` lets statements reach files and the network, see `Inside`."""
        self._inside = None if allow_outside else Inside(engine.table_functions)
        self._engine = engine
        self._account = account or Account()
        self._max_clients = max_clients
        self._clients: dict[Conversation, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._listener = _listen(host, port)
        self._watch = Watch(engine)
        self._merges = Merges(engine)
        self._acceptor = threading.Thread(target=self._accept, name="accept", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is a free one if 0 was asked for."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Serve clients in threads."""
        self._acceptor.start()

    def stop(self, limit: float = STOP_LIMIT) -> bool:
        """End the queries and the clients; False if one of them did not end within `limit` seconds."""
        deadline = time.monotonic() + limit
        with self._lock:
            self._stopping = True
            clients = dict(self._clients)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in clients:
            client.hang_up()
        left = list(clients.values())
        while left and time.monotonic() < deadline:
            # An engine that is short of memory may refuse; the next round tries again.
            with contextlib.suppress(EngineError):
                self._engine.kill_all()
            left[0].join(0.1)
            left = [thread for thread in left if thread.is_alive()]
        self._watch.stop()
        self._merges.stop()
        return not left

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._stopping:
                    return
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    time.sleep(0.1)  # a client that leaves makes room
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        conversation = Conversation(
            connection, self._engine, self._watch, self._merges, self._account, self._inside
        )
        with self._lock:
            full = len(self._clients) >= self._max_clients
            if self._stopping:
                connection.close()
                return
            if not full:
                thread = threading.Thread(target=self._run, args=(conversation,), name="client", daemon=True)
                self._clients[conversation] = thread
                thread.start()
        if full:
            conversation.refuse(
                TOO_MANY_SIMULTANEOUS_QUERIES,
                f"Too many clients: {self._max_clients} are connected. (TOO_MANY_SIMULTANEOUS_QUERIES)",
            )

    def _run(self, conversation: Conversation) -> None:
        try:
            conversation.run()
        finally:
            with self._lock:
                del self._clients[conversation]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(
            f'cannot listen on "{host}" ({error.strerror})', "Give --listen as HOST:PORT"
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Clients inherit it; big blocks then come in few reads.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        hint = "Give another one with --listen HOST:PORT"
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"{host}:{port} is in use by another program", hint) from None
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror})", hint) from None
    return listener
