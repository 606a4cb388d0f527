"""`hist`: how many records came when; every bucket is there, empty ones with 0."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

import re
from typing import ClassVar

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.relation import Column, Expression
from loghouse.query.rollup import counts_cells
from loghouse.query.stages.grouping import Group, bucket_shift, duration, listed, read_groups, time_bucket
from loghouse.query.table import Rows, Table, group
from loghouse.query.timerange import DAY, HOUR, MINUTE, SECOND, is_duration

MAX_BUCKETS = 20_000
BUCKETS = 60  # about so many when no step is given

_STEP = re.compile(r"\d[\w.µ]*")
_NICE_STEPS = (
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28)),
)


class Hist(Placed, frozen=True):
    """`hist 5m by level`; without a step one that gives about 60 buckets."""

    live: ClassVar[bool] = False

    step: str = ""
    groups: tuple[Group, ...] = ()

    def __str__(self) -> str:
        return f"hist{f' {self.step}' if self.step else ''}{listed(self.groups)}"

    def apply(self, rows: Rows) -> Rows:
        """A row for each bucket and group. A group's counts are put in an array as long as the window."""
        rows = rows.settled()
        context = rows.context
        if isinstance(rows, Table):
            raise self.span.error(
                "hist counts records, and this is a table", f"Put it before the stage: ... | {self}"
            )
        step = self._nanoseconds(context.window.end - context.window.start)
        shift = bucket_shift(step, context)
        first = (context.window.start + shift) // step * step - shift
        buckets = max(1, -(-(context.window.end - first) // step))
        if buckets > MAX_BUCKETS:
            raise self.span.error(
                f"{self} makes {buckets} buckets of this time range, at most {MAX_BUCKETS} are drawn",
                "Take a longer step, or a shorter time range",
            )
        start, length = context.params.integer(first), context.params.integer(step)
        bucket = time_bucket("toUnixTimestamp64Nano(timestamp)", step, context)
        in_cells = counts_cells(step, shift)
        place = Expression(f"toUInt32(intDiv({bucket} - {start}, {length}))", "number", counted=in_cells)
        keys = [(item.key.shown, item.expression(rows)) for item in self.groups]
        counted = group(
            rows, [*keys, ("place", place)], [("count", Expression("count()", "number", counted=True))]
        )
        *named, at, count = counted.columns
        series = "".join(f"{column.sql}, " for column in named)
        by = f" GROUP BY {', '.join(column.sql for column in named)}" if named else ""
        inner = (
            f"SELECT {series}groupArrayInsertAt(0, {buckets})({count.sql}, {at.sql}) AS counts "
            f"FROM ({counted.query}){by}"
        )
        time, number = Column("_time", context.column(), "time"), Column("count", context.column(), "number")
        query = (
            f"SELECT {start} + (n - 1) * {length} AS {time.sql}, {series}amount AS {number.sql} "
            f"FROM ({inner}) ARRAY JOIN counts AS amount, arrayEnumerate(counts) AS n"
        )
        order = (time.sql, *(column.sql for column in named))
        return Table(query, (time, *named, number), context, order)

    def _nanoseconds(self, length: int) -> int:
        if self.step:
            return duration(Group(Key("_time"), self.step, span=self.span))
        return next((step for step in _NICE_STEPS if length <= step * BUCKETS), _NICE_STEPS[-1])


def read(parser: FilterParser, name: str, start: int) -> Hist:
    """`hist [5m] [by level]`."""
    scan = parser.scan
    scan.skip_space()
    begin = scan.pos
    step = scan.match(_STEP) or ""
    if step and not is_duration(step):
        raise scan.error(f'"{step}" is not a duration', "Write: hist 5m", begin)
    scan.skip_space()
    groups = read_groups(parser) if scan.keyword("by") else ()
    return Hist(step, groups, span=scan.span(start))
