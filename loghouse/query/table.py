"""A table that a stage has made. A value: each method gives new rows."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from loghouse.query import rollup
from loghouse.query.ast import Filter, Key
from loghouse.query.conditions import condition
from loghouse.query.records import Records
from loghouse.query.relation import Column, Context, Expression, cut_sql, order_sql, reversed_order, where_sql
from loghouse.query.subjects.subject import Subject
from loghouse.query.suggest import did_you_mean


class Table(Struct, frozen=True):
    """Rows with the columns of a stage."""

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
        return self.column(key).subject(key, self.context)

    def expression(self, key: Key) -> Expression:
        """The value of a key, to group and to show."""
        return self.column(key).expression

    def number(self, key: Key) -> Expression:
        """The value of a key as a number, NULL where it is none."""
        return Expression(self.column(key).number(key), "number")

    def sort_key(self, key: Key, descending: bool) -> list[str]:
        """What to sort by, nothing last."""
        return self.column(key).sort_key(key, descending)

    def where(self, node: Filter) -> "Table":
        """The rows that also meet this filter."""
        return self.only(condition(node, self.subject))

    def only(self, found: str) -> "Table":
        """The rows for which this SQL is true."""
        return replace(self, query=f"SELECT * FROM ({self.cut()}) WHERE {found}", limit=None, offset=0)

    def sorted(self, keys: list[str]) -> "Table":
        """The same rows in another order; what was the order before decides between equals."""
        rows = self.settled()
        return replace(rows, order_by=(*keys, *self.order_by))

    def ordered(self, order: tuple[str, ...]) -> "Table":
        """The same rows in exactly this order."""
        return replace(self, order_by=order)

    def limited(self, limit: int) -> "Table":
        """At most that many of them."""
        return replace(self, limit=limit if self.limit is None else min(self.limit, limit))

    def skipped(self, offset: int) -> "Table":
        """Without the first ones."""
        return replace(self.settled(), offset=offset)

    def settled(self) -> "Table":
        """The same rows, cut."""
        if self.limit is None and not self.offset:
            return self
        return replace(self, query=f"SELECT * FROM ({self.cut()})", limit=None, offset=0)

    def picked(self, columns: tuple[Column, ...]) -> "Table":
        """Only these columns."""
        return replace(self, columns=columns)

    def extended(self, added: Sequence[tuple[str, Expression]]) -> "Table":
        """The same rows with more columns, or others in place of those of the same name."""
        columns, selected = list(self.columns), ""
        for name, value in added:
            column = Column(name, self.context.column(), value.kind)
            selected += f", {value.sql} AS {column.sql}"
            places = [place for place, known in enumerate(columns) if known.name == name]
            if places:
                columns[places[0]] = column
            else:
                columns.append(column)
        query = f"SELECT *{selected} FROM ({self.cut()})"
        return replace(self, query=query, columns=tuple(columns), limit=None, offset=0)

    def first_of_each(self, keys: list[str], keep_last: bool) -> "Table":
        """One row for each value of the keys, in the order of the table."""
        order = reversed_order(self.order_by) if keep_last else self.order_by
        one_each = f"SELECT * FROM ({self.cut()}){order_sql(order)} LIMIT 1 BY {', '.join(keys)}"
        return replace(self, query=one_each, limit=None, offset=0)

    def tail_of_query(self, order: tuple[str, ...]) -> str:
        """All that follows FROM."""
        return f"({self.cut()}){order_sql(order)}"

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
        return f"{self.query}{order_sql(self.order_by)}{cut_sql(self.limit, self.offset)}"

    def select(self) -> str:
        """The whole query."""
        names = ", ".join(column.sql for column in self.columns)
        inner = f"SELECT {names} FROM ({self.query})"
        return f"{inner}{order_sql(self.order_by)}{cut_sql(self.limit, self.offset)}"


Rows: TypeAlias = Records | Table
Named: TypeAlias = tuple[str, Expression]


def group(rows: Rows, keys: list[Named], values: list[Named]) -> Table:
    """The table of `values` for each combination of `keys`, in no order yet."""
    rows = rows.settled()
    if isinstance(rows, Records) and rows.is_stored:
        rows, keys, values = _with_guarded(rows, keys, values)
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
    return Table(f"SELECT {selected} FROM {source}{where_sql(conditions)}{by}", tuple(named), rows.context)


def _with_guarded(
    rows: Records, keys: list[Named], values: list[Named]
) -> tuple[Records, list[Named], list[Named]]:
    """The same with the texts of fields, and numbers beside them, as columns of the rows."""
    guarded = tuple(dict.fromkeys(each for _, value in [*keys, *values] for each in value.guarded))
    if all(each.kind == "number" for each in guarded):
        return rows, keys, values
    # The SQL of a number may have that of a text in it.
    guarded = tuple(sorted(guarded, key=lambda each: len(each.sql), reverse=True))
    names = [rows.context.column() for _ in guarded]

    def over_columns(named: list[Named]) -> list[Named]:
        found = []
        for name, expression in named:
            sql = expression.sql
            for each, column in zip(guarded, names, strict=True):
                sql = sql.replace(each.sql, column)
            found.append((name, replace(expression, sql=sql)))
        return found

    keys, values = over_columns(keys), over_columns(values)
    read = " ".join(expression.sql for _, expression in [*keys, *values])
    once = all(expression.of_present for _, expression in values)
    return rows.with_guarded(guarded, names, read, once), keys, values
