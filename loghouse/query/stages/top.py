"""`top` and `rare`: the most and the least frequent values."""

from typing import ClassVar

from msgspec.structs import replace

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records
from loghouse.query.relation import Expression
from loghouse.query.stages.cut import optional_row_count
from loghouse.query.stages.lists import listed, optional_keys
from loghouse.query.table import Rows, group

DEFAULT_ROWS = 10


class Top(Placed, frozen=True):
    """`top 5 a, b`, `rare 5 a`: values, how often they come and their share of all rows."""

    live: ClassVar[bool] = False

    rows: int
    keys: tuple[Key, ...] = ()
    rarest: bool = False

    def __str__(self) -> str:
        name = "rare" if self.rarest else "top"
        return f"{name} {self.rows} {listed(self.keys)}".rstrip()

    def apply(self, rows: Rows) -> Rows:
        """The table of values; of a table and without fields, its first rows."""
        if not self.keys:
            if isinstance(rows, Records) or self.rarest:
                raise self.span.error("which field?", f"Write: {self} level")
            return rows.limited(self.rows)
        keys = [(key.shown, rows.expression(key)) for key in self.keys]
        counted = group(
            rows,
            keys,
            [
                ("count", Expression("count()", "number", counted=True)),
                ("share", Expression("round(count() / sum(count()) OVER (), 6)", "number", counted=True)),
            ],
        )
        count = counted.columns[len(keys)].sql
        order = (
            f"{count}{'' if self.rarest else ' DESC'}",
            *(column.sql for column in counted.columns[: len(keys)]),
        )
        return replace(counted, order_by=order).limited(self.rows)


def read_top(parser: FilterParser, name: str, start: int) -> Top:
    """`top [N] [by] a, b`."""
    return _read(parser, start, rarest=False)


def read_rare(parser: FilterParser, name: str, start: int) -> Top:
    """`rare [N] [by] a, b`."""
    return _read(parser, start, rarest=True)


def _read(parser: FilterParser, start: int, rarest: bool) -> Top:
    rows = optional_row_count(parser, DEFAULT_ROWS)
    if rows == 0:
        raise parser.scan.error("at least one row is needed", start=start)
    keys = optional_keys(parser)
    return Top(rows, keys, rarest, span=parser.scan.span(start))
