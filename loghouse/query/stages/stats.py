"""`stats`: functions over groups of rows."""

from typing import ClassVar

from msgspec.structs import replace

from loghouse.query.ast import Placed
from loghouse.query.filters import FilterParser
from loghouse.query.stages.functions import Call, read_calls
from loghouse.query.stages.grouping import Group, duration, listed, read_groups
from loghouse.query.table import Rows, group
from loghouse.query.timerange import SECOND


class Stats(Placed, frozen=True):
    """`stats count() as n, avg(took) by pod, _time:5m`."""

    live: ClassVar[bool] = False

    calls: tuple[Call, ...]
    groups: tuple[Group, ...] = ()

    def __str__(self) -> str:
        return f"stats {', '.join(map(str, self.calls))}{listed(self.groups)}"

    def apply(self, rows: Rows) -> Rows:
        """A row for each group: buckets of time in order, otherwise the largest first value first."""
        rows = rows.settled()
        keys = [(item.key.shown, item.expression(rows)) for item in self.groups]
        seconds = min(
            (duration(item) / SECOND for item in self.groups if item.is_time),
            default=rows.context.window.seconds,
        )
        values = [(call.column, call.expression(rows, seconds)) for call in self.calls]
        table = group(rows, keys, values)
        self._check_names([name for name, _ in (*keys, *values)])
        named = [column.sql for column in table.columns]
        times = [sql for sql, item in zip(named, self.groups, strict=False) if item.is_time]
        order = (
            *times,
            f"{named[len(keys)]} DESC NULLS LAST",
            *(sql for sql in named[: len(keys)] if sql not in times),
        )
        return replace(table, order_by=order)

    def _check_names(self, names: list[str]) -> None:
        for name in names:
            if names.count(name) > 1:
                raise self.span.error(f'two columns are called "{name}"', "Name one of them: ... as other")


def read(parser: FilterParser, name: str, start: int) -> Stats:
    """`stats [by a, b] functions [by a, b]`."""
    scan = parser.scan
    groups = _read_by(parser)
    scan.skip_space()
    calls = read_calls(parser)
    if not groups:
        groups = _read_by(parser)
    return Stats(calls, groups, span=scan.span(start))


def _read_by(parser: FilterParser) -> tuple[Group, ...]:
    parser.scan.skip_space()
    return read_groups(parser) if parser.scan.keyword("by") else ()
