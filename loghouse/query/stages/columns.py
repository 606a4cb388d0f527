"""`fields` and `drop`: which columns are shown."""

from typing import ClassVar

from msgspec.structs import replace

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.made import shown_name
from loghouse.query.records import Records
from loghouse.query.relation import Shown
from loghouse.query.stages.lists import keys, listed
from loghouse.query.table import Rows


class Fields(Placed, frozen=True):
    """`fields a, b`: only these, in this order."""

    live: ClassVar[bool] = True

    keys: tuple[Key, ...]

    def __str__(self) -> str:
        return f"fields {listed(self.keys)}"

    def apply(self, rows: Rows) -> Rows:
        """The same rows with these columns; records keep all and are marked."""
        if isinstance(rows, Records):
            return replace(rows, shown=self.marked(rows.shown))
        return rows.picked(tuple(dict.fromkeys(rows.column(key) for key in self.keys)))

    def marked(self, shown: Shown) -> Shown:
        """What is shown of a record after this stage."""
        return Shown(tuple(dict.fromkeys(map(shown_name, self.keys))))


class Drop(Placed, frozen=True):
    """`drop a, b`: all but these."""

    live: ClassVar[bool] = True

    keys: tuple[Key, ...]

    def __str__(self) -> str:
        return f"drop {listed(self.keys)}"

    def apply(self, rows: Rows) -> Rows:
        """The same rows without these columns; records keep all and are marked."""
        if isinstance(rows, Records):
            return replace(rows, shown=self.marked(rows.shown))
        dropped = [rows.column(key) for key in self.keys]
        kept = tuple(column for column in rows.columns if column not in dropped)
        if not kept:
            raise self.span.error("this drops every column")
        return rows.picked(kept)

    def marked(self, shown: Shown) -> Shown:
        """What is shown of a record after this stage."""
        names = tuple(map(shown_name, self.keys))
        if shown.fields is None:
            return Shown(None, tuple(dict.fromkeys([*shown.dropped, *names])))
        kept = tuple(name for name in shown.fields if name not in names)
        if not kept:
            raise self.span.error("this drops every field")
        return Shown(kept)


def read_fields(parser: FilterParser, name: str, start: int) -> Fields:
    """`fields a, b`."""
    return Fields(keys(parser), span=parser.scan.span(start))


def read_drop(parser: FilterParser, name: str, start: int) -> Drop:
    """`drop a, b`."""
    return Drop(keys(parser), span=parser.scan.span(start))
