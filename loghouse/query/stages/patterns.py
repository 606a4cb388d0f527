"""`patterns`: messages grouped by their template, the text with what changes from record to record masked."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Sequence
from typing import ClassVar

from loghouse.formats.fields import message_sql
from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.relation import Column
from loghouse.query.stages.lists import optional_keys
from loghouse.query.table import Rows, Table
from loghouse.query.templates import Measure, templates_sql

TREND_BUCKETS = 24

_COUNT = Measure("count", "number", "count()", "sum({})")
_PLACE = "(timestamp, source_id, offset)"
_SHARE = Column("share", "round(count / sum(count) OVER (), 6)", "number")


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
        # Under a name of its own: planning takes long for each place where the message is computed.
        grouped = False
        if not isinstance(rows, Records):
            measures = [_COUNT, Measure("sample", "text", "min(shown)", "min({})")]
            texts = f"(SELECT {text.sql} AS shown FROM {rows.tail_of_query(())})"
        else:
            measures = [_COUNT, *_in_time(rows)]
            grouped = text.sql == "message"
            texts = _by_words(rows, measures) if grouped else _one_by_one(rows, text.sql)
        columns = [Column("pattern", "template", "text"), Column("count", "count", "number"), _SHARE]
        columns += [
            Column(measure.name, measure.name, measure.kind) for measure in measures[1:] if measure.shown
        ]
        named = [Column(column.name, rows.context.column(), column.kind) for column in columns]
        selected = ", ".join(
            f"{source.sql} AS {column.sql}" for source, column in zip(columns, named, strict=True)
        )
        query = f"SELECT {selected} FROM ({templates_sql('shown', texts, measures, grouped)})"
        return Table(query, tuple(named), rows.context, (f"{named[1].sql} DESC", named[0].sql))


def _one_by_one(rows: Records, text: str) -> str:
    return f"(SELECT {text} AS shown, timestamp, source_id, offset FROM {rows.tail_of_query(())})"


def _by_words(rows: Records, measures: Sequence[Measure]) -> str:
    """Groups of records with the same words: the message of the earliest, and the measures as one tuple.

    What such records differ in are numbers and ids, so a message is taken out of one record of each group.
    """
    *counted, _ = measures  # the last is the sample, which is that message
    names = [f"m{place}" for place in range(len(counted))]
    found = ", ".join(f"{measure.rows} AS {name}" for measure, name in zip(counted, names, strict=True))
    listed = ", ".join(names)
    groups = (
        f"SELECT argMin(raw, {_PLACE}) AS one_raw, any(format) AS one_format, {found} "
        f"FROM {rows.tail_of_query(())} GROUP BY words"
    )
    one_each = f"SELECT one_raw AS raw, one_format AS format, {listed} FROM ({groups})"
    shown = f"SELECT {message_sql()} AS shown, {listed} FROM ({one_each})"
    return f"(SELECT shown, ({listed}, shown) AS kept FROM ({shown}))"


def _in_time(rows: Records) -> list[Measure]:
    """How often it came in each part of the window, when first and last, and its earliest record."""
    time, window = "toUnixTimestamp64Nano(timestamp)", rows.context.window
    start = rows.context.params.integer(window.start)
    step = rows.context.params.integer(max(1, -(-(window.end - window.start) // TREND_BUCKETS)))
    bucket = f"toUInt8(intDiv({time} - {start}, {step}))"
    return [
        Measure("trend", "list", f"countResample(0, {TREND_BUCKETS}, 1)({bucket})", "sumForEach({})"),
        Measure("first_seen", "time", f"min({time})", "min({})"),
        Measure("last_seen", "time", f"max({time})", "max({})"),
        Measure("place", "list", f"min({_PLACE})", "min({})", shown=False),
        Measure("sample", "text", f"argMin(shown, {_PLACE})", "argMin({}, {place})"),
    ]


def read(parser: FilterParser, name: str, start: int) -> Patterns:
    """`patterns [[by] field]`."""
    keys = optional_keys(parser)
    if len(keys) > 1:
        raise parser.scan.error("patterns takes one field", "Write: patterns uri", start)
    span = parser.scan.span(start)
    return Patterns(keys[0], span=span) if keys else Patterns(span=span)
