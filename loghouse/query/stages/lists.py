"""Lists of fields behind the name of a stage: `a, b`, `(a, b)`, `by (a, b)`."""

from collections.abc import Callable
from typing import TypeVar

from loghouse.query.ast import Key
from loghouse.query.filters import FilterParser

Item = TypeVar("Item")


def comma_list(parser: FilterParser, item: Callable[[], Item]) -> tuple[Item, ...]:
    """One or more items between commas, with or without parentheses around them."""
    scan = parser.scan
    scan.skip_space()
    opening = scan.pos
    grouped = scan.take("(")
    items = [item()]
    scan.skip_space()
    while scan.take(","):
        items.append(item())
        scan.skip_space()
    if grouped and not scan.take(")"):
        if scan.at_end:
            raise scan.span(opening, opening + 1).error(
                'this "(" is never closed', 'Add ")" after the last field'
            )
        raise scan.error(f'expected "," or ")" in the list of fields, {scan.found()}')
    return tuple(items)


def keys(parser: FilterParser) -> tuple[Key, ...]:
    """A list of fields."""
    return comma_list(parser, parser.field)


def optional_keys(parser: FilterParser) -> tuple[Key, ...]:
    """A list of fields after an optional `by`; empty if nothing but the next stage follows."""
    scan = parser.scan
    scan.skip_space()
    if scan.keyword("by") is None and (scan.at_end or scan.sees("|")):
        return ()
    return keys(parser)


def listed(items: tuple[object, ...]) -> str:
    """The list as it is written."""
    return ", ".join(map(str, items))
