"""`total` and `running`: functions of `stats` beside each row, over all rows or over those so far."""

from typing import ClassVar

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records, order_keys
from loghouse.query.stages.functions import Call, read_calls
from loghouse.query.stages.lists import keys, listed
from loghouse.query.table import Rows


class Window(Placed, frozen=True):
    """`total sum(n) as all by pod`, `running sum(n) as so_far`."""

    live: ClassVar[bool] = False

    calls: tuple[Call, ...]
    by: tuple[Key, ...] = ()
    running: bool = False

    def __str__(self) -> str:
        by = f" by {listed(self.by)}" if self.by else ""
        return f"{'running' if self.running else 'total'} {listed(self.calls)}{by}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with a column for each function: records in the order of time, a table in its own."""
        rows = rows.settled()
        parts = []
        if self.by:
            parts.append(f"PARTITION BY {', '.join(rows.expression(key).sql for key in self.by)}")
        if self.running:
            order = order_keys("oldest") if isinstance(rows, Records) else rows.order_by
            if order:
                parts.append(f"ORDER BY {', '.join(order)}")
            parts.append("ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
        over = f" OVER ({' '.join(parts)})"
        seconds = rows.context.window.seconds
        return rows.extended([(call.column, call.expression(rows, seconds, over)) for call in self.calls])


def read_total(parser: FilterParser, name: str, start: int) -> Window:
    """`total functions [by a, b]`."""
    return _read(parser, start, running=False)


def read_running(parser: FilterParser, name: str, start: int) -> Window:
    """`running functions [by a, b]`."""
    return _read(parser, start, running=True)


def _read(parser: FilterParser, start: int, running: bool) -> Window:
    scan = parser.scan
    scan.skip_space()
    by = keys(parser) if scan.keyword("by") else ()
    calls = read_calls(parser)
    if not by and scan.keyword("by"):
        by = keys(parser)
    return Window(calls, by, running, span=scan.span(start))
