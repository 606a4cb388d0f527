"""`loghouse receive`: the servers, from start to stop."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loghouse.config import StoreUrl
from loghouse.errors import UsageError
from loghouse.receive.chunks import Chunks
from loghouse.receive.forward_server import ForwardServer
from loghouse.receive.handshake import Secrets
from loghouse.receive.http import HttpServer
from loghouse.receive.intake import Intake
from loghouse.receive.spooling import SpoolSink
from loghouse.receive.syslog import SyslogServer
from loghouse.spool.spool import Spool
from loghouse.store.client import Store

INSERT_TIMEOUT = 120.0  # seconds without an answer to an insert
STOP_DEADLINE = 10.0  # seconds that a stopped receiver takes for what is in the spool


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen (HOST:PORT; '' is not at all) and the files with secrets ('' for none)."""

    forward: str = ""
    http: str = ""
    syslog: str = ""
    token_file: str = ""
    shared_key_file: str = ""
    users_file: str = ""
    certificate: str = ""
    key: str = ""


class Receiver:
    """All servers and the intake behind them; listens once it exists."""

    def __init__(self, listening: Listening, store_url: StoreUrl, state_dir: str, node: str = "") -> None:
        """`state_dir` holds what was acknowledged and is not stored yet; one process owns it."""
        node = node or socket.gethostname()
        token = _secret(listening.token_file)
        secrets = _secrets(listening)
        tls = _tls(listening)
        self.spool = Spool(os.path.join(state_dir, "spool"))
        chunks = Chunks(state_dir)
        connect = partial(Store, store_url, read_timeout=INSERT_TIMEOUT, compress=True)
        self.sink = SpoolSink(self.spool, chunks, node, connect)
        self.intake = Intake(self.sink, node)
        self.forward: ForwardServer | None = None
        self.http: HttpServer | None = None
        self.syslog: SyslogServer | None = None
        try:
            if listening.forward:
                self.forward = ForwardServer(*address(listening.forward), self.intake, secrets, tls)
            if listening.http:
                files = (listening.certificate, listening.key) if tls else None
                self.http = HttpServer(*address(listening.http), self.intake, token, files)
            if listening.syslog:
                self.syslog = SyslogServer(*address(listening.syslog), self.intake)
        except OSError as error:
            self.close()
            raise UsageError(f"cannot listen ({error})", "Choose another HOST:PORT") from None

    def close(self) -> None:
        """Stop taking, then store what was taken; what the store does not take now stays in the spool."""
        for server in (self.forward, self.http, self.syslog):
            if server:
                server.close()
        self.intake.close()
        stopped = threading.Event()
        stopped.set()
        self.sink.delivery.close(stopped, STOP_DEADLINE)
        self.spool.close()

    def __str__(self) -> str:
        ports = [("forward", self.forward), ("http", self.http), ("syslog", self.syslog)]
        return "receiving: " + ", ".join(f"{name} on port {server.port}" for name, server in ports if server)


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f'"{text}" is no HOST:PORT', "Write it like 127.0.0.1:24224")
    return host.strip("[]"), int(port)


def until(stop: threading.Event, receiver: Receiver) -> None:
    """Serve until `stop` is set."""
    try:
        stop.wait()
    finally:
        receiver.close()


def _secret(path: str) -> str:
    if not path:
        return ""
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f'cannot read the secret in "{path}" ({error})') from None
    if not secret:
        raise UsageError(f'the file "{path}" is empty', "Write the secret into it")
    return secret


def _secrets(listening: Listening) -> Secrets | None:
    key = _secret(listening.shared_key_file)
    users = dict(
        line.partition(":")[::2] for line in _secret(listening.users_file).splitlines() if ":" in line
    )
    if users and not key:
        raise UsageError("users of Forward need a shared key too", "Add --shared-key-file")
    return Secrets(f"loghouse-{socket.gethostname()}", key.encode(), users) if key else None


def _tls(listening: Listening) -> ssl.SSLContext | None:
    if not listening.certificate and not listening.key:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(listening.certificate, listening.key or None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f'cannot use the certificate "{listening.certificate}" ({error})') from None
    return context
