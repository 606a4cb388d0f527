"""The rows between two stages: records of the store, or a table that a stage has made.

Both are values: each method gives new rows. Output columns are called c0, c1, ... in SQL and keep the names
people see beside it, so that no name from a query gets into its SQL.
"""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from itertools import count
from typing import Literal, TypeAlias

from loghouse.formats.fields import message_sql, text_fields_sql
from loghouse.query import rollup
from loghouse.query.ast import Filter, Key
from loghouse.query.columns import column_of
from loghouse.query.conditions import condition
from loghouse.query.params import Params
from loghouse.query.subjects.anywhere import AnywhereSubject
from loghouse.query.subjects.field import FieldSubject
from loghouse.query.subjects.level import LevelSubject
from loghouse.query.subjects.moment import MomentSubject
from loghouse.query.subjects.number import NumberSubject
from loghouse.query.subjects.subject import Subject
from loghouse.query.subjects.text import TextSubject, label
from loghouse.query.suggest import did_you_mean
from loghouse.query.timerange import TimeRange
from loghouse.record import COLUMNS

Order: TypeAlias = Literal["newest", "oldest"]
Kind: TypeAlias = Literal["text", "number", "time", "level", "list"]

# What a subquery of records hands on: the columns on disk. The rest of a `Record` is computed from them
# outside of it, so that a limit comes first: to take ten messages out of a million records would be dear.
_STORED = (
    "timestamp, inserted_at, namespace, pod, container, node, workload, pod_uid, restart, stream, level, "
    "format, raw, numbers, labels, parse_error, source_id, offset, overhead"
)
_COMPUTED = (
    f"{message_sql()} AS message, {text_fields_sql()} AS strings, toUInt32(overhead + length(raw)) AS length"
)
_RECORD_ORDER = ("timestamp", "source_id", "offset")


@dataclass(frozen=True, slots=True)
class Context:
    """What compiling needs beside the query: time, zone, the order asked for, the values bound so far."""

    params: Params
    window: TimeRange
    now_ns: int
    zone: tzinfo
    order: Order = "newest"
    _numbers: Iterator[int] = field(default_factory=count)

    def column(self) -> str:
        """A name for an output column that nothing else in the query has."""
        return f"c{next(self._numbers)}"


@dataclass(frozen=True, slots=True)
class Column:
    """An output column: the name people see, its name in SQL, what it holds."""

    name: str
    sql: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Expression:
    """The value of a key in each row, as it is grouped, sorted and shown.

    `counted` says that it is the same, or counts the same, over the cells of `rollup.source`.
    """

    sql: str
    kind: Kind
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """Which fields of a record the reader wants to see; None is the renderer's own choice."""

    fields: tuple[str, ...] | None = None
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of `logs`, all columns still there."""

    source: str
    context: Context
    conditions: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0
    shown: Shown = Shown()
    # The conditions beside the window of time, while all of them hold for the cells of `counts` as well.
    counted: tuple[str, ...] | None = None

    def subject(self, key: Key) -> Subject:
        """What a key of a filter means here."""
        params = self.context.params
        if key.kind == "any":
            return AnywhereSubject(key, params)
        if key.kind == "label":
            return label(key, params)
        column = column_of(key)
        match column:
            case None:
                return FieldSubject(key, params)
            case "level":
                return LevelSubject(key, "toInt8(level)", "toString(level)", params)
            case "timestamp":
                return MomentSubject(key, "timestamp", params, self.context.now_ns, self.context.zone)
            case "message" | "raw":
                return TextSubject(key, column, params, indexed=True, prose=True)
        return TextSubject(key, column, params)

    def expression(self, key: Key) -> Expression:
        """The value of a key, to group and to show."""
        subject = self.subject(key)
        if isinstance(subject, TextSubject):
            return Expression(subject.sql, "text", counted=column_of(key) in rollup.COLUMNS)
        if isinstance(subject, LevelSubject):
            return Expression("level", "level", counted=True)
        if isinstance(subject, MomentSubject):
            return Expression("toUnixTimestamp64Nano(timestamp)", "time")
        raise key.span.error("the name of one field is needed here, not *")

    def number(self, key: Key) -> str:
        """The value of a key as a number, NULL where it is none."""
        subject = self.subject(key)
        if isinstance(subject, FieldSubject):
            return f"if({subject.has_number}, {subject.number}, NULL)"
        raise key.span.error(
            f"{key} does not hold numbers", f"If the record has a field of that name, write `{key.name}`"
        )

    def sort_key(self, key: Key, descending: bool) -> list[str]:
        """What to sort by: numbers before text, records without the field last."""
        direction = " DESC" if descending else ""
        subject = self.subject(key)
        if isinstance(subject, FieldSubject):
            return [
                f"{self.number(key)}{direction} NULLS LAST",
                f"{subject.sql} = ''",
                f"{subject.sql}{direction}",
            ]
        return [f"{self.expression(key).sql}{direction}"]

    def where(self, node: Filter) -> "Records":
        """The rows that also meet this filter."""
        rows = self.settled()
        keys: list[Key] = []

        def subject(key: Key) -> Subject:
            keys.append(key)
            return rows.subject(key)

        found = condition(node, subject)
        counted = None
        if rows.counted is not None and all(column_of(key) in rollup.COLUMNS for key in keys):
            counted = (*rows.counted, found)
        return replace(rows, conditions=(*rows.conditions, found), counted=counted)

    def sorted(self, keys: list[str]) -> "Records":
        """The same rows in another order."""
        rows = self.settled()
        return replace(rows, order_by=(*keys, *_newest(self.context.order)))

    def limited(self, limit: int) -> "Records":
        """At most that many of them."""
        return replace(self, limit=limit if self.limit is None else min(self.limit, limit))

    def skipped(self, offset: int) -> "Records":
        """Without the first ones."""
        rows = self.settled()
        return replace(rows, offset=offset, order_by=self.order_by)

    def settled(self) -> "Records":
        """The same rows with a cut, if any, inside a subquery: what follows sees only what was left."""
        if self.limit is None and not self.offset:
            return self
        order = self.order_by or _newest(self.context.order)
        source = _records_of(self.tail_of_query(order))
        return replace(self, source=source, conditions=(), counted=None, limit=None, offset=0)

    def first_of_each(self, keys: list[str], keep_last: bool) -> "Records":
        """One row for each value of the keys: the earliest or the latest."""
        rows = self.settled()
        order = _newest("newest" if keep_last else "oldest")
        one_each = f"{rows.tail_of_query(order)} LIMIT 1 BY {', '.join(keys)}"
        return replace(
            rows, source=_records_of(one_each), conditions=(), counted=None, order_by=self.order_by
        )

    def cells(self) -> str | None:
        """The same rows as counts per 15 seconds, None where they cannot be had."""
        if self.counted is None:
            return None
        return rollup.source(self.context.window, self.counted, self.context.params)

    def tail_of_query(self, order: tuple[str, ...]) -> str:
        """All that follows FROM."""
        return f"{self.source}{_where(self.conditions)}{_order_by(order)}{_cut(self.limit, self.offset)}"

    def select(self) -> str:
        """The whole query, with exactly the columns of a `Record`."""
        # Without aliases: ClickHouse would take `level` in a condition for the text that is selected.
        order = self.order_by or _newest(self.context.order)
        columns = ", ".join(COLUMNS.values())
        if self.limit is None and not self.offset:
            return f"SELECT {columns} FROM {self.tail_of_query(order)}"
        return f"SELECT {columns} FROM {_records_of(self.tail_of_query(order))}{_order_by(order)}"

    def select_raw(self) -> str:
        """The same rows with nothing but the record as it was written."""
        order = self.order_by or _newest(self.context.order)
        return f"SELECT raw FROM {self.tail_of_query(order)}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that a stage has made."""

    query: str
    columns: tuple[Column, ...]
    context: Context
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0

    def column(self, key: Key) -> Column:
        """The column of that name."""
        wanted = key.shown
        for column in self.columns:
            if column.name == wanted:
                return column
        names = [column.name for column in self.columns]
        raise key.span.error(
            f'there is no column "{wanted}" here{did_you_mean(wanted, names)}', f"Columns: {', '.join(names)}"
        )

    def subject(self, key: Key) -> Subject:
        """What a key of a filter means here."""
        if key.kind == "any" or (key.name == "raw" and key.kind == "plain"):
            raise key.span.error(
                "words are looked for in records, and this is a table",
                f"Name a column: {', '.join(column.name for column in self.columns)}",
            )
        column, params = self.column(key), self.context.params
        match column.kind:
            case "number":
                return NumberSubject(key, column.sql, params)
            case "level":
                return LevelSubject(key, f"toInt8({column.sql})", f"toString({column.sql})", params)
            case "time":
                sql = f"fromUnixTimestamp64Nano({column.sql}, 'UTC')"
                return MomentSubject(key, sql, params, self.context.now_ns, self.context.zone)
            case "list":
                raise key.span.error(f"{key} is a list of values, a condition needs a single one")
        return TextSubject(key, column.sql, params)

    def expression(self, key: Key) -> Expression:
        """The value of a key, to group and to show."""
        column = self.column(key)
        return Expression(column.sql, column.kind)

    def number(self, key: Key) -> str:
        """The value of a key as a number."""
        column = self.column(key)
        if column.kind != "number":
            raise key.span.error(f"{key} does not hold numbers")
        return column.sql

    def sort_key(self, key: Key, descending: bool) -> list[str]:
        """What to sort by, missing numbers last."""
        return [f"{self.column(key).sql}{' DESC' if descending else ''} NULLS LAST"]

    def where(self, node: Filter) -> "Table":
        """The rows that also meet this filter."""
        found = condition(node, self.subject)
        return replace(self, query=f"SELECT * FROM ({self.cut()}) WHERE {found}", limit=None, offset=0)

    def sorted(self, keys: list[str]) -> "Table":
        """The same rows in another order; what was the order before decides between equals."""
        if self.limit is None and not self.offset:
            return replace(self, order_by=(*keys, *self.order_by))
        inner = f"SELECT * FROM ({self.cut()})"
        return replace(self, query=inner, order_by=(*keys, *self.order_by), limit=None, offset=0)

    def limited(self, limit: int) -> "Table":
        """At most that many of them."""
        return replace(self, limit=limit if self.limit is None else min(self.limit, limit))

    def skipped(self, offset: int) -> "Table":
        """Without the first ones."""
        if self.limit is None and not self.offset:
            return replace(self, offset=offset)
        return replace(self, query=f"SELECT * FROM ({self.cut()})", limit=None, offset=offset)

    def settled(self) -> "Table":
        """The same rows, cut."""
        if self.limit is None and not self.offset:
            return self
        return replace(self, query=f"SELECT * FROM ({self.cut()})", limit=None, offset=0)

    def picked(self, columns: tuple[Column, ...]) -> "Table":
        """Only these columns."""
        return replace(self, columns=columns)

    def first_of_each(self, keys: list[str], keep_last: bool) -> "Table":
        """One row for each value of the keys, in the order of the table."""
        backwards = tuple(_reversed(key) for key in self.order_by) if keep_last else self.order_by
        one_each = f"SELECT * FROM ({self.cut()}){_order_by(backwards)} LIMIT 1 BY {', '.join(keys)}"
        return replace(self, query=one_each, limit=None, offset=0)

    @property
    def source(self) -> str:
        """What a stage that groups selects from."""
        return f"({self.cut()})"

    @property
    def conditions(self) -> tuple[str, ...]:
        """All conditions are inside already."""
        return ()

    def cut(self) -> str:
        """The query with its limit; the order only where the limit needs it."""
        if self.limit is None and not self.offset:
            return self.query
        return f"{self.query}{_order_by(self.order_by)}{_cut(self.limit, self.offset)}"

    def select(self) -> str:
        """The whole query."""
        names = ", ".join(column.sql for column in self.columns)
        inner = f"SELECT {names} FROM ({self.query})"
        return f"{inner}{_order_by(self.order_by)}{_cut(self.limit, self.offset)}"


Rows: TypeAlias = Records | Table


def group(rows: Rows, keys: list[tuple[str, Expression]], values: list[tuple[str, Expression]]) -> Table:
    """The table of `values` for each combination of `keys`, in no order yet."""
    rows = rows.settled()
    source, conditions = rows.source, rows.conditions
    if isinstance(rows, Records) and all(expression.counted for _, expression in [*keys, *values]):
        cells = rows.cells()
        if cells is not None:
            source, conditions = cells, ()
            values = [(name, replace(value, sql=rollup.over_counts(value.sql))) for name, value in values]
    named = [Column(name, rows.context.column(), expression.kind) for name, expression in [*keys, *values]]
    selected = ", ".join(
        f"{expression.sql} AS {column.sql}"
        for column, (_, expression) in zip(named, [*keys, *values], strict=True)
    )
    grouping = ", ".join(column.sql for column in named[: len(keys)])
    by = f" GROUP BY {grouping}" if keys else ""
    return Table(f"SELECT {selected} FROM {source}{_where(conditions)}{by}", tuple(named), rows.context)


def _records_of(tail_of_query: str) -> str:
    return f"(SELECT {_STORED}, {_COMPUTED} FROM (SELECT {_STORED} FROM {tail_of_query}))"


def _newest(order: Order) -> tuple[str, ...]:
    return tuple(f"{column}{' DESC' if order == 'newest' else ''}" for column in _RECORD_ORDER)


def _reversed(sort_key: str) -> str:
    bare = sort_key.removesuffix(" NULLS LAST")
    return bare.removesuffix(" DESC") if bare.endswith(" DESC") else f"{bare} DESC"


def _where(conditions: tuple[str, ...]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _order_by(keys: tuple[str, ...]) -> str:
    return f" ORDER BY {', '.join(keys)}" if keys else ""


def _cut(limit: int | None, offset: int) -> str:
    text = "" if limit is None else f" LIMIT {limit}"
    return f"{text} OFFSET {offset}" if offset else text
