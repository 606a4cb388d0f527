"""The expressions of `eval`: arithmetic, functions, and `if (filter) a else b`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from loghouse.errors import QueryError
from loghouse.query import spelling, units
from loghouse.query.ast import NOWHERE, Filter, Key, Placed
from loghouse.query.conditions import condition
from loghouse.query.filters import FilterParser
from loghouse.query.made import as_text
from loghouse.query.relation import Context, Expression, Kind
from loghouse.query.suggest import did_you_mean
from loghouse.query.table import Rows
from loghouse.query.timerange import SECOND

MAX_DEPTH = 30

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?(?![\w.])")
_NAME = re.compile(r"[A-Za-z@_][A-Za-z0-9_.@]*")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_STRING = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`"""
_IF_WITH_COMMAS = re.compile(rf"if\s*\((?:[^()\"'`]|{_STRING})*,(?=\s)", re.IGNORECASE)
_IF = re.compile(r"if\s*(?=\()", re.IGNORECASE)


class Number(Struct, frozen=True):
    """A number as it is written."""

    text: str

    def __str__(self) -> str:
        return self.text

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        return Expression(rows.context.params.number(float(self.text)), "number")


class String(Placed, frozen=True):
    """A text in quotes."""

    text: str

    def __str__(self) -> str:
        return spelling.quoted(self.text)

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        return Expression(rows.context.params.text(self.text), "text")


class Field(Struct, frozen=True):
    """The value of a field."""

    key: Key

    def __str__(self) -> str:
        return str(self.key)

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        return rows.expression(self.key)


class Negative(Struct, frozen=True):
    """`-a`."""

    item: Node

    def __str__(self) -> str:
        return f"-{_inside(self.item, 3)}"

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        return Expression(f"(-{number_of(self.item, rows)})", "number")


class Binary(Struct, frozen=True):
    """`a + b`, `a - b`, `a * b`, `a / b`, `a % b`; divided by zero it is null."""

    operator: str
    left: Node
    right: Node

    @property
    def strength(self) -> int:
        """How close the operator binds."""
        return 1 if self.operator in "+-" else 2

    def __str__(self) -> str:
        left, right = _inside(self.left, self.strength), _inside(self.right, self.strength + 1)
        return f"{left} {self.operator} {right}"

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        left, right = number_of(self.left, rows), number_of(self.right, rows)
        match self.operator:
            case "/":
                sql = f"{left} / nullIf({right}, 0)"
            case "%":
                sql = f"{left} - {right} * trunc({left} / nullIf({right}, 0))"
            case _:
                sql = f"{left} {self.operator} {right}"
        return Expression(f"({sql})", "number")


class Choice(Struct, frozen=True):
    """`if (filter) a else b`."""

    only: Filter
    then: Node
    otherwise: Node

    def __str__(self) -> str:
        return f"if ({self.only}) {_inside(self.then, 1)} else {self.otherwise}"

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row: a number if both are, else text."""
        test = condition(self.only, rows.subject)
        then, otherwise = self.then.expression(rows), self.otherwise.expression(rows)
        if then.kind == otherwise.kind == "number":
            return Expression(f"if({test}, toNullable({then.sql}), {otherwise.sql})", "number")
        return Expression(f"if({test}, {as_text(then)}, {as_text(otherwise)})", "text")


class Call(Placed, frozen=True):
    """`round(a, 2)`."""

    name: str
    items: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.items))})"

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        return FUNCTIONS[self.name].expression(self, rows)


Node: TypeAlias = Number | String | Field | Negative | Binary | Choice | Call


class Function(Struct, frozen=True):
    """A function: how many values it takes, what they are read as, and its SQL."""

    least: int
    most: int
    reads: Literal["number", "text", "time"]
    kind: Kind
    sql: Callable[..., str]

    def expression(self, call: Call, rows: Rows) -> Expression:
        """The value of a call in each row."""
        read = {"number": number_of, "text": text_of, "time": time_of}[self.reads]
        return Expression(self.sql(*(read(item, rows) for item in call.items)), self.kind)


def number_of(node: Node, rows: Rows) -> str:
    """SQL: the value as a number, NULL where it is none."""
    match node:
        case Field():
            return f"toFloat64({rows.number(node.key).sql})"
        case String():
            found = spelling.quoted(node.text)
            raise node.span.error(f"{found} is a text, not a number", "To join texts write: concat(a, b)")
    value = node.expression(rows)
    return value.sql if value.kind == "number" else f"toFloat64OrNull({as_text(value)})"


def text_of(node: Node, rows: Rows) -> str:
    """SQL: the value as text, '' where there is none."""
    return as_text(node.expression(rows))


def time_of(node: Node, rows: Rows) -> str:
    """SQL: the value as a point in time, by the clock of the reader's zone."""
    value = node.expression(rows)
    if value.kind != "time":
        place = node.key.span if isinstance(node, Field) else NOWHERE
        raise place.error(f"{node} is not a time", "Write: hour(_time)")
    offset = rows.context.params.integer(_zone_offset(rows.context))
    return f"fromUnixTimestamp64Nano({value.sql} + {offset}, 'UTC')"


def _zone_offset(context: Context) -> int:
    start = datetime.fromtimestamp(context.window.start // SECOND, UTC)
    offset = start.astimezone(context.zone).utcoffset()
    return (int(offset.total_seconds()) if offset else 0) * SECOND


def _same(name: str) -> Callable[..., str]:
    return lambda *items: f"{name}({', '.join(items)})"


def _extreme(name: str) -> Callable[..., str]:
    """Null as soon as one of them is: versions of ClickHouse differ in it."""

    def sql(*items: str) -> str:
        missing = " OR ".join(f"isNull({item})" for item in items)
        return f"if({missing}, NULL, {name}({', '.join(f'assumeNotNull({item})' for item in items)}))"

    return sql


def _coalesce(*items: str) -> str:
    return f"multiIf({', '.join(f'{item} != {_EMPTY}, {item}' for item in items)}, '')"


_EMPTY = "''"


def _round(number: str, digits: str = "0") -> str:
    return f"(round({number} * pow(10, {digits})) / pow(10, {digits}))"


def _numeric(name: str) -> Function:
    return Function(1, 1, "number", "number", _same(name))


FUNCTIONS = {
    **{name: _numeric(name) for name in ("abs", "ceil", "floor", "sqrt", "exp", "ln", "log2", "log10")},
    "round": Function(1, 2, "number", "number", _round),
    "pow": Function(2, 2, "number", "number", _same("pow")),
    "min": Function(2, 9, "number", "number", _extreme("least")),
    "max": Function(2, 9, "number", "number", _extreme("greatest")),
    "num": Function(1, 1, "text", "number", _same("toFloat64OrNull")),
    "length": Function(1, 1, "text", "number", _same("lengthUTF8")),
    "seconds": Function(1, 1, "text", "number", lambda x: units.text_quantity_sql(x, "time")),
    "bytes": Function(1, 1, "text", "number", lambda x: units.text_quantity_sql(x, "size")),
    "text": Function(1, 1, "text", "text", lambda x: x),
    "lower": Function(1, 1, "text", "text", _same("lowerUTF8")),
    "upper": Function(1, 1, "text", "text", _same("upperUTF8")),
    "trim": Function(1, 1, "text", "text", _same("trimBoth")),
    "concat": Function(1, 20, "text", "text", _same("concat")),
    "coalesce": Function(1, 20, "text", "text", _coalesce),
    "hour": Function(1, 1, "time", "number", _same("toHour")),
    "weekday": Function(1, 1, "time", "number", _same("toDayOfWeek")),
    "date": Function(1, 1, "time", "text", lambda t: f"toString(toDate({t}))"),
}
ALIASES = {"ceiling": "ceil", "tolower": "lower", "toupper": "upper", "len": "length", "strcat": "concat"}


def read_expression(parser: FilterParser, depth: int = 0) -> Node:
    """An expression that must come next."""
    if depth > MAX_DEPTH:
        raise parser.scan.error(f"expressions are nested deeper than {MAX_DEPTH}", "Make it in several steps")
    node = _read_product(parser, depth)
    while (operator := _operator(parser, "+-")) is not None:
        node = Binary(operator, node, _read_product(parser, depth))
    return node


def _read_product(parser: FilterParser, depth: int) -> Node:
    node = _read_unary(parser, depth)
    while (operator := _operator(parser, "*/%")) is not None:
        node = Binary(operator, node, _read_unary(parser, depth))
    return node


def _operator(parser: FilterParser, operators: str) -> str | None:
    scan = parser.scan
    scan.skip_space()
    return next((operator for operator in operators if scan.take(operator)), None)


def _read_unary(parser: FilterParser, depth: int) -> Node:
    scan = parser.scan
    scan.skip_space()
    if scan.take("-"):
        return Negative(_read_unary(parser, _deeper(parser, depth)))
    if scan.take("("):
        inner = read_expression(parser, _deeper(parser, depth))
        _close(parser)
        return inner
    if scan.sees_string and not scan.sees("`"):
        start = scan.pos
        return String(scan.string(), span=scan.span(start))
    if number := scan.match(_NUMBER):
        return Number(number)
    if scan.looking_at(_IF):
        return _read_choice(parser, depth)
    if found := scan.looking_at(_CALL):
        return _read_call(parser, found.group(1), found.end(), depth)
    return Field(_read_field(parser))


def _deeper(parser: FilterParser, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise parser.scan.error(f"expressions are nested deeper than {MAX_DEPTH}", "Make it in several steps")
    return depth + 1


def _read_choice(parser: FilterParser, depth: int) -> Node:
    scan = parser.scan
    with_commas = scan.looking_at(_IF_WITH_COMMAS)
    try:
        return _read_if(parser, depth)
    except QueryError:
        if with_commas is None:
            raise
    # A comma may also end a value, as in `text:yes, and ...`, so it is only wrong when nothing else is right.
    raise scan.span(with_commas.start(), with_commas.end()).error(
        "the condition stands alone in its parentheses", "Write: if (status >= 500) 1 else 0"
    )


def _read_if(parser: FilterParser, depth: int) -> Node:
    scan = parser.scan
    scan.match(_IF)
    only = parser.group()
    scan.skip_space()
    scan.keyword("then")
    then = read_expression(parser, _deeper(parser, depth))
    scan.skip_space()
    if scan.keyword("else") is None:
        raise scan.error(f"expected else, {scan.found()}", "Write: if (status >= 500) 1 else 0")
    return Choice(only, then, read_expression(parser, _deeper(parser, depth)))


def _read_call(parser: FilterParser, written: str, inside: int, depth: int) -> Node:
    scan = parser.scan
    start = scan.pos
    name = ALIASES.get(written.lower(), written.lower())
    if name not in FUNCTIONS:
        place = scan.span(start, start + len(written))
        raise place.error(
            f'unknown function "{written}"{did_you_mean(name, FUNCTIONS)}',
            f"Functions: {', '.join(FUNCTIONS)}, if (...) a else b",
        )
    scan.pos = inside
    items = [read_expression(parser, _deeper(parser, depth))]
    while _operator(parser, ",") is not None:
        items.append(read_expression(parser, _deeper(parser, depth)))
    _close(parser)
    function = FUNCTIONS[name]
    if not function.least <= len(items) <= function.most:
        more = "" if function.least == function.most else f" to {function.most}"
        raise scan.error(f"{name} takes {function.least}{more} values, not {len(items)}", start=start)
    return Call(name, tuple(items), span=scan.span(start))


def _read_field(parser: FilterParser) -> Key:
    """A field; a name with a minus stands in backticks here, because a minus subtracts."""
    scan = parser.scan
    start = scan.pos
    if not scan.sees("`") and not scan.sees("~") and (name := scan.match(_NAME)) is not None:
        scan.pos = start
        key = scan.key()
        if key is not None and key.kind == "label":
            return key
        scan.pos = start + len(name)
        return Key(name, span=scan.span(start))
    key = scan.key()
    if key is None:
        raise scan.error(f"expected a field, a number or a function, {scan.found()}")
    return key


def _close(parser: FilterParser) -> None:
    parser.scan.skip_space()
    if not parser.scan.take(")"):
        raise parser.scan.error(f'expected ")" or an operator, {parser.scan.found()}')


def _inside(node: Node, strength: int) -> str:
    """The text of an operand, in parentheses where it would bind less than what stands around it."""
    weaker = isinstance(node, Choice) or (isinstance(node, Binary) and node.strength < strength)
    return f"({node})" if weaker else str(node)
