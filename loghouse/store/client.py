"""One connection to ClickHouse over its native protocol: a server, a cluster node or the embedded engine.

The only module that knows clickhouse-driver. It is imported inside functions, because it takes 0.1 s.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import struct
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from types import TracebackType
from typing import Any, Self, overload

from loghouse.config import StoreUrl
from loghouse.errors import LoghouseError, OlderTables, StoreError, StoreUnreachable
from loghouse.native import Coded, PackedTexts, Texts
from loghouse.record import TEXT_INDEX
from loghouse.store.word_index import has_text_index

Row = tuple[Any, ...]
Settings = Mapping[str, Any]
Columns = Sequence[Sequence[Any]]

CONNECT_TIMEOUT = 5  # seconds
READ_TIMEOUT = 300  # seconds without a byte from the server; progress packets come far more often
# What a server stops, by its error number, and the flag of `logq` for it.
_LIMITS = {
    158: ("would read more rows than allowed", "--max-rows"),
    159: ("took longer than allowed", "--max-time"),
    160: ("would take longer than allowed", "--max-time"),
    241: ("needs more memory than allowed", "--max-memory"),
}
_WHOLE = "whole columns"  # in place of the name of an encoding
# Of the driver: columns of text are `Texts`, a tuple of texts is as many of them, and of few texts they are
# `Coded`.
TEXTS: Settings = {"strings_as_bytes": True, "strings_encoding": _WHOLE}
_TEXT_KIND = re.compile(r"String|Tuple\(String(, String)*\)")
_CODED_KIND = "LowCardinality(String)"
_STORED, _ZSTD = 0x02, 0x90
_FRAME_HEADER = struct.Struct("<BII")  # method, packed size with this header, unpacked size
_UNKNOWN_IDENTIFIER = 47
_NEW_COLUMNS = ("words", "labels_json")  # of `logs`, which once it did not have
AUTHENTICATION_FAILED = (193, 516)  # WRONG_PASSWORD (old servers), AUTHENTICATION_FAILED


class Store:
    """A connection that opens on first use; not to be shared between threads."""

    def __init__(
        self,
        url: StoreUrl,
        read_timeout: float = READ_TIMEOUT,
        settings: Settings | None = None,
        compress: bool = False,
    ) -> None:
        """`settings` hold for every query, unless one has its own. `compress` is for blocks, both ways."""
        self.url = url
        self._compress = compress
        self._settings = dict(settings or {})
        self._read_timeout = read_timeout
        self._client: Any = None
        self._text_index: bool | None = None  # once it was asked for

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def twin(self, settings: Settings) -> Self:
        """Another connection to the same server, for a query beside one that is not read to its end.

        `settings` are those in which its queries differ.
        """
        return type(self)(
            self.url,
            read_timeout=self._read_timeout,
            settings={**self._settings, **settings},
            compress=self._compress,
        )

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> list[Row]:
        """All rows of a query. `params` are bound by the server to `{name:Type}` in the text."""
        with _translated(self):
            answer = self._driver().execute(sql, self._bound(params or {}), settings=dict(settings or {}))
        return answer if isinstance(answer, list) else []

    def stream(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> Iterator[Row]:
        """The rows of a query as they arrive, one server block in memory at a time.

        Closing the iterator before its end cancels the query on the server.
        """
        with closing(self.blocks(sql, params, settings)) as blocks:
            for columns in blocks:
                yield from zip(*columns, strict=True)

    def blocks(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> Generator[Columns, None, None]:
        """The blocks of a query as the server sends them, column by column: the fast way to many rows.

        The query is sent at once: the server is at work on it before the first block is asked for. With the
        setting `strings_as_bytes` text comes as `bytes`, with those in `TEXTS` as whole columns. Closing the
        iterator before its end cancels the query on the server.
        """
        answer = self._answer(sql, params or {}, settings or {})
        next(answer)
        return answer

    def _answer(
        self, sql: str, params: Mapping[str, Any], settings: Settings
    ) -> Generator[Columns, None, None]:
        """Something as soon as the query is sent, then its blocks."""
        ended = False
        try:
            with _translated(self):
                blocks = self._driver().execute_iter(sql, self._bound(params), settings=dict(settings))
                yield []
                yield from blocks
                ended = True
        finally:
            if not ended:
                self.close()

    def table(self, sql: str, settings: Settings) -> tuple[list[str], Iterator[list[Row]]]:
        """The names of the columns of a query and its rows in pages, as they arrive."""
        with _translated(self):
            blocks = self._driver().execute_iter(sql, {}, with_column_types=True, settings=dict(settings))
            header: Columns = next(blocks, [])
        return [str(name) for name, _ in header], self._pages(blocks)

    def _pages(self, blocks: Iterator[Columns]) -> Iterator[list[Row]]:
        with _translated(self):
            for columns in blocks:
                yield list(zip(*columns, strict=True))

    def insert(
        self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]], settings: Settings
    ) -> None:
        """Insert one block, column by column; returns when the server has acknowledged it.

        `table` and `columns` are names from our own code, never user text. Strings may be `bytes`.
        """
        self.insert_blocks(table, columns, [data], settings)

    def insert_blocks(
        self, table: str, columns: Sequence[str], blocks: Iterable[Columns], settings: Settings
    ) -> None:
        """Insert several blocks as one insert, so that only one of them is in memory.

        A last column of `PackedTexts` goes out as it is on a connection that compresses. What `blocks` raises
        breaks the insert off.
        """
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
        with _translated(self):
            client = self._driver()  # before anything of its package is imported
            from clickhouse_driver.block import ColumnOrientedBlock

            with client.disconnect_on_error(sql, {**settings, "strings_as_bytes": True}):
                client.connection.send_query(sql)
                client.connection.send_external_tables(None)
                header = client.receive_sample_block().columns_with_types
                for block in blocks:
                    _send(client.connection, header, block)
                    client.receive_profile_events()
                client.connection.send_data(ColumnOrientedBlock())
                client.receive_profile_events()
                client.receive_end_of_insert_query()

    def threads(self) -> int:
        """How many threads the server gives a query."""
        return int(self.rows("SELECT getSetting('max_threads')")[0][0])

    def uptime(self) -> float:
        """Seconds since the server was started."""
        return float(self.rows("SELECT uptime()")[0][0])

    def read_so_far(self) -> tuple[int, int]:
        """Rows and bytes that the server has read for the last query, as it reported them."""
        query = self._client.last_query if self._client is not None else None
        return (query.progress.rows, query.progress.bytes) if query is not None else (0, 0)

    def cancel(self) -> None:
        """Break off the running query, from any thread or a signal handler: its reader meets the end of the
        data. The driver's own state is left to the thread that uses it.
        """
        client = self._client
        connection = client.connection.socket if client is not None else None
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._client is not None:
            self._client.disconnect()
            self._client = None

    def _bound(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The values to send, with the kind of index that finds words here, which only the store knows."""
        if TEXT_INDEX not in params:
            return dict(params)
        if self._text_index is None:
            self._text_index = has_text_index(self)
        return {**params, TEXT_INDEX: int(self._text_index)}

    def _driver(self) -> Any:
        if self._client is None:
            self._client = driver_class(self.url.secure)(
                host=self.url.host,
                port=self.url.port,
                database=self.url.database,
                user=self.url.user,
                password=self.url.password,
                secure=self.url.secure,
                client_name="logq",
                connect_timeout=CONNECT_TIMEOUT,
                send_receive_timeout=self._read_timeout,
                compression="zstd" if self._compress else False,
                settings={"server_side_params": True, **self._settings},
            )
            self._client.iter_query_result_cls = _WholeBlocks
            if not self._compress:
                _read_texts_whole(self._client.connection)
        return self._client


def driver_class(secure: bool) -> Any:
    """The driver's `Client`, without the three quarters of its import time that nothing here needs.

    Its table of all dates from 1900 to 2299 (150 ms) is filled as dates come; the list of certificate
    authorities is for TLS only, and the driver does without that package when it is not there.
    """
    # What goes wrong comes as an exception; without a handler the driver's log would go to stderr as well.
    logging.getLogger("clickhouse_driver").addHandler(logging.NullHandler())
    os.environ.setdefault("CLICKHOUSE_DRIVER_LASY_DATE_LUT", "1")
    hidden = not secure and "certifi" not in sys.modules
    if hidden:
        sys.modules["certifi"] = None  # type: ignore[assignment]  # makes the import of it fail
    try:
        from clickhouse_driver import Client
    finally:
        if hidden:
            sys.modules.pop("certifi", None)  # two threads may be here
    return Client


def _read_texts_whole(connection: Any) -> None:
    """Have a connection, once it is opened, read the answer to `TEXTS` without an object for each text."""
    from clickhouse_driver import defines
    from clickhouse_driver.block import BlockInfo, ColumnOrientedBlock
    from clickhouse_driver.columns.service import read_column
    from clickhouse_driver.reader import read_binary_str, read_binary_uint8, read_binary_uint64
    from clickhouse_driver.streams.native import BlockInputStream
    from clickhouse_driver.varint import read_varint

    class Blocks(BlockInputStream):  # type: ignore[misc]
        def read(self, use_numpy: bool | None = None) -> Any:
            if self.context.client_settings["strings_encoding"] != _WHOLE:
                return super().read(use_numpy)
            revision = self.context.server_info.used_revision
            header: list[tuple[str, str]] = []
            data: list[Sequence[Any]] = []
            info = BlockInfo()
            if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
                info.read(self.fin)
            columns, rows = read_varint(self.fin), read_varint(self.fin)
            for _ in range(columns):
                name, kind = read_binary_str(self.fin), read_binary_str(self.fin)
                has_mark = revision >= defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION
                is_custom = has_mark and bool(read_binary_uint8(self.fin))
                read = list(self._columns(kind, rows, is_custom)) if rows else []
                header += [(name, kind)] * max(len(read), 1)
                data += read
            return ColumnOrientedBlock(header, data, info)

        def _columns(self, kind: str, rows: int, is_custom: bool) -> Iterator[Sequence[Any]]:
            if kind == _CODED_KIND and not is_custom:
                yield self._coded()
                return
            if is_custom or not _TEXT_KIND.fullmatch(kind):
                yield read_column(self.context, kind, rows, self.fin, has_custom_serialization=is_custom)
                return
            for _ in range(kind.count("String")):
                offsets, data = self.fin.read_strings_arrow(rows)
                yield Texts(data, offsets)

        def _coded(self) -> Coded:
            read_binary_uint64(self.fin)  # the version of the serialisation
            width = 1 << (read_binary_uint64(self.fin) & 0xF)
            keys = self.fin.read_strings(read_binary_uint64(self.fin))
            return Coded(keys, self.fin.read(read_binary_uint64(self.fin) * width), width)

    connection.get_block_in_stream = lambda: Blocks(connection.fin, connection.context)


def _send(connection: Any, header: Sequence[tuple[str, str]], block: Columns) -> None:
    """Send one block; `header` is the names and types of its columns."""
    from clickhouse_driver.block import ColumnOrientedBlock

    *others, last = block
    if not (connection.compression and isinstance(last, PackedTexts)):
        connection.send_data(ColumnOrientedBlock(header, block))
        return
    # The last column's texts are frames of their own: where a block is cut into frames is ours to choose.
    connection.send_data(ColumnOrientedBlock(header, [*others, _Behind(len(last))]))
    _send_frame(connection.fout, _STORED, last.first_length, len(last.first_length))
    _send_frame(connection.fout, _ZSTD, last.frame, last.unpacked_size)
    connection.fout.flush()


def _send_frame(out: Any, method: int, content: bytes | memoryview, unpacked_size: int) -> None:
    from clickhouse_cityhash.cityhash import CityHash128
    from clickhouse_driver.writer import write_binary_uint128

    frame = _FRAME_HEADER.pack(method, _FRAME_HEADER.size + len(content), unpacked_size) + content
    write_binary_uint128(CityHash128(frame), out)
    out.write(frame)


class _Behind(Sequence[bytes]):
    """So many texts of which the driver writes none: they come behind what it writes."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        raise IndexError(index)


class _WholeBlocks:
    """Makes the driver's iterator hand over each block whole, column by column, instead of row by row."""

    def __init__(self, packets: Iterable[Any], with_column_types: bool = False) -> None:
        self._packets = packets
        self._wants_header = with_column_types

    def __iter__(self) -> Iterator[list[Any]]:
        for packet in self._packets:
            block = getattr(packet, "block", None)
            if block is not None and self._wants_header:
                self._wants_header = False
                yield [block.columns_with_types]
            yield [block.get_columns()] if block is not None and block.num_rows else []


class _translated:
    """Turns the driver's exceptions into ours; after a broken connection the next call opens one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, LoghouseError) or not isinstance(error, Exception):
            return
        from clickhouse_driver import errors

        if isinstance(error, errors.ServerException):
            raise _server_error(error.code, error.message, self._store.url) from None
        if isinstance(error, (OSError, EOFError, errors.Error)):
            self._store.close()
            raise StoreUnreachable(
                f"cannot reach ClickHouse at {self._store.url.address} ({_reason(error)})",
                "Set --url or LOGQ_URL, or start the embedded store with: loghouse up",
            ) from None


def _server_error(code: int, text: str, url: StoreUrl) -> StoreError:
    message = text.split("Stack trace:")[0].strip().removeprefix("DB::Exception: ")
    if code in AUTHENTICATION_FAILED:
        return StoreError(
            f'ClickHouse at {url.address} refused user "{url.user}" (wrong name or password)',
            "Set them in --url or LOGQ_URL, or the password in a file named by LOGQ_PASSWORD_FILE",
            code,
        )
    if code in _LIMITS:
        what, flag = _LIMITS[code]
        return StoreError(
            f"the query {what}", f"Narrow it, or raise {flag} (or the limit of the server)", code
        )
    if code == _UNKNOWN_IDENTIFIER and any(f"`{column}`" in message for column in _NEW_COLUMNS):
        return OlderTables(
            f"ClickHouse at {url.address} has the tables of an older version ({message})",
            "Bring them up to date: loghouse migrate",
            code,
        )
    return StoreError(f"ClickHouse at {url.address}: {message}", "", code)


def _reason(error: Exception) -> str:
    """The last, most telling part of a driver's error, on one line."""
    text = str(getattr(error, "message", "") or error or type(error).__name__)
    for sign, reason in (
        ("Connection refused", "connection refused"),
        ("timed out", "timed out"),
        ("Name or service not known", "unknown host name"),
        ("Unexpected EOF", "connection closed by the other side"),
    ):
        if sign in text:
            return reason
    return " ".join(text.split())[:200]
