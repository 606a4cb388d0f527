"""Rows of the store between two stages: what they are, which fields stages added, and the SELECT of them.

A value: each method gives new rows.
"""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loghouse.formats.fields import message_sql, text_fields_sql, words_sql
from loghouse.query import rollup
from loghouse.query.ast import Filter, Key
from loghouse.query.columns import column_of
from loghouse.query.conditions import condition
from loghouse.query.made import Layers, Unpacked
from loghouse.query.relation import (
    Column,
    Context,
    Expression,
    Guarded,
    Order,
    Shown,
    cut_sql,
    order_sql,
    where_sql,
)
from loghouse.query.subjects.anywhere import AnywhereSubject
from loghouse.query.subjects.field import FieldSubject
from loghouse.query.subjects.level import LevelSubject
from loghouse.query.subjects.moment import MomentSubject
from loghouse.query.subjects.subject import Subject
from loghouse.query.subjects.text import TextSubject, label
from loghouse.record import COLUMNS, SECOND_LOOK

# What a subquery of records hands on: the columns on disk. The rest of a `Record` is computed from them
# outside of it, so that a limit comes first: to take ten messages out of a million records would be dear.
_BESIDE_RAW = (
    "timestamp, inserted_at, namespace, pod, container, node, workload, pod_uid, restart, stream, level, "
    "format, numbers, labels_json, parse_error, source_id, offset, overhead"
)
_STORED = f"{_BESIDE_RAW}, raw, words"
_MESSAGE_AND_LENGTH = f"{message_sql()} AS message, toUInt32(overhead + length(raw)) AS length"
_COMPUTED = f"{_MESSAGE_AND_LENGTH}, {text_fields_sql()} AS strings"
_NO_STRINGS = "CAST(map(), 'Map(String, String)')"
_COMPUTED_NAMES = ("message", "strings", "length")
_ABSENT = {"text": "''", "number": "NULL"}
RECORD_ORDER = ("timestamp", "source_id", "offset")
STORED_ORDER = ("namespace", "workload", "container", "pod", "timestamp")  # what the table is sorted by


class Records(Struct, frozen=True):
    """Rows of `logs`, all columns still there, and those that stages made."""

    source: str
    context: Context
    conditions: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0
    shown: Shown = Shown()
    made: Layers = Layers()
    # The conditions beside the window of time, while all of them hold for the cells of `counts` as well.
    counted: tuple[str, ...] | None = None

    def subject(self, key: Key) -> Subject:
        """What a key of a filter means here."""
        params = self.context.params
        if key.kind == "any":
            return AnywhereSubject(key, params)
        if (column := self.made.column(key)) is not None:
            return column.subject(key, self.context)
        if key.kind == "label":
            return label(key, params)
        name = column_of(key)
        match name:
            case None:
                return FieldSubject(key, self.made.reading(key.name, params), params)
            case "level":
                return LevelSubject(key, "toInt8(level)", "toString(level)", params)
            case "timestamp":
                moment = self.context.moved("timestamp")
                return MomentSubject(key, moment, params, self.context.now_ns, self.context.zone)
            case "message" | "raw":
                return TextSubject(key, name, params, indexed=True, prose=True)
        return TextSubject(key, name, params)

    def expression(self, key: Key) -> Expression:
        """The value of a key, to group and to show."""
        if (column := self.made.column(key)) is not None:
            return column.expression
        subject = self.subject(key)
        if isinstance(subject, FieldSubject):
            guarded = Guarded(subject.sql, subject.guard, subject.guarded_text)
            return Expression(subject.sql, "text", guarded=(guarded,) if subject.guard else ())
        if isinstance(subject, TextSubject):
            return Expression(subject.sql, "text", counted=column_of(key) in rollup.COLUMNS)
        if isinstance(subject, LevelSubject):
            return Expression("level", "level", counted=True)
        if isinstance(subject, MomentSubject):
            return Expression("toUnixTimestamp64Nano(timestamp)", "time")
        raise key.span.error("the name of one field is needed here, not *")

    def number(self, key: Key) -> Expression:
        """The value of a key as a number, NULL where it is none."""
        if (column := self.made.column(key)) is not None:
            return Expression(column.number(key), "number")
        subject = self.subject(key)
        if isinstance(subject, FieldSubject):
            sql = f"if({subject.has_number}, {subject.number}, NULL)"
            guarded = Guarded(sql, subject.guard, sql, "number")
            return Expression(sql, "number", guarded=(guarded,) if subject.guard else ())
        raise key.span.error(
            f"{key} does not hold numbers", f"If the record has a field of that name, write `{key.name}`"
        )

    def sort_key(self, key: Key, descending: bool) -> list[str]:
        """What to sort by: numbers before text, records without the field last."""
        if (column := self.made.column(key)) is not None:
            return column.sort_key(key, descending)
        direction = " DESC" if descending else ""
        subject = self.subject(key)
        if isinstance(subject, FieldSubject):
            return [
                f"{self.number(key).sql}{direction} NULLS LAST",
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

    def narrowed(self, conditions: tuple[str, ...]) -> "Records":
        """The rows for which these SQL conditions hold as well."""
        rows = self.settled()
        return replace(rows, conditions=(*rows.conditions, *conditions), counted=None)

    def sorted(self, keys: list[str]) -> "Records":
        """The same rows in another order."""
        rows = self.settled()
        return replace(rows, order_by=(*keys, *order_keys(self.context.order)))

    def ordered(self, order: tuple[str, ...]) -> "Records":
        """The same rows in exactly this order; () is that of time."""
        return replace(self, order_by=order)

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
        order = self.order_by or order_keys(self.context.order)
        return self._reading_from(self._records_of(self.tail_of_query(order)))

    def first_of_each(self, keys: list[str], keep_last: bool) -> "Records":
        """One row for each value of the keys: the earliest or the latest."""
        rows = self.settled()
        order = order_keys("newest" if keep_last else "oldest")
        one_each = f"{rows.tail_of_query(order)} LIMIT 1 BY {', '.join(keys)}"
        return rows._reading_from(rows._records_of(one_each))

    def extended(self, added: Sequence[tuple[str, Expression]], given: str = "") -> "Records":
        """The same rows with these fields beside or in place of their own; `given` is a WITH before it."""
        named = [(Column(name, self.context.column(), value.kind), value.sql) for name, value in added]
        rows = self._with([(column.sql, sql) for column, sql in named], given)
        made = rows.made
        for column, _ in named:
            made = made.with_column(column)
        return replace(rows, made=made, shown=rows.shown.also(tuple(name for name, _ in added)))

    def with_unpacked(self, unpacked: Unpacked) -> "Records":
        """The same rows with the fields inside a text; its `text` is the SQL to take it from."""
        name = self.context.column()
        rows = self._with([(name, unpacked.text)])
        return replace(rows, made=rows.made.with_unpacked(replace(unpacked, text=name)))

    def rewritten(self, raw: str) -> "Records":
        """The same rows with another text of the record, from which the message and the fields are taken."""
        name = self.context.column()
        rows = self._with([(name, raw)])
        carried = rows._carried()
        inner = f"(SELECT {_BESIDE_RAW}, {name} AS raw{carried} FROM {rows.source})"
        computed = f"{words_sql()} AS words, {_COMPUTED}"
        return rows._reading_from(f"(SELECT {_BESIDE_RAW}, raw, {computed}{carried} FROM {inner})")

    def _with(self, columns: Sequence[tuple[str, str]], given: str = "") -> "Records":
        """The same rows, all conditions inside, with more columns in their source."""
        rows = self.settled()
        new = "".join(f", {sql} AS {name}" for name, sql in columns)
        stored = f"{_STORED}, message, strings, length{rows._carried()}{new}"
        return rows._reading_from(f"({given}SELECT {stored} FROM {rows.source}{where_sql(rows.conditions)})")

    def _reading_from(self, source: str) -> "Records":
        return replace(self, source=source, conditions=(), counted=None, limit=None, offset=0)

    def _records_of(self, tail_of_query: str, computed: str = _COMPUTED) -> str:
        carried = self._carried()
        inner = f"SELECT {_STORED}{carried} FROM {tail_of_query}"
        return f"(SELECT {_STORED}, {computed}{carried} FROM ({inner}))"

    def _carried(self) -> str:
        return "".join(f", {name}" for name in self.made.sql_names())

    def cells(self) -> str | None:
        """The same rows as counts per 15 seconds, None where they cannot be had."""
        if self.counted is None:
            return None
        return rollup.source(self.context.window, self.counted, self.context.params)

    def with_guarded(
        self, values: Sequence[Guarded], names: Sequence[str], read: str, once: bool
    ) -> "Records":
        """The same rows with these values in columns of these names; of their own columns those in `read`.

        `raw` is read only where a record may have one of the texts: to unpack it is most of the work. Of the
        others, `numbers` is read only where it may have one of the numbers. With `once`, a row without any of
        the values is as good as many.
        """
        kept = [name for name in (*_STORED.split(", "), *_COMPUTED_NAMES) if name in read]

        def select(conditions: Iterable[str], sql: Callable[[Guarded], str]) -> str:
            columns = [*kept, *(f"{sql(value)} AS {name}" for value, name in zip(values, names, strict=True))]
            where = where_sql((*self.conditions, *conditions))
            return f"SELECT {', '.join(columns)} FROM {self.source}{where}"

        texts, numbers = _guards(values, "text"), _guards(values, "number")
        # With several guards a row may have one text and not the other.
        selects = [select((_either(texts),), lambda value: value.there if len(texts) == 1 else value.sql)]
        no_text = (f"NOT {_either(texts)}", self.context.params.named(SECOND_LOOK, 1))
        if numbers:
            neither = select((*no_text, f"NOT {_either(numbers)}"), lambda value: _ABSENT[value.kind])
            selects += [
                select((*no_text, _either(numbers)), _without_text),
                f"({neither} LIMIT 1)" if once and not kept else neither,
            ]
        else:
            selects.append(select(no_text, _without_text))
        return self._reading_from(f"({' UNION ALL '.join(selects)})")

    @property
    def is_stored(self) -> bool:
        """They come from a table, and no subquery has been at work on them."""
        return self.source == self.context.table and not self.source.startswith("(")

    def tail_of_query(self, order: tuple[str, ...]) -> str:
        """All that follows FROM."""
        return (
            f"{self.source}{where_sql(self.conditions)}{order_sql(order)}{cut_sql(self.limit, self.offset)}"
        )

    def select(self, strings: bool = True) -> str:
        """The whole query, with exactly the columns of a `Record`; `strings` may be left empty."""
        # Without aliases: ClickHouse would take `level` in a condition for the text that is selected.
        order = self.order_by or order_keys(self.context.order)
        left_out = {} if strings else {"strings": _NO_STRINGS}
        columns = ", ".join({**COLUMNS, **self.made.output(self.context.params), **left_out}.values())
        if self.limit is None and not self.offset:
            return f"SELECT {columns} FROM {self.tail_of_query(order)}"
        cut = self._records_of(self.tail_of_query(order), _COMPUTED if strings else _MESSAGE_AND_LENGTH)
        return f"SELECT {columns} FROM {cut}{order_sql(order)}"

    def select_raw(self) -> str:
        """The same rows with nothing but the record as it was written, or the message that a stage wrote."""
        order = self.order_by or order_keys(self.context.order)
        message = self.made.column(Key("message"))
        return f"SELECT {'raw' if message is None else message.sql} FROM {self.tail_of_query(order)}"

    @property
    def newest_first(self) -> bool:
        """They come in the order of time, and not one that the query asked for."""
        return self.order_by in ((), order_keys(self.context.order))


def _guards(values: Iterable[Guarded], kind: str) -> list[str]:
    """The different guards of the values of this kind."""
    return list(dict.fromkeys(value.guard for value in values if value.kind == kind))


def _either(guards: Iterable[str]) -> str:
    """A condition that holds of all rows of which one of these holds."""
    return f"({' OR '.join(guards)})"


def _without_text(value: Guarded) -> str:
    """SQL for the value in rows that have none of the texts."""
    return _ABSENT["text"] if value.kind == "text" else value.sql


def order_keys(order: Order) -> tuple[str, ...]:
    """Keys of ORDER BY: the time, and what tells records of the same time apart; or those of the table."""
    if order == "pods":
        return STORED_ORDER
    return tuple(f"{column}{' DESC' if order == 'newest' else ''}" for column in RECORD_ORDER)
