"""The engine in this process, on a directory of its own: tables and client are those of any store."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from loghouse.config import DEFAULT_DATABASE, DEFAULT_HOST, StoreUrl
from loghouse.errors import UsageError
from loghouse.stopping import handled

USER = "logq"
MEMORY_RATIO = 0.25  # of the machine's memory, for the engine


@contextmanager
def local_store() -> Iterator[StoreUrl]:
    """An empty store that nobody else can open; its directory is gone when the block ends.

    Raises `LoghouseError` if the extra `embedded` is not installed.
    """
    with _ended_by_signals(), _directory() as directory, ExitStack() as opened:
        with _interrupts_held():
            url = _open(directory, opened)
        yield url


def _open(directory: Path, opened: ExitStack) -> StoreUrl:
    from loghouse.embedded.conversation import Account
    from loghouse.embedded.engine import Engine
    from loghouse.embedded.server import Server
    from loghouse.embedded.session import quoted_name

    engine = Engine(directory, MEMORY_RATIO)
    opened.callback(engine.close)
    engine.create_database(quoted_name(DEFAULT_DATABASE.encode()))
    account = Account(USER, secrets.token_hex(32))
    server = Server(engine, DEFAULT_HOST, 0, account)
    server.start()
    opened.callback(server.stop)
    host, port = server.address
    url = StoreUrl(host, port, DEFAULT_DATABASE, account.user, account.password)
    _prepare(url)
    return url


def _prepare(url: StoreUrl) -> None:
    from loghouse.local.tables import TABLES
    from loghouse.store.client import Store

    with Store(url) as store:
        store.rows("SYSTEM STOP MERGES")
        for table in TABLES:
            store.rows(table)


@contextmanager
def _directory() -> Iterator[Path]:
    try:
        path = tempfile.mkdtemp(prefix="logq-")
    except OSError as error:
        raise UsageError(
            f"cannot make a temporary directory ({error.strerror})",
            "Free some space, or name another place in the variable TMPDIR",
        ) from None
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the command as Ctrl-C does, so that the directory is removed."""
    with handled(_interrupt, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """What would end the block ends it when it is done.

    While modules load, Python may raise KeyboardInterrupt in a callback, where nobody hears of it.
    """
    came: list[int] = []
    with handled(lambda number, _: came.append(number), signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield
    if came:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def zone_name(wanted: str | None) -> str:
    """The IANA name of a zone, `None` being that of this machine; UTC where the machine does not tell."""
    if wanted and wanted.lower() != "local":
        return "UTC" if wanted.lower() in ("utc", "z") else wanted
    told = (
        os.environ.get("TZ", "").lstrip(":") or os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    )
    if not told:
        return "UTC"
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(told).key
    except (KeyError, ValueError, OSError):
        return "UTC"
