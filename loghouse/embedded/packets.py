"""The packets of the protocol around the blocks: what a client asks, what the server answers."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from loghouse.embedded import revisions
from loghouse.embedded.blocks import header
from loghouse.embedded.parameters import parameter_text
from loghouse.embedded.wire import MAX_QUERY, ProtocolError, Window, string
from loghouse.native import varint

SERVER_NAME = b"ClickHouse"
MAX_SETTINGS = 2000
MAX_TABLES = 1000


class Ask(IntEnum):
    """Packets from the client."""

    HELLO = 0
    QUERY = 1
    DATA = 2
    CANCEL = 3
    PING = 4
    TABLES_STATUS = 5
    SCALAR = 7


class Answer(IntEnum):
    """Packets from the server."""

    HELLO = 0
    DATA = 1
    EXCEPTION = 2
    PROGRESS = 3
    PONG = 4
    END_OF_STREAM = 5
    PROFILE_INFO = 6
    TABLES_STATUS = 9
    PROFILE_EVENTS = 14


class Stage(IntEnum):
    """How far the server shall process a query."""

    COMPLETE = 2


@dataclass(frozen=True, slots=True)
class Hello:
    """How a client introduces itself."""

    client: bytes
    revision: int
    database: bytes
    user: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting for one query; if it is not `important`, a server that does not know it carries on."""

    name: bytes
    value: bytes
    important: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and all that shall hold for it."""

    sql: bytes
    settings: list[Setting]
    params: dict[str, str]
    stage: int
    compressed: bool


def read_hello(window: Window) -> Hello:
    """The first packet, after its number."""
    client = window.string()
    window.varint()  # version of the client, major
    window.varint()  # and minor
    revision = window.varint()
    return Hello(client, revision, window.string(), window.string(), window.string())


def hello(version: str, timezone: str, display_name: str, revision: int) -> bytes:
    """The answer to a `Hello` of that revision."""
    major, minor, patch = (int(number) for number in version.split(".")[:3])
    packet = varint(Answer.HELLO) + string(SERVER_NAME) + varint(major) + varint(minor)
    packet += varint(revisions.OURS)
    if revision >= revisions.SERVER_TIMEZONE:
        packet += string(timezone.encode())
    if revision >= revisions.DISPLAY_NAME:
        packet += string(display_name.encode())
    if revision >= revisions.VERSION_PATCH:
        packet += varint(patch)
    return packet


def read_query(window: Window, revision: int, setting_types: Mapping[str, str]) -> Query:
    """A query packet, after its number."""
    window.string()  # the client's id of the query
    _skip_client_info(window, revision)
    settings = _read_settings(window, revision, setting_types)
    if revision >= revisions.INTERSERVER_SECRET and window.string():
        raise ProtocolError("the client speaks as a node of a cluster, which the embedded store is not")
    stage = window.varint()
    compressed = bool(window.varint())
    sql = window.string(MAX_QUERY)
    params: dict[str, str] = {}
    if revision >= revisions.PARAMETERS:
        for setting in _read_text_settings(window):
            params[setting.name.decode("utf-8", "replace")] = parameter_text(setting.value)
    return Query(sql, settings, params, stage, compressed)


def read_table_names(window: Window) -> list[tuple[bytes, bytes]]:
    """The tables that a client asks about, as (database, table)."""
    count = window.varint()
    if count > MAX_TABLES:
        raise ProtocolError(f"a question about {count} tables; at most {MAX_TABLES} are allowed")
    return [(window.string(), window.string()) for _ in range(count)]


def table_statuses(tables: list[tuple[bytes, bytes]]) -> bytes:
    """That these tables are here; no table is replicated."""
    found = b"".join(string(database) + string(table) + b"\x00" for database, table in tables)
    return varint(Answer.TABLES_STATUS) + varint(len(tables)) + found


def exception(code: int, message: str) -> bytes:
    """An exception as ClickHouse sends it, without a stack trace."""
    text = message if message.startswith("DB::Exception: ") else f"DB::Exception: {message}"
    return (
        varint(Answer.EXCEPTION)
        + struct.pack("<i", code)
        + string(b"DB::Exception")
        + string(text.encode("utf-8", "surrogateescape"))
        + string(b"")
        + b"\x00"
    )


def progress(
    revision: int, rows: int, size: int, total_rows: int, written_rows: int = 0, written_bytes: int = 0
) -> bytes:
    """What was read and written since the last such packet."""
    packet = varint(Answer.PROGRESS) + varint(rows) + varint(size)
    if revision >= revisions.TOTAL_ROWS_IN_PROGRESS:
        packet += varint(total_rows)
    if revision >= revisions.WRITTEN_IN_PROGRESS:
        packet += varint(written_rows) + varint(written_bytes)
    return packet


def profile_info(rows: int, blocks: int, size: int) -> bytes:
    """The size of the answer; clients show it."""
    # Not limited, no rows before a limit, and that is final: an old client crashes on "not calculated".
    return varint(Answer.PROFILE_INFO) + varint(rows) + varint(blocks) + varint(size) + b"\x00\x00\x01"


def profile_events(revision: int) -> bytes:
    """No events: newer clients wait for such a packet after each block that they insert."""
    return varint(Answer.PROFILE_EVENTS) + string(b"") + header([], revision)


PONG = varint(Answer.PONG)
END_OF_STREAM = varint(Answer.END_OF_STREAM)
DATA = varint(Answer.DATA) + string(b"")  # the block follows; the name is for temporary tables

_VIA_TCP = 1
_VIA_HTTP = 2


def _skip_client_info(window: Window, revision: int) -> None:
    """Who asks: nobody here needs it, but its length must be known."""
    if not window.byte():  # kind of query: none
        return
    for _ in range(3):  # user, id and address of the first query
        window.string()
    if revision >= revisions.START_TIME:
        window.take(8)
    interface = window.byte()
    if interface == _VIA_TCP:
        for _ in range(3):  # operating system user, host, name of the client
            window.string()
        for _ in range(3):  # version
            window.varint()
    elif interface == _VIA_HTTP:
        window.byte()  # method
        window.string()  # user agent
        if revision >= revisions.X_FORWARDED_FOR:
            window.string()
        if revision >= revisions.REFERER:
            window.string()
    if revision >= revisions.QUOTA_KEY:
        window.string()
    if revision >= revisions.DISTRIBUTED_DEPTH:
        window.varint()
    if interface == _VIA_TCP and revision >= revisions.VERSION_PATCH:
        window.varint()
    if revision >= revisions.OPENTELEMETRY and window.byte():
        window.take(16 + 8)  # trace and span
        window.string()
        window.byte()
    if revision >= revisions.PARALLEL_REPLICAS:
        for _ in range(3):
            window.varint()


_IMPORTANT = 1


def _read_settings(window: Window, revision: int, types: Mapping[str, str]) -> list[Setting]:
    if revision >= revisions.SETTINGS_AS_STRINGS:
        return _read_text_settings(window)
    settings: list[Setting] = []
    while name := window.string():
        value = _read_binary_value(window, name, types)
        settings.append(Setting(name, value, important=True))
        _check_number(settings)
    return settings


def _read_text_settings(window: Window) -> list[Setting]:
    settings: list[Setting] = []
    while name := window.string():
        flags = window.varint()
        settings.append(Setting(name, window.string(), bool(flags & _IMPORTANT)))
        _check_number(settings)
    return settings


def _check_number(settings: list[Setting]) -> None:
    if len(settings) > MAX_SETTINGS:
        raise ProtocolError(f"more than {MAX_SETTINGS} settings for one query")


_WHOLE_NUMBERS = frozenset(
    ("Bool", "UInt64", "NonZeroUInt64", "Int64", "Int32", "MaxThreads", "Seconds", "Milliseconds")
)


def _read_binary_value(window: Window, name: bytes, types: Mapping[str, str]) -> bytes:
    """Old clients write numbers as numbers, so the type of a setting must be known to find its end."""
    kind = types.get(name.decode("utf-8", "replace"))
    if kind is None:
        raise ProtocolError(f"the client sent a setting that is not known: {name[:100]!r}")
    return b"%d" % window.varint() if kind in _WHOLE_NUMBERS else window.string()
