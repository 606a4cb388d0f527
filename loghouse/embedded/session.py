"""One client's place in the engine: its database, settings and temporary tables, which nobody else sees."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from itertools import count
from typing import Any, NamedTuple

from loghouse.embedded.blocks import Column
from loghouse.embedded.engine import Engine, EngineError, translated
from loghouse.embedded.insertion import Insertion
from loghouse.embedded.statement import Insert, Statement, names

READONLY = 164
NO_SUCH_COLUMN = 16
# Statements that the engine can give block by block; it refuses to stream any other.
STREAMED = frozenset((b"SELECT", b"WITH", b"FROM", b"("))
# So that statements mean the same as on a server, where a lone expression is a syntax error.
START_SETTINGS = {"implicit_select": b"0"}

_numbers = count(1)


class Chunk(NamedTuple):
    """A part of an answer in the engine's `FORMAT Native`."""

    data: bytes
    single: bool  # exactly one block
    rows: int
    read_rows: int
    read_bytes: int


class Session:
    """One connection of the engine, used by one thread; `mark` finds its queries for `Engine.kill`."""

    def __init__(self, engine: Engine, database: bytes = b"") -> None:
        self.mark = f"loghouse-session-{next(_numbers)}."
        self._engine = engine
        self._connection: Any = None
        self._database = database
        self._own: dict[str, bytes] = {}  # settings that a SET of the client changed
        self._applied: dict[str, bytes | None] = {}  # settings of the last query; None: not known
        self._open(database)

    def close(self) -> None:
        self._connection.close()

    def configure(self, wanted: Mapping[str, bytes]) -> None:
        """Make the settings those of this query: the session's own ones and `wanted`, nothing else."""
        # Clients repeat defaults, and a few of those cannot even be set.
        wanted = {name: value for name, value in wanted.items() if value != self._without(name)}
        if "log_comment" in wanted:
            wanted["log_comment"] = self._marked(wanted["log_comment"])
        changes = {name: value for name, value in wanted.items() if self._applied.get(name) != value}
        back = [name for name in self._applied if name not in wanted]
        if not changes and not back:
            return
        if self._applied.get("readonly", b"0") != b"0" or "readonly" in back:
            # A read-only connection cannot even be made writable again.
            self._reopen()
            changes, back = wanted, []
        self._applied.update(dict.fromkeys([*changes, *back]))
        self._set(
            {**{name: self._own[name] for name in back if name in self._own}, **changes},
            [name for name in back if name not in self._own],
        )
        self._applied = dict(wanted)

    def run(self, statement: Statement, params: Mapping[str, str]) -> Generator[Chunk, None, None]:
        """The answer in chunks as the engine makes them; closing the iterator cancels the statement."""
        if statement.keyword in STREAMED:
            yield from self._streamed(statement.text, params)
            return
        if statement.keyword == b"SET":
            self.configure({})
        with translated():
            answer = self._connection.query(statement.text, "Native", params=dict(params))
            data = bytes(answer.bytes())
        if statement.keyword == b"SET":
            self._learn_own_settings()
        elif statement.keyword == b"USE":
            self._database = self._current_database()
        yield Chunk(data, False, answer.rows_read(), answer.storage_rows_read(), answer.storage_bytes_read())

    def columns(self, sql: bytes, params: Mapping[str, str]) -> list[Column]:
        """Names and types that a SELECT would give: the engine sends none with an empty answer."""
        return [column for column, _ in self._describe(b"(" + sql + b"\n)", params)]

    def types_meanwhile(self, statement: Statement, params: Mapping[str, str]) -> list[bytes]:
        """Types that a statement gives, asked while its answer is being read; empty if they cannot be told.

        The session's connection is busy then, so a short one does it, which has no temporary tables.
        """
        if statement.keyword not in STREAMED:
            return []
        aside = Session(self._engine, self._database)
        try:
            return [column.type for column in aside.columns(statement.text, params)]
        except EngineError:
            return []
        finally:
            aside.close()

    def insert_columns(self, insert: Insert) -> list[Column]:
        """Names and types of the blocks that an INSERT expects."""
        listed = names(insert.columns) if insert.columns.strip() else []
        if listed is None:
            described = self._describe(b"(SELECT " + insert.columns + b" FROM " + _source(insert) + b")", {})
            return [column for column, _ in described]
        described = self._describe(b"TABLE " + _source(insert), {})
        if not listed:
            return [column for column, kind in described if kind in ("", "DEFAULT")]
        by_name = {column.name: column for column, _ in described}
        for name in listed:
            if name not in by_name:
                shown, table = name.decode(errors="replace"), insert.target.decode(errors="replace")
                raise EngineError(
                    f"DB::Exception: No such column {shown} in table {table}. (NO_SUCH_COLUMN_IN_TABLE)",
                    code=NO_SUCH_COLUMN,
                )
        return [by_name[name] for name in listed]

    def insert(self, insert: Insert) -> Insertion:
        """Begin an INSERT; the session can do nothing else until it is finished or cancelled."""
        return Insertion(self._connection, insert)

    def has_table(self, database: bytes, table: bytes) -> bool:
        """Whether a table is there."""
        name = quoted_name(database) + b"." + quoted_name(table) if database else quoted_name(table)
        with translated():
            return bytes(self._connection.query(b"EXISTS TABLE " + name, "TSV").bytes()).strip() == b"1"

    def _without(self, name: str) -> bytes:
        """The value of a setting that a query does not set."""
        return self._own.get(name, self._engine.setting_defaults[name].encode())

    def _open(self, database: bytes) -> None:
        self._connection = self._engine.connect()
        try:
            with translated():
                self._set(START_SETTINGS | {"log_comment": self.mark.encode()}, [])
                if database:
                    self._connection.query(b"USE " + quoted_name(database))
            if not self._own:
                # As a new connection has them: to ask it takes longer than all the rest here.
                changed = {name: _raw(value) for name, value in self._engine.settings_changed.items()}
                self._own = changed | START_SETTINGS | {"log_comment": self.mark.encode()}
                if database:
                    self._own["database"] = database
        except BaseException:
            self._connection.close()
            raise

    def _reopen(self) -> None:
        self._connection.close()
        self._open(self._database)
        self._applied = {}
        self._set(self._own, [])

    def _current_database(self) -> bytes:
        with translated():
            return bytes(self._connection.query("SELECT currentDatabase()", "RawBLOB").bytes())

    def _streamed(self, sql: bytes, params: Mapping[str, str]) -> Generator[Chunk, None, None]:
        with translated():
            answer = self._connection.send_query(sql, "Native", params=dict(params))
        try:
            while True:
                with translated():
                    part = answer.fetch()
                    if part is None:
                        return
                    data = bytes(part.bytes())
                yield Chunk(data, True, part.rows_read(), part.storage_rows_read(), part.storage_bytes_read())
        finally:
            with translated():
                answer.cancel()

    def _describe(self, what: bytes, params: Mapping[str, str]) -> list[tuple[Column, str]]:
        sql = (
            b"DESCRIBE " + what + b" SETTINGS describe_compact_output = 0, describe_include_subcolumns = 0, "
            b"describe_include_virtual_columns = 0"
        )
        return [(Column(_raw(row[0]), _raw(row[1])), row[2]) for row in self._rows(sql, params)]

    def _rows(self, sql: bytes | str, params: Mapping[str, str]) -> list[Any]:
        with translated():
            answer = self._connection.query(sql, "JSONCompactEachRow", params=dict(params))
            lines = bytes(answer.bytes()).splitlines()
        # Names need not be UTF-8; the escapes carry other bytes through.
        return [json.loads(line.decode("utf-8", "surrogateescape")) for line in lines]

    def _set(self, values: Mapping[str, bytes], defaults: list[str]) -> None:
        """`SET`; the names come from the engine's own list of settings."""
        parts = [name.encode() + b" = " + quoted_text(value) for name, value in values.items()]
        parts += [name.encode() + b" = DEFAULT" for name in defaults]
        if parts:
            with translated():
                self._connection.query(b"SET " + b", ".join(parts))

    def _changed_settings(self) -> dict[str, bytes]:
        rows = self._rows("SELECT name, value FROM system.settings WHERE changed", {})
        return {name: _raw(value) for name, value in rows}

    def _learn_own_settings(self) -> None:
        self._own = self._changed_settings()
        comment = self._own.get("log_comment", b"")
        if comment != self._marked(comment):
            self._own["log_comment"] = self._marked(comment)
            self._set({"log_comment": self._own["log_comment"]}, [])

    def _marked(self, comment: bytes) -> bytes:
        mark = self.mark.encode()
        return comment if comment.endswith(mark) else comment + b" " + mark


def quoted_name(name: bytes) -> bytes:
    """A name as SQL writes it."""
    return b"`" + _escaped(name, b"`") + b"`"


def quoted_text(value: bytes) -> bytes:
    """A text as SQL writes it."""
    return b"'" + _escaped(value, b"'") + b"'"


def _escaped(value: bytes, quote: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(quote, b"\\" + quote).replace(b"\0", b"\\0")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _source(insert: Insert) -> bytes:
    return re.sub(rb"(?i)^FUNCTION\s+", b"", insert.target)
