"""`unroll`: a row for each value of a list."""

from typing import ClassVar

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.relation import Expression
from loghouse.query.subjects.reading import decoded
from loghouse.query.table import Rows


class Unroll(Placed, frozen=True):
    """`unroll tags`."""

    live: ClassVar[bool] = True

    key: Key

    def __str__(self) -> str:
        return f"unroll {self.key}"

    def apply(self, rows: Rows) -> Rows:
        """One row for each value; what is no list, or an empty one, stays one row."""
        value = rows.expression(self.key)
        if value.kind == "list":
            texts = f"arrayMap(v -> toString(v), {value.sql})"
            items = f"if(empty({texts}), [''], {texts})"
        elif value.kind == "text":
            is_list = f"startsWith({value.sql}, '[') AND isValidJSON({value.sql})"
            raw = f"JSONExtractArrayRaw(if({is_list}, {value.sql}, ''))"
            items = (
                f"if(empty({raw}), [if({is_list}, '', {value.sql})], arrayMap(v -> {decoded('v')}, {raw}))"
            )
        else:
            raise self.key.span.error(f"{self.key} holds no lists")
        return rows.extended([(self.key.shown, Expression(f"arrayJoin({items})", "text"))])


def read(parser: FilterParser, name: str, start: int) -> Unroll:
    """`unroll [by] field`."""
    parser.scan.skip_space()
    parser.scan.keyword("by")
    parser.scan.skip_space()
    return Unroll(parser.field(), span=parser.scan.span(start))
