"""`first` and `last`: the rows at one end of an order."""

from typing import ClassVar

from loghouse.query.ast import Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records, order_keys
from loghouse.query.relation import reversed_order
from loghouse.query.stages.cut import optional_row_count
from loghouse.query.stages.lists import listed
from loghouse.query.stages.sort import SortKey, read_sort_keys
from loghouse.query.table import Rows


class Ends(Placed, frozen=True):
    """`first 5 by a desc`, `last 5`; without fields by time, or in the order of a table."""

    live: ClassVar[bool] = False

    rows: int
    keys: tuple[SortKey, ...] = ()
    last: bool = False

    def __str__(self) -> str:
        by = f" by {listed(self.keys)}" if self.keys else ""
        return f"{'last' if self.last else 'first'} {self.rows}{by}"

    def apply(self, rows: Rows) -> Rows:
        """Those rows, in the order they had."""
        rows = rows.settled()
        if self.keys:
            turned = [(item.key, item.descending != self.last) for item in self.keys]
            return rows.sorted([sql for key in turned for sql in rows.sort_key(*key)]).limited(self.rows)
        if isinstance(rows, Records):
            order = order_keys("newest" if self.last else "oldest")
        else:
            order = reversed_order(rows.order_by) if self.last else rows.order_by
        return rows.ordered(order).limited(self.rows).settled().ordered(rows.order_by)


def read_first(parser: FilterParser, name: str, start: int) -> Ends:
    """`first [N] [by a desc, b]`."""
    return _read(parser, start, last=False)


def read_last(parser: FilterParser, name: str, start: int) -> Ends:
    """`last [N] [by a desc, b]`."""
    return _read(parser, start, last=True)


def _read(parser: FilterParser, start: int, last: bool) -> Ends:
    scan = parser.scan
    rows = optional_row_count(parser, 1)
    if rows == 0:
        raise scan.error("at least one row is needed", start=start)
    scan.skip_space()
    keys = read_sort_keys(parser) if scan.keyword("by") else ()
    return Ends(rows, keys, last, span=scan.span(start))
