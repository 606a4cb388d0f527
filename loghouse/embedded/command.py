"""`loghouse up`: the embedded store as a foreground process."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from loghouse.config import DEFAULT_DATABASE, DEFAULT_HOST, DEFAULT_PORT, StoreUrl
from loghouse.embedded.conversation import Account
from loghouse.embedded.engine import Engine
from loghouse.embedded.server import Server, is_loopback
from loghouse.embedded.session import quoted_name
from loghouse.errors import UsageError
from loghouse.memory import reuse_blocks
from loghouse.stopping import stopped_by_signals

STOP_LIMIT = 4.5  # seconds from the signal to the end of the process
DEFAULT_LISTEN = f"{DEFAULT_HOST}:{DEFAULT_PORT}"


def up(
    data_dir: Path,
    listen: str = DEFAULT_LISTEN,
    user: str = "default",
    password_file: Path | None = None,
    insecure: bool = False,
    database: str = DEFAULT_DATABASE,
    prepare: Callable[[StoreUrl], None] | None = None,
    beside: Callable[[StoreUrl], AbstractContextManager[object]] = nullcontext,
    backup_dir: Path | None = None,
    allow_outside: bool = False,
) -> None:
    """Serve the store in `data_dir` until SIGTERM or Ctrl-C; raises a `LoghouseError` if it cannot start.

    `prepare` is for migrations: it reaches the store where nobody else does. Clients that connect meanwhile
    are kept waiting, so that none meets tables half made. `beside` is entered once clients are served, and
    before it is announced that they are, for what runs together with the store. It is left before the store
    stops.
    """
    host, port = parse_listen(listen)
    password = _read_password(password_file) if password_file is not None else ""
    if not password and not insecure and not is_loopback(host):
        raise UsageError(
            f"{listen} can be reached from other machines, and no password is set",
            "Set one with --password-file, or say --insecure if the network is trusted",
        )
    reuse_blocks()
    stop = threading.Event()
    with stopped_by_signals(stop, interruptible=False):  # it ends within `STOP_LIMIT`
        engine = Engine(data_dir, backup_dir=backup_dir)
        _serve(
            engine,
            data_dir,
            host,
            port,
            Account(user, password),
            allow_outside,
            database,
            prepare,
            beside,
            stop,
        )


def parse_listen(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `:PORT` or `[IPV6]:PORT`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f'cannot listen on "{text}"', f"Write the address like {DEFAULT_LISTEN}")
    return host.strip("[]") or DEFAULT_HOST, int(port)


def _serve(
    engine: Engine,
    data_dir: Path,
    host: str,
    port: int,
    account: Account,
    allow_outside: bool,
    database: str,
    prepare: Callable[[StoreUrl], None] | None,
    beside: Callable[[StoreUrl], AbstractContextManager[object]],
    stop: threading.Event,
) -> None:
    try:
        engine.create_database(quoted_name(database.encode()))
        server = Server(engine, host, port, account, allow_outside=allow_outside)
    except BaseException:
        engine.close()
        raise
    try:
        if prepare is not None:
            _prepare(engine, account, database, prepare)
        server.start()
        bound, port = server.address
        with beside(StoreUrl(bound, port, database, account.user, account.password)):
            url = StoreUrl(bound, port, database)
            for part in engine.damaged_parts():
                _say(f"warning: a damaged part was put aside, its rows are missing: {part}")
            _say(
                f"ClickHouse {engine.version} on {data_dir} listens on clickhouse://{url.address}/{database}"
            )
            stop.wait()
            _say("stopping")
    finally:
        # What cannot be ended must not keep the process: all that was acknowledged is on the disk.
        last_resort = threading.Timer(STOP_LIMIT, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        if not server.stop():
            os._exit(0)
        engine.close()
        last_resort.cancel()


def _prepare(engine: Engine, account: Account, database: str, prepare: Callable[[StoreUrl], None]) -> None:
    """Let `prepare` at the store through a port of its own."""
    server = Server(engine, DEFAULT_HOST, 0, account)
    server.start()
    try:
        host, port = server.address
        prepare(StoreUrl(host, port, database, account.user, account.password))
    finally:
        server.stop()


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
