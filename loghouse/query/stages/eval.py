"""`eval`: fields computed from others."""

from typing import ClassVar

from msgspec import Struct

from loghouse.query.ast import Key, Placed
from loghouse.query.filters import FilterParser
from loghouse.query.relation import Expression
from loghouse.query.stages.expressions import Node, read_expression
from loghouse.query.stages.lists import listed, target
from loghouse.query.table import Rows


class Assignment(Struct, frozen=True):
    """`rate = bad / n`."""

    key: Key
    value: Node

    def __str__(self) -> str:
        return f"{self.key} = {self.value}"


class Eval(Placed, frozen=True):
    """`eval a = b + c, d = a * 2`: one after the other."""

    live: ClassVar[bool] = True

    items: tuple[Assignment, ...]

    def __str__(self) -> str:
        return f"eval {listed(self.items)}"

    def apply(self, rows: Rows) -> Rows:
        """The rows with these fields. A result that no number can hold is null."""
        for item in self.items:
            found = item.value.expression(rows)
            if found.kind == "number":
                found = Expression(f"if(isFinite({found.sql}), {found.sql}, NULL)", "number")
            rows = rows.extended([(item.key.shown, found)])
        return rows


def read(parser: FilterParser, name: str, start: int) -> Eval:
    """`eval a = expression, b = expression`."""
    items = [_assignment(parser)]
    parser.scan.skip_space()
    while parser.scan.take(","):
        items.append(_assignment(parser))
        parser.scan.skip_space()
    return Eval(tuple(items), span=parser.scan.span(start))


def _assignment(parser: FilterParser) -> Assignment:
    scan = parser.scan
    key = target(parser)
    scan.skip_space()
    if scan.sees("==") or not scan.take("="):
        raise scan.error(f'expected "=" after {key}, {scan.found()}', "Write: eval rate = bad / n")
    return Assignment(key, read_expression(parser))
