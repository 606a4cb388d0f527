"""`limit` and `offset`: a part of the rows."""

import re
from typing import ClassVar

from loghouse.query.ast import Placed
from loghouse.query.filters import FilterParser
from loghouse.query.table import Rows

MAX_ROWS = 1_000_000_000

_COUNT = re.compile(r"\d{1,18}(?![\w.])")


class Limit(Placed, frozen=True):
    """`limit 10`; 0 is no limit."""

    live: ClassVar[bool] = False

    rows: int

    def __str__(self) -> str:
        return f"limit {self.rows}"

    def apply(self, rows: Rows) -> Rows:
        """At most that many rows."""
        return rows.limited(self.rows) if self.rows else rows


class Offset(Placed, frozen=True):
    """`offset 10`."""

    live: ClassVar[bool] = False

    rows: int

    def __str__(self) -> str:
        return f"offset {self.rows}"

    def apply(self, rows: Rows) -> Rows:
        """Without the first rows."""
        return rows.skipped(self.rows) if self.rows else rows


def read_limit(parser: FilterParser, name: str, start: int) -> Limit:
    """`limit N`."""
    return Limit(row_count(parser, name), span=parser.scan.span(start))


def read_offset(parser: FilterParser, name: str, start: int) -> Offset:
    """`offset N`."""
    return Offset(row_count(parser, name), span=parser.scan.span(start))


def row_count(parser: FilterParser, name: str) -> int:
    """A number of rows that must come next."""
    scan = parser.scan
    scan.skip_space()
    start = scan.pos
    digits = scan.match(_COUNT)
    if digits is None or int(digits) > MAX_ROWS:
        scan.pos = start
        raise scan.error(f"expected a number of rows after {name}, {scan.found()}", f"Write: {name} 100")
    return int(digits)


def optional_row_count(parser: FilterParser, default: int) -> int:
    """A number of rows, or the default."""
    parser.scan.skip_space()
    digits = parser.scan.match(_COUNT)
    return min(int(digits), MAX_ROWS) if digits else default
