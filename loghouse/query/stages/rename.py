"""`rename` and `copy`: another name for a field."""

from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.made import shown_name
from loghouse.query.records import Records
from loghouse.query.stages.lists import comma_list, listed, target
from loghouse.query.table import Rows


class NewName(Struct, frozen=True):
    """`old as new`."""

    old: Key
    new: Key

    def __str__(self) -> str:
        return f"{self.old} as {self.new}"


class Rename(Placed, frozen=True):
    """`rename a as b`: the field has only its new name; with `keep` (`copy a as b`) it has both."""

    live: ClassVar[bool] = True

    names: tuple[NewName, ...]
    keep: bool = False

    def __str__(self) -> str:
        return f"{'copy' if self.keep else 'rename'} {listed(self.names)}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with the new names."""
        for name in self.names:
            rows = self._named(rows, name)
        return rows

    def _named(self, rows: Rows, name: NewName) -> Rows:
        if isinstance(rows, Records):
            old = shown_name(name.old)
            found = rows.extended([(name.new.shown, rows.expression(name.old))])
            if self.keep or old == name.new.shown:
                return found
            shown = found.shown
            kept = None if shown.fields is None else tuple(item for item in shown.fields if item != old)
            dropped = (*shown.dropped, old) if shown.fields is None else shown.dropped
            return replace(
                found,
                made=found.made.without(old, name.new.shown),
                shown=replace(shown, fields=kept, dropped=dropped),
            )
        column = rows.column(name.old)
        others = [known.name for known in rows.columns if known is not column or self.keep]
        if name.new.shown in others:
            raise name.new.span.error(
                f'there is a column "{name.new}" already', "Take another name, or drop it before"
            )
        renamed = replace(column, name=name.new.shown)
        if self.keep:
            return rows.picked((*rows.columns, renamed))
        return rows.picked(tuple(renamed if known is column else known for known in rows.columns))


def read_rename(parser: FilterParser, name: str, start: int) -> Rename:
    """`rename a as b, c as d`."""
    return Rename(_names(parser, name), span=parser.scan.span(start))


def read_copy(parser: FilterParser, name: str, start: int) -> Rename:
    """`copy a as b, c as d`."""
    return Rename(_names(parser, name), keep=True, span=parser.scan.span(start))


def _names(parser: FilterParser, name: str) -> tuple[NewName, ...]:
    def item() -> NewName:
        scan = parser.scan
        scan.skip_space()
        old = parser.field()
        scan.skip_space()
        if scan.keyword("as") is None:
            raise scan.error(f"expected as after {old}, {scan.found()}", f"Write: {name} {old} as other")
        return NewName(old, target(parser))

    return comma_list(parser, item)
