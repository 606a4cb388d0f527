"""`where`: only the rows that meet a filter."""

from typing import ClassVar

from loghouse.query.ast import Filter, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.table import Rows


class Where(Placed, frozen=True):
    """`where filter`."""

    live: ClassVar[bool] = True

    filter: Filter

    def __str__(self) -> str:
        return f"where {self.filter}"

    def apply(self, rows: Rows) -> Rows:
        """The rows that meet the filter."""
        return rows.where(self.filter)


def read(parser: FilterParser, name: str, start: int) -> Where:
    """`where filter`, or the filter alone."""
    found = parser.filter()
    return Where(found, span=parser.scan.span(start))
