"""`patterns`: messages grouped by their template, the text with what changes from record to record masked."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from typing import ClassVar

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.relation import Column
from loghouse.query.stages.lists import optional_keys
from loghouse.query.table import Rows, Table
from loghouse.query.templates import Measure, templates_sql

TREND_BUCKETS = 24

_COUNT = Measure("count", "number", "count()", "sum({})")
_SHARE = Column("share", "count / sum(count) OVER ()", "number")


class Patterns(Placed, frozen=True):
    """`patterns`, `patterns uri`: each template with its count, share and, of records, its times."""

    live: ClassVar[bool] = False

    key: Key = Key("message")

    def __str__(self) -> str:
        return "patterns" if self.key == Key("message") else f"patterns {self.key}"

    def apply(self, rows: Rows) -> Rows:
        """The templates, the most frequent first."""
        rows = rows.settled()
        text = rows.expression(self.key)
        if text.kind != "text":
            raise self.span.error(f"{self.key} is no text", "Name a field that holds text: patterns uri")
        measures = [_COUNT, *(_in_time(rows, text.sql) if isinstance(rows, Records) else _in_table(text.sql))]
        shown = [Column("pattern", "template", "text"), Column("count", "count", "number"), _SHARE]
        shown += [
            Column(measure.name, measure.name, measure.kind) for measure in measures[1:] if measure.shown
        ]
        named = [Column(column.name, rows.context.column(), column.kind) for column in shown]
        selected = ", ".join(
            f"{source.sql} AS {column.sql}" for source, column in zip(shown, named, strict=True)
        )
        query = f"SELECT {selected} FROM ({templates_sql(text.sql, rows.tail_of_query(()), measures)})"
        return Table(query, tuple(named), rows.context, (f"{named[1].sql} DESC", named[0].sql))


def _in_table(text: str) -> list[Measure]:
    return [Measure("sample", "text", f"min({text})", "min({})")]


def _in_time(rows: Records, text: str) -> list[Measure]:
    """How often it came in each part of the window, when first and last, and its earliest record."""
    time, window = "toUnixTimestamp64Nano(timestamp)", rows.context.window
    start = rows.context.params.integer(window.start)
    step = rows.context.params.integer(max(1, -(-(window.end - window.start) // TREND_BUCKETS)))
    bucket = f"toUInt8(intDiv({time} - {start}, {step}))"
    return [
        Measure("trend", "list", f"countResample(0, {TREND_BUCKETS}, 1)({bucket})", "sumForEach({})"),
        Measure("first_seen", "time", f"min({time})", "min({})"),
        Measure("last_seen", "time", f"max({time})", "max({})"),
        Measure("place", "list", "min((timestamp, source_id, offset))", "min({})", shown=False),
        Measure("sample", "text", f"argMin({text}, (timestamp, source_id, offset))", "argMin({}, place)"),
    ]


def read(parser: FilterParser, name: str, start: int) -> Patterns:
    """`patterns [[by] field]`."""
    keys = optional_keys(parser)
    if len(keys) > 1:
        raise parser.scan.error("patterns takes one field", "Write: patterns uri", start)
    span = parser.scan.span(start)
    return Patterns(keys[0], span=span) if keys else Patterns(span=span)
