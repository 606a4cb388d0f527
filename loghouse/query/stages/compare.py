"""`compare`: how often what is found now came at the same time a day, or any other time, before."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Callable
from typing import ClassVar

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.relation import Column, Expression
from loghouse.query.stages.grouping import Group, duration
from loghouse.query.stages.lists import comma_list, listed
from loghouse.query.table import Rows, Table, group
from loghouse.query.templates import Measure, templates_sql

PATTERN = Key("pattern")
MORE = 2  # times as many, or as few, are worth a word

_COUNT = Expression("count()", "number", counted=True)
_MEASURES = (
    Measure("now", "number", "countIf(NOT earlier)", "sum({})"),
    Measure("before", "number", "countIf(earlier)", "sum({})"),
)


class Compare(Placed, frozen=True):
    """`compare 1d by pattern`, `compare 1w by level, pod`; without fields all records together."""

    live: ClassVar[bool] = False

    ago: str
    keys: tuple[Key, ...] = ()

    def __str__(self) -> str:
        return f"compare {self.ago}{f' by {listed(self.keys)}' if self.keys else ''}"

    @property
    def shift(self) -> int:
        """How long before, in nanoseconds."""
        return duration(Group(Key("_time"), self.ago, span=self.span))

    def apply(self, rows: Rows) -> Rows:
        """Not alone: `compared` needs the rows of both times."""
        raise self.span.error(f"{self} cannot stand here")

    def compared(self, rows: Rows, earlier: Callable[[int], Rows]) -> Rows:
        """Values, how many now and before, times as many, and a word for it; the greatest change first.

        `earlier` gives the same rows as they were so many nanoseconds before.
        """
        before = earlier(self.shift)
        if not isinstance(rows, Records) or not isinstance(before, Records):
            raise self.span.error(
                "compare counts records, and this is a table", f"Put it before the stage: ... | {self}"
            )
        if self.keys == (PATTERN,):
            columns = [Column("pattern", "template", "text")]
            counted = _templates(rows.settled(), before.settled())
        else:
            columns, counted = _groups(self.keys, rows, before)
        context = rows.context
        named = [Column(column.name, context.column(), column.kind) for column in columns]
        now, ago, times, change = (
            Column(name, context.column(), "text" if name == "change" else "number")
            for name in ("now", "before", "times", "change")
        )
        values = "".join(
            f"{source.sql} AS {column.sql}, " for source, column in zip(columns, named, strict=True)
        )
        word = (
            "multiIf(before = 0 AND now = 0, 'same', before = 0, 'new', now = 0, 'gone', "
            f"now >= before * {MORE}, 'more', now * {MORE} <= before, 'less', 'same')"
        )
        query = (
            f"SELECT {values}now AS {now.sql}, before AS {ago.sql}, "
            f"round(now / nullIf(before, 0), 6) AS {times.sql}, {word} AS {change.sql} FROM ({counted})"
        )
        order = (
            f"abs(toInt64({now.sql}) - toInt64({ago.sql})) DESC",
            *(column.sql for column in named),
        )
        return Table(query, (*named, now, ago, times, change), context, order)


def _templates(rows: Records, before: Records) -> str:
    """Templates of both times together, so that the same words are values in both."""
    both = " UNION ALL ".join(
        f"SELECT {part.expression(Key('message')).sql} AS both_text, {number} AS earlier "
        f"FROM {part.tail_of_query(())}"
        for number, part in enumerate((rows, before))
    )
    return templates_sql("both_text", f"({both})", _MEASURES)


def _groups(keys: tuple[Key, ...], rows: Records, before: Records) -> tuple[list[Column], str]:
    """Counts of both times beside each other."""
    parts = []
    columns: list[Column] = []
    for number, part in enumerate((rows, before)):
        values = [(key.shown, part.expression(key)) for key in keys]
        table = group(part, values, [("count", _COUNT)])
        *found, count = table.columns
        columns = [Column(column.name, f"k{place}", column.kind) for place, column in enumerate(found)]
        names = "".join(f"{column.sql} AS {new.sql}, " for column, new in zip(found, columns, strict=True))
        parts.append(f"SELECT {names}{count.sql} AS amount, {number} AS earlier FROM ({table.query})")
    names = "".join(f"{column.sql}, " for column in columns)
    by = f" GROUP BY {names.removesuffix(', ')}" if columns else ""
    both = " UNION ALL ".join(parts)
    sums = "sumIf(amount, NOT earlier) AS now, sumIf(amount, earlier) AS before"
    return columns, f"SELECT {names}{sums} FROM ({both}){by}"


def read(parser: FilterParser, name: str, start: int) -> Compare:
    """`compare 1d [by pattern | a, b]`."""
    scan = parser.scan
    scan.skip_space()
    ago = scan.list_value()
    if ago is None:
        raise scan.error(f"expected how long before, {scan.found()}", "Write: compare 1d by pattern")
    span = scan.span(scan.pos - len(ago))
    duration(Group(Key("_time"), ago, span=span))
    scan.skip_space()
    keys = comma_list(parser, parser.field) if scan.keyword("by") else ()
    if PATTERN in keys and len(keys) > 1:
        raise scan.error("pattern stands alone", "Write: compare 1d by pattern", start)
    return Compare(ago, keys, span=scan.span(start))
