"""`sort`: the rows in another order."""

from typing import ClassVar

from msgspec import Struct

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.stages.lists import comma_list, listed
from loghouse.query.table import Rows


class SortKey(Struct, frozen=True):
    """One of the fields to sort by."""

    key: Key
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.key} desc" if self.descending else str(self.key)


class Sort(Placed, frozen=True):
    """`sort a desc, b`."""

    live: ClassVar[bool] = False

    keys: tuple[SortKey, ...]

    def __str__(self) -> str:
        return f"sort {listed(self.keys)}"

    def apply(self, rows: Rows) -> Rows:
        """The rows in this order."""
        return rows.sorted([sql for item in self.keys for sql in rows.sort_key(item.key, item.descending)])


def read(parser: FilterParser, name: str, start: int) -> Sort:
    """`sort [by] a [asc|desc], b`; `desc` behind a list in parentheses is for all of it."""
    parser.scan.skip_space()
    parser.scan.keyword("by")
    return Sort(read_sort_keys(parser), span=parser.scan.span(start))


def read_sort_keys(parser: FilterParser) -> tuple[SortKey, ...]:
    """`a [asc|desc], b`; `desc` behind a list in parentheses is for all of it."""
    scan = parser.scan

    def item() -> SortKey:
        scan.skip_space()
        key = parser.field()
        scan.skip_space()
        return SortKey(key, scan.keyword("asc", "desc") == "desc")

    keys = comma_list(parser, item)
    scan.skip_space()
    if scan.keyword("asc", "desc") == "desc":
        keys = tuple(SortKey(key.key, True) for key in keys)
    return keys
