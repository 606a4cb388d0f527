"""The engine in this process, on a directory of its own: tables and client are those of any store."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from loghouse.config import DEFAULT_DATABASE, DEFAULT_HOST, StoreUrl
from loghouse.errors import UsageError
from loghouse.formats.fields import noted_keys_sql
from loghouse.local.stamps import parse_sql

USER = "logq"
MEMORY_RATIO = 0.25  # of the machine's memory, for the engine
# This store lasts as long as the command: its inserts need not survive a crash, and to merge its parts would
# take a third of the time that reading the files does.
_SHORT_LIVED = (
    "fsync_after_insert = 0, fsync_part_directory = 0, "
    "parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000"
)
_TABLES = ("logs", "counts")
_UNUSED = ("parse", "note_streams", "note_fields", "fields")
# The catalogue of fields is looked at when a query finds nothing, so it is made then.
_FIELDS = f"""CREATE VIEW fields AS
SELECT toDate(timestamp) AS day, namespace, container, format, arrayJoin({noted_keys_sql()}) AS field,
    1::UInt64 AS records
FROM (SELECT timestamp, namespace, container, format, raw FROM logs LIMIT 200000)"""  # noqa: S608 - our own


@contextmanager
def local_store(zone: str) -> Iterator[StoreUrl]:
    """An empty store that nobody else can open; its directory is gone when the block ends.

    Times of records that name no zone are of `zone`, as IANA calls it. Raises `LoghouseError` if the extra
    `embedded` is not installed.
    """
    from loghouse.embedded.conversation import Account
    from loghouse.embedded.engine import Engine
    from loghouse.embedded.server import Server
    from loghouse.embedded.session import quoted_name

    with _ended_by_signals(), _directory() as directory:
        engine = Engine(directory, MEMORY_RATIO)
        try:
            engine.create_database(quoted_name(DEFAULT_DATABASE.encode()))
            account = Account(USER, secrets.token_hex(32))
            server = Server(engine, DEFAULT_HOST, 0, account)
            server.start()
            try:
                host, port = server.address
                url = StoreUrl(host, port, DEFAULT_DATABASE, account.user, account.password)
                _prepare(url, zone)
                yield url
            finally:
                server.stop()
        finally:
            engine.close()


def _prepare(url: StoreUrl, zone: str) -> None:
    from loghouse.store.client import Store
    from loghouse.store.migrate import migrate

    with Store(url) as store:
        migrate(store)
        store.rows("SYSTEM STOP MERGES")
        for table in _TABLES:
            store.rows(f"ALTER TABLE {table} MODIFY SETTING {_SHORT_LIVED}")
        for table in _UNUSED:
            store.rows(f"DROP TABLE {table}")
        select = parse_sql(zone, datetime.now(UTC).year)
        store.rows(f"CREATE MATERIALIZED VIEW parse TO logs AS {select}")
        store.rows(_FIELDS)


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
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
