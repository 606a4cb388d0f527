"""Forward over TCP or TLS: a thread for each connection, deadlines on every wait, acks after durability."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from typing import Any

from loghouse.errors import LoghouseError
from loghouse.receive.forward import Messages, message
from loghouse.receive.handshake import Handshake, Secrets
from loghouse.receive.intake import Intake

log = logging.getLogger("loghouse.receive")

MOST_CONNECTIONS = 512
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 3600.0  # a quiet application keeps its connection; TCP keepalive finds the dead ones
ANSWER_SECONDS = 30.0
READ_BYTES = 1 << 18
PROTOCOL = "forward"
HEARTBEAT = b"\0"
HEARTBEAT_BYTES = 16


class ForwardServer:
    """Listens once it exists, so `port` can be given as 0 and read back."""

    def __init__(
        self,
        host: str,
        port: int,
        intake: Intake,
        secrets: Secrets | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._intake = intake
        self._secrets = secrets
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._heartbeats = socket.socket(family, socket.SOCK_DGRAM)
        self._heartbeats.bind((host, self.port))
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        for work in (self._accept, self._answer_heartbeats):
            threading.Thread(target=work, name="forward", daemon=True).start()

    def close(self) -> None:
        """Stop listening and close every connection; what has no ack is sent again by its sender."""
        for listener in (self._listener, self._heartbeats):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                self._intake.count(PROTOCOL, "connections_refused")
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="forward", daemon=True).start()

    def _answer_heartbeats(self) -> None:
        """Fluentd may ask over UDP whether we live: a zero byte, to be sent back."""
        while True:
            try:
                asked, sender = self._heartbeats.recvfrom(HEARTBEAT_BYTES)
                if asked == HEARTBEAT:  # nothing else is answered, so nobody can be flooded through us
                    self._heartbeats.sendto(HEARTBEAT, sender)
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def _serve(self, connection: socket.socket) -> None:
        try:
            with contextlib.closing(self._prepared(connection)) as prepared:
                with self._lock:
                    self._open.add(prepared)
                try:
                    self._talk(prepared)
                finally:
                    with self._lock:
                        self._open.discard(prepared)
        except LoghouseError as error:
            self._intake.count(PROTOCOL, "connections_broken")
            log.warning("Forward connection closed: %s", error.message)
        except OSError:
            self._intake.count(PROTOCOL, "connections_lost")
        finally:
            connection.close()
            self._places.release()

    def _prepared(self, connection: socket.socket) -> socket.socket:
        connection.settimeout(HANDSHAKE_SECONDS)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _talk(self, connection: socket.socket) -> None:
        messages = Messages()
        handshake: Handshake | None = None
        if self._secrets:
            handshake = Handshake(self._secrets)
            connection.sendall(handshake.helo())
        else:
            connection.settimeout(IDLE_SECONDS)
        while data := connection.recv(READ_BYTES):
            for value in messages.feed(data):
                if handshake:
                    if not self._welcome(connection, handshake, value):
                        return
                    handshake = None
                    connection.settimeout(IDLE_SECONDS)
                else:
                    self._take(connection, value)

    def _welcome(self, connection: socket.socket, handshake: Handshake, ping: Any) -> bool:
        pong, refusal = handshake.pong(ping)
        connection.sendall(pong)
        if refusal:
            self._intake.count(PROTOCOL, "handshakes_refused")
            log.warning("Forward handshake refused: %s", refusal)
        return not refusal

    def _take(self, connection: socket.socket, value: Any) -> None:
        if value is None:
            return  # an empty heartbeat of Fluentd
        taken = message(value)
        if taken.chunk is None:
            self._intake.insist(PROTOCOL, taken.received)
        else:
            self._intake.accept(PROTOCOL, taken.received, taken.identity)
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(_ack(taken.chunk))
            connection.settimeout(IDLE_SECONDS)


def _ack(chunk: bytes) -> bytes:
    """`{"ack": chunk}` with the chunk's own bytes, typed as text."""
    size = len(chunk)
    head = bytes((0xA0 | size,)) if size < 32 else b"\xda" + size.to_bytes(2, "big")
    return b"\x81\xa3ack" + head + chunk[:65535]
