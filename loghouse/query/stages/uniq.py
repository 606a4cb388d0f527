"""`uniq`: one row for each value."""

from typing import ClassVar

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.stages.lists import keys, listed
from loghouse.query.table import Rows


class Uniq(Placed, frozen=True):
    """`uniq by a, b keep last`; without fields the message of a record, or all columns of a table."""

    live: ClassVar[bool] = False

    keys: tuple[Key, ...] = ()
    keep_last: bool = False

    def __str__(self) -> str:
        by = f" by {listed(self.keys)}" if self.keys else ""
        return f"uniq{by}{' keep last' if self.keep_last else ''}"

    def apply(self, rows: Rows) -> Rows:
        """The first or the last row of each."""
        if self.keys:
            sql = [rows.expression(key).sql for key in self.keys]
        elif isinstance(rows, Records):
            sql = [rows.expression(Key("message")).sql]
        else:
            sql = [column.sql for column in rows.columns]
        return rows.first_of_each(sql, self.keep_last)


def read(parser: FilterParser, name: str, start: int) -> Uniq:
    """`uniq [[by] a, b] [keep first|last]`."""
    scan = parser.scan
    scan.skip_space()
    by = scan.keyword("by") is not None
    scan.skip_space()
    named: tuple[Key, ...] = ()
    if by or not (scan.at_end or scan.sees("|") or _keep_follows(parser)):
        named = keys(parser)
    scan.skip_space()
    keep_last = False
    if scan.keyword("keep"):
        scan.skip_space()
        which = scan.keyword("first", "last")
        if which is None:
            raise scan.error(f"expected first or last after keep, {scan.found()}")
        keep_last = which == "last"
    return Uniq(named, keep_last, span=scan.span(start))


def _keep_follows(parser: FilterParser) -> bool:
    scan = parser.scan
    start = scan.pos
    found = scan.keyword("keep") is not None
    scan.skip_space()
    found = found and scan.keyword("first", "last") is not None
    scan.pos = start
    return found
