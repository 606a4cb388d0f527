"""`loghouse up`: the embedded store as a foreground process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from loghouse.config import DEFAULT_DATABASE, DEFAULT_HOST, DEFAULT_PORT, StoreUrl
from loghouse.embedded.conversation import Account
from loghouse.embedded.engine import Engine
from loghouse.embedded.server import Server, is_loopback
from loghouse.embedded.session import quoted_name
from loghouse.errors import UsageError

DEFAULT_LISTEN = f"{DEFAULT_HOST}:{DEFAULT_PORT}"


def up(
    data_dir: Path,
    listen: str = DEFAULT_LISTEN,
    user: str = "default",
    password_file: Path | None = None,
    insecure: bool = False,
    database: str = DEFAULT_DATABASE,
    prepare: Callable[[StoreUrl], None] | None = None,
) -> None:
    """Serve the store in `data_dir` until SIGTERM or Ctrl-C; raises a `LoghouseError` if it cannot start.

    `prepare` is called once clients can connect, and before it is announced that they can: for migrations.
    """
    host, port = parse_listen(listen)
    password = _read_password(password_file) if password_file is not None else ""
    if not password and not insecure and not is_loopback(host):
        raise UsageError(
            f"{listen} can be reached from other machines, and no password is set",
            "Set one with --password-file, or say --insecure if the network is trusted",
        )
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _serve(data_dir, host, port, Account(user, password), database, prepare, stopped)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def parse_listen(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `:PORT` or `[IPV6]:PORT`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f'cannot listen on "{text}"', f"Write the address like {DEFAULT_LISTEN}")
    return host.strip("[]") or DEFAULT_HOST, int(port)


def _serve(
    data_dir: Path,
    host: str,
    port: int,
    account: Account,
    database: str,
    prepare: Callable[[StoreUrl], None] | None,
    stopped: threading.Event,
) -> None:
    engine = Engine(data_dir)
    try:
        engine.create_database(quoted_name(database.encode()))
        server = Server(engine, host, port, account)
    except BaseException:
        engine.close()
        raise
    server.start()
    try:
        bound, port = server.address
        if prepare is not None:
            prepare(StoreUrl(bound, port, database, account.user, account.password))
        url = StoreUrl(bound, port, database)
        _say(f"ClickHouse {engine.version} on {data_dir} listens on clickhouse://{url.address}/{database}")
        stopped.wait()
        _say("stopping")
    finally:
        ended = server.stop()
        if not ended:
            # A query that cannot be ended must not keep the process: what was acknowledged is on the disk.
            sys.stderr.flush()
            os._exit(0)
        engine.close()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _read_password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f'cannot read the password file "{path}" ({error})', "Check --password-file"
        ) from None
    if not password:
        raise UsageError(f'the password file "{path}" is empty', "Write the password into it")
    return password
