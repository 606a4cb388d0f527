"""`facets`, `field_names` and `field_values`: which fields there are and what they hold."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from typing import ClassVar

from msgspec.structs import replace

from loghouse.formats.fields import json_pairs_sql, text_fields_sql
from loghouse.query.ast import Key, Placed
from loghouse.query.columns import COLUMNS
from loghouse.query.filters import FilterParser
from loghouse.query.made import as_text
from loghouse.query.records import Records
from loghouse.query.relation import Column, Expression, where_sql
from loghouse.query.stages.cut import optional_row_count
from loghouse.query.subjects.reading import decoded
from loghouse.query.table import Rows, Table, group

VALUES = 10  # of each field, unless told otherwise
LONGEST = 200  # bytes: a longer text is no value to choose from
_COLUMNS = ("namespace", "workload", "pod", "container", "node", "stream", "format", "level")


class Facets(Placed, frozen=True):
    """`facets 5`: the most frequent values of every field."""

    live: ClassVar[bool] = False

    rows: int = VALUES

    def __str__(self) -> str:
        return f"facets {self.rows}"

    def apply(self, rows: Rows) -> Rows:
        """Field, value, count: the fields that most records have first, the most frequent value first."""
        context = rows.context
        name, value = Column("field", context.column(), "text"), Column("value", context.column(), "text")
        count, having = Column("count", context.column(), "number"), context.column()
        pair = f"SELECT arrayJoin({_pairs(rows)}) AS pair FROM {rows.settled().source}{_where(rows)}"
        counted = (
            f"SELECT pair.1 AS {name.sql}, pair.2 AS {value.sql}, count() AS {count.sql}, "
            f"sum(count()) OVER (PARTITION BY pair.1) AS {having} FROM ({pair}) "
            f"WHERE length(pair.2) <= {LONGEST} GROUP BY pair.1, pair.2"
        )
        order = (f"{having} DESC", name.sql, f"{count.sql} DESC", value.sql)
        query = f"SELECT * FROM ({counted}) ORDER BY {', '.join(order)} LIMIT {self.rows} BY {name.sql}"
        return Table(query, (name, value, count), context, order)


class FieldNames(Placed, frozen=True):
    """`field_names`: every field and how many records have it."""

    live: ClassVar[bool] = False

    def __str__(self) -> str:
        return "field_names"

    def apply(self, rows: Rows) -> Rows:
        """Field, count: the most frequent first."""
        names = f"arrayDistinct(arrayMap(pair -> pair.1, {_pairs(rows)}))"
        table = group(
            rows,
            [("field", Expression(f"arrayJoin({names})", "text"))],
            [("count", Expression("count()", "number"))],
        )
        name, count = table.columns
        return replace(table, order_by=(f"{count.sql} DESC", name.sql))


class FieldValues(Placed, frozen=True):
    """`field_values status 20`: the values of a field and how many records have each."""

    live: ClassVar[bool] = False

    key: Key
    rows: int = 0

    def __str__(self) -> str:
        return f"field_values {self.key}{f' {self.rows}' if self.rows else ''}"

    def apply(self, rows: Rows) -> Rows:
        """The value, count: the most frequent first; rows without the field do not count."""
        rows = rows.settled()
        value = rows.expression(self.key)
        table = group(
            rows, [(self.key.shown, value)], [("count", Expression("count()", "number", counted=True))]
        )
        found, count = table.columns
        if value.kind in ("text", "number"):
            table = table.only(f"{as_text(found)} != ''")
        table = replace(table, order_by=(f"{count.sql} DESC", found.sql))
        return table.limited(self.rows) if self.rows else table


def _pairs(rows: Rows) -> str:
    """SQL: an array of the names and values of all fields of a row that are not empty."""
    if isinstance(rows, Table):
        own, columns = "[]::Array(Tuple(String, String))", rows.columns
    else:
        own, columns = _fields_of_record(rows), ()
    named = [(rows.context.params.text(column.name), as_text(column)) for column in columns]
    if isinstance(rows, Records):
        made = {name: rows.made.column(Key(name, "plain")) for name in rows.made.names()}
        named += [(f"'{name}'", f"toString({name})") for name in _COLUMNS if name not in made]
        named += [
            (rows.context.params.text(name), as_text(column)) for name, column in made.items() if column
        ]
    fixed = ", ".join(f"({name}, {text})" for name, text in named)
    return f"arrayFilter(pair -> pair.2 != '', arrayConcat([{fixed}], {own}))"


def _fields_of_record(rows: Records) -> str:
    params = rows.context.params
    json = f"arrayMap(p -> (p.1, {decoded('p.2')}), {json_pairs_sql()})"
    text = f"CAST({text_fields_sql()}, 'Array(Tuple(String, String))')"
    own = f"if(format = 'json', {json}, {text})"
    for unpacked in rows.made.unpacked:
        more = f"CAST({unpacked.all_fields(params)}, 'Array(Tuple(String, String))')"
        own = f"arrayConcat({own}, arrayMap(p -> (p.1, {decoded('p.2')}), {more}))"
    hidden = [*rows.made.names(), *(old for old, _ in rows.made.renamed)]
    if hidden:
        names = ", ".join(map(params.text, hidden))
        own = f"arrayFilter(p -> p.1 NOT IN ({names}), {own})"
    # A field with the name of a column is written as one has to write it in a query.
    columns = ", ".join(f"'{name}'" for name in COLUMNS)
    return f"arrayMap(p -> (if(p.1 IN ({columns}), concat('`', p.1, '`'), p.1), p.2), {own})"


def _where(rows: Rows) -> str:
    return where_sql(rows.settled().conditions)


def read_facets(parser: FilterParser, name: str, start: int) -> Facets:
    """`facets [N]`."""
    rows = optional_row_count(parser, VALUES)
    if rows == 0:
        raise parser.scan.error("at least one value is needed", start=start)
    return Facets(rows, span=parser.scan.span(start))


def read_names(parser: FilterParser, name: str, start: int) -> FieldNames:
    """`field_names`."""
    return FieldNames(span=parser.scan.span(start))


def read_values(parser: FilterParser, name: str, start: int) -> FieldValues:
    """`field_values field [limit] [N]`."""
    scan = parser.scan
    scan.skip_space()
    scan.keyword("by")
    scan.skip_space()
    key = parser.field()
    scan.skip_space()
    scan.keyword("limit")
    rows = optional_row_count(parser, 0)
    return FieldValues(key, rows, span=scan.span(start))
