"""Reads what may follow a key after a space: an operator, `in`, `like`, `contains`, `is`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loghouse.query import units
from loghouse.query.ast import Compare, Contains, Filter, In, IsBool, IsNull, Key, Like, Operator, Span, Value
from loghouse.query.columns import column_of
from loghouse.query.lateregex import late_regex
from loghouse.query.regex import check_regex, cut_at_space, undelimited
from loghouse.query.spelling import quoted

if TYPE_CHECKING:
    from loghouse.query.filters import FilterParser

MAX_VALUES = 500

_IN = late_regex(r"\s+(not\s+)?in\s*(?=\()", re.IGNORECASE)
_TEXT_TEST = late_regex(r"\s+(not\s+)?(contains|like|ilike)\s*(?=[\"'`])", re.IGNORECASE)
_IS = late_regex(r"\s+is\s+(?:(not\s+)?null|(true|false))(?![\w.:-])", re.IGNORECASE)
_BEFORE_OPERATOR = late_regex(r"\s*(?=[=!<>])")
_SECOND_OPERATOR = late_regex(r"[=<>]+")
_APART_UNIT = late_regex(r"\s+(ns|us|µs|ms|s|m|h|d|[KMGT]i?B|kB|B)(?![\w:.=*(-])")
_GLUED_AND = late_regex(r"(-?\d+(?:\.\d+)?)(and|or)([A-Za-z_][\w.]*(?:=|!|<|>).*)", re.IGNORECASE)


def comparison(parser: FilterParser, key: Key, start: int) -> Filter | None:
    """The condition on `key`, or None if no operator follows, which makes the key a word."""
    scan = parser.scan
    if (found := scan.looking_at(_IN)) is not None:
        scan.pos = found.end()
        values = value_list(parser)
        return In(key, values, found.group(1) is not None, span=scan.span(start))
    if (found := scan.looking_at(_TEXT_TEST)) is not None:
        scan.pos = found.end()
        text, negated = scan.string(), found.group(1) is not None
        parser.end_of_term()
        if found.group(2).lower() == "contains":
            return Contains(key, text, negated, span=scan.span(start))
        return Like(key, text, found.group(2).lower() == "ilike", negated, span=scan.span(start))
    if (found := scan.looking_at(_IS)) is not None:
        scan.pos = found.end()
        if found.group(2):
            return IsBool(key, found.group(2).lower() == "true", span=scan.span(start))
        return IsNull(key, found.group(1) is not None, span=scan.span(start))
    return _operation(parser, key, start)


def _operation(parser: FilterParser, key: Key, start: int) -> Filter | None:
    scan = parser.scan
    scan.match(_BEFORE_OPERATOR)
    operator = scan.operator()
    if operator is None:
        return None
    if scan.match(_SECOND_OPERATOR):
        sign = scan.text[key.span.end : scan.pos].strip()
        raise scan.error(
            f'there is no operator "{sign}"', "Operators: = == != =~ !~ > < >= <=", scan.pos - len(sign)
        )
    scan.skip_space()
    value = operand(parser, f"{key} {operator}", pattern=operator in ("=~", "!~"))
    if value.number is not None and (unit := scan.looking_at(_APART_UNIT)) is not None:
        scan.pos = unit.end()
        joined = f"{value.text}{unit.group(1)}"
        raise scan.error("a unit stands directly behind its number", f"Write: {joined}", value.span.start)
    notice_unit(parser, key, operator, value)
    return Compare(key, operator, value, span=scan.span(start))


def notice_unit(parser: FilterParser, key: Key, operator: Operator, value: Value) -> None:
    """Say so when a value has a unit and nothing tells the unit of the field's plain numbers."""
    if operator not in (">", "<", ">=", "<=") or key.kind == "any" or column_of(key) is not None:
        return
    if units.quantity(value.text) is not None and units.unit_of_field(key.name) is None:
        parser.notice(
            f'plain numbers in "{key.name}" have no known unit and are left out; texts with a unit are not',
            value.span,
        )


def operand(parser: FilterParser, after: str, pattern: bool = False) -> Value:
    """A string or a bare value; a regular expression is checked."""
    scan = parser.scan
    start = scan.pos
    if scan.sees_string:
        text, in_quotes = scan.string(), True
        parser.end_of_term()
    else:
        text, in_quotes = scan.raw_value(parser.in_group), False
        if not text:
            raise scan.error(
                f'expected a value after "{after}", {scan.found()}', f'For an empty text write: {after} ""'
            )
        _check_glued(parser, after, text, scan.span(start))
        if pattern and (cut := cut_at_space(scan.text, start, scan.pos)):
            raise scan.span(start, start + len(cut)).error(
                "an expression with a space in it stands in quotes", f"Write: {after} {quoted(cut[1:-1])}"
            )
    span = scan.span(start)
    if not pattern:
        return Value.read(text, in_quotes, span)
    text = text if in_quotes else undelimited(text)
    check_regex(text, span)
    return Value(text, span=span)


def value_list(parser: FilterParser) -> tuple[Value, ...]:
    """`(a, "b", 5)`; the opening parenthesis comes next."""
    scan = parser.scan
    opening = scan.pos
    scan.take("(")
    values: list[Value] = []
    while True:
        scan.skip_space()
        values.append(list_item(parser))
        if len(values) > MAX_VALUES:
            raise scan.error(f"the list has more than {MAX_VALUES} values")
        scan.skip_space()
        if scan.take(","):
            continue
        if scan.take(")"):
            return tuple(values)
        if scan.at_end:
            raise scan.span(opening, opening + 1).error(
                'this "(" is never closed', 'Add ")" after the last value'
            )
        raise scan.error(
            f'expected "," or ")" in the list of values, {scan.found()}', "Quote a value with spaces"
        )


def list_item(parser: FilterParser) -> Value:
    """One value of a list or a bound of a range."""
    scan = parser.scan
    start = scan.pos
    if scan.sees_string:
        return Value.read(scan.string(), True, scan.span(start))
    text = scan.list_value()
    if text is None:
        raise scan.error(f"expected a value, {scan.found()}")
    return Value.read(text, False, scan.span(start))


def _check_glued(parser: FilterParser, after: str, text: str, span: Span) -> None:
    """Say so when a keyword or a stage was swallowed by a bare value."""
    if glued := _GLUED_AND.fullmatch(text):
        number, word, rest = glued.groups()
        raise span.error(f'"{word}" needs spaces around it', f"Write: {after} {number} {word} {rest}")
    parser.swallowed_stage(text, span)
