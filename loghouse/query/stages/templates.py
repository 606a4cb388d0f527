"""`patterns`: messages grouped by their template, the text with what changes from record to record masked."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from loghouse.query.ast import NOWHERE, Key, Span
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.relation import Expression
from loghouse.query.stages.lists import optional_keys
from loghouse.query.table import Rows, group

TREND_BUCKETS = 24

# In this order: an address must be seen before its numbers, and what is inside quotes is nobody's business.
_MASKS = (
    (r'"[^"]*"', "<quoted>"),
    (r"(^|[\s=:,(\[{])'[^']*'", r"\1<quoted>"),
    (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<ip>"),
    (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
    (r"\b\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|[kKMGT]?i?B)?\b", "<num>"),
    (r"\b[0-9a-fA-F]{8,}\b", "<hex>"),
    (r"\d+", "<num>"),
)


@dataclass(frozen=True, slots=True)
class Patterns:
    """`patterns`, `patterns uri`: each template with its count, share and, of records, its times."""

    live: ClassVar[bool] = False

    key: Key = Key("message")
    span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)

    def __str__(self) -> str:
        return "patterns" if self.key == Key("message") else f"patterns {self.key}"

    def apply(self, rows: Rows) -> Rows:
        """The templates, the most frequent first."""
        rows = rows.settled()
        text = rows.expression(self.key)
        if text.kind != "text":
            raise self.span.error(f"{self.key} is no text", "Name a field that holds text: patterns uri")
        values = [
            ("count", Expression("count()", "number")),
            ("share", Expression("count() / sum(count()) OVER ()", "number")),
        ]
        if isinstance(rows, Records):
            values += _in_time(rows, text.sql)
        else:
            values.append(("sample", Expression(f"min({text.sql})", "text")))
        grouped = group(rows, [("pattern", Expression(masked(text.sql), "text"))], values)
        pattern, counted = grouped.columns[0].sql, grouped.columns[1].sql
        return replace(grouped, order_by=(f"{counted} DESC", pattern))


def masked(sql: str) -> str:
    """SQL: the text with numbers, addresses, identifiers and quoted values replaced by their kind."""
    for pattern, kind in _MASKS:
        sql = f"replaceRegexpAll({sql}, {_literal(pattern)}, {_literal(kind)})"
    return sql


def _in_time(rows: Records, text: str) -> list[tuple[str, Expression]]:
    """How often it came in each part of the window, when first and last, and its earliest record."""
    time, window = rows.expression(Key("timestamp")).sql, rows.context.window
    start = rows.context.params.integer(window.start)
    step = rows.context.params.integer(max(1, -(-(window.end - window.start) // TREND_BUCKETS)))
    bucket = f"toUInt8(intDiv({time} - {start}, {step}))"
    return [
        ("trend", Expression(f"countResample(0, {TREND_BUCKETS}, 1)({bucket})", "list")),
        ("first_seen", Expression(f"min({time})", "time")),
        ("last_seen", Expression(f"max({time})", "time")),
        ("sample", Expression(f"argMin({text}, (timestamp, source_id, offset))", "text")),
    ]


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def read(parser: FilterParser, name: str, start: int) -> Patterns:
    """`patterns [[by] field]`."""
    keys = optional_keys(parser)
    if len(keys) > 1:
        raise parser.scan.error("patterns takes one field", "Write: patterns uri", start)
    span = parser.scan.span(start)
    return Patterns(keys[0], span=span) if keys else Patterns(span=span)
