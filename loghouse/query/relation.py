"""What the rows between two stages are made of: columns, expressions, order; and what compiling needs.

Output columns are called c0, c1, ... in SQL and keep the names people see beside it, so that no name from a
query gets into its SQL.
"""

from collections.abc import Iterator
from datetime import tzinfo
from itertools import count
from typing import Literal, TypeAlias

from msgspec import Struct, field

from loghouse.query.ast import Filter, Key
from loghouse.query.levels import level_number_sql
from loghouse.query.params import Params
from loghouse.query.subjects import reading
from loghouse.query.subjects.field import FieldSubject
from loghouse.query.subjects.level import LevelSubject
from loghouse.query.subjects.moment import MomentSubject
from loghouse.query.subjects.number import NumberSubject
from loghouse.query.subjects.subject import Subject
from loghouse.query.timerange import TimeRange

Order: TypeAlias = Literal["newest", "oldest", "pods"]  # "pods": pod by pod, each in the order of time
Kind: TypeAlias = Literal["text", "number", "time", "level", "list"]


class Context(Struct, frozen=True):
    """What compiling needs beside the query: time, zone, the order asked for, the values bound so far."""

    params: Params
    window: TimeRange
    now_ns: int
    zone: tzinfo
    order: Order = "newest"
    table: str = "logs"  # where records come from
    scope: Filter | None = None  # what holds for each record that is read, whatever the query says
    shift: int = 0  # nanoseconds: rows of that much earlier, looked at as if they were of now
    _numbers: Iterator[int] = field(default_factory=count)

    def moved(self, sql: str) -> str:
        """SQL: a time of the rows as it is compared with times in the query."""
        return f"{sql} + toIntervalNanosecond({self.params.integer(self.shift)})" if self.shift else sql

    def column(self) -> str:
        """A name for an output column that nothing else in the query has."""
        return f"c{next(self._numbers)}"


class Guarded(Struct, frozen=True):
    """A value that is dear to read, and a cheap condition that holds of all rows that have it.

    It is a text of `raw`, '' where there is none, or a number of `numbers`, NULL there. `there` is its SQL
    over such rows.
    """

    sql: str
    guard: str
    there: str
    kind: Literal["text", "number"] = "text"


class Expression(Struct, frozen=True):
    """The value of a key in each row, as it is grouped, sorted and shown.

    `counted` says that it is the same, or counts the same, over the cells of `rollup.source`. The SQL of
    the values in `guarded` stands in it as it is. `of_present` says of a function that rows without any of
    them change nothing.
    """

    sql: str
    kind: Kind
    counted: bool = False
    guarded: tuple[Guarded, ...] = ()
    of_present: bool = False


class Column(Struct, frozen=True):
    """A column that a stage has made: the name people see, its name in SQL, what it holds."""

    name: str
    sql: str
    kind: Kind

    @property
    def expression(self) -> Expression:
        """Its value."""
        return Expression(self.sql, self.kind)

    def subject(self, key: Key, context: Context) -> Subject:
        """What a condition on it tests."""
        match self.kind:
            case "number":
                return NumberSubject(key, self.sql, context.params)
            case "level":
                return LevelSubject(key, f"toInt8({self.sql})", f"toString({self.sql})", context.params)
            case "time":
                sql = f"fromUnixTimestamp64Nano({self.sql}, 'UTC')"
                return MomentSubject(key, context.moved(sql), context.params, context.now_ns, context.zone)
            case "list":
                raise key.span.error(
                    f"{key} is a list of values, a condition needs a single one",
                    f"Put before it: | unroll {key}",
                )
        if self.name == "level":
            return LevelSubject(key, level_number_sql(self.sql), self.sql, context.params)
        return FieldSubject(key, reading.made(self.sql), context.params)

    def number(self, key: Key) -> str:
        """Its value as a number, NULL where it is none."""
        match self.kind:
            case "number":
                return self.sql
            case "text":
                return f"toFloat64OrNull({self.sql})"
        raise key.span.error(f"{key} does not hold numbers")

    def sort_key(self, key: Key, descending: bool) -> list[str]:
        """What to sort by: numbers before text, nothing last."""
        direction = " DESC" if descending else ""
        if self.kind == "text":
            number = self.number(key)
            return [f"{number}{direction} NULLS LAST", f"{self.sql} = ''", f"{self.sql}{direction}"]
        return [f"{self.sql}{direction} NULLS LAST"]


class Shown(Struct, frozen=True):
    """Which fields of a record the reader wants to see; None is the renderer's own choice."""

    fields: tuple[str, ...] | None = None
    dropped: tuple[str, ...] = ()

    def also(self, names: tuple[str, ...]) -> "Shown":
        """The same and these."""
        fields = None if self.fields is None else tuple(dict.fromkeys((*self.fields, *names)))
        return Shown(fields, tuple(name for name in self.dropped if name not in names))


def where_sql(conditions: tuple[str, ...]) -> str:
    """WHERE, or nothing."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def order_sql(keys: tuple[str, ...]) -> str:
    """ORDER BY, or nothing."""
    return f" ORDER BY {', '.join(keys)}" if keys else ""


def cut_sql(limit: int | None, offset: int) -> str:
    """LIMIT and OFFSET, or nothing."""
    text = "" if limit is None else f" LIMIT {limit}"
    return f"{text} OFFSET {offset}" if offset else text


def reversed_order(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The same order from its end."""
    return tuple(map(_reversed, keys))


def _reversed(sort_key: str) -> str:
    bare = sort_key.removesuffix(" NULLS LAST")
    turned = bare.removesuffix(" DESC") if bare.endswith(" DESC") else f"{bare} DESC"
    return turned if bare == sort_key else f"{turned} NULLS FIRST"
