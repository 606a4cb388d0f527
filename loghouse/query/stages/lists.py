"""Lists of fields behind the name of a stage: `a, b`, `(a, b)`, `by (a, b)`."""

from collections.abc import Callable
from typing import TypeVar

from loghouse.query.ast import Key
from loghouse.query.columns import column_of
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


def target(parser: FilterParser) -> Key:
    """The name of a field that a stage makes."""
    scan = parser.scan
    scan.skip_space()
    start = scan.pos
    key = parser.field()
    if key.kind == "label" or (key.kind == "plain" and column_of(key) in ("timestamp", "raw")):
        raise scan.error(f"{key} cannot be changed", "Take another name", start)
    return key


def optional_source(parser: FilterParser, *words: str) -> Key | None:
    """The field after `from`, or after whichever words are given."""
    parser.scan.skip_space()
    return parser.field() if parser.scan.keyword(*words) else None
