"""`where`: only the rows that meet a filter."""

from dataclasses import dataclass, field
from typing import ClassVar

from loghouse.query.ast import NOWHERE, Filter, Span
from loghouse.query.filters import FilterParser
from loghouse.query.table import Rows


@dataclass(frozen=True, slots=True)
class Where:
    """`where filter`."""

    live: ClassVar[bool] = True

    filter: Filter
    span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)

    def __str__(self) -> str:
        return f"where {self.filter}"

    def apply(self, rows: Rows) -> Rows:
        """The rows that meet the filter."""
        return rows.where(self.filter)


def read(parser: FilterParser, name: str, start: int) -> Where:
    """`where filter`, or the filter alone."""
    found = parser.filter()
    return Where(found, span=parser.scan.span(start))
