"""Reads what may follow `key:`, the forms of KQL, Lucene and LogsQL."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from loghouse.query import foreign
from loghouse.query.ast import (
    Compare,
    During,
    FieldText,
    Filter,
    Glob,
    Has,
    In,
    InNetwork,
    Key,
    Missing,
    Not,
    Operator,
    Range,
    Sequence,
    Span,
    Text,
    Value,
)
from loghouse.query.columns import column_of
from loghouse.query.comparisons import list_item, notice_unit, value_list
from loghouse.query.lateregex import late_regex
from loghouse.query.regex import check_regex
from loghouse.query.suggest import did_you_mean

if TYPE_CHECKING:
    from loghouse.query.filters import FilterParser

_OPERATOR = late_regex(r"!~|!=|>=|<=|=~|~|=|>|<")
_ASK: dict[str, Operator] = {
    "=": "==",
    "~": "=~",
    "=~": "=~",
    "!~": "!~",
    ">": ">",
    ">=": ">=",
    "<": "<",
    "<=": "<=",
}
_CALL = late_regex(r"([A-Za-z_]+)\(")
_TO = late_regex(r"\s+TO\s+")
_RANGE = late_regex(r"range(?=[\[(])")
_FUNCTIONS = ("in", "range", "ip", "i", "seq")


def colon_condition(parser: FilterParser, key: Key, start: int) -> Filter:
    """The condition after `key:`; the colon has been read."""
    scan = parser.scan
    scan.skip_space()
    if scan.sees("("):
        return parser.group(lambda: _grouped_item(parser, key))
    return _item(parser, key, start)


def _grouped_item(parser: FilterParser, key: Key) -> Filter:
    parser.scan.skip_comments()
    parser.expect_no_joint()
    return _item(parser, key, parser.scan.pos)


def _item(parser: FilterParser, key: Key, start: int) -> Filter:
    """One condition on `key`: all of them, or one inside `key:( )`."""
    scan = parser.scan
    scan.skip_comments()
    if scan.sees("("):
        return parser.group(lambda: _grouped_item(parser, key))
    if scan.sees("["):
        return _range(parser, key, start)
    if (complaint := foreign.colon_value(scan, key)) is not None:
        raise complaint
    if (found := scan.match(_OPERATOR)) is not None:
        return _compared(parser, key, found, start)
    if scan.match(_RANGE):
        return _range(parser, key, start)
    if (call := scan.looking_at(_CALL)) is not None:
        return _call(parser, key, call.group(1), start)
    return _text(parser, key, start)


def _compared(parser: FilterParser, key: Key, sign: str, start: int) -> Filter:
    scan = parser.scan
    scan.skip_space()
    value = _operand(parser, f"{key}:{sign}")
    if sign == "!=":
        return Not(Compare(key, "==", value, span=scan.span(start)), span=scan.span(start))
    if sign in ("~", "=~", "!~"):
        check_regex(value.text, value.span)
        value = Value(value.text, span=value.span)
    notice_unit(parser, key, _ASK[sign], value)
    return Compare(key, _ASK[sign], value, span=scan.span(start))


def _operand(parser: FilterParser, after: str) -> Value:
    scan = parser.scan
    start = scan.pos
    if scan.sees_string:
        text, in_quotes = scan.string(), True
        parser.end_of_term()
    else:
        text, in_quotes = scan.word() or "", False
        if not text:
            raise scan.error(
                f'expected a value after "{after}", {scan.found()}', "Quote a value that has parentheses"
            )
    return Value.read(text, in_quotes, scan.span(start))


def _text(parser: FilterParser, key: Key, start: int) -> Filter:
    scan = parser.scan
    begin = scan.pos
    if scan.sees_string:
        text = scan.string()
        if scan.take("*"):
            return Glob(key, (text, ""), span=scan.span(start))
        parser.end_of_term()
        if not text:
            return Missing(key, span=scan.span(start))
        return _words(key, Value.read(text, True, scan.span(begin)), scan.span(start))
    text = scan.word() or ""
    if not text:
        raise scan.error(f'expected a value after "{key}:", {scan.found()}', f"For any value write: {key}:*")
    if not text.strip("*"):
        return Has(key, span=scan.span(start))
    if "*" in text:
        return Glob(key, tuple(text.split("*")), span=scan.span(start))
    return _words(key, Value.read(text, False, scan.span(begin)), scan.span(start))


def _words(key: Key, value: Value, span: Span) -> Filter:
    if column_of(key) == "timestamp":
        return During(key, Value(value.text, span=value.span), span=span)
    return FieldText(key, value, span=span)


def _call(parser: FilterParser, key: Key, name: str, start: int) -> Filter:
    scan = parser.scan
    begin = scan.pos
    scan.pos += len(name)
    match name:
        case "in":
            return In(key, value_list(parser), span=scan.span(start))
        case "ip":
            values = value_list(parser)
            return InNetwork(key, _network(values), span=scan.span(start))
        case "seq":
            texts = tuple(value.text for value in value_list(parser))
            if not all(texts):
                raise scan.error("seq( ) needs a text in each place", start=begin)
            return Sequence(key, texts, span=scan.span(start))
        case "i":
            return _any_case(parser, key, start)
    raise foreign.call(scan, name, begin) or scan.error(
        f'unknown form "{key}:{name}("{did_you_mean(name, _FUNCTIONS)}',
        'Known: in(a, b), range[a, b), ip(10.0.0.0/8), i("text"), seq("a", "b")',
        begin,
    )


def _any_case(parser: FilterParser, key: Key, start: int) -> Filter:
    scan = parser.scan
    scan.take("(")
    scan.skip_space()
    value = list_item(parser)
    prefix = value.text.endswith("*") or scan.take("*")
    scan.skip_space()
    if not scan.take(")"):
        raise scan.error(f'expected ")" after the text of i(, {scan.found()}')
    text = value.text.removesuffix("*")
    if not text:
        raise value.span.error("i( ) needs a text")
    if key.span.start == key.span.end:
        return Text(text, prefix, span=scan.span(start))
    if prefix:
        return Glob(key, (text, ""), span=scan.span(start))
    return _words(key, Value.read(text, True), scan.span(start))


def _network(values: tuple[Value, ...]) -> str:
    value = values[0]
    if len(values) > 1:
        raise values[1].span.error("ip( ) takes one network", "Join two of them with or")
    try:
        return str(ipaddress.ip_network(value.text, strict=False))
    except ValueError:
        raise value.span.error(
            f'"{value.text}" is not a network', "Write it like 10.0.0.0/8, 10.1.2.3 or fd00::/8"
        ) from None


def _range(parser: FilterParser, key: Key, start: int) -> Filter:
    """`[a, b)`, `(a, b]`, `[a TO b]`; the opening bracket comes next."""
    scan = parser.scan
    opening = scan.pos
    with_low = scan.take("[")
    if not with_low:
        scan.take("(")
    low = _bound(parser)
    if not scan.match(_TO):
        scan.skip_space()
        if not scan.take(","):
            raise scan.error(
                f'expected "," or TO between the bounds, {scan.found()}', f"Write: {key}:range[1, 5)"
            )
    high = _bound(parser)
    scan.skip_space()
    with_high = scan.take("]")
    if not with_high and not scan.take(")"):
        if scan.at_end:
            raise scan.span(opening, opening + 1).error(
                "this range is never closed", 'End it with "]" or ")"'
            )
        raise scan.error(f'expected "]" or ")" after the range, {scan.found()}')
    if low is None and high is None:
        raise scan.error("this range has no bound", f"For any value write: {key}:*", opening)
    return Range(key, low, high, with_low, with_high, span=scan.span(start))


def _bound(parser: FilterParser) -> Value | None:
    scan = parser.scan
    scan.skip_space()
    if scan.take("*"):
        return None
    return list_item(parser)
